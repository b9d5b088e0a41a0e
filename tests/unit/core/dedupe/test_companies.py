from __future__ import annotations

from typing import Any

import pytest

from airflow_crm_migration.core.dedupe.companies import (
    find_duplicate_companies,
)
from airflow_crm_migration.core.dedupe.company import company_key
from airflow_crm_migration.core.dedupe.model import Certainty, Match


def company(number: int, name: str, domain: str = "", website: str = "") -> dict[str, Any]:
    links = [{"url": website}] if website else []
    return {"id": f"c{number}", "name": name, "domain": domain, "website": links}


def found(*records: dict[str, Any]) -> list[tuple[Certainty, tuple[Match, ...], int]]:
    return [(c.kind, c.reasons, len(c.members)) for c in find_duplicate_companies(records)]


@pytest.mark.parametrize(
    ("name", "domain", "website"),
    [
        ("BRIGHTWELL GMBH", "www.brightwell.com", ""),
        ("brightwell.com", "", "https://mail.brightwell.com/contact?x=1"),
        ("Brightwell Logistics, Inc.", " BRIGHTWELL.COM ", ""),
        ("", "brightwell.com", ""),
        ("BL", "brightwell.com", "https://facebook.com/brightwell"),
    ],
)
def test_one_domain_is_certain(name: str, domain: str, website: str) -> None:
    first = company(1, "Brightwell Logistics", "brightwell.com")
    assert found(first, company(2, name, domain, website)) == [
        (Certainty.CERTAIN, (Match.SAME_DOMAIN,), 2)
    ]


def test_one_domain_under_names_that_have_nothing_in_common_is_doubtful() -> None:
    assert found(
        company(1, "Kestrel Dental", "holding.com"), company(2, "Quarry & Sons", "holding.com")
    ) == [(Certainty.DOUBTFUL, (Match.CONFLICTING_NAMES,), 2)]


@pytest.mark.parametrize("domain", ["gmail.com", "facebook.com", "localhost", "n/a"])
def test_what_many_share_says_nothing(domain: str) -> None:
    assert not found(company(1, "Kestrel Dental", domain), company(2, "Quarry & Sons", domain))


def test_companies_made_of_free_mail_are_never_merged() -> None:
    records = [
        company(1, "Gmail", "gmail.com"),
        company(2, "Gmail", "http://www.gmail.com"),
        company(3, "Brightwell", "brightwell.com"),
    ]
    assert not find_duplicate_companies(records)


def test_equal_names_are_doubtful_where_one_has_no_domain() -> None:
    assert found(company(1, "Brightwell GmbH"), company(2, "brightwell", "brightwell.de")) == [
        (Certainty.DOUBTFUL, (Match.SAME_NAME,), 2)
    ]


def test_a_slip_in_a_long_name_is_doubtful() -> None:
    assert found(company(1, "Brightwell Logistics"), company(2, "Brigthwell Logistics")) == [
        (Certainty.DOUBTFUL, (Match.SIMILAR_NAME,), 2)
    ]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Brightwell Foods", "Brightwell Media"),
        ("Brightwell Logistics 1", "Brightwell Logistics 2"),
        ("Brightwell Logistics", "Brightwell Logistics North"),
        ("Kite", "Site"),
    ],
)
def test_names_that_only_sound_alike(one: str, other: str) -> None:
    assert not found(company(1, one), company(2, other))


def test_equal_names_with_two_domains_are_two_companies() -> None:
    assert not found(
        company(1, "Brightwell", "brightwell.com"), company(2, "Brightwell", "brightwell.de")
    )


def test_two_companies_are_not_joined_through_a_third_without_domain() -> None:
    [cluster] = find_duplicate_companies(
        [
            company(1, "Brightwell Logistic", "brightwell.com"),
            company(2, "Brightwell Logistics"),
            company(3, "Brightwell Logistica", "brightwell.it"),
        ]
    )
    assert len(cluster.members) == 2


def test_a_company_with_two_domains_joins_both() -> None:
    assert found(
        company(1, "Brightwell", "brightwell.com"),
        company(2, "Brightwell", "brightwell.com", "https://brightwell.de"),
        company(3, "Brightwell", "brightwell.de"),
    ) == [(Certainty.CERTAIN, (Match.SAME_DOMAIN,), 3)]


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("The Brightwell Company, Inc.", "brightwell"),
        ("Brightwell GmbH & Co. KG", "brightwell"),
        ("Brightwell Sp. z o.o.", "brightwell"),
        ("Brightwell S.A. de C.V.", "brightwell"),
        ("AB Volvo", "volvo"),
        ("株式会社さくら商事", "さくら商事"),
        ("ТОВ «Світанок»", "світанок"),
        ("www.brightwell.com", "brightwell"),
        ("GmbH", "gmbh"),
        ("", ""),
    ],
)
def test_keys_of_names(name: str, key: str) -> None:
    assert company_key(name) == key
