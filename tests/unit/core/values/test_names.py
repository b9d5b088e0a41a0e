from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_crm_migration.core.values.names import is_nickname, tidy_person_name
from airflow_crm_migration.core.values.text import fold


@pytest.mark.parametrize(
    ("written", "tidy"),
    [
        (("JOHN", "O'BRIEN"), ("John", "O'Brien")),
        (("john", "o’brien"), ("John", "O’Brien")),
        (("  Ann \t", "\u00a0de  Vries\n"), ("Ann", "de Vries")),
        (("angus", "mcdonald"), ("Angus", "McDonald")),
        (("JAN", "VAN DER BERG"), ("Jan", "van der Berg")),
        (("maria", "de la cruz"), ("Maria", "de la Cruz")),
        (("JOSÉ", "GARCÍA Y LÓPEZ"), ("José", "García y López")),
        (("JEAN-PIERRE", "LLOYD-JONES"), ("Jean-Pierre", "Lloyd-Jones")),
        (("j.r.r.", "tolkien"), ("J.R.R.", "Tolkien")),
        (("JP", "MORGAN"), ("JP", "Morgan")),
        (("ED", "NG"), ("Ed", "Ng")),
        (("HENRY", "FORD II"), ("Henry", "Ford II")),
        (("Jean", "DUPONT"), ("Jean", "Dupont")),
        (("ΓΙΩΡΓΟΣ", "ΝΙΚΟΛΑΟΥ"), ("Γιωργος", "Νικολαου")),
        (("VAN", "NGUYEN"), ("Van", "Nguyen")),
        (("zoë 👩🏽\u200d💻", "smith"), ("Zoë 👩🏽\u200d💻", "Smith")),
    ],
)
def test_case_and_blanks_are_corrected(written: tuple[str, str], tidy: tuple[str, str]) -> None:
    assert tidy_person_name(*written) == tidy


@pytest.mark.parametrize(
    "name",
    [
        ("AJ", "Smith"),
        ("deShawn", "DeVito"),
        ("Vincent", "van Gogh"),
        ("محمد", "الحداد"),
        ("נועה", "כהן"),
        ("太郎", "佐藤"),
        ("ნინო", "ბერიძე"),
        ("सुनीता", "शर्मा"),
        ("", ""),
    ],
)
def test_what_somebody_chose_stays(name: tuple[str, str]) -> None:
    assert tidy_person_name(*name) == name


@given(st.text(max_size=30), st.text(max_size=30))
def test_tidying_twice_changes_nothing_more(first: str, last: str) -> None:
    once = tidy_person_name(first, last)
    assert tidy_person_name(*once) == once


@given(
    st.text(st.characters(categories=("L", "M", "N", "P", "S")), max_size=30),
    st.text(st.characters(categories=("L", "M", "N", "P", "S")), max_size=30),
)
def test_no_visible_character_is_lost(first: str, last: str) -> None:
    after = "".join(tidy_person_name(first, last))
    assert fold(after).replace(" ", "") == fold(first + last).replace(" ", "")


def test_direction_forcing_and_control_characters_go() -> None:
    assert tidy_person_name("An\u202en\x07a", "\ufeffLee") == ("Ann a", "Lee")


@pytest.mark.parametrize(
    ("one", "other"),
    [("bob", "robert"), ("margaret", "peggy"), ("liz", "elizabeth"), ("mike", "michael")],
)
def test_nicknames(one: str, other: str) -> None:
    assert is_nickname(one, other)
    assert is_nickname(other, one)


def test_two_names_with_one_short_form_are_no_nicknames_of_each_other() -> None:
    assert not is_nickname("alexandra", "albert")
