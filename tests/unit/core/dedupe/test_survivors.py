from __future__ import annotations

from typing import Any

from airflow_crm_migration.core.dedupe.survivors import choose_survivor, merged_values
from airflow_crm_migration.core.fields import FieldSpec, FieldType, ObjectSpec

CONTACT = ObjectSpec(
    "contact",
    "Contact",
    {
        name: FieldSpec(name, kind)
        for name, kind in {
            "id": FieldType.TEXT,
            "first_name": FieldType.TEXT,
            "last_name": FieldType.TEXT,
            "email": FieldType.EMAILS,
            "phone": FieldType.PHONES,
            "linkedin": FieldType.LINKS,
            "title": FieldType.TEXT,
            "city": FieldType.TEXT,
            "country": FieldType.TEXT,
            "notes": FieldType.LONG_TEXT,
            "tags": FieldType.MULTI_SELECT,
            "created_at": FieldType.DATETIME,
            "updated_at": FieldType.DATETIME,
        }.items()
    },
)


def merged(*members: dict[str, Any]) -> Any:
    return merged_values(members, members[0]["id"], CONTACT)


def test_the_most_complete_record_stays() -> None:
    records = [
        {"id": "p1", "title": " ", "phone": [], "updated_at": "2024-02-01"},
        {"id": "p2", "title": "CEO", "updated_at": "2024-01-01"},
    ]
    assert choose_survivor(records) == "p2"


def test_then_the_one_changed_last_then_the_smallest_id() -> None:
    older = {"id": "p1", "updated_at": "2024-01-01T00:00:00.000Z"}
    newer = {"id": "p3", "updated_at": "2024-02-01T00:00:00.000Z"}
    twin = {"id": "p2", "updated_at": "2024-02-01T00:00:00.000Z"}
    assert choose_survivor([older, newer, twin]) == "p2"


def test_the_survivor_wins_and_blanks_are_filled() -> None:
    result = merged(
        {"id": "p1", "title": "CEO", "city": ""},
        {"id": "p2", "title": "Buyer", "linkedin": [{"url": "https://x.org"}]},
    )
    assert result.values == {"id": "p1", "title": "CEO", "linkedin": [{"url": "https://x.org"}]}
    assert result.origins == {"title": ("p1",), "linkedin": ("p2",)}
    assert result.unused == {"title": {"p2": "Buyer"}}


def test_spellings_of_one_value_are_not_reported() -> None:
    assert not merged({"id": "p1", "title": "CEO"}, {"id": "p2", "title": " ceo "}).unused


def test_multi_values_are_united_the_survivors_first() -> None:
    result = merged(
        {
            "id": "p1",
            "email": ["Ann@x.org"],
            "phone": [{"number": "+44 20 7946 1234"}],
            "tags": ["VIP"],
        },
        {
            "id": "p2",
            "email": ["ann@X.org", "ann@y.org"],
            "phone": [{"number": "020 7946 1234"}, {"number": "020 7946 9999"}],
            "tags": ["Press", "VIP"],
        },
    )
    assert result.values["email"] == ["Ann@x.org", "ann@y.org"]
    assert [p["number"] for p in result.values["phone"]] == ["+44 20 7946 1234", "020 7946 9999"]
    assert result.values["tags"] == ["VIP", "Press"]
    assert result.origins["email"] == ("p1", "p2")


def test_long_texts_follow_one_another() -> None:
    result = merged(
        {"id": "p1", "notes": "Likes tea"},
        {"id": "p2", "notes": "likes  tea"},
        {"id": "p3", "notes": "Call in May"},
    )
    assert result.values["notes"] == "Likes tea\n\nCall in May"
    assert result.origins["notes"] == ("p1", "p3")


def test_the_oldest_creation_and_the_survivors_change_count() -> None:
    result = merged(
        {"id": "p1", "created_at": "2024-02-01", "updated_at": "2024-03-01"},
        {"id": "p2", "created_at": "2024-01-01", "updated_at": "2024-04-01"},
    )
    assert result.values["created_at"] == "2024-01-01"
    assert result.values["updated_at"] == "2024-03-01"
    assert result.origins == {"created_at": ("p2",)}


def test_names_and_places_are_never_mixed() -> None:
    result = merged(
        {"id": "p1", "first_name": "Smith, Ann", "city": "Paris", "title": "CEO"},
        {"id": "p2", "first_name": "Ann", "last_name": "Smith", "country": "DE"},
    )
    assert (result.values["first_name"], result.values["last_name"]) == ("Ann", "Smith")
    assert result.values["city"] == "Paris"
    assert "country" not in result.values
    assert result.unused["country"] == {"p2": "DE"}


def test_undeclared_columns_are_filled_one_by_one() -> None:
    result = merged(
        {"id": "p1", "_other": {"Shoe size": "38", "Pet": ""}},
        {"id": "p2", "_other": {"Shoe size": "39", "Pet": "cat"}},
    )
    assert result.values["_other"] == {"Shoe size": "38", "Pet": "cat"}
    assert result.origins["_other"] == ("p1", "p2")


def test_the_order_of_members_does_not_matter() -> None:
    members = [
        {"id": "p1", "title": "CEO"},
        {"id": "p2", "title": "Buyer", "city": "Paris", "country": "FR"},
        {"id": "p3", "title": "Buyer", "city": "Lyon", "country": "FR"},
    ]
    first = merged_values(members, "p1", CONTACT)
    assert merged_values(members[::-1], "p1", CONTACT) == first
    assert first.values["city"] == "Paris"


def test_figures_of_the_company_count_for_nothing_and_go_with_its_name() -> None:
    plain = {"id": "p1", "title": "CEO", "company": "Bolt", "company_id": "c1"}
    figures = {"id": "p2", "company": "Acme", "company_size": "9", "company_revenue": 5}
    assert choose_survivor([plain, figures]) == "p1"
    assert merged(plain, figures).values.items() >= {"company": "Bolt", "company_id": "c1"}.items()
    assert "company_size" not in merged(plain, figures).values
