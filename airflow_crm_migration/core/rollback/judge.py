"""Judges one record: what was stored then beside what is stored now."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import TYPE_CHECKING

from airflow_crm_migration.core.fields import FieldType
from airflow_crm_migration.core.load.parting import elements
from airflow_crm_migration.core.load.plan import hashes, times_of_change, written_fields
from airflow_crm_migration.core.outcomes import Outcome, Reason
from airflow_crm_migration.core.rollback.plan import Fate, Planned

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from airflow_crm_migration.core.fields import ObjectSpec
    from airflow_crm_migration.core.ledger.snapshot import Entry
    from airflow_crm_migration.core.load.plan import Hashes
    from airflow_crm_migration.core.mapping import Mapping as PairMapping
    from airflow_crm_migration.core.protocols import Capabilities, Stored, Values
    from airflow_crm_migration.core.rollback.images import Images


class Origin(Enum):
    """How a record came to stand in the destination."""

    MADE = auto()
    FROM_TRASH = auto()
    WRITTEN = auto()
    LINKED = auto()


def origin_of(entries: Sequence[Entry]) -> Origin:
    """Return how a record came there; one that we made is ours, whoever was linked to it later."""
    outcomes = {entry.origin["outcome"] for entry in entries if entry.origin}
    if Outcome.CREATED in outcomes:
        return Origin.MADE
    if Outcome.RESTORED in outcomes:
        return Origin.FROM_TRASH
    return Origin.WRITTEN if any(entry.images for entry in entries) else Origin.LINKED


@dataclass(frozen=True)
class Judge:
    """
    Compares records with what the ledger says of them.

    :param schema: the destination's objects as they are now
    :param mapping: as signed last; of a line that it lost only what was stored is compared
    """

    schema: Mapping[str, ObjectSpec]
    mapping: PairMapping
    capabilities: Capabilities
    images: Images

    def judge(self, phase: str, entries: Sequence[Entry], stored: Stored | None) -> Planned:
        """
        Say what becomes of a record, as far as the record itself tells.

        :param entries: all keys that the ledger knows it under
        :param stored: as it is now, None when it is not there; not asked for one only linked
        """
        keys = tuple(entry.key for entry in entries)
        planned = Planned(entries[0].destination_id or "", keys, Fate.GONE)
        origin = origin_of(entries)
        if origin is Origin.LINKED:
            return Planned(planned.id, keys, Fate.RELEASE)
        if stored is None or (stored.trashed and origin is not Origin.MADE):
            return Planned(planned.id, keys, Fate.GONE, Reason.GONE_FROM_DESTINATION)
        if origin is Origin.MADE:
            return self._made(self.schema[phase], entries, stored)
        return self._before_us(self.schema[phase], entries, stored, origin)

    def _made(self, spec: ObjectSpec, entries: Sequence[Entry], stored: Stored) -> Planned:
        keys = tuple(entry.key for entry in entries)
        whole = Planned(stored.id, keys, Fate.DELETE, parents=parents(spec, stored.values))
        differs = [*self._edited(spec, entries, stored), *self._other_file(spec, entries, stored)]
        return whole.kept(Reason.EDITED_SINCE, differs=differs) if differs else whole

    def _edited(self, spec: ObjectSpec, entries: Sequence[Entry], stored: Stored) -> list[str]:
        """Return the fields of a record of ours that hold anything else than what was stored."""
        then: dict[str, list[object]] = {}
        for entry in entries:
            for name in self._known(entry):
                then.setdefault(name, []).append(_stored_then(entry).get(name))
        ignored = self._moved_by_itself(entries, stored) | {self._file_field(spec)}
        names = [n for n in then if n in spec.fields and n not in ignored]
        now = hashes(spec, stored.values, names)
        changed = {n for n in names if now.get(n) not in then[n]}
        merged = {n for n in names if any(_merged_in(spec, entry, n) for entry in entries)}
        return sorted(changed | merged)

    def _known(self, entry: Entry) -> Collection[str]:
        """Return the fields of which an entry says what was stored; blank ones have no hash."""
        if entry.origin is None or entry.origin["outcome"] != Outcome.CREATED:
            return entry.images.keys()
        line = None if entry.key.part else self.mapping.find_line(entry.key.line)
        return {*_stored_then(entry), *entry.last.get("sent", {})} | (
            written_fields(line) if line else set()
        )

    def _moved_by_itself(self, entries: Iterable[Entry], stored: Stored) -> set[str]:
        """
        Return the times of change that say nothing.

        Where an update of ours sent none the destination set it again, and nobody knows to what.
        And whoever trashes a record moves it too: that they want it gone is no work of theirs on
        it.
        """
        found: set[str] = set()
        for entry in (e for e in entries if origin_of([e]) is not Origin.LINKED):
            then = _stored_then(entry) if _as_made(entry) else entry.last.get("sent", {})
            found |= self._times(entry) - (set() if stored.trashed else then.keys())
        return found

    def _file_field(self, spec: ObjectSpec) -> str:
        return self.capabilities.file_field if spec.name == self.capabilities.attachment else ""

    def _other_file(
        self, spec: ObjectSpec, entries: Sequence[Entry], stored: Stored
    ) -> Iterable[str]:
        """Name the field of an attachment that holds another file than the one we uploaded."""
        name = self._file_field(spec)
        if name:
            files = stored.values.get(name) or [{}]
            if files[0].get("file_id") not in {entry.last.get("file_id") for entry in entries}:
                yield name

    # -- records that were there before us -------------------------------------------------

    def _before_us(
        self, spec: ObjectSpec, entries: Sequence[Entry], stored: Stored, origin: Origin
    ) -> Planned:
        images = {n: i for n, i in _first_images(entries).items() if n in spec.fields}
        back, differs = self._parted(spec, entries, stored, images)
        keys = tuple(entry.key for entry in entries)
        left = {name: value for name, value in stored.values.items() if name not in back}
        planned = Planned(
            stored.id, keys, Fate.RESTORE, differs=tuple(differs),
            images={name: images[name] for name in back}, parents=parents(spec, left),
        )  # fmt: skip
        if origin is Origin.WRITTEN:
            return planned
        whole = replace(planned, fate=Fate.TRASH, differs=())
        differs += self._edited_beside(spec, entries, stored, images)
        return whole.kept(Reason.EDITED_SINCE, differs=sorted(differs)) if differs else whole

    def _parted(
        self,
        spec: ObjectSpec,
        entries: Sequence[Entry],
        stored: Stored,
        images: Mapping[str, str],
    ) -> tuple[list[str], list[str]]:
        """
        Part the fields that we wrote over into those to restore and those that people changed.

        A field that holds again what it held before us is neither; nor is a time of change that
        moved, for it moves with any other field.
        """
        back, differs = [], []
        now = hashes(spec, stored.values, images)
        times = {time for entry in entries for time in self._times(entry)}
        for name, image in sorted(images.items()):
            before = hashes(spec, self.images.values(image, stored.id), [name])
            merged = any(_merged_in(spec, e, name, before.get(name, ())) for e in entries)
            then = [_stored_then(entry).get(name) for entry in entries if name in entry.images]
            if now.get(name) == before.get(name):
                continue
            if now.get(name) in then and not merged:
                back.append(name)
            elif name not in times:
                differs.append(name)
        return back, differs

    def _times(self, entry: Entry) -> set[str]:
        line = self.mapping.find_line(entry.key.line)
        return times_of_change(line) if line else set()

    def _edited_beside(
        self,
        spec: ObjectSpec,
        entries: Sequence[Entry],
        stored: Stored,
        images: Mapping[str, str],
    ) -> list[str]:
        """Return the fields of a record from the trash that we did not write and people did."""
        differs: set[str] = set()
        for entry in entries:
            if entry.origin is None or entry.origin["outcome"] != Outcome.RESTORED:
                continue
            line = self.mapping.find_line(entry.key.line)
            names = (written_fields(line) if line else set()) - images.keys() - self._times(entry)
            before = self.images.values(entry.origin["image"], stored.id)
            differs |= _different(spec, before, stored.values, names & spec.fields.keys())
        return sorted(differs)


def parents(spec: ObjectSpec, values: Values) -> tuple[str, ...]:
    """Return the ids of the records that a record refers to."""
    fields = (f for f in spec.fields.values() if f.type is FieldType.REFERENCE and f.join is None)
    return tuple(sorted({str(values[f.name]) for f in fields if values.get(f.name)}))


def _as_made(entry: Entry) -> bool:
    """Tell whether we wrote nothing to a record after it was made."""
    return bool(entry.last["outcome"] == Outcome.CREATED)


def _stored_then(entry: Entry) -> Hashes:
    found: Hashes = entry.last.get("stored", {})
    return found


def _merged_in(spec: ObjectSpec, entry: Entry, name: str, before: Collection[str] = ()) -> bool:
    """
    Tell whether a multi-value that we wrote holds elements of people's, which were merged in.

    :param before: hashes of the elements that it held before us
    """
    made = entry.origin is not None and entry.origin["outcome"] == Outcome.CREATED
    if not (made or name in entry.images) or not spec.fields[name].type.many:
        return False
    known = elements(entry.last, name)
    if known.rewritten is None:
        return False
    ours = {known.form(element) for element in known.sent}
    return not set(known.stored) <= ours | set(before)


def _first_images(entries: Iterable[Entry]) -> dict[str, str]:
    """Return field -> its earliest image; images are named by epoch and number."""
    found: dict[str, str] = {}
    for entry in entries:
        for name, image in entry.images.items():
            found[name] = min(image, found.get(name, image))
    return found


def _different(spec: ObjectSpec, before: Values, now: Values, names: Iterable[str]) -> set[str]:
    then, there = hashes(spec, before, names), hashes(spec, now, names)
    return {name for name in names if then.get(name) != there.get(name)}
