"""What a rollback does with each record of the destination."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.ids import Key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from airflow_crm_migration.core.outcomes import Reason
    from airflow_crm_migration.core.protocols import Child


GATE = "rollback"
"""Where a forecast is signed."""


class Fate(StrEnum):
    """What becomes of a record."""

    DELETE = "delete"
    """We made it."""
    RESTORE = "restore"
    """It was there before us, and we wrote over fields of it."""
    TRASH = "trash"
    """It was in the trash before us."""
    RELEASE = "release"
    """It was there before us and we never wrote to it: nothing is to be done."""
    KEEP = "keep"
    """People worked on it since."""
    GONE = "gone"
    """People removed it."""


@dataclass(frozen=True)
class Planned:
    """
    One record of the destination and what becomes of it.

    :param id: in the destination
    :param keys: all that the ledger knows it under
    :param reason: why it is kept, or gone
    :param differs: fields that people changed since we stored them
    :param images: field to restore -> name of the image that holds what it was before us
    :param words: the destination's own, where it refused to be told otherwise
    :param children: records that hang on it and keep it
    :param parents: ids of the records that it refers to, and keeps if it is kept itself
    """

    id: str
    keys: tuple[Key, ...]
    fate: Fate
    reason: str = ""
    differs: tuple[str, ...] = ()
    words: str = ""
    images: Mapping[str, str] = field(default_factory=dict)
    children: tuple[Child, ...] = ()
    parents: tuple[str, ...] = ()

    def kept(
        self,
        reason: Reason,
        *,
        differs: Iterable[str] = (),
        children: Iterable[Child] = (),
        words: str = "",
    ) -> Planned:
        """
        Return the record as one that stays.

        One that was in the trash before us stays out of it, as it was then.
        """
        trash = self.fate is Fate.TRASH
        return replace(
            self,
            fate=Fate.RESTORE if trash else Fate.KEEP,
            reason=reason,
            differs=tuple(differs),
            words=words,
            images=self.images if trash else {},
            children=tuple(children),
        )

    @property
    def stays(self) -> bool:
        """Whether it is kept, in whole, in some fields or out of the trash."""
        partly = self.fate is Fate.RESTORE and bool(self.differs or self.reason)
        return partly or self.fate is Fate.KEEP

    @property
    def detail(self) -> str:
        """What keeps it: names of fields, object and id of what hangs on it, or words."""
        hanging = [f"{name} {child}" for name, child in self.children]
        return ", ".join([*self.differs, *hanging, *([self.words] if self.words else [])])

    def as_json(self) -> dict[str, Any]:
        """Return what staging keeps."""
        return asdict(self)

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Planned:
        """Read what staging keeps."""
        return cls(
            id=row["id"],
            keys=tuple(Key(*key) for key in row["keys"]),
            fate=Fate(row["fate"]),
            reason=row["reason"],
            differs=tuple(row["differs"]),
            words=row["words"],
            images=row["images"],
            children=tuple((name, child) for name, child in row["children"]),
            parents=tuple(row["parents"]),
        )
