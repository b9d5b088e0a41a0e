"""Neutral values to Twenty's payloads and back."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.canonical import decimal_text, time_text
from airflow_crm_migration.core.fields import FieldSpec, FieldType
from airflow_crm_migration.core.protocols import Stored, Values, Write
from airflow_crm_migration.hooks.twenty.values import ADDRESS_PARTS, MICROS, NAME_PARTS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow_crm_migration.hooks.twenty.schema import TwentyObject

Json = Any
_SAFE_INTEGER = 2**53


def payload(target: TwentyObject, row: Write, *, blanks: bool) -> dict[str, Json]:
    """
    Return a record as Twenty takes it.

    :param row: in neutral form
    :param blanks: whether a blank value clears what is stored; else it is left out
    :raises ValueError: for a field that cannot be written
    """
    body: dict[str, Json] = {} if row.id is None else {"id": row.id}
    for name, value in row.values.items():
        field = target.spec.fields.get(name)
        if field is None or field.join is not None:
            raise ValueError(f"{target.name} has no field {name} that can be written")
        if value is not None and value not in ("", []):
            body[name] = _ENCODE[field.type](value)
        elif blanks and name not in target.never_blank:
            body[name] = _BLANKS.get(field.type)
    return body


def stored(target: TwentyObject, record: Mapping[str, Json]) -> Stored:
    """
    Return a record as received in neutral form.

    :param record: whole, at depth 0
    """
    values: Values = {
        name: decode(field, record[name])
        for name, field in target.spec.fields.items()
        if name in record
    }
    return Stored(record["id"], values, trashed=record.get("deletedAt") is not None)


def decode(field: FieldSpec, value: Json) -> Json:
    """
    Return a value in neutral form; whatever is blank is None.

    :param value: as received
    """
    if value is None or value in ("", [], {}):
        return None
    return _DECODE.get(field.type, _same)(value)


def _same(value: Json) -> Json:
    return value


def _number(value: str | int) -> int | float:
    exact = Decimal(value)
    whole = exact == exact.to_integral_value() and abs(exact) < _SAFE_INTEGER
    return int(exact) if whole else float(exact)


def _money(value: dict[str, Json]) -> Json:
    amount = value.get("amount")
    micros = None if amount is None else int(Decimal(amount) * MICROS)
    return {"amountMicros": micros, "currencyCode": value.get("currency")}


def _emails(value: list[str]) -> Json:
    return {"primaryEmail": value[0], "additionalEmails": value[1:]}


def _phones(value: list[dict[str, str]]) -> Json:
    first, *others = value
    return {
        "primaryPhoneNumber": first["number"],
        "primaryPhoneCountryCode": first["country"],
        "primaryPhoneCallingCode": first["calling_code"],
        "additionalPhones": [
            {"number": p["number"], "countryCode": p["country"], "callingCode": p["calling_code"]}
            for p in others
        ],
    }


def _links(value: list[dict[str, str | None]]) -> Json:
    urls = [{"url": link["url"], "label": link.get("label") or ""} for link in value]
    return {
        "primaryLinkUrl": urls[0]["url"],
        "primaryLinkLabel": urls[0]["label"],
        "secondaryLinks": urls[1:],
    }


def _title(part: str) -> str:
    return part[0].upper() + part[1:]


def _address(value: dict[str, str | None]) -> Json:
    return {f"address{_title(part)}": value.get(part) or "" for part in ADDRESS_PARTS}


def _person_name(value: dict[str, str | None]) -> Json:
    return {f"{part}Name": value.get(part) or "" for part in NAME_PARTS}


def _files(value: list[dict[str, str]]) -> Json:
    return [{"fileId": f["file_id"], "label": f["label"]} for f in value]


_ENCODE: Mapping[FieldType, Callable[[Any], Json]] = {
    **dict.fromkeys(FieldType, _same),
    FieldType.LONG_TEXT: lambda value: {"markdown": value},
    FieldType.NUMBER: _number,
    FieldType.MONEY: _money,
    FieldType.EMAILS: _emails,
    FieldType.PHONES: _phones,
    FieldType.LINKS: _links,
    FieldType.ADDRESS: _address,
    FieldType.PERSON_NAME: _person_name,
    # Without a name Twenty would write the API key's name.
    FieldType.ACTOR: lambda value: {"source": "IMPORT", "name": value},
    FieldType.FILE: _files,
}

# A null clears plain fields; of composites it is ignored, and rich text does not survive it.
_BLANKS: Mapping[FieldType, Json] = {
    FieldType.TEXT: "",
    FieldType.LONG_TEXT: {"markdown": ""},
    FieldType.MONEY: {"amountMicros": None, "currencyCode": None},
    FieldType.MULTI_SELECT: [],
    FieldType.EMAILS: {"primaryEmail": "", "additionalEmails": []},
    FieldType.PHONES: {
        "primaryPhoneNumber": "",
        "primaryPhoneCountryCode": "",
        "primaryPhoneCallingCode": "",
        "additionalPhones": [],
    },
    FieldType.LINKS: {"primaryLinkUrl": "", "primaryLinkLabel": "", "secondaryLinks": []},
    FieldType.ADDRESS: _address({}),
    FieldType.PERSON_NAME: _person_name({}),
}


def _kept(parts: dict[str, Any]) -> Json:
    kept = {name: part or None for name, part in parts.items()}
    return kept if any(kept.values()) else None


def _decode_money(value: dict[str, Json]) -> Json:
    micros, currency = value.get("amountMicros"), value.get("currencyCode") or None
    if micros is None:
        return {"amount": None, "currency": currency} if currency else None
    return {"amount": decimal_text(Decimal(micros) / MICROS), "currency": currency}


def _decode_emails(value: dict[str, Json]) -> Json:
    return [e for e in [value.get("primaryEmail"), *(value.get("additionalEmails") or [])] if e]


def _decode_phones(value: dict[str, Json]) -> Json:
    first = [value.get(f"primaryPhone{p}") for p in ("Number", "CountryCode", "CallingCode")]
    others = [
        [p.get("number"), p.get("countryCode"), p.get("callingCode")]
        for p in value.get("additionalPhones") or []
    ]
    return [
        {"number": number, "country": country or None, "calling_code": code or None}
        for number, country, code in [first, *others]
        if number
    ]


def _decode_links(value: dict[str, Json]) -> Json:
    first = {"url": value.get("primaryLinkUrl"), "label": value.get("primaryLinkLabel")}
    return [
        {"url": link["url"], "label": link.get("label") or None}
        for link in [first, *(value.get("secondaryLinks") or [])]
        if link.get("url")
    ]


def _decode_time(value: str) -> str:
    return time_text(datetime.fromisoformat(value))


_DECODE: Mapping[FieldType, Callable[[Any], Json]] = {
    FieldType.LONG_TEXT: lambda value: value.get("markdown") or None,
    FieldType.NUMBER: lambda value: decimal_text(Decimal(repr(value))),
    FieldType.MONEY: _decode_money,
    FieldType.DATETIME: _decode_time,
    FieldType.EMAILS: lambda value: _decode_emails(value) or None,
    FieldType.PHONES: lambda value: _decode_phones(value) or None,
    FieldType.LINKS: lambda value: _decode_links(value) or None,
    FieldType.ADDRESS: lambda value: _kept(
        {part: value.get(f"address{_title(part)}") for part in ADDRESS_PARTS}
    ),
    FieldType.PERSON_NAME: lambda value: _kept({p: value.get(f"{p}Name") for p in NAME_PARTS}),
    FieldType.ACTOR: lambda value: value.get("name") or None,
    FieldType.FILE: lambda value: [
        {"file_id": f.get("fileId"), "label": f.get("label")} for f in value
    ],
}
