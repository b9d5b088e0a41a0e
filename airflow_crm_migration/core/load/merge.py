"""Merges multi-values as sets: what people added stays, what the source added and removed arrives.

The ledger knows of each element the hash under which it was sent and, where the platform stored it
in another form, the hash of that form.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.canonical import canonical_json, element_hash
from airflow_crm_migration.core.fields import FieldType

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

Rewritten = dict[str, str] | None
"""Hash of an element as sent -> as it was then stored, where that differs; None when unknown."""


@dataclass(frozen=True)
class Elements:
    """
    What the ledger knows of a multi-value.

    :param sent: hashes of the elements that the source held, the primary one first
    :param stored: hashes of those that were then stored, people's own among them
    :param rewritten: which of them is which
    """

    sent: Sequence[str] = ()
    stored: Sequence[str] = ()
    rewritten: Rewritten = None

    def form(self, sent: str) -> str:
        """Return the hash under which an element that was sent is stored."""
        return (self.rewritten or {}).get(sent, sent)


class Unmergeable(Exception):
    """What the source removed cannot be told from what people added."""


def merge(kind: FieldType, base: Elements, meant: Sequence[Any], now: Sequence[Any]) -> list[Any]:
    """
    Return what is to be stored of a multi-value that may have changed on both sides.

    :param meant: what the source says, the primary element first
    :param now: what the destination holds, likewise
    :raises Unmergeable: an element that the source removed cannot be found
    """
    wanted = {h: e for e in meant if (h := element_hash(kind, e)) is not None}
    removed = set(base.sent) - set(wanted)
    if base.rewritten is None and not removed <= set(base.stored):
        raise Unmergeable
    gone = {base.form(h) for h in removed}
    kept = [e for e in now if element_hash(kind, e) not in gone]
    there = {_identity(kind, e) for e in kept}
    added = [e for h, e in wanted.items() if h not in base.sent and _identity(kind, e) not in there]
    found = kept + added
    return found if kind is FieldType.MULTI_SELECT else _led(kind, base, wanted, now, found)


def _led(
    kind: FieldType,
    base: Elements,
    wanted: Mapping[str, Any],
    now: Sequence[Any],
    found: list[Any],
) -> list[Any]:
    """Put the source's primary element first where only the source has another one."""
    first = next(iter(wanted), None)
    here = element_hash(kind, now[0]) if now else None
    theirs = here != (base.stored[0] if base.stored else None)
    if first is None or theirs or first == (base.sent[0] if base.sent else None):
        return found
    identity, form = _identity(kind, wanted[first]), base.form(first)

    def other(element: Any) -> bool:
        return _identity(kind, element) != identity and element_hash(kind, element) != form

    return sorted(found, key=other)


def _identity(kind: FieldType, element: Any) -> str:
    """Return what makes an element the same for people, whatever label it bears."""
    if kind is FieldType.LINKS:
        return str(element.get("url"))
    if kind is FieldType.PHONES:
        return canonical_json([element.get("calling_code"), element.get("number")])
    return str(element).casefold()


def rewritten(kind: FieldType, written: Sequence[Any], stored: Sequence[Any]) -> Rewritten:
    """Return which element became which when a multi-value was written."""
    return _paired(
        [element_hash(kind, e) for e in written], [element_hash(kind, e) for e in stored]
    )


def rewritten_hashes(written: Sequence[str], stored: Sequence[str]) -> Rewritten:
    """Return which element became which where only hashes are known, whose order tells nothing."""
    found = _paired(written, stored)
    return None if found is not None and len(found) > 1 else found


def carried(
    old: Rewritten, new: Rewritten, sent: Collection[str], stored: Collection[str]
) -> Rewritten:
    """
    Return which element is which after a write or an agreement.

    :param old: as the ledger knew it
    :param new: as the write showed it, people's own elements among them
    :param sent: hashes of what the source says now
    :param stored: hashes of what is stored now
    """
    if set(sent) <= set(stored):
        return {}
    if old is None or new is None:
        return None
    return {h: form for h, form in {**old, **new}.items() if h in sent}


def _paired(written: Sequence[str | None], stored: Sequence[str | None]) -> Rewritten:
    """Pair by place, if the platform kept number and order of the elements."""
    if set(written) == set(stored):
        return {}
    if len(written) != len(stored) or not _in_step(written, stored):
        return {} if set(written) <= set(stored) else None
    pairs = zip(written, stored, strict=True)
    return {one: other for one, other in pairs if one and other and one != other}


def _in_step(written: Sequence[str | None], stored: Sequence[str | None]) -> bool:
    common = set(written) & set(stored)
    return all(written.index(h) == stored.index(h) for h in common)
