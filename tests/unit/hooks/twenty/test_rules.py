from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_crm_migration.core.fields import FieldType, Option
from airflow_crm_migration.hooks.twenty.rules import TwentyRules

# Tests are no package: the strategies are loaded from beside this file.
_SPEC = importlib.util.spec_from_file_location(
    "strategies", Path(__file__).parent / "strategies.py"
)
strategies = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(strategies)
field = strategies.field

RULES = TwentyRules()
T = FieldType
ANY = st.sampled_from(sorted(strategies.VALUES)).flatmap(
    lambda kind: st.tuples(st.just(kind), strategies.VALUES[kind], st.booleans())
)


def made(kind: FieldType, value: Any, *, unique: bool = False) -> Any:
    return RULES.normalise(field(kind, unique=unique), value).value


def refused(kind: FieldType, value: Any, *, unique: bool = False) -> tuple[str, ...]:
    return RULES.normalise(field(kind, unique=unique), value).unusable


@given(ANY)
def test_what_is_normal_stays_as_it_is(sent):
    kind, value, unique = sent
    spec = field(kind, unique=unique)
    once = RULES.normalise(spec, value)
    twice = RULES.normalise(spec, once.value)
    assert twice.value == once.value
    assert twice.unusable == ()
    assert twice.notes == ()


def says_something(value: Any) -> bool:
    if isinstance(value, dict | list):
        return any(map(says_something, value.values() if isinstance(value, dict) else value))
    return value is not None and re.search(r"\w", str(value)) is not None


@given(ANY)
def test_no_value_disappears_without_being_named(sent):
    kind, value, unique = sent
    spec = field(kind, unique=unique)
    for single in [[v] for v in value] if kind.many else [value]:
        result = RULES.normalise(spec, single)
        assert result.value is not None or result.unusable or not says_something(single)


@pytest.mark.parametrize("kind", sorted(strategies.VALUES))
def test_blank_is_blank(kind):
    for value in (None, ""):
        assert RULES.normalise(field(kind), value).value is None
        assert refused(kind, value) == ()


@pytest.mark.parametrize("kind", sorted(set(strategies.VALUES) - {T.BOOLEAN}))
def test_a_value_of_another_type_is_told_not_raised(kind):
    assert refused(kind, True) == ("True",)


@pytest.mark.parametrize(
    ("kind", "sent", "stored"),
    [
        (T.TEXT, " not trimmed ", " not trimmed "),
        (T.TEXT, "nul\0 goes", "nul goes"),
        (T.PERSON_NAME, {"first": " Ana", "last": ""}, {"first": " Ana", "last": None}),
        (T.EMAILS, [" ANA@Acme.example"], ["ana@acme.example"]),
        (T.EMAILS, ["a..b@c.com", "a@localhost"], ["a..b@c.com", "a@localhost"]),
        (T.EMAILS, ["ñ@bücher.example"], ["ñ@bücher.example"]),
        (T.EMAILS, ["a@b.co", "A@B.co"], ["a@b.co"]),
        (T.NUMBER, "12.50", "12.5"),
        (T.NUMBER, "9007199254740993", "9007199254740992"),
        (T.MONEY, {"amount": "1.5", "currency": "usd"}, {"amount": "1.5", "currency": "USD"}),
        (T.MONEY, {"amount": "0.0000005"}, {"amount": "0.000001", "currency": None}),
        (T.MONEY, {"amount": "-3", "currency": ""}, {"amount": "-3", "currency": None}),
        (T.MONEY, {"amount": None, "currency": "EUR"}, {"amount": None, "currency": "EUR"}),
        (T.DATE, "2024-02-29", "2024-02-29"),
        (T.DATETIME, "2024-05-06T07:08:09.123999+02:00", "2024-05-06T05:08:09.123Z"),
        (T.DATETIME, "0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"),
        (T.MULTI_SELECT, ["WON", "NEW", "WON"], ["WON", "NEW"]),
        (
            T.REFERENCE,
            "6F0B1F6E-3A53-5C8B-9B0A-5F8C7A1D2E44",
            "6f0b1f6e-3a53-5c8b-9b0a-5f8c7a1d2e44",
        ),
        (T.ACTOR, " Rita ", "Rita"),
        (T.LONG_TEXT, "one\r\ntwo", "one\n\ntwo"),
        (T.LONG_TEXT, "one\n\ntwo", "one\n\ntwo"),
        (T.LONG_TEXT, "- a\n- b\n\n| x |\n| - |", "- a\n- b\n\n| x |\n| - |"),
        (T.LONG_TEXT, "```\na\nb\n```", "```\na\nb\n```"),
    ],
)
def test_what_twenty_makes_of_a_value(kind, sent, stored):
    result = RULES.normalise(field(kind), sent)
    assert result.value == stored
    assert result.unusable == ()


