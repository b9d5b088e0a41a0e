"""What the steps ask of a CRM: hooks fulfil these without the steps knowing which CRM it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import IO, TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from airflow_crm_migration.core.errors import Refused
    from airflow_crm_migration.core.fields import FieldSpec, ObjectSpec, Option
    from airflow_crm_migration.core.limits import Budget

Child = tuple[str, str]
"""Object and id of a record that refers to another."""
Values = dict[str, Any]
"""Field name -> value in the form that :mod:`.fields` lists."""


class Severity(StrEnum):
    """How much a finding matters: a blocker stops the run before anything is written."""

    BLOCKER = "blocker"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True)
class Finding:
    """
    One thing that a check found.

    :param check: short name of the check, for example ``role_permission``
    :param message: what is so
    :param fix: what to do about it; empty when nothing needs to be done
    """

    severity: Severity
    check: str
    message: str
    fix: str = ""


class Route(StrEnum):
    """How an object of the source can be read."""

    API = "api"
    CSV = "csv"
    API_AND_CSV = "api+csv"
    NONE = "none"


@dataclass(frozen=True)
class Access:
    """
    How one source object can be read, as found by asking.

    :param reason: why this route, in words for the scope
    :param count: records by the source's own counter, None where it has none
    """

    object: str
    route: Route
    reason: str
    count: int | None = None


@dataclass(frozen=True)
class Page:
    """
    Records of one object, as received.

    :param following: by which the source goes on after them, also in another process; None at the
        end, and where it cannot
    """

    records: list[Values]
    following: str | None = None


class Source(Protocol):
    """A CRM that records are read from. Nothing here may write to it."""

    objects: Mapping[str, ObjectSpec]
    """Every object that a mapping may name, with its declared fields; parents first."""

    reads_since: Collection[str]
    """Objects whose reading can be limited to what changed; every record of them has an id."""

    def tenant(self) -> str:
        """Return the id of the account behind the connection."""

    def probe(self) -> list[Access]:
        """Ask which objects the API gives."""

    def read(
        self,
        object_name: str,
        seen: Callable[[str, str], Iterable[str]],
        since: datetime | None = None,
        begin: str | None = None,
    ) -> Iterator[Page]:
        """
        Read an object page by page.

        :param seen: distinct values of a field of an object that was read before
        :param since: only what was made or changed from then on; given for ``reads_since`` alone
        :param begin: ``following`` of the last page that was received, else from the first page on
        :raises Refused: at the first page, where the source cannot go on from ``begin`` any more
        """

    def fields_of(self, object_name: str, raw: Values) -> Values:
        """Return a received record by declared field names, cells still as received."""

    def open_file(self, url: str) -> IO[bytes]:
        """
        Open a binary of this CRM as a stream.

        :raises NoAnswer: the CRM itself is in trouble, as with Throttled and Unreachable
        :raises DeadHost: the binary lies on another server, which cannot be reached
        :raises CrmError: this binary cannot be had
        """

    def newest_change(self, object_name: str) -> datetime | None:
        """
        Ask when a record of an object was last made or changed.

        :return: an aware time; None where nothing short of reading everything would tell
        """


@dataclass(frozen=True)
class Tenant:
    """The workspace, company or org behind a destination connection."""

    id: str
    name: str


@dataclass(frozen=True)
class Member:
    """
    A user of the destination.

    :param id: what owner fields take; None while an invitation is pending
    """

    id: str | None
    email: str
    name: str
    active: bool = True


@dataclass(frozen=True)
class Normalised:
    """
    What a platform will make of a value.

    :param value: as it will be stored; None when nothing of it can be
    :param unusable: parts that the platform would refuse, as text
    :param notes: what changes, in words for the report, without the value
    """

    value: Any
    unusable: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Stored:
    """
    A record as the destination holds it.

    :param values: by field name, in the form that :mod:`.fields` lists
    """

    id: str
    values: Values
    trashed: bool = False


@dataclass(frozen=True)
class Write:
    """
    A record to be written.

    :param id: the id that we make, or of the record to update; None where the platform makes it
    """

    id: str | None
    values: Values


@dataclass(frozen=True)
class Capabilities:
    """
    What a destination can do; the steps ask here and never for a platform's name.

    :param batch_size: most records per write call
    :param read_size: most records per read call
    :param client_ids: whether it takes ids that we make
    :param reads_trash: whether trashed records can be found
    :param sets_created_at: whether it keeps original creation times
    :param links_go_along: whether deleting a record deletes the rows that link it to others
    :param attachment: object that holds files, None where files are not moved
    :param file_field: its field that takes the file id that an upload returns
    :param file_name_field: its field that takes the file's name
    """

    batch_size: int
    read_size: int
    client_ids: bool
    reads_trash: bool
    sets_created_at: bool
    links_go_along: bool
    attachment: str | None
    file_field: str
    file_name_field: str
    max_file_bytes: int


class Action(StrEnum):
    """What a forecast says a destination will be asked to do."""

    CREATE = "create"
    UPDATE = "update"
    RESTORE = "restore"
    TRASH = "trash"
    DELETE = "delete"
    READ = "read"
    CHILDREN = "children"
    UPLOAD = "upload"
    DOWNLOAD = "download"


@dataclass(frozen=True)
class Usage:
    """
    What a CRM was asked so far.

    :param requests: all of them, those that no limit counts too
    :param weight: what they cost of the budget
    :param seconds: until their replies were there, waiting for the budget left out
    """

    requests: int
    weight: float
    seconds: float


@dataclass(frozen=True)
class SchemaChange:
    """
    One thing that is done to the schema, or would be.

    :param action: ``create_field``, ``create_relation``, ``add_options``, ``retire_options``, or
        ``keep_options`` for those that were to go and are in use
    """

    object: str
    field: str
    action: str
    detail: str = ""


class DestinationRules(Protocol):
    """What a platform makes of values, known without asking it."""

    @property
    def capabilities(self) -> Capabilities:
        """What the platform can do."""

    def normalise(self, field: FieldSpec, value: Any) -> Normalised:
        """Say what the platform will make of a value; what it would refuse is told, not raised."""

    def option(self, label: str, taken: Iterable[Option]) -> tuple[str, str]:
        """
        Return value and label of a new option for a source label, both unlike those taken.

        :param taken: options already in use
        """

    def custom_field_name(self, label: str, taken: Iterable[str]) -> str:
        """Return a name that the platform accepts for a new field."""


class Destination(DestinationRules, Protocol):
    """
    A CRM that records are written to.

    :param guard: called right before each request is sent, whatever thread sends it, and after all
        waiting; what it raises keeps the request from being sent
    """

    guard: Callable[[], None]

    @property
    def requests_made(self) -> Mapping[str, int]:
        """Kind of request -> how often it was made so far."""

    @property
    def usage(self) -> Usage:
        """What was asked so far."""

    @property
    def budget(self) -> Budget:
        """What the connection may be asked."""

    def cost(self, action: Action, object_name: str, number: int) -> Sequence[float]:
        """
        Return what the calls of an action cost, without making them.

        What would have to be known before, such as the schema, is asked.

        :param number: records, or binaries, that one call of this protocol is given
        :return: of each request, in order, its cost of the budget; 0 where no limit counts it
        """

    def tenant(self) -> Tenant:
        """Return the tenant behind the connection."""

    def preflight(self) -> list[Finding]:
        """Check permissions, and what would get in the way."""

    def describe(self) -> dict[str, ObjectSpec]:
        """Return the objects with all their fields, custom ones too, as they are now."""

    def members(self) -> list[Member]:
        """Return users and pending invitations."""

    def ensure_schema(self, wanted: Sequence[ObjectSpec], *, dry_run: bool) -> list[SchemaChange]:
        """
        Make the fields and options that are missing; idempotent, nothing is ever removed.

        :param wanted: objects with just the fields that are needed, options included
        :param dry_run: tell the changes, make none
        """

    def retire_options(
        self, object_name: str, field: str, options: Sequence[str], *, default: str, dry_run: bool
    ) -> list[SchemaChange]:
        """
        Take options of a select away that no record has, trashed ones included; idempotent.

        :param options: values that may go
        :param default: becomes the field's default where that goes
        :param dry_run: tell the changes, make none
        """

    def count(self, object_name: str, field: str | None = None, prefix: str | None = None) -> int:
        """
        Count the live records.

        :param field: count only those whose text field starts with ``prefix``
        """

    def listing(
        self,
        object_name: str,
        field: str | None = None,
        prefix: str | None = None,
        *,
        trashed: bool = False,
    ) -> Iterator[Stored]:
        """
        Walk all live records.

        :param field: only those whose text field starts with ``prefix``
        :param trashed: trashed ones too
        """

    def find(self, object_name: str, field: str, values: Sequence[str]) -> dict[str, list[Stored]]:
        """
        Look records up by a unique field, trashed ones too.

        :param field: name of an emails, links or text field; links are compared by the primary one,
            addresses by all that a record has
        :param values: in normalised form
        :return: value -> records that hold it, live ones first
        """

    def read(self, object_name: str, ids: Sequence[str]) -> dict[str, Stored]:
        """Read records by id, trashed ones too; what does not exist is left out."""

    def create(self, object_name: str, rows: Sequence[Write]) -> list[Stored | Refused]:
        """
        Create records and return them as stored, in the order of ``rows``.

        A platform that refuses record by record returns the refusal in that place.

        :raises Refused: the batch as a whole was refused and nothing was written
        :raises Unsettled: it is unknown what was written
        """

    def update(self, object_name: str, rows: Sequence[Write]) -> list[Stored | Refused]:
        """Change the given fields of records that were just read; as :meth:`create` otherwise."""

    def restore(self, object_name: str, ids: Sequence[str]) -> None:
        """Take records out of the trash."""

    def trash(self, object_name: str, ids: Sequence[str]) -> None:
        """Put records into the trash."""

    def delete(self, object_name: str, ids: Sequence[str]) -> None:
        """
        Delete records for good, trashed ones too, in one call for up to a full batch.

        An id that does not exist is passed over, so asking twice is as good as once.
        """

    def children(
        self, object_name: str, ids: Sequence[str], known: Collection[str] = ()
    ) -> dict[str, list[Child]]:
        """
        Find the live records of any object that refer to records.

        What the platform itself keeps about records and links to them is left out: its history,
        and what it finds by an address and would find again.

        :param known: ids of records that need not be told, to spare requests
        :return: id -> records that refer to it; an id that none refers to is left out
        """

    def traces(self, object_name: str, ids: Sequence[str]) -> int:
        """Count what the platform noted of records by itself and keeps when they are deleted."""

    def upload(
        self, name: str, size: int, content: IO[bytes], abandoned: Callable[[str], None]
    ) -> str:
        """
        Upload a binary and return the file id that an attachment record takes.

        :param abandoned: told the id of each upload that was begun and may be there without being
            returned, empty where not even its id is known
        """

    def download(self, attachment: Stored) -> IO[bytes]:
        """Open an attachment's binary as stored."""


@dataclass
class Progress:
    """
    Told by long steps so that the log can show counts, rate and time left.

    :param say: called with a line for the log; never given a value of a customer's record
    """

    say: Callable[[str], None] = field(default=lambda line: None)
