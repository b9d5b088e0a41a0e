"""Finds the records that the destination held before, by the natural key of a mapping line."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from airflow_crm_migration.core.natural_keys import stored_keys

if TYPE_CHECKING:
    from airflow_crm_migration.core.fields import ObjectSpec
    from airflow_crm_migration.core.protocols import Destination, Stored


class ExistingRecords:
    """
    Looks existing records up, trashed ones too, at the smaller cost.

    Where the destination holds fewer pages of records than there are batches to write, all are
    listed once; otherwise each batch asks for its own keys.
    """

    def __init__(
        self, destination: Destination, spec: ObjectSpec, field: str, expected: int
    ) -> None:
        """
        Prepare a look-up; the destination is asked at the first use.

        :param field: the natural key
        :param expected: most records that may be asked for
        """
        self._destination = destination
        self._spec = spec
        self._field = field
        self._expected = expected
        self._listed: dict[str, list[Stored]] | None = None
        self._counted = False

    def find(self, keys: list[str]) -> dict[str, list[Stored]]:
        """Return the records that hold these keys."""
        if not self._counted:
            self._counted = True
            self._list_if_cheaper()
        if self._listed is not None:
            return {key: self._listed[key] for key in keys if key in self._listed}
        return self.ask(keys)

    def ask(self, keys: list[str]) -> dict[str, list[Stored]]:
        """Return the records that hold these keys now, whatever was listed before."""
        return self._destination.find(self._spec.name, self._field, keys) if keys else {}

    def _list_if_cheaper(self) -> None:
        """List everything; beyond the first page only when that is cheaper than asking."""
        page = self._destination.capabilities.read_size
        listing = self._destination.listing(self._spec.name, trashed=True)
        everything = list(islice(listing, page))
        if len(everything) == page and not self._is_cheaper():
            return
        everything += listing
        self._listed = {}
        for stored in sorted(everything, key=lambda record: record.trashed):
            for key in stored_keys(self._destination, self._spec, self._field, stored):
                self._listed.setdefault(key, []).append(stored)

    def _is_cheaper(self) -> bool:
        can = self._destination.capabilities
        pages = self._destination.count(self._spec.name) / can.read_size
        return pages <= self._expected / can.batch_size
