"""Equal values have one spelling and one hash; a golden file keeps what ledgers hold."""

from __future__ import annotations

import json
import string
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_crm_migration.core.canonical import (
    canonical,
    canonical_json,
    decimal_text,
    digest,
    field_hash,
    time_text,
)
from airflow_crm_migration.core.fields import FieldType

GOLDEN = json.loads(
    (Path(__file__).parent / "golden" / "canonical.json").read_text(encoding="utf-8")
)


@pytest.mark.parametrize("case", GOLDEN["hashes"], ids=lambda case: str(case["type"]))
def test_a_field_hash_stays_what_it_was(case: dict[str, Any]) -> None:
    kind = FieldType(case["type"])
    for value in case["values"]:
        assert field_hash(kind, value) == case["hash"], value


@pytest.mark.parametrize("case", GOLDEN["json"], ids=lambda case: case["text"][:20])
def test_canonical_json_stays_what_it_was(case: dict[str, Any]) -> None:
    assert canonical_json(case["value"]) == case["text"]
    assert digest(case["value"]) == case["sha256"]


def test_every_type_has_a_hash_that_is_kept() -> None:
    assert {case["type"] for case in GOLDEN["hashes"]} == set(FieldType)


# -- numbers and times ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_", "text"),
    [
        ("1.50", "1.5"), ("100", "100"), ("1E3", "1000"), ("-0.0", "0"), ("0.00", "0"),
        ("-1.10", "-1.1"), (7, "7"), (Decimal("1E-7"), "0.0000001"), ("+5", "5"),
        ("123456789012345678901234567890.10", "123456789012345678901234567890.1"),
    ],
)  # fmt: skip
def test_a_decimal_has_one_spelling(given_: Any, text: str) -> None:
    assert decimal_text(given_) == text


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_no_digit_is_lost(number: Decimal) -> None:
    text = decimal_text(number)
    assert Decimal(text) == number
    assert decimal_text(text) == text
    assert "e" not in text.lower()


def test_a_time_is_told_in_utc_with_milliseconds() -> None:
    moment = datetime(2024, 1, 31, 9, 0, 0, 1999, tzinfo=timezone(timedelta(hours=1)))
    assert time_text(moment) == "2024-01-31T08:00:00.001Z"
    assert time_text(datetime(1, 2, 3, tzinfo=UTC)) == "0001-02-03T00:00:00.000Z"


def test_a_time_of_no_zone_is_no_instant() -> None:
    with pytest.raises(ValueError, match="has no timezone"):
        time_text(datetime.fromisoformat("2024-01-31"))


# -- properties ----------------------------------------------------------------------------

TEXTS = st.text(alphabet=string.ascii_letters + " ?&=/.:é世", max_size=12)
TIMES = st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=-5))]))
VALUES: dict[FieldType, st.SearchStrategy[Any]] = {
    FieldType.NUMBER: st.one_of(
        st.integers(), st.decimals(allow_nan=False, allow_infinity=False).map(str)
    ),
    FieldType.MONEY: st.fixed_dictionaries(
        {
            "amount": st.decimals(allow_nan=False, allow_infinity=False).map(str),
            "currency": st.sampled_from(["EUR", None]),
        }
    ),
    FieldType.BOOLEAN: st.booleans(),
    FieldType.DATETIME: TIMES.map(datetime.isoformat),
    FieldType.MULTI_SELECT: st.lists(TEXTS, max_size=5),
    FieldType.EMAILS: st.lists(TEXTS, max_size=5),
    FieldType.PHONES: st.lists(st.fixed_dictionaries({"number": TEXTS, "country": TEXTS})),
    FieldType.LINKS: st.lists(st.fixed_dictionaries({"url": TEXTS, "label": TEXTS})),
    FieldType.ADDRESS: st.dictionaries(st.sampled_from(["city", "street1"]), TEXTS),
    FieldType.PERSON_NAME: st.fixed_dictionaries({"first": TEXTS, "last": TEXTS}),
    FieldType.JSON: st.recursive(TEXTS, lambda inner: st.dictionaries(TEXTS, inner, max_size=3)),
}
TYPED = st.sampled_from(FieldType).flatmap(
    lambda kind: st.tuples(st.just(kind), VALUES.get(kind, TEXTS))
)


