"""A source may call its fields as it likes; they are compared by the part that they play."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_crm_migration.core.dedupe.people import find_duplicate_people
from airflow_crm_migration.core.dedupe.roles import Roles
from airflow_crm_migration.core.fields import FieldSpec, FieldType, ObjectSpec

FIELDS = {"email": "mail", "first_name": "given", "last_name": "family"}


def test_fields_are_named_by_their_part() -> None:
    [record] = Roles(FIELDS).of([{"id": "1", "mail": "a@x", "given": "Ann", "city": "Rome"}])
    assert record == {"id": "1", "email": "a@x", "first_name": "Ann", "city": "Rome"}


def test_a_source_that_uses_our_names_says_nothing() -> None:
    assert list(Roles({}).of([{"id": "1", "email": "a@x"}])) == [{"id": "1", "email": "a@x"}]


def test_a_field_that_only_has_the_name_of_a_part_is_not_taken_for_it() -> None:
    roles = Roles({"email": "work_mail"})
    [record] = roles.of([{"email": "private@x", "work_mail": "work@x"}])
    assert record["email"] == "work@x"
    assert sorted(record.values()) == ["private@x", "work@x"]


def test_types_stay_with_their_fields() -> None:
    spec = ObjectSpec("c", "C", {"mail": FieldSpec("mail", FieldType.EMAILS)})
    assert Roles(FIELDS).spec(spec).fields["email"].type is FieldType.EMAILS


NAMES = st.sampled_from(["email", "mail", "first_name", "given", "phone", "city"])
PARTS = st.dictionaries(st.sampled_from(["email", "first_name", "phone"]), NAMES).filter(
    lambda fields: len(set(fields.values())) == len(fields)
)


@given(PARTS, st.dictionaries(NAMES, st.text(max_size=2)))
def test_nothing_is_lost_on_the_way_there_and_back(
    fields: dict[str, str], record: dict[str, str]
) -> None:
    roles = Roles(fields)
    [there] = roles.of([record])
    assert len(there) == len(record)
    assert roles.back(there) == record
    for role, field in fields.items():
        assert there.get(role) == record.get(field)


@pytest.mark.parametrize("name", ["Ada", "ADA"])
def test_duplicates_are_found_whatever_the_fields_are_called(name: str) -> None:
    records = [
        {"id": "1", "mail": "ada@x.org", "given": "Ada", "family": "Lovelace"},
        {"id": "2", "mail": "ada@x.org", "given": name, "family": "Lovelace"},
    ]
    [cluster] = find_duplicate_people(Roles(FIELDS).of(records))
    assert cluster.members == ("1", "2")
