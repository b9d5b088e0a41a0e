"""The engagement file: one customer, one pair of platforms.

Read at DAG parse time, so nothing heavy is imported here.
"""

from __future__ import annotations

import re
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

import yaml
from croniter import croniter
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from airflow_crm_migration.core.csv_format import CsvFormat
from airflow_crm_migration.core.errors import UserMistake
from airflow_crm_migration.core.mapping import Mapping, load_mapping
from airflow_crm_migration.core.validation import findings_of

Environment = Literal["sandbox", "production"]
Gate = Literal["scope", "mapping", "duplicates", "rehearsal", "cutover", "rollback"]
Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class StagingPlace(_Strict):
    """
    Where the engagement's files lie.

    ``url`` is ``s3://bucket/prefix`` or ``file:///folder``; ``conn_id`` is an ``aws`` connection.
    """

    url: str
    conn_id: str | None = None
    kms_key_id: str | None = None

    @field_validator("url")
    @classmethod
    def _is_whole(cls, value: str) -> str:
        """Workers run in folders of their own: a relative one would be another in each."""
        if not re.match(r"s3://[^/]|file:///.", value):
            raise ValueError(
                "give s3://bucket/prefix, or a folder with its whole path, file:///folder"
            )
        return value


class Connections(_Strict):
    """Airflow connection ids; without ``source`` everything comes from CSV files."""

    source: str | None = None
    sandbox: str | None = None
    production: str | None = None

    @model_validator(mode="after")
    def _one_destination(self) -> Connections:
        if self.sandbox is None and self.production is None:
            raise ValueError("name a connection for sandbox, production or both")
        return self


class GateSettings(_Strict):
    """
    How long a gate waits for people, and how often it looks.

    ``poll_seconds`` below 15 is for ``dag.test()``: there is no scheduler then whose bookkeeping
    a task could overtake.
    """

    timeout_days: Annotated[float, Field(gt=0)] = 28
    poll_seconds: Annotated[float, Field(gt=0)] = 900

    @property
    def timeout(self) -> timedelta:
        """The longest wait."""
        return timedelta(days=self.timeout_days)


class Schedule(_Strict):
    """When a run is started by the clock: five fields of cron, in a time zone of the IANA list."""

    cron: str
    environment: Environment
    timezone: str = "UTC"

    @field_validator("cron")
    @classmethod
    def _is_cron(cls, value: str) -> str:
        if not croniter.is_valid(value):
            raise ValueError("give five fields of cron, for example 0 2 * * *")
        return value

    @field_validator("timezone")
    @classmethod
    def _is_timezone(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError("give a time zone by its IANA name, for example Europe/Berlin")
        return value


class Policies(_Strict):
    """
    What makes a run red beyond a phase that does not reconcile, and who wins a conflict.

    ``conflicts`` says whose value stays where source and destination changed the same field.
    """

    fail_on: tuple[Literal["rejected", "held", "stored_differently", "conflict", "drift"], ...] = (
        "rejected",
        "held",
        "stored_differently",
    )
    conflicts: Literal["destination", "source"] = "destination"
    one_tenant_for_both: bool = False


class DagSettings(_Strict):
    """Passed through to the Airflow DAG."""

    owner: str = "airflow"
    tags: tuple[str, ...] = ()
    queue: str | None = None
    default_args: dict[str, Any] = {}
    access_control: dict[str, Any] | None = None


class Engagement(_Strict):
    """
    One customer, one pair.

    ``id`` never changes: made ids and the ledger hang on it. ``owners`` maps an owner of the
    source, by name or e-mail, to a member's e-mail or to ``leave_empty``. ``value_maps`` maps, per
    ``line.field``, a source value to the label in the destination.
    """

    id: Slug
    customer: str
    pair: str
    staging: StagingPlace
    connections: Connections
    choices: dict[str, str | bool] = {}
    value_maps: dict[str, dict[str, str]] = {}
    owners: dict[str, str] = {}
    csv: CsvFormat = CsvFormat()
    default_currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None
    default_region: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] | None = None
    signers: tuple[str, ...] = ()
    gates: dict[Gate | Literal["owners", "csv", "freeze"], GateSettings] = {}
    schedules: dict[Literal["delta", "validate"], Schedule] = {}
    policies: Policies = Policies()
    dag: DagSettings = DagSettings()

    @model_validator(mode="after")
    def _schedules_have_connections(self) -> Engagement:
        for mode, schedule in self.schedules.items():
            if schedule.environment not in self.environments:
                raise ValueError(
                    f"schedules.{mode}: connections has no {schedule.environment}; add it or name "
                    f"one of: {', '.join(self.environments)}"
                )
        return self

    @property
    def environments(self) -> list[Environment]:
        """The environments that have a connection, the sandbox first."""
        found: list[Environment] = []
        if self.connections.sandbox:
            found.append("sandbox")
        if self.connections.production:
            found.append("production")
        return found

    def gate(self, name: str) -> GateSettings:
        """Return the settings of a gate."""
        return {str(k): v for k, v in self.gates.items()}.get(name, GateSettings())

    def mapping(self) -> Mapping:
        """
        Return the pair's mapping file with this engagement's choices checked.

        :raises UserMistake: for an unknown pair or choice
        """
        mapping = _packaged_mapping(self.pair)
        mapping.check_choices(self.choices)
        return mapping


# Parsing stays cheap: customers of one pair share its mapping.
_packaged_mapping = cache(load_mapping)


def load_engagement(path: str | Path) -> Engagement:
    """
    Read an engagement file.

    :raises UserMistake: with every mistake in the file at once
    """
    place = Path(path)
    try:
        content = yaml.safe_load(place.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserMistake(f"{place}: there is no such engagement file") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserMistake(
            f"{place}: not readable as YAML: {' '.join(str(error).split())}"
        ) from None
    if not isinstance(content, dict):
        raise UserMistake(f"{place}: an engagement file is a mapping of names to values")
    findings = _pair_mistakes(content, place)
    try:
        engagement = Engagement.model_validate(content)
    except ValidationError as error:
        raise UserMistake([*findings_of(error, str(place)), *findings]) from None
    if findings:
        raise UserMistake(findings)
    return engagement


def _pair_mistakes(content: dict[str, Any], place: Path) -> list[str]:
    """Return what is wrong with pair and choices, as far as they can be read."""
    pair, choices = content.get("pair"), content.get("choices")
    if not isinstance(pair, str):
        return []
    try:
        mapping = _packaged_mapping(pair)
        mapping.check_choices(choices if isinstance(choices, dict) else {})
    except UserMistake as error:
        return [f"{place}: {finding}" for finding in error.findings]
    return []
