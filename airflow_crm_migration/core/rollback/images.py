"""Reads the images that were taken of records before they were written over."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from airflow_crm_migration.core.errors import StagingBroken
from airflow_crm_migration.core.ledger.objects import unpack

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_crm_migration.core.protocols import Values
    from airflow_crm_migration.core.staging import Staging

_REMEMBERED = 64


class Images:
    """The images of one engagement, those read last remembered."""

    def __init__(self, staging: Staging) -> None:
        """
        Say where they are.

        :param staging: of the engagement
        """
        self._staging = staging
        self._read: Callable[[str], dict[str, Values]] = lru_cache(_REMEMBERED)(self._unpacked)

    def values(self, name: str, record_id: str) -> Values:
        """
        Return a record as it was.

        :param name: of the image, as the ledger tells it
        :raises StagingBroken: the image is torn, or the record is not in it
        """
        try:
            return self._read(name)[record_id]
        except KeyError:
            raise StagingBroken(f"{name} holds no image of {record_id}") from None

    def _unpacked(self, name: str) -> dict[str, Values]:
        rows = unpack(self._staging.read_bytes(name))
        if rows is None:
            raise StagingBroken(f"{name} is torn: what it holds cannot be restored")
        return {row["id"]: row["values"] for row in rows}
