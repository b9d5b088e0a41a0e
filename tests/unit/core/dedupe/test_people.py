from __future__ import annotations

import random
from typing import Any

import pytest

from airflow_crm_migration.core.dedupe.model import Certainty, Cluster, Match
from airflow_crm_migration.core.dedupe.people import find_duplicate_people


def person(number: int, first: str, last: str, email: str = "", **fields: Any) -> dict[str, Any]:
    emails = [email] if email else []
    return {
        "id": f"p{number}",
        "first_name": first,
        "last_name": last,
        "email": emails,
        "updated_at": "2024-01-31T08:00:00.000Z",
        **fields,
    }


def only(*records: dict[str, Any]) -> Cluster:
    [cluster] = find_duplicate_people(records)
    return cluster


@pytest.mark.parametrize(
    ("first", "last", "email"),
    [
        ("ann", "SMITH", " Ann@X.org "),
        ("Smith, Ann", "", "Ann Smith <ann@x.org>"),
        ("Annie", "Smith", "ann@x.org"),
        ("Ann", "Smiht", "ann@x.org"),
        ("A.", "Smith", "ann@x.org"),
        ("", "", "ann@x.org"),
        ("ann", "", "ann@x.org"),
        ("Энн", "Смит", "ann@x.org"),
        ("Ann", "Smith", "ann@x.org, info@x.org"),
    ],
)
def test_one_address_under_names_that_agree_is_certain(first: str, last: str, email: str) -> None:
    cluster = only(person(1, "Ann", "Smith", "ann@x.org"), person(2, first, last, email))
    assert cluster.kind is Certainty.CERTAIN
    assert cluster.reasons == (Match.SAME_EMAIL,)
    assert cluster.score == 1


def test_an_address_among_the_others_counts() -> None:
    one = person(1, "Ann", "Smith", "ann@x.org", other_emails=["asmith@gmail.com"])
    cluster = only(one, person(2, "Ann", "Smith", "asmith@gmail.com"))
    assert cluster.kind is Certainty.CERTAIN


def test_one_address_under_names_that_contradict_is_doubtful() -> None:
    cluster = only(
        person(1, "Ann", "Smith", "smiths@gmail.com"),
        person(2, "Bob", "Smith", "smiths@gmail.com"),
    )
    assert cluster.kind is Certainty.DOUBTFUL
    assert cluster.reasons == (Match.CONFLICTING_NAMES,)


def test_of_three_records_the_two_that_agree_stay_certain() -> None:
    found = find_duplicate_people(
        [
            person(1, "Ann", "Smith", "smiths@gmail.com"),
            person(2, "ANN", "SMITH", "smiths@gmail.com"),
            person(3, "Bob", "Smith", "smiths@gmail.com"),
        ]
    )
    assert [(c.kind, len(c.members)) for c in found] == [
        (Certainty.CERTAIN, 2),
        (Certainty.DOUBTFUL, 3),
    ]


@pytest.mark.parametrize("email", ["info@x.org", "verkauf@x.de", "no-reply@x.org"])
def test_a_shared_mailbox_identifies_nobody(email: str) -> None:
    assert not find_duplicate_people(
        [person(1, "Ann", "Smith", email), person(2, "", "", email), person(3, "Bob", "Roe", email)]
    )


def test_an_address_under_three_names_is_a_shared_one_though_nobody_listed_it() -> None:
    names = [("Ann", "Smith"), ("Bob", "Roe"), ("Cy", "Doe"), ("", "")]
    records = [person(n, *name, "pumpenwerk@x.org") for n, name in enumerate(names)]
    assert not find_duplicate_people(records)


def test_the_same_profile_is_certain_under_names_that_agree() -> None:
    profile = [{"url": "https://www.linkedin.com/in/ann-smith-4711/?trk=x"}]
    other = [{"url": "http://de.LinkedIn.com/in/Ann-Smith-4711"}]
    cluster = only(
        person(1, "Ann", "Smith", "ann@x.org", linkedin=profile),
        person(2, "Annie", "Smith", "ann@y.org", linkedin=other),
    )
    assert (cluster.kind, cluster.reasons) == (Certainty.CERTAIN, (Match.SAME_PROFILE,))


def test_the_page_of_a_company_is_no_profile() -> None:
    page = [{"url": "https://www.linkedin.com/company/x"}]
    assert not find_duplicate_people(
        [
            person(1, "Ann", "Smith", "ann@x.org", linkedin=page),
            person(2, "Ann", "Smith", "ann@y.org", linkedin=page),
        ]
    )


def test_a_tag_is_certain_under_the_same_full_name_only() -> None:
    plain = person(1, "Ann", "Smith", "ann@x.org")
    assert only(plain, person(2, "Ann", "Smith", "ann+crm@x.org")).kind is Certainty.CERTAIN
    assert only(plain, person(2, "", "", "ann+crm@x.org")).kind is Certainty.DOUBTFUL
    assert not find_duplicate_people([plain, person(2, "Bob", "Roe", "ann+bob@x.org")])


def test_two_tags_without_the_plain_address_are_doubtful() -> None:
    cluster = only(
        person(1, "Ann", "Smith", "ann+a@gmail.com"), person(2, "Ann", "Smith", "ann+b@gmail.com")
    )
    assert (cluster.kind, cluster.reasons) == (Certainty.DOUBTFUL, (Match.ADDRESS_VARIANT,))


