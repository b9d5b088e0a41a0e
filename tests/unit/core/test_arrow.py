from __future__ import annotations

import io

import pyarrow as pa
import pyarrow.parquet as pq

from airflow_crm_migration.core.arrow import read_rows, schema, write_rows
from airflow_crm_migration.core.fields import FieldType

KINDS = {kind.value: kind for kind in FieldType}
FULL = {
    "text": "Ada \u0000 \U0001f600",
    "long_text": "a\n\nb",
    "number": "12345678901234567890.123",
    "money": {"amount": "12.5", "currency": "EUR"},
    "boolean": False,
    "date": "0999-12-31",
    "datetime": "2024-01-31T08:00:00.123Z",
    "select": "won",
    "multi_select": ["a", "b, c"],
    "emails": ["ada@example.com"],
    "phones": [{"number": "+44 20", "country": None}],
    "links": [{"url": "https://example.com"}],
    "address": {"city": "London"},
    "person_name": {"first": "Ada", "last": ""},
    "actor": "Ada",
    "reference": "c1",
    "user": "u1",
    "file": [{"file_id": "f1", "label": "x"}],
    "json": [1, {"deep": None}],
    "_file": "contacts.csv",
    "_row": 7,
    "_other": {"score": 7, "tags": ["x"]},
}


def written(*rows: dict[str, object]) -> io.BytesIO:
    stream = io.BytesIO()
    write_rows(stream, KINDS, list(rows))
    stream.seek(0)
    return stream


def test_every_type_comes_back_as_it_went() -> None:
    assert list(read_rows(written(FULL), KINDS)) == [FULL]


def test_blanks_are_left_out() -> None:
    assert list(read_rows(written(FULL, {}, {"text": "x"}), KINDS))[1:] == [{}, {"text": "x"}]


def test_columns_come_from_the_declaration_and_not_from_the_data() -> None:
    assert pq.read_schema(written({})).equals(schema(KINDS))
    assert pq.read_schema(written(FULL)).equals(schema(KINDS))


def test_times_days_and_lists_are_typed_for_whoever_opens_the_file() -> None:
    found = pq.read_schema(written(FULL))
    assert found.field("date").type == pa.date32()
    assert found.field("datetime").type == pa.timestamp("ms", tz="UTC")
    assert found.field("emails").type == pa.list_(pa.string())
    assert found.field("boolean").type == pa.bool_()


def test_single_columns_can_be_read() -> None:
    assert list(read_rows(written(FULL), KINDS, ["emails"])) == [{"emails": FULL["emails"]}]
