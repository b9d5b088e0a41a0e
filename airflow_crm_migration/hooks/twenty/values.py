"""What Twenty makes of plain values: texts, numbers, times, choices.

Facts observed on Twenty 2.21 unless said otherwise.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.canonical import decimal_text, time_text
from airflow_crm_migration.core.protocols import Normalised
from airflow_crm_migration.core.values.currencies import is_currency

if TYPE_CHECKING:
    from airflow_crm_migration.core.fields import FieldSpec

MICROS = 10**6
_MOST_AMOUNT = Decimal(2**53 - 1) / MICROS
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
# Versions 1 to 5 of a UUID; 6 to 8, nil and max are refused.
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
ADDRESS_PARTS = ("street1", "street2", "city", "postcode", "state", "country")
NAME_PARTS = ("first", "last")

BLANK = Normalised(None)


def unusable(value: Any, *notes: str) -> Normalised:
    """
    Say that nothing of a value can be stored.

    :param value: told as text
    """
    return Normalised(None, (str(value),), notes)


def cleaned(text: str) -> tuple[str, tuple[str, ...]]:
    """
    Take out what the database cannot hold: NUL is a server error, half a surrogate pair no text.

    :return: the text and notes
    """
    clean = _LONE_SURROGATE.sub("\ufffd", text.replace("\0", ""))
    return clean, () if clean == text else ("characters that no database holds were removed",)


def text(_: FieldSpec, value: Any) -> Normalised:
    """Keep a text as it is: not trimmed, of any length."""
    if not isinstance(value, str):
        return unusable(value)
    clean, notes = cleaned(value)
    return Normalised(clean or None, (), notes)


def actor(_: FieldSpec, value: Any) -> Normalised:
    """Keep the name of whoever made a record; a blank one would become the API key's."""
    if not isinstance(value, str):
        return unusable(value)
    clean, notes = cleaned(value)
    return Normalised(clean.strip() or None, (), notes)


def number(_: FieldSpec, value: Any) -> Normalised:
    """Round a number to a 64-bit float."""
    exact = _decimal(value)
    if exact is None or not math.isfinite(float(exact)):
        return unusable(value)
    stored = Decimal(repr(float(exact)))
    notes = () if stored == exact else ("rounded to a 64-bit float",)
    return Normalised(decimal_text(stored), (), notes)


def money(_: FieldSpec, value: Any) -> Normalised:
    """
    Round an amount to millionths below 2^53: beyond, digits are lost.

    Twenty stores any text as a currency and then shows none: only ISO 4217 codes are let through.
    """
    if not isinstance(value, dict):
        return unusable(value)
    code, notes = _part(value, "currency")
    code = code.strip() or None if code else None
    given = value.get("amount")
    strange = (code,) if code and not is_currency(code.upper()) else ()
    code = code.upper() if code and not strange else None
    if given in (None, ""):
        return Normalised({"amount": None, "currency": code} if code else None, strange, notes)
    amount = _decimal(given)
    if amount is None or abs(amount) > _MOST_AMOUNT:
        return unusable(" ".join([str(given), *filter(None, (code, *strange))]), *notes)
    micros = (amount * MICROS).to_integral_value(ROUND_HALF_UP)
    if micros != amount * MICROS:
        notes = (*notes, "rounded to six decimals")
    return Normalised({"amount": decimal_text(micros / MICROS), "currency": code}, strange, notes)


def boolean(_: FieldSpec, value: Any) -> Normalised:
    """Keep a boolean; words for it are refused."""
    return Normalised(value) if isinstance(value, bool) else unusable(value)


def day(_: FieldSpec, value: Any) -> Normalised:
    """Keep a date; a time is refused."""
    if isinstance(value, str) and _DATE.fullmatch(value):
        try:
            return Normalised(date.fromisoformat(value).isoformat())
        except ValueError:
            pass
    return unusable(value)


def instant(_: FieldSpec, value: Any) -> Normalised:
    """Cut an instant to milliseconds; one without a zone names no instant."""
    try:
        moment = datetime.fromisoformat(value)
        utc = moment.astimezone(UTC)
    except (ValueError, TypeError, OverflowError):
        return unusable(value)
    if moment.tzinfo is None:
        return unusable(value)
    notes = ("cut to milliseconds",) if utc.microsecond % 1000 else ()
    return Normalised(time_text(utc), (), notes)


def choice(field: FieldSpec, value: Any) -> Normalised:
    """Keep the value of an option; any other is refused."""
    return Normalised(value) if value in {o.value for o in field.options} else unusable(value)


def choices(field: FieldSpec, value: Any) -> Normalised:
    """Keep the values of options, each once."""
    if not isinstance(value, list):
        return unusable(value)
    known = {o.value for o in field.options}
    kept = list(dict.fromkeys(v for v in value if v in known))
    return Normalised(kept or None, tuple(str(v) for v in value if v not in known))


def reference(_: FieldSpec, value: Any) -> Normalised:
    """Keep a UUID of version 1 to 5, in lower case."""
    lower = value.lower() if isinstance(value, str) else ""
    return Normalised(lower) if _UUID.fullmatch(lower) else unusable(value)


def address(_: FieldSpec, value: Any) -> Normalised:
    """Keep the parts of an address; none is checked."""
    return _parts(value, ADDRESS_PARTS)


def person_name(_: FieldSpec, value: Any) -> Normalised:
    """Keep first and last name; they are not trimmed."""
    return _parts(value, NAME_PARTS)


def files(_: FieldSpec, value: Any) -> Normalised:
    """Keep uploaded files; each needs an id and a label."""
    if not isinstance(value, list):
        return unusable(value)
    parts = [(f.get("file_id"), _part(f, "label")[0]) for f in value if isinstance(f, dict)]
    kept = [{"file_id": i, "label": label} for i, label in parts if i and label]
    return Normalised(kept or None) if len(kept) == len(value) else unusable(value)


def anything(_: FieldSpec, value: Any) -> Normalised:
    """Keep an object or a list; a bare value is refused."""
    if not isinstance(value, dict | list):
        return unusable(value)
    return Normalised(_cleaned_json(value) or None)


def _cleaned_json(value: Any) -> Any:
    if isinstance(value, dict):
        return {cleaned(k)[0]: _cleaned_json(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_cleaned_json(v) for v in value]
    return cleaned(value)[0] if isinstance(value, str) else value


def _decimal(value: Any) -> Decimal | None:
    if not isinstance(value, str | int) or isinstance(value, bool):
        return None
    try:
        found = Decimal(value)
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def _part(value: dict[str, Any], name: str) -> tuple[str | None, tuple[str, ...]]:
    part = value.get(name)
    if not isinstance(part, str):
        return None, ()
    clean, notes = cleaned(part)
    return clean or None, notes


def _parts(value: Any, names: tuple[str, ...]) -> Normalised:
    if not isinstance(value, dict):
        return unusable(value)
    found = {name: _part(value, name) for name in names}
    kept = {name: part for name, (part, _) in found.items()}
    notes = tuple(dict.fromkeys(n for _, ns in found.values() for n in ns))
    return Normalised(kept if any(kept.values()) else None, (), notes)
