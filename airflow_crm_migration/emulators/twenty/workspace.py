"""The state of one Twenty workspace."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.emulators.limits import TokenBucket
from airflow_crm_migration.emulators.twenty.dates import iso
from airflow_crm_migration.emulators.twenty.errors import ApiError, limit_reached
from airflow_crm_migration.emulators.twenty.files import Files
from airflow_crm_migration.emulators.twenty.standard import Maker
from airflow_crm_migration.emulators.twenty.store import Row, Table

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_crm_migration.emulators.clock import Clock
    from airflow_crm_migration.emulators.twenty.schema import Object

API_ACTOR: dict[str, Any] = {
    "source": "API",
    "workspaceMemberId": None,
    "name": "migrator",
    "context": {},
}
SYSTEM_ACTOR = {**API_ACTOR, "source": "MANUAL", "name": "System", "context": None}
_MILLISECONDS = 1000


@dataclass(frozen=True)
class Caller:
    """Who makes a call.

    :param actor: who is written into createdBy and updatedBy
    :param base_url: under which the caller sees the server
    :param watched: whether what this starts counts as a notification of ours
    """

    actor: dict[str, Any] = field(default_factory=lambda: dict(API_ACTOR))
    base_url: str = ""
    watched: bool = True


@dataclass(frozen=True)
class Rules:
    """What an operator can set on a server.

    :param batch_maximum: records in one batch
    :param short_limit: calls per seconds of the short window
    :param long_limit: calls per seconds of the long window
    """

    batch_maximum: int = 200
    short_limit: tuple[float, float] = (100, 1.0)
    long_limit: tuple[float, float] = (100, 60.0)


class Workspace:
    """A workspace: its schema, records, files, members and automations.

    :param clock: what time it is
    :param workspace_id: UUID
    :param api_key: the only key
    :param rules: what an operator has set
    :param notify: counts what would have notified somebody
    """

    def __init__(
        self,
        clock: Clock,
        workspace_id: str,
        api_key: str,
        rules: Rules,
        notify: Callable[[str], None],
    ) -> None:
        self.clock = clock
        self.id = workspace_id
        self.api_key = api_key
        self.rules = rules
        self.notify = notify
        self.maker = Maker(self.id, self.now())
        self.schema = self.maker.schema()
        self.tables = {o.name: Table(o) for o in self.schema.objects.values()}
        self.files = Files(clock)
        self.invitations: dict[str, dict[str, Any]] = {}
        self.automations: list[dict[str, str]] = []
        self.webhooks: list[dict[str, Any]] = []
        limits = (rules.short_limit, rules.long_limit)
        self._buckets = [TokenBucket(clock, *limit) for limit in limits]

    def now(self) -> str:
        """Tell the time.

        :return: ISO 8601 in UTC with milliseconds
        """
        return iso(self.clock.now())

    def table(self, name: str) -> Table:
        """Find the records of an object.

        :param name: singular name
        :return: its table
        """
        return self.tables[name]

    @property
    def version(self) -> tuple[int, ...]:
        """Numbers of which one changes with every write."""
        return tuple(t.version for t in self.tables.values())

    def spend(self) -> None:
        """Take a token of every bucket, or none.

        :raises ApiError: when one of them is empty
        """
        for bucket in self._buckets:
            if bucket.wait():
                raise limit_reached(bucket.capacity, bucket.window_seconds * _MILLISECONDS)
        for bucket in self._buckets:
            bucket.take()

    def object(self, plural: str) -> Object:
        """Find an object by the name that a path tells.

        :param plural: of the object
        :return: the object
        :raises ApiError: when there is none
        """
        found = self.schema.plural(plural)
        if found is None:
            raise ApiError(f"object '{plural}' not found. eg: companies")
        return found

    def show(self, owner: Object, row: Row, base_url: str) -> Row:
        """Show a record with all columns.

        :param owner: its object
        :param row: as stored
        :param base_url: for the addresses of its files
        :return: as the server replies
        """
        shown = self.table(owner.name).full(row)
        label = shown.get(owner.identifier) or ""
        words = label.values() if isinstance(label, dict) else [label]
        shown["searchVector"] = " ".join(f"'{w.lower()}'" for w in words if w)
        for column in owner.file_columns:
            if shown[column]:
                shown[column] = [self.files.show(entry, base_url) for entry in shown[column]]
        return shown