@pytest.mark.parametrize("strange", ["€", "US DOLLAR", "XYZ", "much"])
def test_an_amount_arrives_without_a_currency_that_is_none(strange):
    result = RULES.normalise(field(T.MONEY), {"amount": "7", "currency": strange})
    assert result.value == {"amount": "7", "currency": None}
    assert result.unusable == (strange,)


@pytest.mark.parametrize(
    ("kind", "sent"),
    [
        (T.EMAILS, "no list"),
        (T.EMAILS, ["not an email"]),
        (T.EMAILS, ["a b@c.com"]),
        (T.EMAILS, [f"{'x' * 65}@c.com"]),
        (T.EMAILS, [f"a@{'x' * 260}.com"]),
        (T.EMAILS, ['"quoted"@c.com']),
        (T.NUMBER, "twelve"),
        (T.NUMBER, "1e400"),
        (T.NUMBER, "NaN"),
        (T.MONEY, {"amount": "9007199255", "currency": "JPY"}),
        (T.MONEY, {"amount": "much", "currency": "EUR"}),
        (T.DATE, "2024-02-30"),
        (T.DATE, "2024-01-01T00:00:00Z"),
        (T.DATE, "20240101"),
        (T.DATETIME, "2024-01-01T00:00:00"),
        (T.DATETIME, "yesterday"),
        (T.DATETIME, "0001-01-01T00:00:00+05:00"),
        (T.SELECT, "new"),
        (T.MULTI_SELECT, ["OTHER"]),
        (T.REFERENCE, "01890a5d-ac96-774b-bcce-b302099a8057"),
        (T.REFERENCE, "00000000-0000-0000-0000-000000000000"),
        (T.USER, "42"),
        (T.FILE, [{"file_id": "1"}]),
        (T.JSON, "bare"),
    ],
)
def test_what_twenty_refuses_is_foreseen(kind, sent):
    result = RULES.normalise(field(kind), sent)
    assert result.value is None
    assert len(result.unusable) == 1


def test_of_several_values_the_good_ones_remain():
    result = RULES.normalise(field(T.EMAILS), ["bad", "a@b.co", "worse"])
    assert (result.value, result.unusable) == (["a@b.co"], ("bad", "worse"))
    result = RULES.normalise(field(T.MULTI_SELECT), ["NEW", "OTHER"])
    assert (result.value, result.unusable) == (["NEW"], ("OTHER",))


@pytest.mark.parametrize(
    ("phone", "stored"),
    [
        ({"number": "+34 612 34 56 78"}, ("612345678", "ES", "+34")),
        ({"number": "612345678", "country": "es"}, ("612345678", "ES", "+34")),
        ({"number": "612 34 56 78", "calling_code": "34"}, ("612345678", "ES", "+34")),
        ({"number": "06 12 34 56 78", "country": "FR"}, ("612345678", "FR", "+33")),
        ({"number": "+39 02 1234 5678"}, ("0212345678", "IT", "+39")),
        ({"number": "(415) 555-2671", "country": "US"}, ("4155552671", "US", "+1")),
        ({"number": "+1 604 555 0123", "country": "US"}, ("6045550123", "CA", "+1")),
    ],
)
def test_phones_are_taken_apart(phone, stored):
    number, country, code = stored
    expected = [{"number": number, "country": country, "calling_code": code}]
    assert made(T.PHONES, [phone]) == expected
    assert made(T.PHONES, expected) == expected


@pytest.mark.parametrize("number", ["612345678", "call me", "123", "+34 123", "+999 123456", ""])
def test_a_number_without_country_or_sense_is_unusable(number):
    assert refused(T.PHONES, [{"number": number, "country": None}]) == (number,)


@pytest.mark.parametrize("number", ["+800 1234 5678", "+49 30 1234567890123456"])
def test_a_number_of_no_country_or_too_long_is_unusable(number):
    assert refused(T.PHONES, [{"number": number}]) == (number,)


