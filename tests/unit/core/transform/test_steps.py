"""The transforms that a mapping may name, each with what it makes of usual and of odd values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_crm_migration.core.mapping_values import Step
from airflow_crm_migration.core.transform.steps import REGISTRY, apply_steps

if TYPE_CHECKING:
    from collections.abc import Mapping

CASES: list[tuple[str, Any, dict[str, Any], Any]] = [
    ("tidy_text", "  Ann \n Lee ", {}, "Ann Lee"),
    ("tidy_text", " ", {}, None),
    ("tidy_text", None, {}, None),
    ("first_present", [None, "", "b", "c"], {}, "b"),
    ("first_present", [None, []], {}, None),
    ("joined", ["a", None, "b"], {}, "a, b"),
    ("joined", ["a", "b"], {"separator": " / "}, "a / b"),
    ("joined", [], {}, None),
    ("person_name", ["ada", "LOVELACE"], {}, {"first": "Ada", "last": "Lovelace"}),
    ("person_name", [None, "Lovelace"], {}, {"first": "", "last": "Lovelace"}),
    ("person_name", [None, None], {}, None),
    ("emails", ["A@x.org", ["b@x.org", "a@x.org"]], {}, ["a@x.org", "b@x.org"]),
    ("emails", ["A@x.org; b@x.org"], {}, ["a@x.org", "b@x.org"]),
    ("emails", ["ask the desk"], {}, ["ask the desk"]),
    ("emails", ["A@x.org, not-mail"], {}, ["a@x.org", "A@x.org, not-mail"]),
    ("emails", [None], {}, []),
    ("link", "x.org", {}, [{"url": "x.org", "label": ""}]),
    ("link", ["x.org", " "], {"label": "Site"}, [{"url": "x.org", "label": "Site"}]),
    ("link", None, {}, []),
    ("domain_link", "http://www.bolt.io/x", {}, [{"url": "https://bolt.io", "label": ""}]),
    ("domain_link", "not known", {}, [{"url": "not known", "label": ""}]),
    ("domain_link", "facebook.com/x", {}, [{"url": "facebook.com/x", "label": ""}]),
    ("domain_link", "gmail.com", {}, [{"url": "gmail.com", "label": ""}]),
    ("domain_link", None, {}, []),
    ("company_domain", "ann@mail.bolt.io", {}, "bolt.io"),
    ("company_domain", "ann@gmail.com", {}, None),
    ("company_domain", "ann@linkedin.com", {}, None),
    ("company_domain", "nothing", {}, None),
    ("company_name", [" Bolt  Ltd", "bolt.io"], {}, "Bolt Ltd"),
    ("company_name", ["https://www.bolt.io", "bolt.io"], {}, "bolt.io"),
    ("company_name", ["bolt.io", "bolt.io"], {}, "bolt.io"),
    ("company_name", [None, None, "https://bolt.io/x"], {}, "bolt.io"),
    ("company_name", [None, None], {}, None),
    ("address", ["Rome", None], {"parts": ["city", "state"]}, {"city": "Rome", "state": None}),
    ("address", [None, ""], {"parts": ["city", "state"]}, None),
    ("money", ["12.50", "eur"], {}, {"amount": "12.5", "currency": "EUR"}),
    ("money", ["3", None], {}, {"amount": "3", "currency": None}),
    ("money", ["3", ""], {"default_currency": "usd"}, {"amount": "3", "currency": "USD"}),
    ("money", ["3", "€"], {}, {"amount": "3", "currency": "EUR"}),
    ("money", ["3", "$"], {"default_currency": "CAD"}, {"amount": "3", "currency": "CAD"}),
    ("money", ["3", "$"], {"default_currency": "EUR"}, {"amount": "3", "currency": "$"}),
    ("money", [None, "EUR"], {}, None),
    ("html_to_markdown", "<p>Hello <b>you</b></p>", {}, "Hello **you**"),
    ("html_to_markdown", "<script>x</script>", {}, None),
    ("html_to_markdown", None, {}, None),
    ("first_line", "\n\n## **Call Ann**\nmore", {}, "Call Ann"),
    ("first_line", "abcdef", {"length": 4}, "abc…"),
    ("first_line", "abcd", {"length": 4}, "abcd"),
    ("first_line", "***\n---", {}, None),
    ("newest_first", "1970-01-01T00:00:10.000Z", {}, "-10"),
    ("newest_first", "1970-01-01", {}, "0"),
    ("newest_first", None, {}, None),
]  # fmt: skip


def run(name: str, value: Any, arguments: Mapping[str, Any], settings: Mapping[str, Any]) -> Any:
    step = Step.model_validate({"name": name, "arguments": arguments})
    return apply_steps((step,), value, settings)


@pytest.mark.parametrize(("name", "value", "arguments", "made"), CASES)
def test_what_it_makes(name: str, value: Any, arguments: dict[str, Any], made: Any) -> None:
    assert run(name, value, arguments, {}) == made


@pytest.mark.parametrize(
    ("value", "settings", "numbers"),
    [
        (["030 123456", "Germany"], {}, [("030 123456", "DE")]),
        (["030 123456", None], {"default_region": "US"}, [("030 123456", "US")]),
        (["0049 30 123456", None], {}, [("+49 30 123456", None)]),
        (["+49 30 1234567; +49 30 7654321", ""], {},
         [("+49 30 1234567", None), ("+49 30 7654321", None)]),
        (["+49 30 1234567; call me", None], {},
         [("+49 30 1234567", None), ("+49 30 1234567; call me", None)]),
        ([[{"number": "+1 212 5550100"}], None], {}, [("+1 212 5550100", None)]),
        ([None, "DE"], {}, []),
    ],
)  # fmt: skip
def test_numbers_are_taken_apart(
    value: Any, settings: dict[str, Any], numbers: list[tuple[str, str | None]]
) -> None:
    found = run("phones", value, {}, settings)
    assert [(phone["number"], phone["country"]) for phone in found] == numbers


def test_every_transform_is_tried_here() -> None:
    assert {case[0] for case in CASES} | {"phones"} == set(REGISTRY)


def test_a_chain_hands_on() -> None:
    steps = tuple(Step(name=name) for name in ("first_present", "company_domain", "domain_link"))
    made = apply_steps(steps, [None, "ann@bolt.io"], {})
    assert made == [{"url": "https://bolt.io", "label": ""}]


def test_an_argument_of_the_mapping_goes_before_the_setting_of_the_engagement() -> None:
    settings = {"default_currency": "EUR", "default_region": "DE"}
    assert run("money", ["1", None], {}, settings)["currency"] == "EUR"
    assert run("money", ["1", None], {"default_currency": "GBP"}, settings)["currency"] == "GBP"


TIMES = st.datetimes().map(lambda moment: moment.isoformat() + "Z")


@given(TIMES, TIMES)
def test_what_is_newer_stands_first(one: str, other: str) -> None:
    positions = [float(run("newest_first", moment, {}, {})) for moment in (one, other)]
    assert (one[:19] < other[:19]) == (positions[0] > positions[1])
