"""Where the parts of a mapping contradict each other: each mistake with its place and its fix."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from airflow_crm_migration.core.mapping import Condition, Line, LinkRule, LinkWay
    from airflow_crm_migration.core.mapping import Mapping as PairMapping

_KEYED = ("email", "domain", "name")


def inconsistencies(mapping: PairMapping) -> Iterator[str]:
    """Walk the mistakes that no part of a mapping shows alone."""
    yield from _ids(mapping)
    yield from _choices(mapping)
    yield from _objects(mapping)
    for line in mapping.lines:
        yield from _fields(line)
        for link in line.links:
            yield from _link(mapping, line, link)
    yield from _folds(mapping)
    for place, way in _ways(mapping):
        yield from _way(mapping, place, way)
    for place, through, _ in _throughs(mapping):
        if through.by != "id":
            yield f"{place}.by = {through.by!r}: what lies between is found by id alone; say id"
    for place, condition in _conditions(mapping):
        yield from _choice_test(mapping, place, condition)
    yield from _rows(mapping)


def choice_mistakes(mapping: PairMapping, choices: Mapping[str, object]) -> Iterator[str]:
    """Walk what is wrong with an engagement's choices."""
    for name, value in choices.items():
        if name not in mapping.choices:
            yield f"choices.{name}: the pair offers no such choice; it offers: {_known(mapping)}"
        elif value not in mapping.choices[name].values:
            offered = _listed(mapping.choices[name].values)
            yield f"choices.{name} = {value!r}: choose one of: {offered}"


def looked_at_from_afar(mapping: PairMapping) -> dict[str, set[str]]:
    """Return source object -> its fields at which the rules of another record look."""
    found: dict[str, set[str]] = {}
    for _, condition in _conditions(mapping):
        if condition.related is not None:
            fields = found.setdefault(condition.related.object, set())
            for part in condition_parts(condition.where):
                fields |= {part.field} if part.field is not None else set()
                fields |= {part.related.source} if part.related is not None else set()
    for _, through, names in _throughs(mapping):
        found.setdefault(through.object, set()).update(names)
    return found


def targets_of(line: Line) -> set[str]:
    """Return all that a line writes."""
    fields, links, owners = line.fields, line.links, line.owners
    return {f.to for f in fields} | {k.to for k in links} | {o.to for o in owners}


def _ids(mapping: PairMapping) -> Iterator[str]:
    counts = Counter([line.id for line in mapping.lines] + [fold.id for fold in mapping.folds])
    for name, number in sorted(counts.items()):
        if number > 1:
            yield f"lines.{name}: the id is used {number} times; give each line one of its own"


def _choices(mapping: PairMapping) -> Iterator[str]:
    for name, choice in mapping.choices.items():
        if choice.default not in choice.values:
            offered = _listed(choice.values)
            yield f"choices.{name}.default = {choice.default!r}: take one of its values: {offered}"


def _objects(mapping: PairMapping) -> Iterator[str]:
    named = {
        "read_last": mapping.read_last,
        "keys": mapping.keys,
        "duplicates": mapping.duplicates,
    }
    for place, names in named.items():
        for name in names:
            if name not in mapping.source_objects:
                yield _unread(f"{place}.{name}", mapping)


def _fields(line: Line) -> Iterator[str]:
    names = {rule.to for rule in line.fields}
    for rule in line.fields:
        if rule.unusable_to is not None and rule.unusable_to not in names:
            place = f"lines.{line.id}.{rule.to}.unusable_to = {rule.unusable_to!r}"
            yield f"{place}: the line has no such field; add it with create"
        if rule.through is not None and rule.options == "discovered":
            place = f"lines.{line.id}.{rule.to}.through"
            yield f"{place}: does not go with options: discovered; take out one of them"
        if rule.retire is not None and rule.options is None:
            yield f"lines.{line.id}.{rule.to}.retire: goes with options; add them"
    if line.existing is not None and line.existing.by not in names:
        place = f"lines.{line.id}.existing.by = {line.existing.by!r}"
        yield f"{place}: the line writes no such field; it writes: {_listed(sorted(names))}"


def _link(mapping: PairMapping, line: Line, link: LinkRule) -> Iterator[str]:
    place = f"lines.{line.id}.links.{link.to}"
    lines = [mapping.find_line(name) for name in link.lines]
    for name, found in zip(link.lines, lines, strict=True):
        if found is None:
            there = _listed(other.id for other in mapping.lines)
            yield f"{place}.lines: there is no line {name!r}; there are: {there}"
    sources = {found.source for found in lines if found is not None}
    for way in link.ways:
        if sources and way.object not in sources:
            made = _listed(sorted(sources))
            yield (
                f"{place}.ways.object = {way.object!r}: its lines make records of {made} only; "
                "name one of these, or add the line that is meant"
            )


