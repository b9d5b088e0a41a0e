"""The mapping file of a pair: what becomes what, as data that a customer can sign.

Read at DAG parse time: nothing heavy is imported here. Nothing in a mapping is ever evaluated.
"""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, BeforeValidator, Field, ValidationError, model_validator

from airflow_crm_migration.core.errors import UserMistake
from airflow_crm_migration.core.mapping_check import (
    choice_mistakes,
    inconsistencies,
    looked_at_from_afar,
)
from airflow_crm_migration.core.mapping_values import (
    STRICT,
    Names,
    NewField,
    OptionRule,
    Scalar,
    Steps,
    ValueMap,
)
from airflow_crm_migration.core.pairs import pair_file
from airflow_crm_migration.core.phases import loading_order
from airflow_crm_migration.core.validation import findings_of

Compatibility = Literal["full", "transformed", "lossy", "document", "not_moved", "not_possible"]


class Strict(BaseModel):
    """A part of a mapping."""

    model_config = STRICT


class Choice(Strict):
    """Something the customer decides; the engagement sets it, ``default`` holds otherwise."""

    question: str
    values: tuple[Scalar, ...]
    default: Scalar


class Row(Strict):
    """
    A row of the object table that the customer is promised.

    ``by`` names the mapping lines (``line``) or fields (``line.field``) that make it true, none for
    what does not move.
    """

    source: str
    destination: str
    compatibility: Compatibility
    sentence: str
    by: Names


class Condition(Strict):
    """
    A tree of named tests. Exactly one of the keys is set in each node.

    ``field`` with ``equals``/``one_of``/``present`` looks at the record, ``choice`` at what the
    customer chose, ``related`` asks whether a link way finds a record of the source, with ``where``
    one of which that holds. Texts are equal whatever their case, blanks, hyphens and underscores.
    """

    all: tuple[Condition, ...] | None = None
    any: tuple[Condition, ...] | None = None
    negate: Annotated[Condition | None, Field(alias="not")] = None
    field: str | None = None
    equals: Scalar | None = None
    one_of: tuple[Scalar, ...] | None = None
    present: bool | None = None
    choice: str | None = None
    related: LinkWay | None = None
    where: Condition | None = None

    @model_validator(mode="after")
    def _one_test(self) -> Self:
        subjects = (self.all, self.any, self.negate, self.field, self.choice, self.related)
        if sum(given is not None for given in subjects) != 1:
            raise ValueError("say exactly one of all, any, not, field, choice, related")
        tests = (self.equals, self.one_of, self.present)
        wanted = 1 if self.field is not None or self.choice is not None else 0
        if sum(given is not None for given in tests) != wanted:
            raise ValueError("with field or choice say one of equals, one_of, present; else none")
        if self.where is not None and self.related is None:
            raise ValueError("where goes with related")
        return self


class Retired(Strict):
    """
    Options of the destination's own that go away, those excepted that a record has.

    What the mapping itself writes never goes. ``when`` may look at choices only.
    """

    options: Names
    when: Condition | None = None


class FieldRule(Strict):
    """
    How one field of the destination gets its value.

    The value of ``from`` (several: a list, in that order) goes through ``do``, then through
    ``map``. ``options: discovered`` makes an option of every value that the source holds, those in
    ``order`` first. A value that is none of ``expected`` is kept and listed. What the destination
    cannot take is kept as text in the field ``unusable_to``. With ``through``, ``from`` is of the
    record that this way finds. An ``only_new`` field is never changed later; a change of
    ``incidental`` fields alone, such as the time of the last change, is no change.
    """

    to: str
    source: Annotated[Names, Field(alias="from")] = ()
    through: LinkWay | None = None
    do: Steps = ()
    value: Scalar | None = None
    map: ValueMap = None
    unmapped: Literal["keep", "reject", "leave"] = "keep"
    options: Literal["discovered"] | tuple[OptionRule, ...] | None = None
    order: Names = ()
    expected: Names = ()
    retire: Retired | None = None
    create: NewField | None = None
    fallback: Scalar | None = None
    required: bool = False
    unusable_to: str | None = None
    when: Condition | None = None
    only_new: bool = False
    incidental: bool = False

    @property
    def own_sources(self) -> Names:
        """The fields of the record at hand that the value hangs on."""
        return self.source if self.through is None else (self.through.source,)


