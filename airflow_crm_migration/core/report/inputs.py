"""What the steps of a run write down, as far as a report needs it; the rest is skipped."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from airflow_crm_migration.core.mapping import Mapping
from airflow_crm_migration.core.report.model import Owner, Spelling, Text


class Given(BaseModel):
    """What a step wrote down, as far as the report needs it."""


class Access(Given):
    """How one object of the source can be read, from ``probe.json``."""

    object: str
    route: Text = ""
    reason: Text = ""
    count: int | None = None


class ReadWindow(Given):
    """What of an object was asked for."""

    base: Text = ""
    since: Text = ""
    anew: int = 0
    taken_over: int = 0
    whole: Text = ""


class CsvCopy(Given):
    """The CSV file of an object; ``same_as`` names the run that was made of the same one."""

    same_as: Text = ""


class ExtractManifest(Given):
    """The manifest of an extract."""

    counts: dict[str, int]
    route: Text = ""
    absent: tuple[Text, ...] = ()
    window: ReadWindow = ReadWindow()
    csv: CsvCopy | None = None
    extract_of: Text = ""
    identified: dict[str, int] = {}


class GoneRecord(Given):
    """A record that stands in the destination and is no longer in the source."""

    id: Text
    line: Text = ""
    destination_id: Text = ""


class LoadManifest(Given):
    """The manifest of a load."""

    outcomes: dict[str, dict[str, dict[str, int]]]
    joins: dict[str, int] = {}
    residue: list[Any] = []


class TransformManifest(Given):
    """The manifest of a transform."""

    read: dict[str, int]


class MappingProposal(Given):
    """The proposed mapping, and the spellings that it changes."""

    mapping: Mapping
    changes: tuple[Spelling, ...] = ()


class UnreadCell(Given):
    """A cell without a reading."""

    field: Text = ""
    problem: Text = ""
    value: Text = ""


class UnreadRecord(Given):
    """A record that the extract set apart; ``named`` is the id that another one has."""

    id: Text
    file: Text = ""
    row: int = 0
    reason: Text = ""
    cells: tuple[UnreadCell, ...] = ()
    named: Text = ""


class OwnersReview(Given):
    """The owners that are no users of the destination yet."""

    waiting_for: tuple[Owner, ...]


class MappingDecisions(Given):
    """What lies before the customer as the mapping, beside the mapping itself."""

    choices: dict[str, Text]


class Conflict(Given):
    """A field that both sides changed; ``key`` as in the ledger."""

    key: tuple[Text, Text, Text, Text]
    field: Text = ""
    reason: Text = ""
    kept: Text = ""
    id: Text = ""
    before: Any = None
    source: Any = None
    destination: Any = None


class Issue(Given):
    """A link or value that a load left out; ``key`` as in the ledger."""

    key: tuple[Text, Text, Text, Text]
    field: Text = ""
    problem: Text = ""
    detail: Text = ""


class AfterFreeze(Given):
    """The manifest of what changed after the freeze."""

    counts: dict[str, int | None]
