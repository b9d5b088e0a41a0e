"""The hook of a Twenty workspace, as the steps know it."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cached_property
from typing import IO, TYPE_CHECKING, Any, ClassVar

from airflow_crm_migration.core.errors import (
    CrmError,
    Refused,
    Unauthorised,
    Unsettled,
    UserMistake,
)
from airflow_crm_migration.core.fields import FieldSpec, FieldType, ObjectSpec
from airflow_crm_migration.core.protocols import (
    Action,
    Capabilities,
    Child,
    Finding,
    Member,
    SchemaChange,
    Stored,
    Tenant,
    Write,
)
from airflow_crm_migration.hooks.twenty import (
    checks,
    codec,
    costs,
    files,
    referring,
    removal,
    retire,
)
from airflow_crm_migration.hooks.twenty.api import TwentyApi
from airflow_crm_migration.hooks.twenty.changes import SchemaChanger, plan
from airflow_crm_migration.hooks.twenty.contact import canonical_url
from airflow_crm_migration.hooks.twenty.filters import (
    TRASH_TOO,
    WITH_TRASH,
    all_of,
    chunks,
    holds_one_of,
    one_of,
    starts_with,
)
from airflow_crm_migration.hooks.twenty.metadata import Metadata
from airflow_crm_migration.hooks.twenty.rules import DOCUMENTED, TwentyRules
from airflow_crm_migration.hooks.twenty.schema import MEMBER, PLURALS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from airflow_crm_migration.hooks.twenty.schema import Schema, TwentyObject

_LARGEST_BATCH = 200
_LARGEST_BODY = 10 * 1024 * 1024
# Values that one look-up asks for; they travel in a body, so no request line gets too long.
_KEYS = 500
# Ids that one request line asks for.
_IDS = 100
_ATTACHMENT = "attachment"


class TwentyHook(TwentyRules, TwentyApi):
    """
    Fulfils :class:`~airflow_crm_migration.core.protocols.Destination` for Twenty.

    The connection's host is the server's base URL, its password an API key of the workspace. Beside
    what :class:`~airflow_crm_migration.hooks.base.CrmHook` reads the extra may hold:

    - ``batch_size``: records per write, 60 when left out as documented, at most 200
    - ``read_size``: records per page read, likewise

    Objects go by their singular names. Facts about the platform were observed on Twenty 2.21.
    """

    conn_type = "twenty"
    hook_name = "Twenty"
    default_conn_name = "twenty_default"
    #: What Twenty makes of values, for steps that talk to no workspace.
    rules_class: ClassVar[type[TwentyRules]] = TwentyRules

    @cached_property
    def capabilities(self) -> Capabilities:
        """What this workspace can do, by documentation and connection."""
        return replace(
            DOCUMENTED,
            batch_size=self.setting("batch_size", DOCUMENTED.batch_size, _batch_size),
            read_size=self.setting("read_size", DOCUMENTED.read_size, _batch_size),
        )

    @cached_property
    def metadata(self) -> Metadata:
        """The metadata API of the workspace."""
        return Metadata(self)

    @cached_property
    def downloads(self) -> files.Downloads:
        """Addresses of binaries."""
        return files.Downloads(self)

    @cached_property
    def schema(self) -> Schema:
        """The schema as it was when it was last read."""
        return self.metadata.schema()

    def cost(self, action: Action, object_name: str, number: int) -> list[float]:
        """Return what the requests of an action cost; the schema is read first, as for any."""
        target = self._object(object_name)
        if action is Action.CHILDREN:
            return referring.cost(self, target, number)
        return costs.cost(action, number, min(_IDS, self.capabilities.read_size))

    def greeting(self) -> str:
        """Name the workspace."""
        tenant = self.tenant()
        return f"Connected to the Twenty workspace {tenant.name} ({tenant.id})"

    def tenant(self) -> Tenant:
        """Return the workspace."""
        query = "query { currentWorkspace { id displayName } }"
        try:
            found = self.graphql("/metadata", query, {}, name="currentWorkspace")
        except (Refused, Unauthorised):
            # A role without settings permissions may still read metadata.
            if not self.schema.workspace_id:
                raise
            return Tenant(self.schema.workspace_id, self.address)
        workspace = found["currentWorkspace"]
        return Tenant(workspace["id"], workspace.get("displayName") or self.address)

    def preflight(self) -> list[Finding]:
        """Check permissions, demo records, automations and limits."""
        return checks.findings(self)

    def describe(self) -> dict[str, ObjectSpec]:
        """Read the objects with all their fields, as they are now."""
        self.schema = self.metadata.schema()
        return {name: target.spec for name, target in self.schema.objects.items()}

    def ensure_schema(self, wanted: Sequence[ObjectSpec], *, dry_run: bool) -> list[SchemaChange]:
        """
        Make the fields and options that are missing, and read them back.

        :param wanted: objects with just the fields that are needed
        :param dry_run: tell the changes, make none
        """
        self.describe()
        steps = plan(self.schema, wanted)
        if steps and not dry_run:
            SchemaChanger(self.metadata).apply(self.schema, steps)
            self.describe()
            left = plan(self.schema, wanted)
            if left:
                places = ", ".join(f"{s.target.name}.{s.field.name}" for s in left)
                raise CrmError(f"Twenty accepted these fields but does not show them: {places}")
        return [step.change for step in steps]

    def retire_options(
        self, object_name: str, field: str, options: Sequence[str], *, default: str, dry_run: bool
    ) -> list[SchemaChange]:
        """
        Take options away that no record has, trashed ones included: Twenty would reset the records.

        :param options: values that may go
        :param default: becomes the field's default where that goes
        :param dry_run: tell the changes, make none
        """
        target = self._object(object_name)
        found = retire.judge(self, target, field, options)
        if found.unused and not dry_run:
            SchemaChanger(self.metadata).remove_options(target, field, found.unused, default)
            self.describe()
        return found.changes

    def members(self) -> list[Member]:
        """Return members, removed ones as inactive, and pending invitations."""
        found = [
            Member(
                id=record["id"],
                email=(record.get("userEmail") or "").lower(),
                name=" ".join(filter(None, record["name"].values())),
                active=record.get("deletedAt") is None,
            )
            for record in self.raw(MEMBER, WITH_TRASH)
        ]
        return found + [Member(None, email, "") for email in self._invited()]

    def _invited(self) -> list[str]:
        query = "query { findWorkspaceInvitations { email } }"
        try:
            found = self.graphql("/metadata", query, {}, name="findWorkspaceInvitations")
        except (Refused, Unauthorised):
            return []  # the role may not see them; they own nothing before they sign up
        return [i["email"].lower() for i in found["findWorkspaceInvitations"]]

    def count(self, object_name: str, field: str | None = None, prefix: str | None = None) -> int:
        """
        Count the live records.

        :param field: count only those whose text field starts with ``prefix``
        """
        params: dict[str, Any] = {"limit": 1, "depth": 0}
        if field and prefix:
            params["filter"] = starts_with(field, prefix)
        path = f"/rest/{self._plural(object_name)}"
        return int(self.call("GET", path, params=params)["totalCount"])

    def listing(
        self,
        object_name: str,
        field: str | None = None,
        prefix: str | None = None,
        *,
        trashed: bool = False,
    ) -> Iterator[Stored]:
        """
        Walk all records by id.

        :param field: only those whose text field starts with ``prefix``
        :param trashed: trashed ones too
        """
        chosen = starts_with(field, prefix) if field and prefix else ""
        target = self._object(object_name)
        for record in self.raw(object_name, all_of(chosen, WITH_TRASH if trashed else "")):
            yield codec.stored(target, record)

    def find(self, object_name: str, field: str, values: Sequence[str]) -> dict[str, list[Stored]]:
        """
        Look records up by a unique field, trashed ones too.

        A company is found by its domain however its address is spelt, a person by any address. Give
        all values at once: 500 of them cost one call, and a call more per page of what is found.

        :param values: in normalised form
        :return: value -> records that hold it, live ones before trashed ones, old ones before new
        """
        target = self._object(object_name)
        spec = target.spec.fields[field]
        wanted = [v for v in dict.fromkeys(values) if v]
        spellings = [s for v in wanted for s in _spellings(spec, v)]
        ids: list[str] = []
        for start in range(0, len(spellings), _KEYS):
            ids += self._ids_by(target, spec, spellings[start : start + _KEYS])
        found: dict[str, list[Stored]] = {}
        for record in sorted(self.read(object_name, ids).values(), key=_preference):
            for key in _keys(spec, record):
                found.setdefault(key, []).append(record)
        return {v: found[v] for v in wanted if v in found}

    def _ids_by(self, target: TwentyObject, field: FieldSpec, values: list[str]) -> list[str]:
        holds_one = f"{_capital(target.name)}FilterInput"
        query = (
            f"query($holdsOne: [{holds_one}!], $first: Int, $after: String) {{"
            f" {target.plural}(filter: {{and: [{{or: $holdsOne}}, {TRASH_TOO}]}}, first: $first, "
            "after: $after) { pageInfo { endCursor hasNextPage } edges { node { id } } } }"
        )
        variables: dict[str, Any] = {
            "holdsOne": holds_one_of(field, values),
            "first": self.capabilities.read_size,
        }
        ids: list[str] = []
        while True:
            found = self.graphql("/graphql", query, variables, name=target.plural)[target.plural]
            ids += [edge["node"]["id"] for edge in found["edges"]]
            if not found["pageInfo"]["hasNextPage"]:
                return ids
            variables["after"] = found["pageInfo"]["endCursor"]

    def read(self, object_name: str, ids: Sequence[str]) -> dict[str, Stored]:
        """Read records by id, trashed ones too; what does not exist is left out."""
        if not ids:
            return {}
        target = self._object(object_name)
        size = min(_IDS, self.capabilities.read_size)
        return {
            record["id"]: self._stored(target, record)
            for chunk in chunks(dict.fromkeys(ids), size)
            for record in self.raw(object_name, all_of(one_of("id", chunk), WITH_TRASH))
        }

    def create(self, object_name: str, rows: Sequence[Write]) -> list[Stored | Refused]:
        """
        Create records in one call, all or none.

        :return: as stored, in the order of ``rows``
        :raises Refused: nothing was written; what is too large for one call is refused unsent
        """
        target = self._object(object_name)
        return self._write(target, rows, [_completed(target, r) for r in rows], upsert=False)

    def update(self, object_name: str, rows: Sequence[Write]) -> list[Stored | Refused]:
        """
        Change the given fields of records in one call.

        Only for records that were just read: of an id that is gone Twenty makes a stub, and one in
        the trash it restores.
        """
        target = self._object(object_name)
        if not all(row.id for row in rows):
            raise ValueError("only records with an id can be updated")
        payloads = [codec.payload(target, row, blanks=True) for row in rows]
        return self._write(target, rows, payloads, upsert=True)

    def _write(
        self,
        target: TwentyObject,
        rows: Sequence[Write],
        payloads: list[dict[str, Any]],
        *,
        upsert: bool,
    ) -> list[Stored | Refused]:
        if not rows:
            return []
        body = json.dumps(payloads, ensure_ascii=False, separators=(",", ":")).encode()
        if len(body) > _LARGEST_BODY:
            raise Refused(f"{len(rows)} records of {len(body)} bytes; Twenty takes 10 MB a call")
        reply = self.call(
            "POST",
            f"/rest/batch/{target.plural}",
            params={"upsert": "true"} if upsert else None,
            data=body,
            headers={"Content-Type": "application/json"},
        )
        records = reply.get("data", {}).get(f"create{_capital(target.plural)}") or []
        if not upsert:
            ids = [row.id or r["id"] for row, r in zip(rows, records, strict=False)]
        else:
            ids = [str(row.id) for row in rows]
        # An upsert answers in an order of its own.
        by_id = {r["id"]: self._stored(target, r) for r in records}
        if by_id.keys() != set(ids) or len(records) != len(rows):
            raise Unsettled(f"Twenty answered with other {target.plural} than those that were sent")
        return [by_id[i] for i in ids]

    def restore(self, object_name: str, ids: Sequence[str]) -> None:
        """Take records out of the trash."""
        removal.restore(self, self._object(object_name), ids)

    def trash(self, object_name: str, ids: Sequence[str]) -> None:
        """Put records into the trash, which Twenty empties after 14 days by default."""
        removal.trash(self, self._object(object_name), ids)

    def delete(self, object_name: str, ids: Sequence[str]) -> None:
        """Delete records for good, trashed ones too, 200 in a call."""
        removal.delete(self, self._object(object_name), ids)

    def children(
        self, object_name: str, ids: Sequence[str], known: Collection[str] = ()
    ) -> dict[str, list[Child]]:
        """Find the live records that refer to records, all objects in one call."""
        return referring.children(self, self._object(object_name), ids, known)

    def traces(self, object_name: str, ids: Sequence[str]) -> int:
        """Count the timeline's entries that stay when records are deleted."""
        return referring.traces(self, self._object(object_name), ids)

    def upload(
        self, name: str, size: int, content: IO[bytes], abandoned: Callable[[str], None]
    ) -> str:
        """
        Upload a binary and return the file id that an attachment record takes, once.

        :param abandoned: told the id of each upload that was begun and is not returned
        """
        return files.upload(self, name, size, content, abandoned)

    def download(self, attachment: Stored) -> IO[bytes]:
        """Open an attachment's binary as stored."""
        return self.downloads.open(attachment)

    def raw(self, object_name: str, filters: str | None = None) -> Iterator[dict[str, Any]]:
        """
        Walk records as received.

        :param filters: a REST filter
        """
        plural = self._plural(object_name)
        for page in self.pages(plural, self.capabilities.read_size, filters):
            yield from page

    def _stored(self, target: TwentyObject, record: dict[str, Any]) -> Stored:
        if target.name == self.capabilities.attachment:
            self.downloads.note(record)
        return codec.stored(target, record)

    def _plural(self, name: str) -> str:
        return PLURALS.get(name) or self._object(name).plural

    def _object(self, name: str) -> TwentyObject:
        target = self.schema.objects.get(name)
        if target is None:
            raise UserMistake(f"Twenty has no object {name}: name one of the workspace's objects")
        return target


