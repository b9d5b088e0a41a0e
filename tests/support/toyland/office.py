"""A destination that lives in memory; nothing in it is called as in any CRM of ours."""

from __future__ import annotations

import io
import re
from collections import Counter
from dataclasses import replace
from typing import IO, TYPE_CHECKING, Any, ClassVar

from airflow_crm_migration.core.errors import Duplicate, Refused
from airflow_crm_migration.core.fields import FieldSpec, FieldType, Join, ObjectSpec, Option
from airflow_crm_migration.core.limits import Budget, Window
from airflow_crm_migration.core.protocols import (
    Action,
    Capabilities,
    Finding,
    Member,
    Normalised,
    SchemaChange,
    Stored,
    Tenant,
    Usage,
    Write,
)
from airflow_crm_migration.core.values.texts import texts

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from airflow_crm_migration.core.protocols import Values

LONGEST = 60
_CHOICES = (FieldType.SELECT, FieldType.MULTI_SELECT)


def _object(name: str, *fields: FieldSpec) -> ObjectSpec:
    return ObjectSpec(name, name.title(), {f.name: f for f in fields})


def objects() -> dict[str, ObjectSpec]:
    text, person = FieldType.TEXT, FieldType.REFERENCE
    seats = Join("seat", "meeting", {"human": "human"})
    found = (
        _object(
            "house",
            FieldSpec("sign", text),
            FieldSpec("site", FieldType.LINKS, unique=True),
            FieldSpec("warden", FieldType.USER),
            FieldSpec("stirred", FieldType.DATETIME),
        ),
        _object(
            "human",
            FieldSpec("called", FieldType.PERSON_NAME),
            FieldSpec("post", FieldType.EMAILS, unique=True),
            FieldSpec("house", person, references=("house",)),
        ),
        _object(
            "meeting",
            FieldSpec("topic", text),
            FieldSpec("mood", FieldType.SELECT, options=(Option("fine", "Fine"),)),
            FieldSpec("seats", person, references=("human",), join=seats),
        ),
        _object(
            "seat",
            FieldSpec("meeting", person, references=("meeting",)),
            FieldSpec("human", person, references=("human",)),
        ),
        _object(
            "folder",
            FieldSpec("heading", text),
            FieldSpec("sheet", FieldType.FILE),
            FieldSpec("human", person, references=("human",)),
        ),
    )
    return {spec.name: spec for spec in found}


class OfficeRules:
    """Fulfils :class:`airflow_crm_migration.core.protocols.DestinationRules`."""

    capabilities = Capabilities(
        batch_size=2,
        read_size=3,
        client_ids=True,
        reads_trash=True,
        sets_created_at=True,
        links_go_along=False,
        attachment="folder",
        file_field="sheet",
        file_name_field="heading",
        max_file_bytes=100,
    )

    def normalise(self, field: FieldSpec, value: Any) -> Normalised:
        """Take texts up to 60 characters, long ones without NUL, addresses, known options."""
        if field.type is FieldType.TEXT and len(value) > LONGEST:
            return Normalised(None, (value,), ("too long",))
        if field.type is FieldType.EMAILS:
            good = [v.lower() for v in value if "@" in v]
            return Normalised(good or None, tuple(v for v in value if "@" not in v))
        if field.type in _CHOICES:
            return _chosen(field, value)
        if field.type is FieldType.LONG_TEXT and "\0" in value:
            return Normalised(value.replace("\0", ""), (), ("signs were removed",))
        return Normalised(value)

    def option(self, label: str, taken: Iterable[Option]) -> tuple[str, str]:
        shown = " ".join(label.replace(",", " ").split())
        used = list(taken)
        mark = " (2)" if shown.lower() in {o.label.lower() for o in used} else ""
        return _free(shown.lower(), [o.value for o in used]), shown + mark

    def custom_field_name(self, label: str, taken: Iterable[str]) -> str:
        return _free(f"our_{re.sub(r'[^a-z0-9]+', '_', label.lower())}", taken)


