"""Tells bad records from a destination that takes none at all."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from airflow_crm_migration.core.errors import Refused, UserMistake
from airflow_crm_migration.core.protocols import Stored

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from airflow_crm_migration.core.load.batches import Result

_FEWEST = 10


@dataclass
class Refusals:
    """
    Watches the refusals of a load.

    Bad records are rejected one by one, however many. But once as many as a batch holds, ten at
    least, were refused one after the other in the same words, something may hit every record: then
    the destination is asked whether it still is what was prepared; and where it took no record of
    the object so far, the load stops instead of splitting batch after batch down to single records.
    What was refused last is then not told as rejected: it is planned anew by the next run.

    :param batch_size: records of a full batch
    :param look: raises where the destination is no longer what was prepared
    """

    batch_size: int
    look: Callable[[], None]
    _taken: set[str] = field(default_factory=set)
    _words: dict[str, str] = field(default_factory=dict)
    _times: dict[str, int] = field(default_factory=dict)

    def judge(self, object_name: str, results: Sequence[Result]) -> None:
        """
        Take in what became of records, before the ledger is told.

        :raises UserMistake: with the destination's words
        """
        for result in results:
            if isinstance(result, Stored):
                self._taken.add(object_name)
            # who refuses a value that is taken, or a record that is gone, has looked at the record
            words = result.message if type(result) is Refused else ""
            again = bool(words) and words == self._words.get(object_name)
            self._times[object_name] = self._times.get(object_name, 0) + 1 if again else 1
            self._words[object_name] = words
        times, words = self._times.get(object_name, 0), self._words.get(object_name, "")
        if not words or times < max(self.batch_size, _FEWEST):
            return
        self._times[object_name] = 0
        self.look()
        if object_name not in self._taken:
            raise UserMistake(
                f"{object_name}: the destination took no record and refused {times} one after the "
                f"other in the same words: {words!r}; mend the cause, then run this step again"
            )
