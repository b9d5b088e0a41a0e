"""A transform that does not exist, or that is given other arguments than it takes, is told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_crm_migration.core.transform.step_check import step_mistakes
from tests.support.transforming import small_pair

FIELD = "{{id: firm, source: firm, destination: house, fields: [{{to: sign, from: web, do: {}}}]}}"
PLACE = "lines.firm.sign.do"


def mistakes(do: Any) -> list[str]:
    return list(step_mistakes(small_pair(FIELD.format(json.dumps(do)))))


@pytest.mark.parametrize(
    "do",
    [
        "tidy_text",
        ["first_present", "tidy_text"],
        {"joined": {"separator": "/"}},
        [{"address": {"parts": ["city"]}}],
        {"first_line": {"length": 10}},
        {"money": {"default_currency": None}},
    ],
)
def test_what_exists_and_fits_is_fine(do: Any) -> None:
    assert mistakes(do) == []


@pytest.mark.parametrize(
    ("do", "told"),
    [
        ("tidy_txt", f"{PLACE} = 'tidy_txt': there is no such transform; choose one of: address, "),
        ({"joined": {"seperator": "/"}}, "'joined': seperator = '/': there is no such setting"),
        ({"first_line": {"length": "10"}}, "length = '10': Input should be a valid integer"),
        ({"first_line": {"length": True}}, "length = True: Input should be a valid integer"),
        ("address", "'address': parts: is missing; add it"),
        ({"address": {"parts": "city"}}, "parts = 'city': Input should be a valid list"),
    ],
)  # fmt: skip
def test_what_does_not_is_told_with_place_value_and_fix(do: Any, told: str) -> None:
    [line] = mistakes(do)
    assert line.startswith(PLACE)
    assert told in line


def test_all_mistakes_are_told_at_once() -> None:
    assert len(mistakes(["nothing", {"joined": {"a": 1, "b": 2}}, "address"])) == 4


def test_the_key_of_a_line_that_makes_one_of_several_is_checked_too() -> None:
    line = (
        "{id: firm, source: firm, destination: house, fields: [{to: sign, from: called}],"
        " one_per: {to: sign, from: called, do: nothing}}"
    )
    [told] = step_mistakes(small_pair(line))
    assert told.startswith("lines.firm.one_per.do = 'nothing'")
