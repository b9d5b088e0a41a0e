"""How a field gets its value; what the destination cannot take is kept, told, or rejects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.transforming import Workbench, problems, told

if TYPE_CHECKING:
    from airflow_crm_migration.core.transform.drafts import Draft

REST = "{to: rest, create: {type: long_text, label: Rest}}"
MOOD = "options: [{value: fine, label: Fine}, {value: cross, label: Cross}]"


def draft(*rules: str, setting: dict[str, Any] | None = None, **record: Any) -> Draft:
    """Draft a chat as a meeting with the given field rules."""
    line = f"{{id: chat, source: chat, destination: meeting, fields: [{', '.join(rules)}]}}"
    with Workbench(line, **(setting or {})) as bench:
        return bench.draft("chat", **record)


def test_a_value_goes_through_its_chain_into_the_form_of_its_field() -> None:
    rule = "{to: topic, from: [about, title], do: [first_present, tidy_text]}"
    made = draft(rule, title=" A  b ")
    assert made["values"] == {"topic": "A b"}


def test_settings_of_the_engagement_reach_the_transforms() -> None:
    rule = "{to: worth, from: [n, currency], do: money, create: {type: money, label: Worth}}"
    made = draft(rule, setting={"settings": {"default_currency": "EUR"}}, n="3.50")
    assert made["values"]["worth"] == {"amount": "3.5", "currency": "EUR"}


def test_a_fixed_value_needs_no_source() -> None:
    assert draft("{to: topic, value: Chat}")["values"] == {"topic": "Chat"}


@pytest.mark.parametrize("blank", [None, "", [], "   "])
def test_a_fallback_stands_in_for_a_blank(blank: Any) -> None:
    made = draft("{to: topic, from: about, do: first_line, fallback: Chat}", about=blank or None)
    assert made["values"] == {"topic": "Chat"}


def test_a_fallback_is_not_used_otherwise() -> None:
    assert draft("{to: topic, from: about, fallback: x}", about="A")["values"] == {"topic": "A"}


@pytest.mark.parametrize(
    ("kind", "strange"),
    [("Long-Chat", []), (None, []), ("row", [("topic", "unmapped_value", "row")])],
)
def test_what_nobody_expected_is_kept_and_told(kind: str | None, strange: list[Any]) -> None:
    made = draft("{to: topic, from: kind, expected: [chat, long_chat]}", kind=kind)
    assert made["values"] == ({"topic": kind} if kind else {})
    assert list(problems(made)) == strange


def test_a_required_field_without_a_value_rejects_the_record() -> None:
    made = draft("{to: topic, from: about, required: true}")
    assert told(made) == ("rejected", "required_blank", "topic")


def test_a_blank_field_is_left_out() -> None:
    assert draft("{to: topic, from: about}", about="")["values"] == {}


@pytest.mark.parametrize(("state", "values"), [("won", {"topic": "A"}), ("lost", {})])
def test_a_field_has_a_condition_of_its_own(state: str, values: dict[str, str]) -> None:
    rule = "{to: topic, from: about, when: {field: state, equals: won}}"
    assert draft(rule, about="A", state=state)["values"] == values


@pytest.mark.parametrize(("greet", "values"), [(True, {"topic": "hello"}), (False, {})])
def test_a_choice_of_the_customer_is_a_condition_too(greet: bool, values: dict[str, str]) -> None:
    rule = "{to: topic, value: hello, when: {choice: greet, equals: true}}"
    assert draft(rule, setting={"choices": {"greet": greet}})["values"] == values


def test_the_first_of_two_rules_that_holds_wins_where_conditions_part_them() -> None:
    rules = (
        "{to: topic, from: a, when: {field: a, present: true}}",
        "{to: topic, from: b, when: {field: a, present: false}}",
    )
    assert draft(*rules, a="A", b="B")["values"] == {"topic": "A"}
    assert draft(*rules, b="B")["values"] == {"topic": "B"}


# -- what the destination cannot take ------------------------------------------------------


def test_what_is_unusable_is_kept_as_text_and_told() -> None:
    made = draft("{to: topic, from: about, unusable_to: rest}", REST, about="x" * 61)
    assert made["values"] == {"rest": f"topic: {'x' * 61}"}
    assert list(problems(made)) == [("topic", "unusable_value", "x" * 61)]


def test_what_the_destination_changes_is_told() -> None:
    made = draft("{to: rest, from: said, create: {type: long_text, label: Rest}}", said="a\0b")
    assert made["values"] == {"rest": "ab"}
    assert list(problems(made)) == [("rest", "stored_differently", "signs were removed")]


def test_the_usable_part_stays_in_its_field() -> None:
    line = (
        "{id: client, source: client, destination: human, fields:"
        f" [{{to: post, from: mail, do: emails, unusable_to: rest}}, {REST}]}}"
    )
    with Workbench(line) as bench:
        made = bench.draft("client", mail=["ann@x.org", "at the desk"])
    assert made["values"] == {"post": ["ann@x.org"], "rest": "post: at the desk"}


def test_several_unusable_values_are_kept_line_by_line() -> None:
    rules = (
        "{to: topic, from: about, unusable_to: rest}",
        f"{{to: mood, from: mood, {MOOD}, unusable_to: rest}}",
        REST,
    )
    made = draft(*rules, about="x" * 61, mood="odd")
    assert made["values"] == {"rest": f"topic: {'x' * 61}\nmood: odd"}


def test_a_text_that_has_nowhere_to_go_is_told() -> None:
    made = draft("{to: topic, from: about}", about="x" * 61)
    assert made["values"] == {}
    assert list(problems(made)) == [("topic", "unusable_value", "x" * 61)]


@pytest.mark.parametrize(
    ("rule", "detail"),
    [
        (f"{{to: mood, from: about, {MOOD}}}", "mood: odd"),
        (f"{{to: mood, from: about, {MOOD}, required: true, unusable_to: rest}}", "mood: odd"),
        ("{to: n, from: about, create: {type: number, label: N}}", "n: odd not a number"),
    ],
)
def test_anything_else_rejects_the_record_and_says_why(rule: str, detail: str) -> None:
    assert told(draft(rule, REST, about="odd")) == ("rejected", "unusable_value", detail)


def test_a_value_of_another_form_is_kept_like_any_unusable_one() -> None:
    rule = "{to: n, from: about, create: {type: number, label: N}, unusable_to: rest}"
    assert draft(rule, REST, about="a lot")["values"] == {"rest": "n: a lot"}


# -- value maps ----------------------------------------------------------------------------

MAP = "map: {Good mood: fine, Bad: cross}"


@pytest.mark.parametrize("spelling", ["good mood", " GOOD  Mood "])
def test_a_map_knows_every_spelling(spelling: str) -> None:
    rule = f"{{to: mood, from: mood, {MAP}, {MOOD}}}"
    assert draft(rule, mood=spelling)["values"] == {"mood": "fine"}


def test_each_value_of_a_list_is_mapped_once() -> None:
    rule = f"{{to: moods, from: m, {MAP}, {MOOD}, create: {{type: multi_select, label: M}}}}"
    made = draft(rule, m=["Bad", "good mood", "bad", "?"])
    assert made["values"] == {"moods": ["cross", "fine"]}
    assert list(problems(made)) == [("moods", "unmapped_value", "?")]


def test_a_value_outside_the_map_is_kept() -> None:
    made = draft(f"{{to: topic, from: m, {MAP}}}", m="?")
    assert made["values"] == {"topic": "?"}
    assert "issues" not in made


def test_or_it_is_left_out_and_told() -> None:
    made = draft(f"{{to: topic, from: m, {MAP}, unmapped: leave}}", m="?")
    assert made["values"] == {}
    assert list(problems(made)) == [("topic", "unmapped_value", "?")]


def test_or_it_rejects_the_record() -> None:
    made = draft(f"{{to: topic, from: m, {MAP}, unmapped: reject}}", m="?")
    assert told(made) == ("rejected", "unmapped_value", "topic: ?")


def test_a_select_never_takes_what_has_no_option() -> None:
    made = draft(f"{{to: mood, from: m, {MAP}, {MOOD}, unmapped: keep, fallback: fine}}", m="?")
    assert made["values"] == {"mood": "fine"}


def test_a_blank_is_not_unmapped() -> None:
    assert "issues" not in draft(f"{{to: topic, from: m, {MAP}}}", m=None)


# -- values that came up after the mapping was signed ----------------------------------------

NEW = {"setting": {"hold_unmapped": True}}
NEEDED = f"{{to: mood, from: m, {MAP}, {MOOD}, required: true}}"
WAITS = {"outcome": "held", "reason": "unmapped_value", "detail": "mood: ?"}


def test_a_new_record_waits_for_a_choice_that_it_cannot_do_without() -> None:
    """One that has arrived before keeps the choice that it has, and the rest of it moves."""
    made = draft(NEEDED, "{to: topic, from: about}", **NEW, m="?", about="A")
    assert made["if_new"] == WAITS
    assert (made["values"], made["unknown"]) == ({"topic": "A"}, ["mood"])
    assert list(problems(made)) == [("mood", "unmapped_value", "?")]


def test_so_does_one_whose_value_the_mapping_refuses() -> None:
    rule = f"{{to: mood, from: m, {MAP}, {MOOD}, unmapped: reject}}"
    assert draft(rule, **NEW, m="?")["if_new"] == WAITS


@pytest.mark.parametrize("value", ["Bad", " bad "])
def test_a_known_choice_waits_for_nothing(value: str) -> None:
    made = draft(NEEDED, **NEW, m=value)
    assert "if_new" not in made
    assert made["values"] == {"mood": "cross"}


def test_a_blank_is_still_no_value() -> None:
    assert told(draft(NEEDED, **NEW)) == ("rejected", "required_blank", "mood")


def test_a_choice_that_may_be_left_out_holds_nobody() -> None:
    made = draft(f"{{to: mood, from: m, {MAP}, {MOOD}}}", **NEW, m="?")
    assert "if_new" not in made
    assert made["unknown"] == ["mood"]


def test_of_several_the_known_ones_arrive() -> None:
    rule = f"{{to: moods, from: m, {MAP}, {MOOD}, create: {{type: multi_select, label: M}}}}"
    made = draft(rule, **NEW, m=["Bad", "?"])
    assert made["values"] == {"moods": ["cross"]}
    assert not {"if_new", "unknown"} & made.keys()
    assert list(problems(made)) == [("moods", "unmapped_value", "?")]


def test_a_fallback_stands_in_for_a_new_choice_too() -> None:
    made = draft(
        f"{{to: mood, from: m, {MAP}, {MOOD}, required: true, fallback: fine}}", **NEW, m="?"
    )
    assert made["values"] == {"mood": "fine"}
    assert "if_new" not in made
