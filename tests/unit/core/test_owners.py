from __future__ import annotations

import pytest

from airflow_crm_migration.core.errors import UserMistake
from airflow_crm_migration.core.owners import (
    OwnerMatch,
    OwnerStatus,
    SourceOwner,
    match_owners,
    owner_key,
)
from airflow_crm_migration.core.protocols import Member

ANN = Member("m1", "Ann.Lee@x.org", "Ann Lee")
BO = Member("m2", "bo@x.org", "Bö  Åkesson", active=False)
CY = Member(None, "cy@x.org", "")
MEMBERS = [ANN, BO, CY]


def match(owner: SourceOwner, members: list[Member] = MEMBERS, **overrides: str) -> OwnerMatch:
    [found] = match_owners([owner], members, overrides)
    assert found.owner is owner
    return found


def said(found: OwnerMatch) -> tuple[OwnerStatus, str | None, str]:
    return found.status, found.member_id, found.by


def test_the_address_decides_before_the_name() -> None:
    owner = SourceOwner("Bö Åkesson", " ANN.LEE@X.org ")
    assert said(match(owner)) == (OwnerStatus.MATCHED, "m1", "email")


def test_a_unique_name_is_enough_whatever_its_spelling() -> None:
    assert said(match(SourceOwner("ann  LEE"))) == (OwnerStatus.MATCHED, "m1", "name")


def test_a_name_where_the_address_leads_nowhere() -> None:
    owner = SourceOwner("Ann Lee", "ann@old.org")
    assert said(match(owner)) == (OwnerStatus.MATCHED, "m1", "name")


def test_inactive_and_invited_are_called_so() -> None:
    assert said(match(SourceOwner("Bo Akesson"))) == (OwnerStatus.INACTIVE, "m2", "name")
    assert said(match(SourceOwner("", "cy@x.org"))) == (OwnerStatus.INVITED, None, "email")


def test_nobody() -> None:
    assert said(match(SourceOwner("Di Roe", "di@x.org"))) == (OwnerStatus.MISSING, None, "")


def test_a_name_that_two_members_have_is_ambiguous() -> None:
    twins = [ANN, Member("m9", "lee@x.org", "ANN LEE")]
    assert match(SourceOwner("Ann Lee"), twins).status is OwnerStatus.AMBIGUOUS


def test_a_name_that_two_owners_have_is_ambiguous() -> None:
    owners = [
        SourceOwner("Ann Lee", "ann.lee@x.org"),
        SourceOwner("Ann Lee", "other@x.org"),
        SourceOwner("ann lee"),
    ]
    found = match_owners(owners, MEMBERS, {})
    assert [f.status for f in found] == [
        OwnerStatus.MATCHED,
        OwnerStatus.AMBIGUOUS,
        OwnerStatus.AMBIGUOUS,
    ]


@pytest.mark.parametrize("key", ["Di Roe", "di  roe", "DI@x.org"])
def test_overrides_by_name_or_address(key: str) -> None:
    found = match(SourceOwner("Di Roe", "di@x.org"), **{key: "ann.lee@X.ORG"})
    assert said(found) == (OwnerStatus.OVERRIDE, "m1", "override")


def test_overrides_that_leave_empty_win_over_a_match() -> None:
    found = match(SourceOwner("Ann Lee"), **{"Ann Lee": "leave_empty"})
    assert said(found) == (OwnerStatus.LEFT_EMPTY, None, "override")


def test_an_override_to_an_invitation_still_waits() -> None:
    found = match(SourceOwner("Di Roe"), **{"Di Roe": "cy@x.org"})
    assert said(found) == (OwnerStatus.INVITED, None, "override")


def test_overrides_to_nobody_are_all_told_at_once() -> None:
    with pytest.raises(UserMistake) as caught:
        match_owners([], MEMBERS, {"Di": "di@x.org", "Ed": "nobody", "Fay": "bo@x.org"})
    assert len(caught.value.findings) == 2
    assert "'Di'" in caught.value.findings[0]
    assert "leave_empty" in caught.value.findings[0]


def test_keys_of_owners() -> None:
    assert owner_key(" Ann@X.org ") == "ann@x.org"
    assert owner_key("Zoë  LEE") == owner_key("zoe lee")
