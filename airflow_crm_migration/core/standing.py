"""Validates what stands of a phase: counts it, reads it back and compares; nothing is written."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from airflow_crm_migration.core.canonical import canonical_json, field_hash
from airflow_crm_migration.core.drift import Difference, Drift, difference, is_link
from airflow_crm_migration.core.errors import Refused
from airflow_crm_migration.core.fields import FieldType
from airflow_crm_migration.core.load.files import file_hash, stored_sha256
from airflow_crm_migration.core.load.plan import hashes, times_of_change
from airflow_crm_migration.core.reconcile import bears_mark, mark_field, stands
from airflow_crm_migration.core.selection import stratified
from airflow_crm_migration.core.validated import SAME, LinkCheck, PhaseValidation

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from airflow_crm_migration.core.fields import ObjectSpec
    from airflow_crm_migration.core.ids import Key
    from airflow_crm_migration.core.ledger.snapshot import Entry, Snapshot
    from airflow_crm_migration.core.mapping import Mapping as PairMapping
    from airflow_crm_migration.core.protocols import Destination, Stored


@dataclass
class Standing:
    """
    What a validation works with.

    :param schema: the destination's objects as they are now
    :param mark: what the source-id field of every record of the engagement begins with
    :param run: the run that validates
    :param sample: records per object to read back, None for all
    :param contents: download every file and compare its bytes
    :param tell: is told every difference
    """

    destination: Destination
    snapshot: Snapshot
    mapping: PairMapping
    schema: Mapping[str, ObjectSpec]
    mark: str
    run: str
    sample: int | None = None
    contents: bool = False
    tell: Callable[[Difference], object] = lambda found: None
    parents: Collection[str] | None = field(init=False)

    def __post_init__(self) -> None:
        """Choose the parents whose children are looked for, of a sample the same every time."""
        self.parents = None if self.sample is None else set(self._parents(self.sample))

    def _parents(self, number: int) -> Iterator[str]:
        for phase in self.mapping.phases:
            members = (((e.key.line,), e.destination_id or "") for e in self.entries(phase))
            for parent in stratified(members, number):
                yield str(field_hash(FieldType.REFERENCE, parent))

    def entries(self, phase: str) -> Iterator[Entry]:
        """Walk the records of a phase that must stand."""
        return (entry for entry in self.snapshot.entries(phase) if stands(entry))

    def named_parents(self, entry: Entry) -> Iterator[tuple[str, str]]:
        """Walk the fields in which a record named one of the parents, with the hash of its id."""
        for name, value in entry.last.get("stored", {}).items():
            if self.parents is None or (isinstance(value, str) and value in self.parents):
                yield name, value


def validate_phase(at: Standing, phase: str) -> PhaseValidation:
    """
    Ask the destination for its count, read records back and compare them.

    Only what the count or the reading shows to be out of step is listed, by our mark.
    """
    result = PhaseValidation(phase, at.sample)
    field_name = mark_field(at.mapping, phase)
    ours = _known(at, phase, field_name, result)
    missing: set[str] = set()
    if field_name is not None:
        result.counted = at.destination.count(phase, field_name, at.mark)
        if at.sample and result.counted != len(ours):
            missing = _listed(at, field_name, ours, result)
    reader = _Reader(at, result)
    reader.read(_chosen(at, phase), missing)
    if field_name is not None and not at.sample and result.counted != len(ours - reader.absent):
        _listed(at, field_name, ours, result)
    for record_id in result.extra:
        at.tell(Difference(Drift.EXTRA, phase, record_id))
    return result


def _known(at: Standing, phase: str, field_name: str | None, result: PhaseValidation) -> set[str]:
    """Count what the ledger says of a phase and return the ids that bear our mark."""
    ours: set[str] = set()
    for entry in at.snapshot.entries(phase):
        result.outcomes[entry.outcome] += 1
        if not stands(entry) or entry.origin is None:
            continue
        result.standing[entry.origin["outcome"]] += 1
        if bears_mark(entry, field_name):
            ours.add(entry.destination_id or "")
    result.expected = len(ours)
    return ours


def _listed(at: Standing, field_name: str, ours: set[str], result: PhaseValidation) -> set[str]:
    """Compare the ids as sets and return those that are missing."""
    found = {stored.id for stored in at.destination.listing(result.phase, field_name, at.mark)}
    result.counted = len(found)
    result.extra = sorted(found - ours)
    return ours - found


# -- which records -------------------------------------------------------------------------


def _chosen(at: Standing, phase: str) -> set[str] | None:
    """Return the keys to read back, None for all: some of every kind, and children of parents."""
    if at.sample is None:
        return None
    merged = {
        _name(e.key._replace(source_id=e.last["into"]))
        for e in at.snapshot.entries(phase)
        if e.last.get("into")
    }
    kinds = (
        ((e.key.line, str(e.outcome), str(_name(e.key) in merged)), _name(e.key))
        for e in at.entries(phase)
    )
    children = (
        ((value,), _name(e.key)) for e in at.entries(phase) for _, value in at.named_parents(e)
    )
    return stratified(kinds, at.sample) | stratified(children, at.sample)


def _name(key: Key) -> str:
    return canonical_json(key[:3])


# -- reading -------------------------------------------------------------------------------


class _Reader:
    """Reads records back in full pages and compares each with the ledger."""

    def __init__(self, at: Standing, result: PhaseValidation) -> None:
        self.absent: set[str] = set()
        self._at = at
        self._result = result
        self._size = at.destination.capabilities.read_size
        self._waiting: dict[str, list[Entry]] = {}
        self._links: dict[tuple[str, str], LinkCheck] = {}

    def read(self, chosen: set[str] | None, missing: set[str]) -> None:
        """
        Read the records of the phase and the rows that hang on them.

        :param chosen: keys of those to read, None for all
        :param missing: ids to read beside them
        """
        phase = self._result.phase
        for entry in self._at.entries(phase):
            if chosen is None or _name(entry.key) in chosen or entry.destination_id in missing:
                self._take(phase, entry)
        for entry in self._at.snapshot.entries(phase, principal=False):
            if entry.stands and (chosen is None or _name(entry.key) in chosen):
                record = self._at.snapshot.entry(entry.key._replace(part=""))
                if record is not None and stands(record):
                    self._take(entry.key.part.partition(":")[0], entry)
        for name in list(self._waiting):
            self._flush(name)
        self._result.links = [check for _, check in sorted(self._links.items())]

    def _take(self, name: str, entry: Entry) -> None:
        waiting = self._waiting.setdefault(name, [])
        waiting.append(entry)
        if len(waiting) >= self._size:
            self._flush(name)

    def _flush(self, name: str) -> None:
        entries = self._waiting.pop(name)
        found = self._at.destination.read(name, [e.destination_id or "" for e in entries])
        spec = self._at.schema[name]
        counts = self._result.checked.setdefault(name, Counter())
        for entry in entries:
            stored = found.get(entry.destination_id or "")
            told = self._compare(spec, entry, stored)
            counts[told.kind if told else SAME] += 1
            if told:
                self._tell(entry, told)
            self._look_at_links(spec, entry, stored)

    def _compare(self, spec: ObjectSpec, entry: Entry, stored: Stored | None) -> Difference | None:
        line = self._at.mapping.find_line(entry.key.line)
        ignored = times_of_change(line) if line and not entry.key.part else set()
        can = self._at.destination.capabilities
        is_file = spec.name == can.attachment
        if is_file:
            ignored |= {can.file_field}
        found = difference(spec, entry, stored, ignored=ignored)
        if found is None and stored and is_file and self._file_differs(entry, stored):
            place = (spec.name, stored.id, entry.key)
            return Difference(Drift.FILE_CHANGED, *place, (can.file_field,))
        return found

    def _file_differs(self, entry: Entry, stored: Stored) -> bool:
        """Compare which file an attachment holds, and when asked to its bytes."""
        name = self._at.destination.capabilities.file_field
        files = stored.values.get(name) or [{}]
        if files[0].get("file_id") != entry.last.get("file_id"):
            return True
        if not self._at.contents:
            return False
        try:
            now = stored_sha256(self._at.destination, stored)
        except Refused:
            return True
        return bool(file_hash(now) != entry.last.get("stored", {}).get(name))

    def _tell(self, entry: Entry, told: Difference) -> None:
        self._at.tell(told)
        if told.kind in (Drift.TRASHED, Drift.GONE) and not entry.key.part:
            self.absent.add(told.id)
            if entry.last["run"] == self._at.run:
                self._result.lost_now.append(told.id)

    def _look_at_links(self, spec: ObjectSpec, entry: Entry, stored: Stored | None) -> None:
        """Look from the parents' side: whoever named one of them must still do."""
        named = {
            name: then
            for name, then in self._at.named_parents(entry)
            if name in spec.fields and is_link(spec, name)
        }
        live = stored is not None and not stored.trashed
        now = hashes(spec, stored.values, named) if stored and live else {}
        for name, then in named.items():
            check = self._links.setdefault((spec.name, name), LinkCheck(spec.name, name))
            check.expected += 1
            check.pointing += now.get(name) == then
