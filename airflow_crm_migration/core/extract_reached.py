"""How far the reading of an object came, so that an attempt that was cut off is gone on with.

An object may be larger than what a source gives in a day. What was received lies in the raw parts;
which of them count, and where the source goes on, is noted beside them until the extract is
complete. Other readers trust the manifest alone, which is written last as ever.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.errors import StagingBroken
from airflow_crm_migration.core.staging import read_part

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_crm_migration.core.protocols import Values
    from airflow_crm_migration.core.staging import Staging


@dataclass
class Reached:
    """
    How far an object was read.

    :param asked: digest of all that the answers hang on
    :param start: when the first attempt began
    :param seen: object -> digest of what of it was looked at to know what to ask for
    :param parts: what was received, as a manifest lists it
    :param following: where the source goes on, None at the beginning and at the end
    :param complete: nothing is left to be read
    """

    asked: str
    start: str
    seen: dict[str, str] = field(default_factory=dict)
    parts: list[dict[str, Any]] = field(default_factory=list)
    following: str | None = None
    complete: bool = False

    def records(self, staging: Staging, folder: str) -> Iterator[Values]:
        """Walk what was received, part by part."""
        for number in range(len(self.parts)):
            yield from read_part(staging, raw_folder(folder), vars(self), number)

    def keep(self, staging: Staging, folder: str) -> None:
        """Note it, for an attempt to come."""
        staging.write_json(_name(folder), asdict(self))


def read_reached(staging: Staging, folder: str, asked: str) -> Reached | None:
    """
    Return how far an earlier attempt came, None when there is nothing to go on with.

    :param folder: of the extract
    :param asked: digest of all that the answers hang on now
    """
    try:
        reached = Reached(**staging.read_json(_name(folder)))
        whole = reached.asked == asked and all(1 for _ in reached.records(staging, folder))
    except (FileNotFoundError, StagingBroken, TypeError):
        return None
    return reached if whole else None


def forget_reached(staging: Staging, folder: str) -> None:
    """Take the note away: the extract is complete, or begins anew."""
    if staging.exists(_name(folder)):
        staging.delete(_name(folder))


def raw_folder(folder: str) -> str:
    """Return where the records of an extract lie as they were received."""
    return f"{folder}/raw"


def _name(folder: str) -> str:
    return f"{folder}/reached.json"
