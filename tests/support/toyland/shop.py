"""A source that lives in memory; nothing in it is called as in any CRM of ours."""

from __future__ import annotations

import io
from collections import Counter, defaultdict
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING, Any

from airflow_crm_migration.core.fields import FieldSpec, FieldType, ObjectSpec
from airflow_crm_migration.core.protocols import Access, Page, Route

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from airflow_crm_migration.core.protocols import Values

_TEXT = FieldType.TEXT
_OBJECTS: dict[str, dict[str, FieldType]] = {
    "firm": {
        "id": _TEXT, "called": _TEXT, "web": _TEXT, "keeper": _TEXT, "touched": FieldType.DATETIME,
    },
    "client": {
        "id": _TEXT, "given": _TEXT, "family": _TEXT, "mail": _TEXT, "firm_id": _TEXT,
        "keeper": _TEXT, "touched": FieldType.DATETIME, "born": FieldType.DATE,
    },
    "chat": {
        "id": _TEXT, "about": _TEXT, "mood": _TEXT, "with": FieldType.MULTI_SELECT,
        "touched": FieldType.DATETIME,
    },
    "sticker": {"id": _TEXT, "client_id": _TEXT, "word": _TEXT},
    "scan": {
        "id": _TEXT, "client_id": _TEXT, "title": _TEXT, "place": _TEXT, "bytes": FieldType.NUMBER,
    },
}  # fmt: skip
BY_CSV = "sticker"


def _object(name: str, fields: Mapping[str, FieldType]) -> ObjectSpec:
    specs = {f: FieldSpec(f, kind, f.title(), header=f.upper()) for f, kind in fields.items()}
    return ObjectSpec(name, name.title(), specs, csv_name=f"{name}s.csv")


class Shelf:
    """What the shop holds."""

    def __init__(self) -> None:
        self.records: dict[str, list[Values]] = defaultdict(list)
        self.binaries: dict[str, bytes] = {}
        self.given: Counter[str] = Counter()

    def put(self, object_name: str, **record: Any) -> None:
        self.records[object_name].append(record)

    def change(self, object_name: str, record_id: str, **values: Any) -> None:
        """Change a record as of now, or as of ``touched``."""
        for record in self.records[object_name]:
            if record["id"] == record_id:
                record.update({"touched": datetime.now(UTC).isoformat(), **values})

    def take_out(self, object_name: str, record_id: str) -> None:
        self.records[object_name] = [r for r in self.records[object_name] if r["id"] != record_id]


SHELF = Shelf()


class ShopHook:
    """Fulfils :class:`airflow_crm_migration.core.protocols.Source`."""

    conn_type = "toy_shop"
    hook_name = "Toy shop"
    objects: Mapping[str, ObjectSpec] = {name: _object(name, f) for name, f in _OBJECTS.items()}
    reads_since = ("firm", "client", "chat")

    def __init__(self, conn_id: str) -> None:
        self.conn_id = conn_id

    def tenant(self) -> str:
        return "shop"

    def probe(self) -> list[Access]:
        return [
            Access(name, Route.CSV, "nobody wrote an API for it")
            if name == BY_CSV
            else Access(name, Route.API, "the API gives it", len(SHELF.records[name]))
            for name in self.objects
        ]

    def read(
        self,
        object_name: str,
        seen: Callable[[str, str], Iterable[str]],
        since: datetime | None = None,
        begin: str | None = None,
    ) -> Iterator[Page]:
        for record in list(SHELF.records[object_name]):
            if since is None or _touched(record) >= since:
                SHELF.given[object_name] += 1
                yield Page([dict(record)])

    def fields_of(self, object_name: str, raw: Values) -> Values:
        return raw

    def newest_change(self, object_name: str) -> datetime | None:
        if "touched" not in _OBJECTS[object_name]:
            return None
        told = [r["touched"] for r in SHELF.records[object_name] if "touched" in r]
        return max(map(datetime.fromisoformat, told), default=datetime.min.replace(tzinfo=UTC))

    def open_file(self, url: str) -> IO[bytes]:
        return io.BytesIO(SHELF.binaries[url])


def _touched(record: Values) -> datetime:
    return datetime.fromisoformat(record.get("touched", "2000-01-01T00:00:00Z"))
