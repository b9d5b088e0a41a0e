"""Looks whether the parents that earlier runs loaded still stand in the destination."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.ids import Key
from airflow_crm_migration.core.load.plan import hashes
from airflow_crm_migration.core.outcomes import Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from airflow_crm_migration.core.fields import Join
    from airflow_crm_migration.core.ledger.snapshot import Entry
    from airflow_crm_migration.core.load.context import LoadContext
    from airflow_crm_migration.core.load.records import Placed


@dataclass
class Parents:
    """
    The parents of one phase's records.

    Only those are asked for that a new link is about to point to: a link that was written before
    is not written again, and what became of its target is a change that people made.

    :param gone: ids that are absent or in the trash
    :param seen: ids that were asked for
    """

    context: LoadContext
    gone: set[str] = field(default_factory=set)
    seen: set[str] = field(default_factory=set)

    def ahead(self, drafts: Iterable[Placed]) -> Iterator[Placed]:
        """Pass drafts on, the parents of each looked up, with one call per object and chunk."""
        rest = iter(drafts)
        while chunk := list(islice(rest, self.context.destination.capabilities.read_size)):
            wanted: dict[str, list[str]] = {}
            for _, draft in chunk:
                for key in _link_keys(self.context, draft):
                    self._want(key, wanted)
            for name, ids in wanted.items():
                found = self.context.destination.read(name, ids)
                self.gone.update(i for i in ids if i not in found or found[i].trashed)
            yield from chunk

    def _want(self, key: Key, wanted: dict[str, list[str]]) -> None:
        entry = self.context.snapshot.standing([key])
        target = entry.destination_id if entry else None
        if entry is None or target is None or target in self.seen:
            return
        if entry.last["run"] != self.context.run:
            self.seen.add(target)
            wanted.setdefault(self.context.line(entry.key).destination, []).append(target)
        elif entry.last["reason"] == Reason.GONE_FROM_DESTINATION:
            self.gone.add(target)

    def destination_id(self, keys: Iterable[Key]) -> str | None:
        """Return the id of the first key that stands in the destination, now too."""
        found = (self.context.snapshot.destination_id([key]) for key in keys)
        return next((i for i in found if i is not None and i not in self.gone), None)

    def entry(self, key: Key) -> Entry | None:
        """Return what the ledger knows of a key."""
        return self.context.snapshot.entry(key)


def new_links(context: LoadContext, draft: Mapping[str, Any]) -> set[str]:
    """Return the reference fields of a draft whose link is not the one sent last."""
    links = draft.get("links", {})
    entry = context.snapshot.entry(Key(*draft["key"]))
    if entry is None or not entry.stands:
        return set(links)
    before = entry.last.get("sent", {})
    now = {
        name: context.snapshot.destination_id(Key(*key) for key in link["keys"])
        for name, link in links.items()
    }
    sent = hashes(context.spec, now, now)
    return {name for name in links if sent.get(name) != before.get(name)}


def _link_keys(context: LoadContext, draft: Mapping[str, Any]) -> Iterator[Key]:
    if "outcome" in draft:
        return
    for name in new_links(context, draft):
        yield from (Key(*key) for key in draft["links"][name]["keys"])
    record = Key(*draft["key"])
    for name, links in draft.get("joins", {}).items():
        for keys in links["targets"]:
            row = context.snapshot.entry(join_key(record, join_of(context, name), Key(*keys[0])))
            if row is None or not row.stands:
                yield from (Key(*key) for key in keys)


def join_of(context: LoadContext, field_name: str) -> Join:
    """Return how a many-to-many field is kept."""
    join = context.spec.fields[field_name].join
    if join is None:
        raise LookupError(f"{context.phase}.{field_name} is not a many-to-many field")
    return join


def join_key(record: Key, join: Join, first: Key) -> Key:
    """
    Return the key of the row that links a record to another.

    :param first: the foremost key of the other record
    """
    return record._replace(part=f"{join.object}:{first.source_object}:{first.source_id}")
