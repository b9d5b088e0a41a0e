"""A value takes the form of its field, or is told to be unusable; nothing is lost in silence."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from airflow_crm_migration.core.fields import FieldType
from airflow_crm_migration.core.transform.convert import NotConvertible, convert

ADDRESS = {"street1": "Elm 1", "city": None, "country": "DE"}


@pytest.mark.parametrize("kind", FieldType)
@pytest.mark.parametrize("blank", [None, "", [], {}])
def test_a_blank_is_a_blank_in_every_type(kind: FieldType, blank: Any) -> None:
    assert convert(kind, blank) is None


@pytest.mark.parametrize(
    ("kind", "value", "form"),
    [
        (FieldType.TEXT, "x", "x"),
        (FieldType.TEXT, 12, "12"),
        (FieldType.TEXT, True, "yes"),
        (FieldType.TEXT, False, "no"),
        (FieldType.TEXT, ["a", True], "a, yes"),
        (FieldType.TEXT, ADDRESS, "Elm 1 DE"),
        (FieldType.LONG_TEXT, 1.5, "1.5"),
        (FieldType.SELECT, 3, "3"),
        (FieldType.ACTOR, "Ann", "Ann"),
        (FieldType.NUMBER, "12.50", "12.5"),
        (FieldType.NUMBER, 7, "7"),
        (FieldType.NUMBER, 1e21, "1000000000000000000000"),
        (FieldType.BOOLEAN, False, False),
        (FieldType.DATE, "2024-01-31", "2024-01-31"),
        (FieldType.DATE, "2024-01-31T08:00:00.000Z", "2024-01-31"),
        (FieldType.DATETIME, "2024-01-31", "2024-01-31T10:00:00.000Z"),
        (FieldType.DATETIME, "2024-01-31T08:00:00.000Z", "2024-01-31T08:00:00.000Z"),
        (FieldType.LINKS, "x.org", [{"url": "x.org", "label": ""}]),
        (FieldType.LINKS, [{"url": "x.org", "label": "X"}], [{"url": "x.org", "label": "X"}]),
        (FieldType.EMAILS, "a@x.org", ["a@x.org"]),
        (FieldType.MULTI_SELECT, ["a", "b"], ["a", "b"]),
        (FieldType.PHONES, {"number": "1"}, [{"number": "1"}]),
        (FieldType.ADDRESS, ADDRESS, ADDRESS),
        (FieldType.JSON, {"a": [1]}, {"a": [1]}),
    ],
)
def test_a_value_takes_the_form_of_its_type(kind: FieldType, value: Any, form: Any) -> None:
    assert convert(kind, value) == form


@pytest.mark.parametrize(
    ("kind", "value"),
    [(FieldType.NUMBER, "a lot"), (FieldType.BOOLEAN, "maybe"), (FieldType.BOOLEAN, 1)],
)
def test_what_has_no_such_form_is_told_without_the_value(kind: FieldType, value: Any) -> None:
    with pytest.raises(NotConvertible) as told:
        convert(kind, value)
    assert str(value) not in str(told.value)


@pytest.mark.parametrize(
    "zone",
    ["Pacific/Honolulu", "America/New_York", "Europe/Berlin", "Asia/Tokyo", "Pacific/Auckland"],
)
@pytest.mark.parametrize("day", ["2021-05-05", "2021-12-31"])
def test_a_day_is_the_same_day_wherever_people_look_at_it(zone: str, day: str) -> None:
    moment = datetime.fromisoformat(convert(FieldType.DATETIME, day))
    assert moment.astimezone(ZoneInfo(zone)).date().isoformat() == day
