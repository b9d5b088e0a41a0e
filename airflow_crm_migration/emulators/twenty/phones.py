"""Values of PHONES fields, parsed as libphonenumber does."""

from __future__ import annotations

from typing import Any

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber

from airflow_crm_migration.emulators.twenty.errors import ApiError, inspect, invalid

_NUMBER, _COUNTRY, _CALLING = (
    "primaryPhoneNumber",
    "primaryPhoneCountryCode",
    "primaryPhoneCallingCode",
)
_PARTS = (_NUMBER, _COUNTRY, _CALLING, "additionalPhones")


def phones(name: str, value: Any, stored: dict[str, Any]) -> dict[str, Any]:
    """Normalise a PHONES value and merge it into the stored one.

    :param name: of the field
    :param value: what the client sent
    :param stored: what is stored, or the blank
    :return: what is stored now
    :raises ApiError: when Twenty refuses it
    """
    if not isinstance(value, dict) or set(value) - set(_PARTS):
        raise ApiError(f'Invalid value {inspect(value)} for phones field "{name}"')
    sent = {part: value[part] or "" for part in _PARTS[:3] if part in value}
    if any(not isinstance(v, str) for v in sent.values()):
        raise ApiError(f'Invalid value {inspect(value)} for phones field "{name}"')
    merged = {**stored, **sent}
    if any(sent.values()):
        parsed = phone(sent.get(_NUMBER, ""), sent.get(_COUNTRY, ""), sent.get(_CALLING, ""))
        found = dict(zip((_NUMBER, _COUNTRY, _CALLING), parsed, strict=True))
        merged.update({part: v for part, v in found.items() if v or part in sent})
    if "additionalPhones" in value:
        merged["additionalPhones"] = [_additional(name, p) for p in value["additionalPhones"] or []]
    return merged


def phone(number: str, country: str, calling: str) -> tuple[str, str, str]:
    """Normalise one phone.

    :param number: as sent
    :param country: ISO code, or empty
    :param calling: for instance ``+34``, or empty
    :return: national number, ISO code, calling code
    :raises ApiError: when Twenty refuses it
    """
    _check_codes(country, calling)
    if not number or (country and calling):
        # With all three given nothing is checked: junk numbers pass this way.
        return number, country, calling
    parsed = _parse(number, country, calling)
    region = phonenumbers.region_code_for_number(parsed)
    code = f"+{parsed.country_code}"
    if country and region and region != country:
        raise _conflict("country", "CONFLICTING_PHONE_COUNTRY_CODE")
    if calling and calling != code:
        raise _conflict("calling", "CONFLICTING_PHONE_CALLING_CODE")
    national = phonenumbers.national_significant_number(parsed)
    return national, region or country or "", code


def _parse(number: str, country: str, calling: str) -> PhoneNumber:
    text = f"{calling}{number}" if calling and not number.strip().startswith("+") else number
    try:
        parsed = phonenumbers.parse(text, country or None)
    except NumberParseException as e:
        raise _bad_number(number) from e
    if not phonenumbers.is_possible_number(parsed):
        raise _bad_number(number)
    return parsed


def _check_codes(country: str, calling: str) -> None:
    if country and country not in phonenumbers.SUPPORTED_REGIONS:
        raise invalid(f"Invalid country code {country}", "INVALID_PHONE_COUNTRY_CODE")
    if not calling:
        return
    digits = calling.removeprefix("+")
    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(digits) if digits.isdigit() else 0)
    if not regions:
        raise invalid(f"Invalid calling code {calling}", "INVALID_PHONE_CALLING_CODE")
    if country and country not in regions:
        message = "Provided country code and calling code are conflicting"
        raise invalid(message, "CONFLICTING_PHONE_CALLING_CODE_AND_COUNTRY_CODE")


def _additional(name: str, value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        raise ApiError(f'Invalid value {inspect(value)} for phones field "{name}"')
    number, country, calling = phone(
        str(value.get("number") or ""),
        str(value.get("countryCode") or ""),
        str(value.get("callingCode") or ""),
    )
    return {"number": number, "countryCode": country, "callingCode": calling}


def _conflict(what: str, code: str) -> ApiError:
    return invalid(f"Provided {what} code is inconsistent with phone number", code)


def _bad_number(number: str) -> ApiError:
    return invalid(f"Provided phone number is invalid {number}", "INVALID_PHONE_NUMBER")