def test_an_extension_is_not_dropped_in_silence():
    result = RULES.normalise(field(T.PHONES), [{"number": "+34 612 34 56 78 ext 12"}])
    assert result.value[0]["number"] == "612345678"
    assert result.unusable == ("+34 612 34 56 78 ext 12",)


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("HTTP://Acme.Example/Path/", "http://acme.example/Path"),
        ("acme.example", "https://acme.example"),
        ("https://acme.example//", "https://acme.example"),
        ("https://acme.example?a=1", "https://acme.example/?a=1"),
        ("https://acme.example:443/x#", "https://acme.example/x"),
        ("https://acme.example:8443", "https://acme.example:8443"),
        ("https://acme.example/a/./b/../c", "https://acme.example/a/c"),
        ("https://bücher.example/ü", "https://xn--bcher-kva.example/ü"),
        ("http://intranet/wiki", "http://intranet/wiki"),
        ("acme.example.", "https://acme.example"),
        ("https://www.linkedin.com/in/Ana", "https://www.linkedin.com/in/Ana"),
    ],
)
def test_links_have_one_spelling(sent, stored):
    assert made(T.LINKS, [{"url": sent, "label": ""}]) == [{"url": stored, "label": None}]


@pytest.mark.parametrize(
    "url",
    ["acme.example", "http://acme.example/", "https://WWW.acme.example", "www.acme.example"],
)
def test_a_companys_domain_is_one_whatever_its_spelling(url):
    assert made(T.LINKS, [{"url": url}], unique=True) == [
        {"url": "https://acme.example", "label": None}
    ]


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "ftp://x.y", "mailto:a@b.co", "two words.com", "n/a", "none", "-",
     "https://user:pass@x.com", "https://256.1.1.1", "https://x.com:99999", "data:text/html,x"],
)  # fmt: skip
def test_addresses_that_lead_nowhere_are_unusable(url):
    assert made(T.LINKS, [{"url": url}]) is None
    assert refused(T.LINKS, [{"url": url}]) == (url,)


OPTION = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*")


@pytest.mark.parametrize(
    ("label", "value"),
    [("V.I.P.", "V_I_P"), ("cold lead", "COLD_LEAD"), ("Größe", "GROSSE"), ("2024", "OPTION_2024")],
)
def test_option_values_are_readable_where_the_label_allows(label, value):
    assert RULES.option(label, []) == (value, label)


@given(st.lists(st.text(max_size=120), max_size=12))
def test_options_survive_any_script(labels):
    taken: list[Option] = []
    for label in labels:
        value, shown = RULES.option(label, taken)
        assert (value, shown) == RULES.option(label, taken)
        assert shown.casefold() not in {option.label.casefold() for option in taken}
        assert OPTION.fullmatch(value)
        assert len(value) <= 63
        assert value not in {option.value for option in taken}
        assert shown.strip()
        assert "," not in shown
        assert len(shown.encode("utf-16-le")) <= 126
        taken.append(Option(value, shown))


@pytest.mark.parametrize(
    ("one", "other"), [("Berlin / DE", "Berlin, DE"), (f"{'x' * 62}abc", f"{'x' * 62}abd")]
)
def test_labels_that_would_become_one_stay_apart(one, other):
    first = Option(*RULES.option(one, []))
    assert RULES.option(other, [])[1] == first.label
    value, shown = RULES.option(other, [first])
    assert re.fullmatch(r"(Berlin / DE|x{52}…) #[0-9A-F]{8}", shown)
    assert value != first.value


def test_labels_that_lose_letters_stay_apart_in_any_order():
    assert RULES.option("VIP客户", [])[0] != RULES.option("VIP", [])[0]
    assert RULES.option("客户", [])[0] != RULES.option("顧客", [])[0]


@given(st.lists(st.text(max_size=120), max_size=12))
def test_field_names_survive_any_script(labels):
    taken: list[str] = []
    for label in labels:
        name = RULES.custom_field_name(label, taken)
        assert re.fullmatch(r"[a-z][a-zA-Z0-9]{0,60}", name)
        assert name not in taken
        taken.append(name)


@pytest.mark.parametrize(
    ("label", "name"),
    [("VIP Level", "vipLevel"), ("Type", "typeCustom"), ("2nd phone", "field2ndPhone")],
)
def test_field_names_are_readable_and_never_reserved(label, name):
    assert RULES.custom_field_name(label, []) == name


def test_rules_need_neither_connection_nor_http():
    code = (
        "import sys, airflow_crm_migration.hooks.twenty.rules;"
        "print([m for m in ('airflow', 'requests', 'aiohttp', 'pandas') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
