"""Values of every field type, as mappings may send them: good, odd and bad."""

from __future__ import annotations

from datetime import UTC
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from airflow_crm_migration.core.fields import FieldSpec, FieldType, Option

OPTIONS = (Option("NEW", "New"), Option("WON", "Won"), Option("LOST", "Lost"))
TEXT = st.text(max_size=40)
UUIDS = st.uuids(version=4).map(str) | st.uuids(version=5).map(lambda u: str(u).upper())
PHONES = ("+34 612 34 56 78", "0612345678", "612345678", "(415) 555-2671", "+44 20 7946 0958 x12")
HOSTS = ("acme.example", "www.Acme.example", "BÜCHER.example", "localhost", "a_b.c", "1.2.3.4")
TAILS = (
    "",
    "/",
    "/Path/",
    "/a/../b?q=1#x",
    "?utm=1",
    "//",
    "/#",
    ":443/x",
    ":8080",
    " bad",
    "/(x)",
)


def decimals() -> st.SearchStrategy[str]:
    plain = st.decimals(
        allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12
    )
    return plain.map(lambda d: format(d, "f")) | st.just("1e400") | TEXT


def some(element: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(element, max_size=4)


def urls() -> st.SearchStrategy[str]:
    parts = st.tuples(
        st.sampled_from(("", "http://", "https://", "HTTPS://", "ftp://", "javascript:", "//")),
        st.sampled_from(HOSTS),
        st.sampled_from(TAILS),
    )
    return parts.map("".join) | TEXT


VALUES: dict[FieldType, st.SearchStrategy[Any]] = {
    FieldType.TEXT: TEXT,
    FieldType.LONG_TEXT: st.lists(TEXT | st.sampled_from(["- a", "# b", "```", "x  "])).map(
        "\n".join
    ),
    FieldType.NUMBER: decimals() | st.floats().map(lambda f: format(Decimal(repr(f)))),
    FieldType.MONEY: st.fixed_dictionaries(
        {
            "amount": decimals() | st.none(),
            "currency": st.sampled_from(["EUR", "usd", "€", "US DOLLAR", "", None]),
        }
    ),
    FieldType.BOOLEAN: st.booleans(),
    FieldType.DATE: st.dates().map(str) | TEXT,
    FieldType.DATETIME: st.datetimes(timezones=st.just(UTC)).map(lambda d: d.isoformat())
    | st.datetimes(timezones=st.timezones()).map(lambda d: d.isoformat())
    | TEXT,
    FieldType.SELECT: st.sampled_from(["NEW", "WON", "new", "OTHER"]),
    FieldType.MULTI_SELECT: some(st.sampled_from(["NEW", "WON", "LOST", "OTHER"])),
    FieldType.EMAILS: some(
        st.emails() | TEXT | st.sampled_from([" Ana@Acme.example ", "a@b", "@"])
    ),
    FieldType.PHONES: some(
        st.fixed_dictionaries(
            {
                "number": st.sampled_from(PHONES) | TEXT | st.from_regex(r"\+[0-9]{6,14}"),
                "country": st.sampled_from(["ES", "US", "gb", "", None, "XX"]),
                "calling_code": st.sampled_from(["+34", "1", "", None]),
            }
        )
    ),
    FieldType.LINKS: some(st.fixed_dictionaries({"url": urls(), "label": TEXT | st.none()})),
    FieldType.ADDRESS: st.fixed_dictionaries(
        {
            p: TEXT | st.none()
            for p in ("street1", "street2", "city", "postcode", "state", "country")
        }
    ),
    FieldType.PERSON_NAME: st.fixed_dictionaries({"first": TEXT, "last": TEXT | st.none()}),
    FieldType.ACTOR: TEXT,
    FieldType.REFERENCE: UUIDS | TEXT,
    FieldType.USER: UUIDS | TEXT,
    FieldType.JSON: st.dictionaries(TEXT, TEXT | st.integers(-100, 100), max_size=3) | some(TEXT),
}


def field(kind: FieldType, name: str = "x", *, unique: bool = False) -> FieldSpec:
    options = OPTIONS if kind in (FieldType.SELECT, FieldType.MULTI_SELECT) else ()
    return FieldSpec(name, kind, options=options, unique=unique)
