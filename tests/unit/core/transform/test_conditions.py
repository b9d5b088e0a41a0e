"""Conditions are trees of named tests; what depends on choices alone is decided beforehand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_crm_migration.core.mapping import Condition
from airflow_crm_migration.core.transform.conditions import holds, settled_by_choices

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_crm_migration.core.mapping import LinkWay

CHOICES = {"size": "small", "greet": True}
WON = {"field": "state", "equals": "Won"}
BIG = {"field": "worth", "equals": 10}
DEAL = {"related": {"object": "deal", "from": "deal_id", "by": "id"}}


def condition(tree: Any) -> Condition:
    return Condition.model_validate(tree)


def check(tree: Any, related: bool = False, **record: Any) -> bool:
    return holds(condition(tree), record, CHOICES, lambda way, of: [{}] if related else [])


@pytest.mark.parametrize(
    ("tree", "held"),
    [
        (WON, True),
        ({"not": WON}, False),
        ({"field": "state", "equals": "Lost"}, False),
        ({"field": "state", "one_of": ["Lost", "Won"]}, True),
        ({"field": "state", "one_of": ["Lost"]}, False),
        ({"field": "state", "present": True}, True),
        ({"field": "state", "present": False}, False),
        ({"field": "nothing", "present": False}, True),
        ({"field": "worth", "equals": 10}, True),
        ({"field": "worth", "equals": "10"}, False),
        ({"field": "closed", "equals": False}, True),
        ({"all": [WON, BIG]}, True),
        ({"all": [WON, {"not": BIG}]}, False),
        ({"any": [{"not": WON}, BIG]}, True),
        ({"any": [{"not": WON}, {"not": BIG}]}, False),
        ({"not": {"any": [{"not": WON}, {"not": BIG}]}}, True),
        ({"all": []}, True),
        ({"any": []}, False),
        ({"choice": "size", "equals": "small"}, True),
        ({"choice": "greet", "equals": True}, True),
        ({"choice": "greet", "equals": False}, False),
    ],
)
def test_a_tree_holds_or_not(tree: Any, held: bool) -> None:
    assert check(tree, state="Won", worth=10, closed=False) is held


@pytest.mark.parametrize("blank", [None, "", []])
def test_what_counts_as_blank(blank: Any) -> None:
    assert check({"field": "state", "present": False}, state=blank)


@pytest.mark.parametrize("spelling", ["won", " WON ", "Won"])
def test_texts_are_compared_as_people_read_them(spelling: str) -> None:
    assert check(WON, state=spelling)
    assert check({"field": "state", "one_of": ["wOn"]}, state=spelling)


@pytest.mark.parametrize("spelling", ["ai_draft", "AI Draft", "ai-draft", " Ai  draft"])
def test_what_stands_between_words_makes_no_other_word(spelling: str) -> None:
    assert check({"field": "state", "equals": "ai_draft"}, state=spelling)
    assert not check({"field": "state", "equals": "aidraft"}, state=spelling)


def test_no_condition_always_holds() -> None:
    assert holds(None, {}, {}, lambda way, of: [])


@pytest.mark.parametrize("found", [True, False])
def test_a_related_record_is_asked_for_with_the_record_at_hand(found: bool) -> None:
    asked: list[tuple[LinkWay, Mapping[str, Any]]] = []

    def related(way: LinkWay, of: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        asked.append((way, of))
        return [{}] if found else []

    assert holds(condition({"all": [DEAL]}), {"deal_id": "d1"}, {}, related) is found
    [(way, of)] = asked
    assert (way.object, way.source, way.by, of) == ("deal", "deal_id", "id", {"deal_id": "d1"})


@pytest.mark.parametrize(
    ("states", "held"), [((), False), (("Lost",), False), (("Lost", "Won"), True)]
)
def test_one_related_record_of_which_the_condition_holds_is_enough(
    states: tuple[str, ...], held: bool
) -> None:
    tree = condition({**DEAL, "where": {"all": [WON, {"choice": "size", "equals": "small"}]}})
    found = [{"state": state} for state in states]
    assert holds(tree, {"state": "Won"}, CHOICES, lambda way, of: found) is held


@pytest.mark.parametrize(
    ("tree", "settled"),
    [
        ({"choice": "size", "equals": "small"}, True),
        ({"choice": "size", "one_of": ["large"]}, False),
        ({"not": {"choice": "size", "equals": "small"}}, False),
        (WON, None),
        ({"not": WON}, None),
        (DEAL, None),
        ({"all": [{"choice": "greet", "equals": False}, WON]}, False),
        ({"all": [{"choice": "greet", "equals": True}, WON]}, None),
        ({"any": [{"choice": "greet", "equals": True}, WON]}, True),
        ({"any": [{"choice": "greet", "equals": False}, WON]}, None),
        ({"all": []}, True),
        ({"any": []}, False),
    ],
)
def test_choices_decide_before_any_record_is_read(tree: Any, settled: bool | None) -> None:
    assert settled_by_choices(condition(tree), CHOICES) is settled


def test_no_condition_is_settled() -> None:
    assert settled_by_choices(None, {}) is True


LEAVES = st.sampled_from(
    [WON, BIG, DEAL, {"choice": "size", "equals": "small"}, {"choice": "greet", "equals": False}]
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(lambda parts: {"all": parts}, st.lists(inner, max_size=3)),
        st.builds(lambda parts: {"any": parts}, st.lists(inner, max_size=3)),
        st.builds(lambda part: {"not": part}, inner),
    ),
    max_leaves=8,
)


@given(TREES, st.sampled_from(["Won", "Lost"]), st.sampled_from([10, 0]), st.booleans())
def test_what_is_settled_holds_for_every_record(
    tree: Any, state: str, worth: int, related: bool
) -> None:
    settled = settled_by_choices(condition(tree), CHOICES)
    if settled is not None:
        assert check(tree, related=related, state=state, worth=worth) is settled