def _capital(name: str) -> str:
    return name[0].upper() + name[1:]


def _batch_size(value: Any) -> int:
    size = int(value)
    if not 1 <= size <= _LARGEST_BATCH:
        raise ValueError(f"give a number from 1 to {_LARGEST_BATCH}")
    return size


def _completed(target: TwentyObject, row: Write) -> dict[str, Any]:
    body = codec.payload(target, row, blanks=False)
    if target.name == _ATTACHMENT and "fileCategory" in target.spec.fields:
        body.setdefault("fileCategory", files.category(str(body.get("name", ""))))
    return body


def _spellings(field: FieldSpec, value: str) -> Iterable[str]:
    if field.type is not FieldType.LINKS or not field.unique:
        return [value]
    bare = value.removeprefix("https://")
    return [
        f"{scheme}{www}{bare}" for scheme in ("https://", "http://", "") for www in ("", "www.")
    ]


def _keys(field: FieldSpec, record: Stored) -> list[str]:
    value = record.values.get(field.name)
    if not value:
        return []
    if field.type is FieldType.LINKS:
        return [canonical_url(value[0]["url"], domain=field.unique) or value[0]["url"]]
    return list(dict.fromkeys(value)) if field.type is FieldType.EMAILS else [str(value)]


def _preference(record: Stored) -> tuple[bool, str, str]:
    values: Mapping[str, Any] = record.values
    return record.trashed, values.get("createdAt") or "", record.id