class LinkWay(Strict):
    """
    One way to find the record that a link names.

    ``object`` is the source object; ``by`` says what the value is compared with, where ``self``
    takes the value itself for the id. With ``through``, ``from`` is a field of the record that this
    way finds. A ``hint`` that finds nothing is no broken link.
    """

    object: str
    source: Annotated[str, Field(alias="from")]
    by: Literal["id", "email", "domain", "name", "self"]
    through: LinkWay | None = None
    hint: bool = False
    when: Condition | None = None

    @property
    def own_source(self) -> str:
        """The field of the record at hand that the way begins with."""
        return self.source if self.through is None else self.through.source


class LinkRule(Strict):
    """
    A reference to another record; the first way that finds one counts, or all when ``many``.

    ``lines`` are the mapping lines that may have made the record. A link that is not found or is
    ambiguous is left out and listed, or the record is held.
    """

    to: str
    lines: Names
    ways: tuple[LinkWay, ...]
    many: bool = False
    missing: Literal["leave", "hold"] = "leave"
    ambiguous: Literal["leave", "hold"] = "hold"
    when: Condition | None = None


class OwnerRule(Strict):
    """A reference to a user, found by the name or e-mail that the source gives."""

    to: str
    source: Annotated[str, Field(alias="from")]
    create: NewField | None = None


class Existing(Strict):
    """
    How records that the destination already holds are recognised, and what is done with them.

    ``link`` uses them and changes nothing; ``fill`` writes blanks only; ``update`` writes all;
    ``reject`` refuses the source record.
    """

    by: str
    policy: Literal["link", "fill", "update", "reject"] = "link"


class FileRule(Strict):
    """
    Which binary belongs to a source record.

    ``from`` is the field that holds its path in the export or its address, ``size`` the one that
    holds its size in bytes, where the source tells it.
    """

    source: Annotated[str, Field(alias="from")]
    size: str | None = None


class FoldInto(Strict):
    """
    The records of this line become values of another record's field (a tag of a contact).

    ``value`` is the field that holds the value, ``field`` the source field that takes it.
    """

    object: str
    ways: tuple[LinkWay, ...]
    value: str
    field: str
    when: Condition | None = None


class DuplicateRule(Strict):
    """
    How the records of a source object are searched for duplicates.

    ``fields`` names, for each part that a field plays in the search, the source's own field where
    it is called otherwise.
    """

    kind: Literal["people", "companies"]
    fields: dict[str, str] = {}


def _as_duplicates(value: Any) -> Any:
    return {"kind": value} if isinstance(value, str) else value


class Line(Strict):
    """
    One source object to one destination object.

    ``one_per`` makes one destination record of all source records with the same key (a company of
    a domain). ``custom_fields`` carries the source object's undeclared columns over. A line with
    ``file`` moves binaries, and the records that hold them in the destination.
    """

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    source: str
    destination: str
    identity: tuple[str, ...] = ("id",)
    when: Condition | None = None
    one_per: FieldRule | None = None
    existing: Existing | None = None
    fields: tuple[FieldRule, ...] = ()
    links: tuple[LinkRule, ...] = ()
    owners: tuple[OwnerRule, ...] = ()
    custom_fields: bool = False
    source_id_field: str | None = None
    strata: Names = ()
    file: FileRule | None = None


