from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_crm_migration.core.dedupe.agreement import (
    NOBODY,
    Agreement,
    PersonName,
    agreement,
    person_name,
)


def compared(one: tuple[str, str], other: tuple[str, str]) -> Agreement:
    return agreement(person_name(*one, ""), person_name(*other, ""))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("ANN", "LEE"), ("ann", "lee")),
        (("Lee", "Ann"), ("Ann", "Lee")),
        (("Lee, Ann", ""), ("Ann", "Lee")),
        (("Ann Lee", ""), ("Ann", "Lee")),
        (("Dr. Ann", "Lee"), ("Ann", "Lee")),
        (("Ann", "Lee (Brightwell)"), ("Ann", "Lee")),
        (("Ann B.", "Lee"), ("Ann", "Lee")),
        (("Jörg", "Müller"), ("Joerg", "Mueller")),
        (("Werner", "von Bülow"), ("Werner", "Bülow")),
        (("Jan", "Van Dyke"), ("Jan", "VanDyke")),
        (("Mary Ann", "Lee"), ("Maryann", "Lee")),
        (("伟", "王"), ("王伟", "")),
    ],
)
def test_spellings_of_one_name(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert compared(one, other) is Agreement.SAME


@pytest.mark.parametrize(
    ("one", "other", "found"),
    [
        (("Bob", "Johnson"), ("Robert", "Johnson"), Agreement.NICKNAME),
        (("Ann", "Johnson"), ("Ann", "Jonhson"), Agreement.SIMILAR),
        (("Bernadette", "Lee"), ("Bernardete", "Lee"), Agreement.SIMILAR),
        (("A.", "Lee"), ("Ann", "Lee"), Agreement.INITIAL),
        (("Ж.", "Коваленко"), ("Жанна", "Коваленко"), Agreement.INITIAL),
        (("太", "佐藤"), ("太郎", "佐藤"), Agreement.PARTIAL),
        (("Ann", ""), ("Ann", "Lee"), Agreement.PARTIAL),
        (("Lee", ""), ("Ann", "Lee"), Agreement.PARTIAL),
        (("Jean", "Dupuy"), ("Jean-Pierre", "Dupuy"), Agreement.PARTIAL),
        (("Bob", "Jonhson"), ("Robert", "Johnson"), Agreement.PARTIAL),
        (("Олена", "Коваленко"), ("Olena", "Kovalenko"), Agreement.UNKNOWN),
        (("", ""), ("Ann", "Lee"), Agreement.UNKNOWN),
        (("ann@x.org", ""), ("Ann", "Lee"), Agreement.UNKNOWN),
    ],
)
def test_degrees(one: tuple[str, str], other: tuple[str, str], found: Agreement) -> None:
    assert compared(one, other) is found


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("Ann", "Lee"), ("Bob", "Lee")),
        (("Ann", "Lee"), ("Ann", "Roe")),
        (("Ann", ""), ("Bob", "Lee")),
        (("Mario", "Rossi"), ("Maria", "Rossi")),
        (("Daniel", "Martin"), ("Daniela", "Martin")),
        (("Alexander", "Roe"), ("Alexandra", "Roe")),
        (("Tom", "Kim"), ("Tom", "Kin")),
        (("John", "Smith Jr."), ("John", "Smith Sr. III")),
        (("A.", "Lee"), ("Bob", "Lee")),
        (("Contact", "1001"), ("Contact", "1002")),
        (("Ann", "Maryle"), ("Le", "Annmary")),
    ],
)
def test_different_people(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert compared(one, other) is Agreement.CONFLICT


def test_a_name_that_is_only_the_address_is_none() -> None:
    assert person_name("jdoe", "", "jdoe") == NOBODY
    assert person_name("j.doe", "", "j.doe") != NOBODY
    assert not person_name("Ann", "", "a").full


words = st.text(alphabet="abeionrst", max_size=9).map(str)
names = st.builds(
    PersonName, st.lists(words.filter(bool), max_size=2).map(tuple), st.tuples(words.filter(bool))
)


@given(names, names)
def test_agreement_has_no_direction(one: PersonName, other: PersonName) -> None:
    assert agreement(one, other) is agreement(other, one)
    assert agreement(one, one) is Agreement.SAME