def _chosen(field: FieldSpec, value: Any) -> Normalised:
    known = {option.value for option in field.options}
    wanted = value if isinstance(value, list) else [value]
    good = [v for v in wanted if v in known]
    bad = tuple(str(v) for v in wanted if v not in known)
    if isinstance(value, list):
        return Normalised(good or None, bad)
    return Normalised(good[0] if good else None, bad)


def _free(name: str, taken: Iterable[str]) -> str:
    used, number, free = set(taken), 1, name
    while free in used:
        number += 1
        free = f"{name}_{number}"
    return free


class Office:
    """What the office holds."""

    def __init__(self) -> None:
        self.objects = objects()
        self.rows: dict[str, dict[str, Stored]] = {name: {} for name in self.objects}
        self.binaries: dict[str, bytes] = {}
        self.members = [Member("m1", "ann@office.example", "Ann Able")]
        self.calls: Counter[str] = Counter()


OFFICES: dict[str, Office] = {}


class OfficeHook(OfficeRules):
    """Fulfils :class:`airflow_crm_migration.core.protocols.Destination`."""

    conn_type = "toy_office"
    hook_name = "Toy office"
    rules_class: ClassVar[type[OfficeRules]] = OfficeRules

    def __init__(self, conn_id: str) -> None:
        self.conn_id = conn_id
        self.office = OFFICES.setdefault(conn_id, Office())
        self.guard: Callable[[], None] = lambda: None

    def _call(self, kind: str) -> None:
        self.guard()
        self.office.calls[kind] += 1

    @property
    def requests_made(self) -> Mapping[str, int]:
        return self.office.calls

    @property
    def usage(self) -> Usage:
        return Usage(self.office.calls.total(), self.office.calls.total(), 0.0)

    @property
    def budget(self) -> Budget:
        return Budget((Window(60, 60.0),), 1.0)

    def cost(self, action: Action, object_name: str, number: int) -> list[float]:
        """Charge uploads double."""
        return [2.0 if action is Action.UPLOAD else 1.0]

    def tenant(self) -> Tenant:
        return Tenant(f"office of {self.conn_id}", "Office")

    def preflight(self) -> list[Finding]:
        return []

    def describe(self) -> dict[str, ObjectSpec]:
        return dict(self.office.objects)

    def members(self) -> list[Member]:
        return self.office.members

    # -- schema ----------------------------------------------------------------------------

    def ensure_schema(self, wanted: Sequence[ObjectSpec], *, dry_run: bool) -> list[SchemaChange]:
        self._call("read")
        return [
            SchemaChange(addition.name, spec.name, action)
            for addition in wanted
            for spec in addition.fields.values()
            if (action := self._ensure(addition.name, spec, dry_run=dry_run))
        ]

    def _ensure(self, object_name: str, spec: FieldSpec, *, dry_run: bool) -> str:
        fields = self.office.objects[object_name].fields
        standing = fields.get(spec.name)
        if standing is None:
            if not dry_run:
                self._call("write")
                fields[spec.name] = replace(spec, custom=True)
            return "create_field"
        known = {option.value for option in standing.options}
        new = tuple(option for option in spec.options if option.value not in known)
        if new and not dry_run:
            self._call("write")
            fields[spec.name] = replace(standing, options=standing.options + new)
        return "add_options" if new else ""

    def retire_options(
        self, object_name: str, field: str, options: Sequence[str], *, default: str, dry_run: bool
    ) -> list[SchemaChange]:
        return []  # the office keeps every option

    # -- reading ---------------------------------------------------------------------------

    def count(self, object_name: str, field: str | None = None, prefix: str | None = None) -> int:
        return len(list(self.listing(object_name, field, prefix)))

    def listing(
        self,
        object_name: str,
        field: str | None = None,
        prefix: str | None = None,
        *,
        trashed: bool = False,
    ) -> Iterator[Stored]:
        self._call("read")
        for row in self.office.rows[object_name].values():
            marked = str(row.values.get(field or "") or "").startswith(prefix or "")
            if marked and (trashed or not row.trashed):
                yield row

    def find(self, object_name: str, field: str, values: Sequence[str]) -> dict[str, list[Stored]]:
        rows = sorted(self.listing(object_name, trashed=True), key=lambda row: row.trashed)
        found = {v: [r for r in rows if v in texts(r.values.get(field))] for v in values}
        return {value: holders for value, holders in found.items() if holders}

    def read(self, object_name: str, ids: Sequence[str]) -> dict[str, Stored]:
        self._call("read")
        rows = self.office.rows[object_name]
        return {row_id: rows[row_id] for row_id in ids if row_id in rows}

    # -- writing ---------------------------------------------------------------------------

    def create(self, object_name: str, rows: Sequence[Write]) -> list[Stored | Refused]:
        """Create all rows or none."""
        self._call("write")
        standing = self.office.rows[object_name]
        for row in rows:
            if row.id in standing or self._taken(object_name, row.values):
                raise Duplicate("taken")
            unknown = set(row.values) - set(self.office.objects[object_name].fields)
            if unknown:
                raise Refused(f"unknown fields: {sorted(unknown)}")
        made = [Stored(str(row.id), dict(row.values)) for row in rows]
        standing.update({stored.id: stored for stored in made})
        return list(made)

    def _taken(self, object_name: str, values: Values) -> bool:
        fields = self.office.objects[object_name].fields
        return any(
            _primary(row.values.get(name)) == _primary(value)
            for name, value in values.items()
            if fields[name].unique and value
            for row in self.office.rows[object_name].values()
        )

    def update(self, object_name: str, rows: Sequence[Write]) -> list[Stored | Refused]:
        self._call("write")
        standing = self.office.rows[object_name]
        made = [Stored(str(r.id), standing[str(r.id)].values | r.values) for r in rows]
        standing.update({stored.id: stored for stored in made})
        return list(made)

    def restore(self, object_name: str, ids: Sequence[str]) -> None:
        self._call("write")
        rows = self.office.rows[object_name]
        rows.update({row_id: replace(rows[row_id], trashed=False) for row_id in ids})

    def trash(self, object_name: str, ids: Sequence[str]) -> None:
        self._call("write")
        rows = self.office.rows[object_name]
        rows.update({row_id: replace(rows[row_id], trashed=True) for row_id in ids})

    def delete(self, object_name: str, ids: Sequence[str]) -> None:
        """Delete records; whoever refers to them forgets them, and stays."""
        self._call("delete")
        for row_id in ids:
            self.office.rows[object_name].pop(row_id, None)
        for name, column in self._referring(object_name):
            rows = self.office.rows[name]
            for row in [r for r in rows.values() if r.values.get(column) in ids]:
                rows[row.id] = replace(row, values=row.values | {column: None})

    def children(
        self, object_name: str, ids: Sequence[str], known: Collection[str] = ()
    ) -> dict[str, list[tuple[str, str]]]:
        self._call("read")
        found: dict[str, list[tuple[str, str]]] = {}
        for name, column in self._referring(object_name):
            for row in self.office.rows[name].values():
                parent = row.values.get(column)
                if parent in ids and not row.trashed and row.id not in known:
                    found.setdefault(parent, []).append((name, row.id))
        return found

    def traces(self, object_name: str, ids: Sequence[str]) -> int:
        self._call("read")
        return 0

    def _referring(self, object_name: str) -> list[tuple[str, str]]:
        return [
            (name, spec.name)
            for name, owner in self.office.objects.items()
            for spec in owner.fields.values()
            if object_name in spec.references and spec.join is None
        ]

    def upload(
        self, name: str, size: int, content: IO[bytes], abandoned: Callable[[str], None]
    ) -> str:
        self._call("write")
        file_id = f"file-{len(self.office.binaries)}"
        self.office.binaries[file_id] = content.read()
        return file_id

    def download(self, attachment: Stored) -> IO[bytes]:
        [file] = attachment.values[self.capabilities.file_field]
        return io.BytesIO(self.office.binaries[file["file_id"]])


def _primary(value: Any) -> str:
    first = value[0] if isinstance(value, list) and value else value
    return str(first["url"] if isinstance(first, dict) else first)
