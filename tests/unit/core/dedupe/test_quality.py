from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

import pytest

from airflow_crm_migration.core.dedupe.companies import (
    find_duplicate_companies,
)
from airflow_crm_migration.core.dedupe.model import Certainty, Cluster
from airflow_crm_migration.core.dedupe.people import find_duplicate_people
from airflow_crm_migration.emulators.messy import World, generate

if TYPE_CHECKING:
    from collections.abc import Iterable

CONTACTS = 6000
SEEDS = (101, 102)


@pytest.fixture(scope="module", params=SEEDS)
def world(request: pytest.FixtureRequest) -> World:
    return generate(request.param, CONTACTS)


def people(world: World) -> list[Cluster]:
    return find_duplicate_people(
        {
            "id": c.id,
            "first_name": c.first_name,
            "last_name": c.last_name,
            "email": [c.email],
            "other_emails": c.other_emails,
            "phone": [{"number": c.phone}],
            "company": c.company_name,
            "company_id": c.company_id,
            "company_domain": c.company_domain,
            "linkedin": [{"url": c.linkedin}],
            "updated_at": c.updated_at.isoformat(),
        }
        for c in world.contacts.values()
    )


def companies(world: World) -> list[dict[str, Any]]:
    return [
        {"id": c.id, "name": c.name, "domain": c.domain, "website": [{"url": c.website}]}
        for c in world.companies.values()
    ]


def pairs(groups: Iterable[Iterable[str]]) -> set[tuple[str, str]]:
    return {pair for group in groups for pair in combinations(sorted(group), 2)}


def f1(found: set[tuple[str, str]], truth: set[tuple[str, str]]) -> float:
    return 2 * len(found & truth) / (len(found) + len(truth))


def precision(found: set[tuple[str, str]], truth: set[tuple[str, str]]) -> float:
    return len(found & truth) / len(found)


def certain(clusters: list[Cluster]) -> list[tuple[str, ...]]:
    return [c.members for c in clusters if c.kind is Certainty.CERTAIN]


def test_people_are_found_and_merges_without_review_are_right(world: World) -> None:
    clusters = people(world)
    truth = pairs(world.truth.same_person)
    assert f1(pairs(c.members for c in clusters), truth) >= 0.97
    assert precision(pairs(certain(clusters)), truth) >= 0.999
    # what is certain by the rules must not all end in the review
    assert len(pairs(certain(clusters))) >= len(truth) / 2


def test_companies_are_found_and_merges_without_review_are_right(world: World) -> None:
    clusters = find_duplicate_companies(companies(world))
    truth = pairs(world.truth.same_company)
    assert f1(pairs(c.members for c in clusters), truth) >= 0.97
    assert precision(pairs(certain(clusters)), truth) >= 0.999
    members = {member for c in clusters for member in c.members}
    assert not world.truth.free_mail_companies & members


def test_users_of_a_shared_mailbox_are_not_merged(world: World) -> None:
    merged = pairs(certain(people(world)))
    assert not merged & pairs(world.truth.shared_mailboxes.values())
