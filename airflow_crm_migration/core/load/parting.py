"""Parts the fields that changed in the source: ours to write, agreed already, or in conflict.

Two bases per field, never one compared with the other: what was sent with what the source says now,
and what was then stored with what the destination holds now. Platforms rewrite values.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from airflow_crm_migration.core.load.merge import Elements, Unmergeable, merge
from airflow_crm_migration.core.load.plan import blank, hashes

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from airflow_crm_migration.core.fields import ObjectSpec
    from airflow_crm_migration.core.protocols import Values

Keeps = Literal["destination", "source"]
"""Whose value stays where both changed one field."""


@dataclass
class Parted:
    """
    What is to be done with the fields of a record that changed in the source.

    :param ours: field -> value to write
    :param agreed: fields that people gave the value that we would write
    :param theirs: fields in conflict that stay as they are
    :param overruled: fields in conflict that are written nevertheless, also among ``ours``
    """

    ours: Values = field(default_factory=dict)
    agreed: list[str] = field(default_factory=list)
    theirs: list[str] = field(default_factory=list)
    overruled: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Comparison:
    """
    One record on both sides.

    :param known: the ledger's last event of it
    :param meant: what the source says
    :param now: what the destination holds
    :param keeps: whose value stays in a conflict
    :param only_blanks: what was not written by us stays whatever the policy: the record was there
        before us, and only its blanks are ours to fill
    :param others: hashes of what was stored of it for other source records that it stands for
    """

    spec: ObjectSpec
    known: Mapping[str, Any]
    meant: Values
    now: Values
    keeps: Keeps = "destination"
    only_blanks: bool = False
    others: Sequence[Mapping[str, Any]] = ()

    def part(self, names: Iterable[str]) -> Parted:
        """
        Part fields.

        :param names: of those that changed in the source
        """
        found = Parted()
        for name in names:
            if self.spec.fields[name].type.many and not self._not_ours(name):
                self._merge(name, found)
            else:
                self._compare(name, found)
        return found

    def _compare(self, name: str, found: Parted) -> None:
        now, meant = (self._hash(values, name) for values in (self.now, self.meant))
        if now == meant:
            found.agreed.append(name)
        elif now == self._base("stored", name) or self._is_anothers(now, name):
            found.ours[name] = self.meant.get(name)
        else:
            self._conflict(name, found)

    def _merge(self, name: str, found: Parted) -> None:
        kind = self.spec.fields[name].type
        now = self.now.get(name) or []
        try:
            merged = merge(kind, elements(self.known, name), self.meant.get(name) or [], now)
        except Unmergeable:
            self._compare(name, found)
            return
        if self._hash({name: merged}, name) == self._hash(self.now, name):
            found.agreed.append(name)
        else:
            found.ours[name] = merged or None

    def _conflict(self, name: str, found: Parted) -> None:
        if self.keeps == "destination" or self._not_ours(name):
            found.theirs.append(name)
        else:
            found.ours[name] = self.meant.get(name)
            found.overruled.append(name)

    def _is_anothers(self, now: Any, name: str) -> bool:
        """Tell whether a value is one that we stored for another source record."""
        return now is not None and any(now == stored.get(name) for stored in self.others)

    def _not_ours(self, name: str) -> bool:
        return self.only_blanks and not self._base("stored", name)

    def _hash(self, values: Values, name: str) -> Any:
        return hashes(self.spec, values, [name]).get(name)

    def _base(self, which: str, name: str) -> Any:
        return self.known.get(which, {}).get(name)


def elements(known: Mapping[str, Any], name: str) -> Elements:
    """Return what the ledger knows of a multi-value."""
    sent, stored = (known.get(which, {}).get(name, []) for which in ("sent", "stored"))
    return Elements(sent, stored, known.get("rewritten", {}).get(name, {}))


def to_adopt(
    spec: ObjectSpec, values: Values, now: Values, *, only_blanks: bool, without: Collection[str]
) -> Values:
    """
    Return what is written of a record that was there before us: multi-values are added to.

    :param values: what the source says
    :param now: what the destination holds
    :param only_blanks: write nothing else
    :param without: names of fields that are never written over
    """
    found: Values = {}
    for name in sorted(values.keys() - set(without)):
        many = spec.fields[name].type.many
        if only_blanks and not blank(now, name):
            continue
        value = values[name]
        if many and now.get(name):
            value = merge(spec.fields[name].type, Elements(rewritten={}), value or [], now[name])
        found[name] = value
    return found
