"""The source records as they enter the mapping: merged, with their tags, and only those chosen."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.ids import Key
from airflow_crm_migration.core.outcomes import Outcome, Reason
from airflow_crm_migration.core.protocols import Values
from airflow_crm_migration.core.transform.conditions import holds, no_rule_fits
from airflow_crm_migration.core.transform.drafts import Draft, Stopped, stopped
from airflow_crm_migration.core.values.texts import texts

if TYPE_CHECKING:
    from airflow_crm_migration.core.mapping import Condition, Fold, FoldInto, Line
    from airflow_crm_migration.core.mapping import Mapping as PairMapping
    from airflow_crm_migration.core.mapping_values import Scalar
    from airflow_crm_migration.core.selection import Selection
    from airflow_crm_migration.core.transform.link_index import LinkIndex

Read = Callable[[str], Iterable[Values]]


@dataclass
class SourceRecords:
    """
    The records of a run.

    :param read: walks the typed records of a source object
    :param merged: (object, survivor's id) -> its values united with those of its duplicates
    :param selection: chosen ids per object, None for all
    :param choices: what the customer chose
    """

    mapping: PairMapping
    read: Read
    index: LinkIndex
    merged: Mapping[tuple[str, str], Values] = field(default_factory=dict)
    selection: Selection | None = None
    choices: Mapping[str, Scalar] = field(default_factory=dict)

    def walk(self, object_name: str, *, whole: bool = False) -> Iterator[Values]:
        """
        Walk the records of an object.

        :param whole: those too that do not belong to this run
        """
        folded = self._folded(object_name)
        for record in self.read(object_name):
            source_id = str(record["id"])
            if whole or self.chosen(object_name, source_id):
                united = {**record, **self.merged.get((object_name, source_id), {})}
                yield _with_folded(united, folded.get(source_id))

    def chosen(self, object_name: str, source_id: str) -> bool:
        """Tell whether a record belongs to this run."""
        return self.selection is None or source_id in self.selection.get(object_name, set())

    def fold_drafts(self, phase: str) -> Iterator[Draft]:
        """Make the drafts of the folded records whose parents are loaded in a phase."""
        for fold in self.mapping.folds:
            for record in self.read(fold.source):
                if not self.chosen(fold.source, str(record["id"])):
                    continue
                into = self._into(fold, record)
                if (self._phase(into) if into else self.home(fold)) == phase:
                    yield self._fold_draft(fold, into, record)

    def home(self, fold: Fold) -> str | None:
        """Return the phase that tells what became of folded records which belong to none."""
        return self._phase(fold.into[0])

    def folded_into(self, fold: Fold, ids: Collection[str]) -> Iterator[tuple[str, str]]:
        """
        Walk the records that take the values of folded ones.

        :param ids: the folded records
        :return: source object and source id
        """
        for record in self.read(fold.source) if ids else ():
            into = self._into(fold, record) if str(record["id"]) in ids else None
            parent = self._parent(into, record) if into else set()
            if into and len(parent) == 1:
                yield into.object, next(iter(parent))

    # -- folding ---------------------------------------------------------------------------

    def _folded(self, object_name: str) -> dict[str, dict[str, list[str]]]:
        """Return source id -> field -> values that other source objects bring for it."""
        found: dict[str, dict[str, list[str]]] = {}
        for fold in self.mapping.folds:
            if all(into.object != object_name for into in fold.into):
                continue
            for record in self.read(fold.source):
                into = self._into(fold, record)
                parent = self._parent(into, record) if into and into.object == object_name else None
                if into and parent and len(parent) == 1:
                    fields = found.setdefault(next(iter(parent)), {})
                    fields.setdefault(into.field, []).extend(texts(record.get(into.value)))
        return found

    def _into(self, fold: Fold, record: Values) -> FoldInto | None:
        return next((i for i in fold.into if self._holds(i.when, record)), None)

    def _holds(self, condition: Condition | None, record: Values) -> bool:
        return holds(condition, record, self.choices, self.index.related)

    def _parent(self, into: FoldInto, record: Values) -> set[str]:
        for way in (way for way in into.ways if self._holds(way.when, record)):
            for _, ids in self.index.matches(way, record):
                if ids:
                    return ids
        return set()

    def _phase(self, into: FoldInto) -> str | None:
        return next((line.destination for line in self._takers(into)), None)

    def _takers(self, into: FoldInto) -> list[Line]:
        """Return the lines that write what values are folded into, if any do, else all lines."""
        lines = [line for line in self.mapping.lines if line.source == into.object]
        writing = [x for x in lines if any(into.field in rule.own_sources for rule in x.fields)]
        return writing or lines

    def _fold_draft(self, fold: Fold, into: FoldInto | None, record: Values) -> Draft:
        key = Key(fold.id, fold.source, str(record["id"]))
        if into is None:
            detail = no_rule_fits((into.when for into in fold.into), record)
            return stopped(key, Stopped(Outcome.REJECTED, Reason.UNMAPPED_VALUE, detail))
        parent = self._parent(into, record)
        if len(parent) > 1:
            return stopped(key, Stopped(Outcome.HELD, Reason.PARENT_AMBIGUOUS))
        if not parent:
            return stopped(key, Stopped(Outcome.HELD, Reason.PARENT_MISSING))
        source_id = next(iter(parent))
        draft = stopped(key, Stopped(Outcome.MERGED, Reason.FOLDED, f"{into.object}:{source_id}"))
        lines = self._takers(into)
        return draft | {"parent": [[line.id, line.source, source_id, ""] for line in lines]}


def _with_folded(record: Values, folded: Mapping[str, list[str]] | None) -> Values:
    if not folded:
        return record
    more: dict[str, Any] = {}
    for name, values in folded.items():
        more[name] = list(dict.fromkeys([*texts(record.get(name)), *values]))
    return {**record, **more}