def _folds(mapping: PairMapping) -> Iterator[str]:
    sources = list(dict.fromkeys(line.source for line in mapping.lines))
    for fold in mapping.folds:
        for into in fold.into:
            if into.object not in sources:
                place = f"folds.{fold.id}.into.object = {into.object!r}"
                yield f"{place}: no line is made of it; lines are made of: {_listed(sources)}"


def _way(mapping: PairMapping, place: str, way: LinkWay) -> Iterator[str]:
    if way.object not in mapping.source_objects:
        yield _unread(f"{place}.object = {way.object!r}", mapping)
    elif way.by in _KEYED and way.by not in mapping.keys.get(way.object, {}):
        fix = f"name the fields that carry it in keys.{way.object}.{way.by}"
        yield f"{place}.by = {way.by!r}: nothing of {way.object} can be found by it; {fix}"


def _choice_test(mapping: PairMapping, place: str, condition: Condition) -> Iterator[str]:
    if condition.choice is None:
        return
    choice = mapping.choices.get(condition.choice)
    if choice is None:
        where = f"{place}.choice = {condition.choice!r}"
        yield f"{where}: the pair offers no such choice; it offers: {_known(mapping)}"
        return
    wanted = () if condition.equals is None else (condition.equals,)
    for value in (*wanted, *(condition.one_of or ())):
        if value not in choice.values:
            offered = _listed(choice.values)
            yield f"{place}: choice {condition.choice} is never {value!r}; it is one of: {offered}"


def _rows(mapping: PairMapping) -> Iterator[str]:
    parts: dict[str, set[str]] = {fold.id: set() for fold in mapping.folds}
    for line in mapping.lines:
        parts.setdefault(line.id, set()).update(targets_of(line))
    for row in mapping.rows:
        for name in row.by:
            part, _, field = name.partition(".")
            if part not in parts:
                there = _listed(parts)
                yield f"rows.{row.source}.by: there is no line {part!r}; there are: {there}"
            elif field and field not in parts[part]:
                fields = _listed(sorted(parts[part]))
                yield f"rows.{row.source}.by: {part} has no field {field!r}; it has: {fields}"


# -- walking -------------------------------------------------------------------------------


def _whens(mapping: PairMapping) -> Iterator[tuple[str, Condition | None]]:
    for line in mapping.lines:
        place = f"lines.{line.id}"
        yield f"{place}.when", line.when
        for rule in line.fields:
            yield f"{place}.{rule.to}.when", rule.when
        for link in line.links:
            yield f"{place}.links.{link.to}.when", link.when
    for fold in mapping.folds:
        for into in fold.into:
            yield f"folds.{fold.id}.{into.object}.when", into.when
    for place, way in _plain_ways(mapping):
        yield f"{place}.when", way.when


def _conditions(mapping: PairMapping) -> Iterator[tuple[str, Condition]]:
    for place, condition in _whens(mapping):
        yield from ((place, part) for part in condition_parts(condition))


def condition_parts(condition: Condition | None) -> Iterator[Condition]:
    """Walk a condition with all conditions in it."""
    if condition is None:
        return
    yield condition
    for part in (*(condition.all or ()), *(condition.any or ()), condition.negate, condition.where):
        yield from condition_parts(part)


def _plain_ways(mapping: PairMapping) -> Iterator[tuple[str, LinkWay]]:
    for line in mapping.lines:
        for link in line.links:
            yield from ((f"lines.{line.id}.links.{link.to}.ways", way) for way in link.ways)
    for fold in mapping.folds:
        for into in fold.into:
            yield from ((f"folds.{fold.id}.{into.object}.ways", way) for way in into.ways)


def _throughs(mapping: PairMapping) -> Iterator[tuple[str, LinkWay, tuple[str, ...]]]:
    """Walk the ways to records that lie between, with the fields that are read there."""
    for line in mapping.lines:
        for rule in line.fields:
            if rule.through is not None:
                yield f"lines.{line.id}.{rule.to}.through", rule.through, rule.source
    for place, way in _plain_ways(mapping):
        if way.through is not None:
            yield f"{place}.through", way.through, (way.source,)


def _ways(mapping: PairMapping) -> Iterator[tuple[str, LinkWay]]:
    yield from _plain_ways(mapping)
    yield from ((place, way) for place, way, _ in _throughs(mapping))
    for place, condition in _conditions(mapping):
        if condition.related is not None:
            yield f"{place}.related", condition.related


# -- words ---------------------------------------------------------------------------------


def _unread(place: str, mapping: PairMapping) -> str:
    return f"{place}: the pair reads no such object; it reads: {_listed(mapping.source_objects)}"


def _known(mapping: PairMapping) -> str:
    return _listed(sorted(mapping.choices))


def _listed(names: Iterable[object]) -> str:
    return ", ".join(str(name) for name in names) or "none"