@given(TYPED)
def test_the_one_form_of_a_form_is_itself(typed: tuple[FieldType, Any]) -> None:
    kind, value = typed
    once = canonical(kind, value)
    assert canonical(kind, once) == once
    assert field_hash(kind, once) == field_hash(kind, value)


@given(TYPED)
def test_a_form_survives_storage(typed: tuple[FieldType, Any]) -> None:
    kind, value = typed
    form = canonical(kind, value)
    assert json.loads(canonical_json(form)) == form


@given(st.lists(TEXTS, max_size=6).flatmap(lambda v: st.tuples(st.just(v), st.permutations(v))))
def test_a_set_has_no_order(two: tuple[list[str], list[str]]) -> None:
    one, other = (field_hash(FieldType.MULTI_SELECT, value) for value in two)
    assert one == other


@given(
    st.lists(TEXTS.filter(bool), min_size=1, max_size=6, unique=True).flatmap(
        lambda v: st.tuples(st.just(v), st.permutations(v[1:]).map(lambda rest: [v[0], *rest]))
    )
)
def test_of_a_list_with_a_primary_value_only_that_one_has_a_place(
    two: tuple[list[str], list[str]],
) -> None:
    one, other = (field_hash(FieldType.EMAILS, value) for value in two)
    assert one == other


@given(st.dictionaries(TEXTS, TEXTS, max_size=5))
def test_keys_have_no_order(value: dict[str, str]) -> None:
    backwards = dict(reversed(value.items()))
    assert canonical_json(value) == canonical_json(backwards)


@pytest.mark.parametrize("kind", [kind for kind in FieldType if not kind.many])
def test_blank_is_blank(kind: FieldType) -> None:
    assert canonical(kind, None) is None
    assert canonical(kind, "") is None


@pytest.mark.parametrize("kind", [kind for kind in FieldType if kind.many])
def test_a_list_of_blanks_is_blank(kind: FieldType) -> None:
    for value in (None, [], ["", None]):
        assert canonical(kind, value) is None
        assert field_hash(kind, value) == []


def test_another_primary_value_is_another_value() -> None:
    one, other = (field_hash(FieldType.EMAILS, v) for v in (["a@x", "b@x"], ["b@x", "a@x"]))
    assert one != other


def test_the_token_of_a_files_address_says_nothing() -> None:
    one, two, other = (
        [{"url": f"https://x/f?{query}", "label": ""}]
        for query in ("token=one&v=1", "token=two&v=1", "token=one&v=2")
    )
    assert field_hash(FieldType.FILE, one) == field_hash(FieldType.FILE, two)
    assert field_hash(FieldType.FILE, one) != field_hash(FieldType.FILE, other)


@pytest.mark.parametrize(
    ("kind", "form"),
    [
        (FieldType.TEXT, "{}"),
        (FieldType.LONG_TEXT, "see {}"),
        (FieldType.LINKS, [{"url": "{}", "label": "x"}]),
        (FieldType.MULTI_SELECT, ["{}"]),
        (FieldType.JSON, {"page": "{}"}),
    ],
)
def test_a_token_that_people_wrote_is_a_value(kind: FieldType, form: Any) -> None:
    one, two = (
        json.loads(json.dumps(form).replace("{}", f"https://x/f?token={t}")) for t in ("1", "2")
    )
    assert field_hash(kind, one) != field_hash(kind, two)


def test_a_yes_is_no_number() -> None:
    assert field_hash(FieldType.BOOLEAN, True) != field_hash(FieldType.NUMBER, 1)
