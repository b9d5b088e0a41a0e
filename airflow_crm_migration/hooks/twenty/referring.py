"""Finds what refers to records of Twenty: other people's records, and the timeline."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from airflow_crm_migration.core.protocols import Child
    from airflow_crm_migration.hooks.twenty.hook import TwentyHook
    from airflow_crm_migration.hooks.twenty.schema import TwentyObject

_TIMELINE = "timelineActivity"
# The server writes the timeline, and ties mails and meetings to whoever has their address.
_BY_ITSELF = frozenset({_TIMELINE, "messageParticipant", "calendarEventParticipant"})
_CASCADE = "CASCADE"
# Root fields of a query; of ids so many travel in one body.
_ROOTS = 20
_IDS = 500
_KNOWN = 10_000


@dataclass(frozen=True)
class _Root:
    """
    A list to be walked.

    :param columns: the fields of its objects that refer to the records
    :param after: cursor of the page before
    """

    owner: TwentyObject
    columns: tuple[str, ...]
    after: str | None = None


def children(
    hook: TwentyHook, target: TwentyObject, ids: Sequence[str], known: Collection[str]
) -> dict[str, list[Child]]:
    """
    Find the live records that refer to records.

    :param known: ids that are left out, as far as they fit into a request
    """
    found: dict[str, list[Child]] = {}
    for chunk in _cut(list(dict.fromkeys(ids)), _IDS):
        waiting = list(_roots(hook, target))
        while waiting:
            roots, waiting = waiting[:_ROOTS], waiting[_ROOTS:]
            for root, page in _ask(hook, roots, chunk, known):
                _take(found, root, page, set(chunk))
                if page["pageInfo"]["hasNextPage"]:
                    waiting.append(_Root(root.owner, root.columns, page["pageInfo"]["endCursor"]))
    return found


def cost(hook: TwentyHook, target: TwentyObject, number: int) -> list[float]:
    """
    Return what looking for what refers to records costs where nothing does.

    :param number: of records
    """
    roots = len(list(_roots(hook, target)))
    requests = [float(min(_ROOTS, roots - start)) for start in range(0, roots, _ROOTS)]
    return requests * math.ceil(number / _IDS)


def traces(hook: TwentyHook, target: TwentyObject, ids: Sequence[str]) -> int:
    """Count the entries of the timeline that outlive the records that they are about."""
    timeline = hook.schema.objects.get(_TIMELINE)
    columns = _columns(timeline, target) if timeline else ()
    kept = tuple(c for c in columns if timeline and _outlives(timeline.raw[c]))
    if timeline is None or not kept:
        return 0
    query = (
        f"query($ids: [UUID!]) {{ {timeline.plural}(filter: {_refers(kept)}, first: 1)"
        " { totalCount } }"
    )
    replies = (
        hook.graphql("/graphql", query, {"ids": chunk}, name=timeline.plural)
        for chunk in _cut(list(dict.fromkeys(ids)), _IDS)
    )
    return sum(int(reply[timeline.plural]["totalCount"]) for reply in replies)


def _outlives(raw: Mapping[str, Any]) -> bool:
    return (raw.get("settings") or {}).get("onDelete") != _CASCADE


def _roots(hook: TwentyHook, target: TwentyObject) -> Iterator[_Root]:
    for owner in hook.schema.objects.values():
        columns = () if owner.name in _BY_ITSELF else _columns(owner, target)
        if columns:
            yield _Root(owner, columns)


def _columns(owner: TwentyObject, target: TwentyObject) -> tuple[str, ...]:
    fields = owner.spec.fields.values()
    return tuple(f.name for f in fields if target.name in f.references and f.join is None)


def _ask(
    hook: TwentyHook, roots: Sequence[_Root], ids: Sequence[str], known: Collection[str]
) -> Iterator[tuple[_Root, dict[str, Any]]]:
    variables: dict[str, Any] = {"ids": list(ids), "first": hook.capabilities.read_size}
    if 0 < len(known) <= _KNOWN:
        variables["known"] = list(known)
    variables |= {f"after{n}": root.after for n, root in enumerate(roots)}
    declared = ", ".join(f"${name}: {_type(name)}" for name in variables)
    fields = " ".join(_field(root, n, "known" in variables) for n, root in enumerate(roots))
    name = ",".join(root.owner.plural for root in roots)
    data = hook.graphql(
        "/graphql",
        f"query({declared}) {{ {fields} }}",
        variables,
        name=name,
        weight=len(roots),
    )
    for root in roots:
        yield root, data[root.owner.plural]


def _type(variable: str) -> str:
    kinds = {"ids": "[UUID!]", "known": "[UUID!]", "first": "Int"}
    return kinds.get(variable, "String")


def _field(root: _Root, number: int, without_known: bool) -> str:
    condition = _refers(root.columns)
    if without_known:
        condition = f"{{and: [{condition}, {{not: {{id: {{in: $known}}}}}}]}}"
    return (
        f"{root.owner.plural}(filter: {condition}, first: $first, after: $after{number}) {{"
        f" pageInfo {{ endCursor hasNextPage }}"
        f" edges {{ node {{ id {' '.join(root.columns)} }} }} }}"
    )


def _refers(columns: Sequence[str]) -> str:
    conditions = [f"{{{column}: {{in: $ids}}}}" for column in columns]
    return conditions[0] if len(conditions) == 1 else f"{{or: [{', '.join(conditions)}]}}"


def _take(
    found: dict[str, list[Child]], root: _Root, page: Mapping[str, Any], wanted: set[str]
) -> None:
    for node in (edge["node"] for edge in page["edges"]):
        for parent in dict.fromkeys(node[column] for column in root.columns):
            if parent in wanted:
                found.setdefault(parent, []).append((root.owner.name, node["id"]))


def _cut(values: Sequence[str], most: int) -> Iterable[list[str]]:
    return (list(values[start : start + most]) for start in range(0, len(values), most))