def test_dots_at_gmail_are_doubtful() -> None:
    cluster = only(
        person(1, "Ann", "Smith", "ann.smith@gmail.com"),
        person(2, "Ann", "Smith", "annsmith@googlemail.com"),
    )
    assert cluster.kind is Certainty.DOUBTFUL


@pytest.mark.parametrize(
    ("first", "last", "reason"),
    [
        ("Robert", "Johnson", Match.SAME_NAME_AND_COMPANY),
        ("Bob", "Johnson", Match.NICKNAME_AND_COMPANY),
        ("Robert", "Jonhson", Match.SIMILAR_NAME_AND_COMPANY),
        ("R.", "Johnson", Match.INITIAL_AND_COMPANY),
    ],
)
def test_names_at_one_company_are_doubtful(first: str, last: str, reason: Match) -> None:
    cluster = only(
        person(1, "Robert", "Johnson", "robert.johnson@x.org"),
        person(2, first, last, "other@mail.x.org"),
    )
    assert (cluster.kind, cluster.reasons) == (Certainty.DOUBTFUL, (reason,))


@pytest.mark.parametrize(
    "fields",
    [
        {"company_id": "c1"},
        {"company": "Brightwell GmbH"},
        {"company_domain": "www.brightwell.com"},
    ],
)
def test_a_company_is_known_by_id_name_or_domain(fields: dict[str, str]) -> None:
    other = {"company_id": "c1", "company": "brightwell", "company_domain": "brightwell.com"}
    cluster = only(
        person(1, "Ann", "Smith", "a@gmail.com", **other),
        person(2, "Ann", "Smith", "b@gmail.com", **fields),
    )
    assert cluster.reasons == (Match.SAME_NAME_AND_COMPANY,)


def test_a_telephone_supports_a_name() -> None:
    cluster = only(
        person(1, "Ann", "Smith", "a@gmail.com", phone=[{"number": "+44 20 7946 1234"}]),
        person(2, "Ann", "Smiht", "b@gmail.com", phone=[{"number": "020 7946 1234"}]),
    )
    assert cluster.reasons == (Match.SIMILAR_NAME_AND_PHONE,)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"company": "Gmail", "company_id": "c9", "company_domain": "gmail.com"},
        {"phone": [{"number": "n/a"}], "title": "CEO"},
    ],
)
def test_a_name_or_a_free_mail_domain_alone_says_nothing(fields: dict[str, Any]) -> None:
    assert not find_duplicate_people(
        [
            person(1, "Ann", "Smith", "ann@gmail.com", **fields),
            person(2, "Ann", "Smith", "ann.smith2@gmail.com", **fields),
        ]
    )


def test_equal_names_at_different_companies_are_different_people() -> None:
    assert not find_duplicate_people(
        [person(1, "David", "Kim", "kim@x.org"), person(2, "David", "Kim", "kim@y.org")]
    )


def test_colleagues_are_different_people() -> None:
    assert not find_duplicate_people(
        [
            person(1, "Daniel", "Martin", "daniel@x.org", phone=[{"number": "+1 212 555 0100"}]),
            person(2, "Daniela", "Martin", "daniela@x.org", phone=[{"number": "+1 212 555 0100"}]),
            person(3, "Ann", "", "ann@x.org"),
            person(4, "Ann", "Roe", "roe@x.org"),
        ]
    )


def test_two_profiles_are_two_people() -> None:
    one, two = ([{"url": f"https://linkedin.com/in/{slug}"}] for slug in ("kim-1", "kim-2"))
    assert not find_duplicate_people(
        [
            person(1, "David", "Kim", "david@x.org", linkedin=one),
            person(2, "David", "Kim", "david2@x.org", linkedin=two),
        ]
    )


def test_an_initial_joins_one_person_only() -> None:
    cluster = only(
        person(1, "John", "Smith", "john@x.org"),
        person(2, "J.", "Smith", "js@x.org"),
        person(3, "Judy", "Smith", "judy@x.org"),
    )
    assert cluster.members == ("p1", "p2")


def test_the_order_of_records_does_not_matter() -> None:
    records = [
        person(n, first, last, f"{first[:2]}{n % 5}@x.org")
        for n, (first, last) in enumerate(
            (f, s)
            for f in ("Ann", "Anne", "Bob", "R.", "Robert")
            for s in ("Lee", "Leigh", "Johnson", "Jonson")
        )
    ]
    expected = find_duplicate_people(records)
    assert expected
    for seed in range(5):
        random.Random(seed).shuffle(records)
        assert find_duplicate_people(records) == expected


def test_a_large_company_is_compared_in_part() -> None:
    given = [
        a + b + c for a in "BCDFG" for b in ("an", "el", "or") for c in ("da", "ton", "vin", "mir")
    ]
    family = [
        a + b
        for a in ("Bart", "Wood", "Stone", "Brook", "Field")
        for b in ("ley", "man", "er", "well", "ton")
    ]
    records = [
        person(n, first, last, f"{n}@x.org")
        for n, (first, last) in enumerate((f, s) for f in given for s in family)
    ]
    slip = person(9999, "Banda", "Batrley", "slip@x.org")
    found = [c for c in find_duplicate_people([*records, slip]) if "p9999" in c.members]
    assert [c.reasons for c in found] == [(Match.SIMILAR_NAME_AND_COMPANY,)]
