"""The mapping file of a pair: what becomes what, as data that a customer can sign.

Read at DAG parse time: nothing heavy is imported here. Nothing in a mapping is ever evaluated.
"""

from __future__ import annotations

from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from importlib import resources
from typing import TYPE_CHECKING, Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from airflow_crm_migration.core.errors import UserMistake
from airflow_crm_migration.core.fields import FieldType
from airflow_crm_migration.core.validation import findings_of

if TYPE_CHECKING:
    from collections.abc import Iterator


def _as_tuple(value: Any) -> Any:
    return (value,) if isinstance(value, str | dict) else value


Names = Annotated[tuple[str, ...], BeforeValidator(_as_tuple)]
Scalar = str | bool | int | float
Compatibility = Literal["full", "transformed", "lossy", "document"]


class Strict(BaseModel):
    """A part of a mapping: unknown keys are mistakes, and nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Choice(Strict):
    """Something the customer decides; the engagement sets it, ``default`` holds otherwise."""

    question: str
    values: tuple[Scalar, ...]
    default: Scalar


class Row(Strict):
    """
    A row of the object table that the customer is promised.

    ``by`` names the mapping lines (``line``) or fields (``line.field``) that make it true.
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
    customer chose, ``related`` asks whether a link way finds a record of the source.
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


class Step(Strict):
    """One transform of a chain: a registered name and its typed arguments."""

    name: str
    arguments: dict[str, Any] = {}


def _as_step(value: Any) -> Any:
    if isinstance(value, str):
        return {"name": value}
    if isinstance(value, dict) and len(value) == 1 and "name" not in value:
        [(name, arguments)] = value.items()
        return {"name": name, "arguments": arguments}
    return value


Steps = Annotated[
    tuple[Annotated[Step, BeforeValidator(_as_step)], ...],
    BeforeValidator(lambda v: (v,) if isinstance(v, str | dict) else v),
]


class OptionRule(Strict):
    """An option of a select field: its stored value and what people see."""

    value: str
    label: str


class NewField(Strict):
    """
    A field that is created where the destination lacks it.

    ``references`` makes a relation: ``user`` to the destination's users.
    """

    type: FieldType
    label: str
    unique: bool = False


class FieldRule(Strict):
    """
    How one field of the destination gets its value.

    The value of ``from`` (several: a list, in that order) goes through ``do``, then through
    ``map``. ``options: discovered`` makes an option of every value that the source holds, those in
    ``order`` first. What the destination cannot take is kept as text in the field ``unusable_to``.
    """

    to: str
    source: Annotated[Names, Field(alias="from")] = ()
    do: Steps = ()
    value: Scalar | None = None
    map: dict[str, str] | None = None
    unmapped: Literal["keep", "reject", "leave"] = "keep"
    options: Literal["discovered"] | tuple[OptionRule, ...] | None = None
    order: Names = ()
    create: NewField | None = None
    fallback: Scalar | None = None
    required: bool = False
    unusable_to: str | None = None
    when: Condition | None = None
    only_new: bool = False


class LinkWay(Strict):
    """
    One way to find the record that a link names.

    ``object`` is the source object; ``by`` says what the value is compared with, where ``self`` takes
    the value itself for the id. A ``hint`` that finds nothing is no broken link.
    """

    object: str
    source: Annotated[str, Field(alias="from")]
    by: Literal["id", "email", "domain", "name", "self"]
    hint: bool = False
    when: Condition | None = None


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


class Line(Strict):
    """
    One source object to one destination object.

    ``one_per`` makes one destination record of all source records with the same key (a company of
    a domain). ``custom_fields`` carries the source object's undeclared columns over.
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
    duplicates: dict[str, Literal["people", "companies"]] = {}
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
            for other in self._linked(line):
                graph[line.destination].add(other.destination)
        for name, before in graph.items():
            before.discard(name)
        try:
            return tuple(TopologicalSorter(graph).static_order())
        except CycleError as error:
            raise UserMistake(f"links form a cycle: {' -> '.join(error.args[1])}") from None

    def _linked(self, line: Line) -> Iterator[Line]:
        for link in line.links:
            for name in link.lines:
                if (found := self.find_line(name)) is not None:
                    yield found

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
        findings = []
        for name, value in choices.items():
            if name not in self.choices:
                known = ", ".join(sorted(self.choices)) or "none"
                findings.append(
                    f"choices.{name}: the pair offers no such choice; it offers: {known}"
                )
            elif value not in self.choices[name].values:
                offered = ", ".join(str(v) for v in self.choices[name].values)
                findings.append(f"choices.{name} = {value!r}: choose one of: {offered}")
        if findings:
            raise UserMistake(findings)


def load_mapping(pair: str) -> Mapping:
    """
    Read the packaged mapping file of a pair.

    :param pair: for example ``klipy_to_twenty``
    :raises UserMistake: for an unknown pair, or with all mistakes of the file at once
    """
    folder = resources.files("airflow_crm_migration.mappings")
    names = sorted(
        f.name.removesuffix(".yaml") for f in folder.iterdir() if f.name.endswith(".yaml")
    )
    if pair not in names:
        raise UserMistake(
            f"pair = {pair!r}: there is no such pair; choose one of: {', '.join(names)}"
        )
    return parse_mapping((folder / f"{pair}.yaml").read_text(encoding="utf-8"), f"{pair}.yaml")


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
    findings = list(_inconsistencies(mapping))
    if findings:
        raise UserMistake([f"{place}: {finding}" for finding in findings])
    return mapping


def _inconsistencies(mapping: Mapping) -> Iterator[str]:
    ids = [line.id for line in mapping.lines] + [fold.id for fold in mapping.folds]
    for name in sorted({i for i in ids if ids.count(i) > 1}):
        yield f"lines.{name}: the id is used more than once; every line has its own"
    for line in mapping.lines:
        for link in line.links:
            for name in link.lines:
                if mapping.find_line(name) is None:
                    yield f"lines.{line.id}.links.{link.to}: there is no line {name!r}"
    for row in mapping.rows:
        for name in row.by:
            if name.partition(".")[0] not in ids:
                yield f"rows.{row.source}.by: there is no line {name.partition('.')[0]!r}"
    try:
        _ = mapping.phases
    except UserMistake as error:
        yield from error.findings
