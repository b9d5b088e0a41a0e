"""Proposes the mapping that a customer signs: the pair's file with everything decided.

Choices are applied, every value of a select has its option, every custom column its field. The
result is a mapping again, by logical names, so it holds for every environment.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.errors import UserMistake
from airflow_crm_migration.core.fields import FieldSpec, FieldType, ObjectSpec, Option
from airflow_crm_migration.core.mapping import FieldRule, Line, LinkRule, Retired, Row
from airflow_crm_migration.core.mapping import Mapping as PairMapping
from airflow_crm_migration.core.mapping_check import targets_of
from airflow_crm_migration.core.mapping_values import NewField, OptionRule
from airflow_crm_migration.core.transform.conditions import settled_by_choices
from airflow_crm_migration.core.transform.step_check import step_mistakes
from airflow_crm_migration.core.transform.steps import apply_steps
from airflow_crm_migration.core.values.texts import option_key, texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from airflow_crm_migration.core.protocols import DestinationRules, Values

Found = dict[tuple[str, str], Counter[str]]
"""(line, destination field) -> how often each source value occurs."""


@dataclass
class ProposedMapping:
    """
    What is laid before the customer.

    :param mapping: the resolved mapping
    :param changes: spellings that the destination forces: line, field, from, to
    """

    mapping: PairMapping
    changes: list[dict[str, str]] = field(default_factory=list)


def count_values(mapping: PairMapping, source_object: str, records: Iterable[Values]) -> Found:
    """Count the values of the fields whose options are made of what the source holds."""
    rules = [
        (line.id, rule)
        for line in mapping.lines
        for rule in line.fields
        if line.source == source_object and rule.options == "discovered"
    ]
    found: Found = {(line, rule.to): Counter() for line, rule in rules}
    for record in records:
        for line, rule in rules:
            given = [record.get(name) for name in rule.source]
            value = apply_steps(rule.do, given[0] if len(given) == 1 else given, {})
            found[line, rule.to].update(text for text in texts(value) if option_key(text))
    return found


class Proposer:
    """Resolves a pair's mapping for one customer."""

    def __init__(
        self,
        mapping: PairMapping,
        *,
        choices: Mapping[str, Any],
        value_maps: Mapping[str, Mapping[str, str]],
        schema: Mapping[str, ObjectSpec],
        rules: DestinationRules,
    ) -> None:
        """
        Say for whom.

        :param choices: as the engagement says
        :param value_maps: ``line.field`` -> source value -> label, as the engagement says
        :param schema: the destination as it is now
        """
        self._mapping = mapping
        self._choices = mapping.chosen(dict(choices))
        self._value_maps = {
            place: {option_key(given): label for given, label in labels.items()}
            for place, labels in value_maps.items()
        }
        self._schema = schema
        self._rules = rules
        self._changes: list[dict[str, str]] = []
        self._made: dict[tuple[str, str], dict[str, Option]] = {}

    def propose(self, found: Found, custom: Mapping[str, list[FieldSpec]]) -> ProposedMapping:
        """
        Make the proposal.

        :param found: from :func:`count_values`, over all source objects
        :param custom: source object -> its undeclared columns with detected or declared type
        :raises UserMistake: with everything that does not fit the destination
        """
        lines = [
            line
            for line in self._mapping.lines
            if settled_by_choices(line.when, self._choices) is not False
        ]
        sources = {line.id: line.source for line in lines}
        done = tuple(
            self._line(line, found, custom.get(line.source, []), sources) for line in lines
        )
        kept = {line.id: targets_of(line) for line in done}
        kept |= {fold.id: set() for fold in self._mapping.folds}
        rows = tuple(_kept_row(row, kept) for row in self._mapping.rows)
        resolved = self._mapping.model_copy(update={"lines": done, "rows": rows})
        findings = [*step_mistakes(resolved), *self._misfits(resolved)]
        findings += self._strangers(resolved)
        if findings:
            raise UserMistake(findings)
        return ProposedMapping(resolved, self._changes)

    def _line(
        self, line: Line, found: Found, custom: list[FieldSpec], sources: Mapping[str, str]
    ) -> Line:
        rules = [self._field(line, rule, found) for rule in line.fields]
        # A select without a single value cannot be made, and nothing would be written to it.
        rules = [rule for rule in rules if rule.create is None or rule.options != ()]
        if line.custom_fields:
            rules += self._custom(line, custom, found)
        links = (_kept_link(link, sources) for link in line.links)
        return line.model_copy(
            update={"fields": tuple(rules), "links": tuple(link for link in links if link.ways)}
        )

    # -- options ---------------------------------------------------------------------------

    def _field(self, line: Line, rule: FieldRule, found: Found) -> FieldRule:
        labels = self._value_maps.get(f"{line.id}.{rule.to}", {})
        if rule.options != "discovered":
            return rule.model_copy(update={"map": (rule.map or {}) | labels}) if labels else rule
        values = found.get((line.id, rule.to), Counter())
        options, chosen = self._options(line, rule, _choices(values, rule.order), labels)
        return rule.model_copy(
            update={
                "options": tuple(options),
                "map": chosen,
                "retire": self._retired(rule, {option.value for option in options}),
            }
        )

    def _retired(self, rule: FieldRule, used: set[str]) -> Retired | None:
        """Name what goes, whether it is there or not: signed once, it holds for later runs."""
        if rule.retire is None or settled_by_choices(rule.retire.when, self._choices) is not True:
            return None
        written = used | {rule.value, rule.fallback}
        names = tuple(name for name in rule.retire.options if name not in written)
        return Retired(options=names) if names and used else None

    def _options(
        self, line: Line, rule: FieldRule, choices: list[list[str]], labels: Mapping[str, str]
    ) -> tuple[list[OptionRule], dict[str, str]]:
        wanted: dict[str, OptionRule] = {}
        chosen: dict[str, str] = {}
        named = {option_key(s[0]): labels.get(option_key(s[0]), s[0]) for s in choices}
        shown = self._shown(named.values())
        for spellings in choices:
            key = option_key(spellings[0])
            option = self._option(line.destination, rule.to, named[key], shown[named[key]])
            for spelling in spellings:
                if option.label != spelling:
                    self._note(line, rule.to, spelling, option.label)
            wanted[option.value] = OptionRule(value=option.value, label=option.label)
            chosen[key] = option.value
        return list(wanted.values()), chosen

    def _shown(self, labels: Iterable[str]) -> dict[str, str]:
        """Return label -> what the destination shows; labels that it would make one stay apart."""
        shown = {label: self._rules.option(label, ())[1] for label in labels}
        alike: dict[str, set[str]] = {}
        for label, short in shown.items():
            alike.setdefault(option_key(short), set()).add(option_key(label))
        for label, short in shown.items():
            if len(alike[option_key(short)]) > 1 and option_key(label) != option_key(short):
                shown[label] = self._rules.option(label, [Option("", short)])[1]
        return shown

    def _option(self, object_name: str, field_name: str, label: str, shown: str) -> Option:
        """Return the option of a label: one that is there, or a new one with a value of its own."""
        made = self._made.setdefault((object_name, field_name), {})
        spec = self._fields(object_name).get(field_name)
        existing = spec.options if spec else ()
        known = {option_key(o.label): o for o in existing} | made
        if option_key(shown) not in known:
            taken = [Option(o.value, "") for o in (*existing, *made.values())]
            value, _ = self._rules.option(label, taken)
            made[option_key(shown)] = Option(value, shown)
        return known.get(option_key(shown)) or made[option_key(shown)]

    def _note(self, line: Line, field_name: str, before: str, after: str) -> None:
        self._changes.append({"line": line.id, "field": field_name, "from": before, "to": after})

    # -- custom fields ---------------------------------------------------------------------

    def _custom(self, line: Line, columns: list[FieldSpec], found: Found) -> Iterator[FieldRule]:
        taken = {rule.to for rule in line.fields} | {line.source_id_field or ""}
        for column in columns:
            name = self._custom_name(line.destination, column, taken)
            taken.add(name)
            rule = FieldRule.model_validate(
                {
                    "to": name,
                    "from": column.name,
                    "create": NewField(type=column.type, label=column.label),
                    "options": "discovered" if column.options else None,
                }
            )
            if rule.options == "discovered":
                found[line.id, name] = Counter({o.label: 1 for o in column.options})
            yield self._field(line, rule, found)

    def _custom_name(self, object_name: str, column: FieldSpec, taken: set[str]) -> str:
        """Return the same name on every run, unless a field of another type stands there."""
        refused = set(taken)
        while True:
            name = self._rules.custom_field_name(column.label, refused)
            standing = self._fields(object_name).get(name)
            if standing is None or (standing.custom and standing.type is column.type):
                return name
            refused.add(name)

    def _fields(self, object_name: str) -> Mapping[str, FieldSpec]:
        spec = self._schema.get(object_name)
        return spec.fields if spec else {}

    # -- what does not fit -----------------------------------------------------------------

    def _misfits(self, resolved: PairMapping) -> Iterator[str]:
        for line in resolved.lines:
            place = f"lines.{line.id}"
            if line.destination not in self._schema:
                there = ", ".join(sorted(self._schema))
                yield f"{place}.destination = {line.destination!r}: the destination has: {there}"
                continue
            for name in sorted(_written(line) - set(self._fields(line.destination))):
                yield f"{place}.{name}: {line.destination} has no such field; add create to it"
            yield from self._misplaced_files(line)

    def _misplaced_files(self, line: Line) -> Iterator[str]:
        attachment = self._rules.capabilities.attachment
        if (line.file is not None) != (line.destination == attachment):
            place = f"lines.{line.id}.destination = {line.destination!r}"
            yield f"{place}: files go to {attachment or 'no object'}, and only lines with file do"

    def _strangers(self, resolved: PairMapping) -> Iterator[str]:
        lines = (*self._mapping.lines, *resolved.lines)
        known = {f"{line.id}.{rule.to}" for line in lines for rule in line.fields}
        for name in sorted(set(self._value_maps) - known):
            yield f"value_maps.{name}: the mapping has no such line.field; mend or remove it"