class Fold(Strict):
    """A source object whose records become values of others."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    source: str
    identity: tuple[str, ...] = ("id",)
    into: tuple[FoldInto, ...]


class Mapping(Strict):
    """
    A pair, or after resolution exactly what a customer signs.

    ``read_last`` names source objects that can only be read by ids which other objects name,
    ``keys`` the fields by which other records may refer to a record of a source object, and
    ``duplicates`` the objects that are searched for them.
    """

    format: Literal[1]
    source: str
    destination: str
    title: str
    choices: dict[str, Choice] = {}
    rows: tuple[Row, ...]
    read_last: Names = ()
    keys: dict[str, dict[str, Names]] = {}
    duplicates: dict[str, Annotated[DuplicateRule, BeforeValidator(_as_duplicates)]] = {}
    lines: tuple[Line, ...]
    folds: tuple[Fold, ...] = ()

    @cached_property
    def phases(self) -> tuple[str, ...]:
        """
        The destination objects in the order in which links allow them to be loaded.

        :raises UserMistake: when links form a cycle
        """
        graph: dict[str, set[str]] = {line.destination: set() for line in self.lines}
        for line in self.lines:
            parents = (self.find_line(name) for link in line.links for name in link.lines)
            graph[line.destination] |= {parent.destination for parent in parents if parent}
        return loading_order(graph)

    @property
    def source_objects(self) -> tuple[str, ...]:
        """The source objects that are read, each once."""
        found = [line.source for line in self.lines] + [fold.source for fold in self.folds]
        return tuple(dict.fromkeys(found))

    @property
    def identities(self) -> dict[str, tuple[str, ...]]:
        """Source object -> fields that identify a record, the id first."""
        found: dict[str, tuple[str, ...]] = {}
        parts = [(line.source, line.identity) for line in self.lines]
        parts += [(fold.source, fold.identity) for fold in self.folds]
        for name, fields in parts:
            found[name] = tuple(dict.fromkeys((*found.get(name, ()), *fields)))
        return found

    @cached_property
    def looked_at(self) -> dict[str, set[str]]:
        """Source object -> fields that conditions on other records look at."""
        return looked_at_from_afar(self)

    @property
    def files(self) -> dict[str, FileRule]:
        """Source object -> which binaries belong to its records."""
        return {line.source: line.file for line in self.lines if line.file is not None}

    @property
    def reading_order(self) -> tuple[str, ...]:
        """The source objects in the order in which they are read."""
        return tuple(sorted(self.source_objects, key=lambda name: name in self.read_last))

    def lines_of(self, phase: str) -> tuple[Line, ...]:
        """Return the lines that load one destination object."""
        return tuple(line for line in self.lines if line.destination == phase)

    def find_line(self, name: str) -> Line | None:
        """Return a line by id."""
        return next((line for line in self.lines if line.id == name), None)

    def chosen(self, choices: dict[str, Any]) -> dict[str, Scalar]:
        """Return every choice with what the engagement says or the default."""
        return {name: choices.get(name, choice.default) for name, choice in self.choices.items()}

    def check_choices(self, choices: dict[str, Any]) -> None:
        """
        Check the choices of an engagement.

        :raises UserMistake: for unknown choices and values
        """
        if findings := list(choice_mistakes(self, choices)):
            raise UserMistake(findings)


def load_mapping(pair: str) -> Mapping:
    """
    Read the mapping file of a pair.

    :param pair: name of the file without its ending, ``<source>_to_<destination>``
    :raises UserMistake: for an unknown pair, or with all mistakes of the file at once
    """
    file = pair_file(pair)
    return parse_mapping(file.read_text(encoding="utf-8"), file.name)


def parse_mapping(text: str, place: str) -> Mapping:
    """
    Read a mapping from YAML text.

    :param place: name of the file, for the findings
    :raises UserMistake: with all mistakes at once
    """
    try:
        mapping = Mapping.model_validate(yaml.safe_load(text))
    except yaml.YAMLError as error:
        raise UserMistake(
            f"{place}: not readable as YAML: {' '.join(str(error).split())}"
        ) from None
    except ValidationError as error:
        raise UserMistake(findings_of(error, place)) from None
    if findings := contradictions(mapping):
        raise UserMistake([f"{place}: {finding}" for finding in findings])
    return mapping


def contradictions(mapping: Mapping) -> list[str]:
    """Return where the parts of a mapping contradict each other, one line each."""
    findings = list(inconsistencies(mapping))
    try:
        _ = mapping.phases
    except UserMistake as cycle:
        findings += cycle.findings
    return findings
