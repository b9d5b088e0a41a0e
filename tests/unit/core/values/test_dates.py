from __future__ import annotations

from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_crm_migration.core.values.dates import (
    FORMATS,
    formats_that_fit,
    parse_date,
    parse_datetime,
)


@pytest.mark.parametrize(
    ("text", "fmt"),
    [
        ("2024-01-31", "iso"),
        ("2024-01-31T23:30:00-08:00", "iso"),
        ("31/01/2024", "DD/MM/YYYY"),
        ("31/1/2024", "DD/MM/YYYY"),
        (" 01/31/2024 ", "MM/DD/YYYY"),
        ("2024/01/31", "YYYY/MM/DD"),
        ("31.01.2024", "DD.MM.YYYY"),
        ("31 Jan 2024", "DD MMM YYYY"),
        ("January 31, 2024", "MMMM DD, YYYY"),
        ("1706659200000", "epoch_ms"),
        ("45322", "excel"),
        ("45322.75", "excel"),
    ],
)
def test_days(text: str, fmt: str) -> None:
    assert parse_date(text, fmt) == "2024-01-31"


@pytest.mark.parametrize(
    ("text", "fmt", "tz", "instant"),
    [
        ("2024-01-31T08:00:00Z", "iso", "Europe/Berlin", "2024-01-31T08:00:00.000Z"),
        ("2024-01-31 08:00:00", "iso", "Europe/Berlin", "2024-01-31T07:00:00.000Z"),
        ("2024-01-31", "iso", "America/New_York", "2024-01-31T05:00:00.000Z"),
        ("07/31/2024 08:00 PM", "MM/DD/YYYY hh:mm A", "UTC", "2024-07-31T20:00:00.000Z"),
        ("31/07/2024 08:05", "DD/MM/YYYY HH:mm", "Europe/Berlin", "2024-07-31T06:05:00.000Z"),
        ("1706688000123", "epoch_ms", "Asia/Tokyo", "2024-01-31T08:00:00.123Z"),
        ("45322.5", "excel", "UTC", "2024-01-31T12:00:00.000Z"),
    ],
)
def test_instants(text: str, fmt: str, tz: str, instant: str) -> None:
    assert parse_datetime(text, fmt, tz) == instant


@pytest.mark.parametrize(
    ("text", "fmt"),
    [
        ("31/01/2024", "MM/DD/YYYY"),
        ("2024-02-30", "iso"),
        ("20240131", "iso"),
        ("soon", "iso"),
        ("12", "excel"),
        ("99999999", "excel"),
        ("9" * 30, "epoch_ms"),
        ("9" * 15, "epoch_ms"),
        ("01/31/2024 10:00", "MM/DD/YYYY"),
        ("", "iso"),
    ],
)
def test_the_message_has_shape_and_format_but_not_the_value(text: str, fmt: str) -> None:
    with pytest.raises(ValueError, match="a value of the form") as caught:
        parse_date(text, fmt)
    assert fmt in str(caught.value)
    assert text == "" or text not in str(caught.value)


def test_an_unknown_format_is_told() -> None:
    with pytest.raises(ValueError, match="known are iso"):
        parse_date("2024-01-31", "DDMMYY")


def test_samples_that_do_not_tell_fit_several_formats() -> None:
    assert formats_that_fit(["03/04/2024", "", "05/06/2024"]) == ["DD/MM/YYYY", "MM/DD/YYYY"]
    assert formats_that_fit(["03/04/2024", "05/16/2024"]) == ["MM/DD/YYYY"]


def test_samples_that_fit_nothing() -> None:
    assert formats_that_fit(["03/04/2024", "soon"]) == []
    assert formats_that_fit(["", " "]) == []


def test_figures_are_told_apart() -> None:
    assert formats_that_fit(["1706688000123", "1606688000123"]) == ["epoch_ms"]
    assert formats_that_fit(["45322", "45323.5"]) == ["excel"]


@given(st.dates(date(1950, 1, 1), date(2199, 12, 31)), st.sampled_from(FORMATS[1:13]))
def test_every_day_comes_back(day: date, fmt: str) -> None:
    written = (
        fmt.replace("YYYY", f"{day.year}")
        .replace("MMMM", day.strftime("%B"))
        .replace("MMM", day.strftime("%b"))
        .replace("MM", f"{day.month:02}")
        .replace("DD", f"{day.day:02}")
    )
    assert parse_date(written, fmt) == day.isoformat()
    assert fmt in formats_that_fit([written])


def test_a_time_outside_the_calendar_is_told() -> None:
    with pytest.raises(ValueError, match="year 1"):
        parse_datetime("0001-01-01T00:00:00+05:00", "iso", "UTC")


@given(st.datetimes(datetime(1900, 1, 1), timezones=st.timezones()))  # noqa: DTZ001 - the bound
def test_every_instant_comes_back(moment: datetime) -> None:
    written = moment.isoformat()
    once = parse_datetime(written, "iso", "Europe/Berlin")
    assert parse_datetime(once, "iso", "Asia/Tokyo") == once