def _choices(values: Counter[str], order: tuple[str, ...]) -> list[list[str]]:
    """Return the spellings of each choice, the most frequent one first; known choices first."""
    spellings: dict[str, list[str]] = {}
    for value, _ in sorted(values.items(), key=lambda item: (-item[1], item[0])):
        spellings.setdefault(option_key(value), []).append(value)
    rank = {option_key(value): number for number, value in enumerate(order)}
    keys = sorted(spellings, key=lambda key: (rank.get(key, len(rank)), key))
    return [spellings[key] for key in keys]


def _kept_row(row: Row, kept: Mapping[str, set[str]]) -> Row:
    """
    Return a row of the customer's table without the lines and fields that are dropped.

    :param kept: line -> its fields
    """
    parts = ((name, *name.partition(".")[::2]) for name in row.by)
    by = (name for name, line, to in parts if line in kept and (not to or to in kept[line]))
    return row.model_copy(update={"by": tuple(by)})


def _kept_link(link: LinkRule, sources: Mapping[str, str]) -> LinkRule:
    """
    Return a link without the lines that are dropped, and the ways that led to them alone.

    :param sources: line -> the object that it is made of
    """
    lines = tuple(name for name in link.lines if name in sources)
    objects = {sources[name] for name in lines}
    ways = tuple(way for way in link.ways if way.object in objects)
    return link.model_copy(update={"lines": lines, "ways": ways})


def _written(line: Line) -> set[str]:
    """Return the fields that a line writes and does not create."""
    plain = {rule.to for rule in line.fields if rule.create is None}
    owners = {rule.to for rule in line.owners if rule.create is None}
    made = {rule.to for rule in line.fields if rule.create is not None}
    return (plain | owners | {link.to for link in line.links}) - made


def wanted_schema(mapping: PairMapping) -> list[ObjectSpec]:
    """Return the objects with just the fields and options that a resolved mapping needs made."""
    wanted: dict[str, dict[str, FieldSpec]] = {}
    for line in mapping.lines:
        fields = wanted.setdefault(line.destination, {})
        for rule in line.fields:
            spec = _wanted_field(rule)
            if spec is not None:
                fields[rule.to] = _united(fields.get(rule.to), spec)
        for owner in line.owners:
            if owner.create is not None:
                fields[owner.to] = FieldSpec(
                    owner.to, FieldType.USER, owner.create.label, custom=True
                )
        if line.source_id_field:
            fields[line.source_id_field] = FieldSpec(
                line.source_id_field, FieldType.TEXT, "Migration source id", custom=True
            )
    return [ObjectSpec(name, name, fields) for name, fields in wanted.items() if fields]


def _wanted_field(rule: FieldRule) -> FieldSpec | None:
    options = rule.options if isinstance(rule.options, tuple) else ()
    made = tuple(Option(o.value, o.label) for o in options)
    if rule.create is not None:
        new = rule.create
        return FieldSpec(rule.to, new.type, new.label, made, unique=new.unique, custom=True)
    return FieldSpec(rule.to, FieldType.SELECT, options=made) if made else None


def _united(before: FieldSpec | None, spec: FieldSpec) -> FieldSpec:
    """Two lines may write one field: its options are those of both."""
    if before is None:
        return spec
    options = {o.value: o for o in (*before.options, *spec.options)}
    return FieldSpec(spec.name, spec.type, spec.label, tuple(options.values()), custom=spec.custom)


def planned_schema(
    schema: Mapping[str, ObjectSpec], wanted: Iterable[ObjectSpec]
) -> dict[str, ObjectSpec]:
    """Return the destination as it will be once the wanted fields are made."""
    planned = dict(schema)
    for addition in wanted:
        fields = dict(planned[addition.name].fields)
        for name, spec in addition.fields.items():
            standing = fields.get(name)
            if standing is None:
                fields[name] = spec
            elif spec.options:
                united = {o.value: o for o in (*standing.options, *spec.options)}
                fields[name] = replace(standing, options=tuple(united.values()))
        planned[addition.name] = replace(planned[addition.name], fields=fields)
    return planned
