"""Records that exchange unique values between two runs end with the right ones, and no error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_crm_migration.core.dry_run import DryDestination
from airflow_crm_migration.hooks.twenty import TwentyHook
from tests.support.loading import Loading, company, person
from tests.unit.core.load.test_settle import Died

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_crm_migration.core.protocols import Write

A, B, C = "a@x.example", "b@x.example", "c@x.example"


def people(**emails: list[str]) -> list[dict[str, Any]]:
    return [person(name, emails=found) for name, found in emails.items()]


def emails(loading: Loading) -> dict[str, list[str]]:
    """Return source id -> addresses as they stand in the workspace."""
    found = {r["id"]: r["emails"] for r in loading.records("person")}
    return {
        name: [e["primaryEmail"], *(e["additionalEmails"] or [])]
        for name, entry in loading.entries("person").items()
        if (e := found[str(entry.destination_id)])
    }


def updated(number: int) -> dict[str, Any]:
    return {"updated": {"source_changed": number}}


def test_two_people_swap_their_addresses(loading: Loading) -> None:
    loading.load("person", people(a=[A], b=[B]))
    facts = loading.load("person", people(a=[B], b=[A]), run="run-2")
    assert facts["outcomes"]["person"] == updated(2)
    assert emails(loading) == {"a": [B], "b": [A]}
    assert not loading.open_intents("person")
    facts = loading.load("person", people(a=[B], b=[A]), run="run-3")
    assert facts["outcomes"]["person"] == {"unchanged": {"same": 2}}


def test_three_people_pass_theirs_on(loading: Loading) -> None:
    loading.load("person", people(a=[A], b=[B], c=[C]))
    facts = loading.load("person", people(a=[B], b=[C], c=[A]), run="run-2")
    assert facts["outcomes"]["person"] == updated(3)
    assert emails(loading) == {"a": [B], "b": [C], "c": [A]}


def test_what_people_added_outlives_the_swap(loading: Loading) -> None:
    loading.load("person", people(a=[A], b=[B]))
    ours = str(loading.entry("person", "a").destination_id)
    added = {"primaryEmail": A, "additionalEmails": ["theirs@x.example"]}
    loading.edit("person", ours, emails=added)
    facts = loading.load("person", people(a=[B], b=[A]), run="run-2")
    assert facts["outcomes"]["person"] == updated(2)
    assert sorted(emails(loading)["a"]) == [B, "theirs@x.example"]
    assert emails(loading)["b"] == [A]


def test_companies_swap_their_domains(loading: Loading) -> None:
    def drafts(one: str, other: str) -> list[dict[str, Any]]:
        links = {
            n: [{"url": f"https://{d}.example", "label": None}] for n, d in ((1, one), (2, other))
        }
        return [company(str(n), domainName=link) for n, link in links.items()]

    loading.load("company", drafts("x", "y"))
    facts = loading.load("company", drafts("y", "x"), run="run-2")
    assert facts["outcomes"]["company"] == updated(2)
    found = {r["name"]: r["domainName"]["primaryLinkUrl"] for r in loading.records("company")}
    assert found == {"Company 1": "https://y.example", "Company 2": "https://x.example"}


def test_an_address_that_people_gave_meanwhile_is_not_taken_away(loading: Loading) -> None:
    """Somebody gave A's record the address that B is to have: it is theirs, B's update is told."""
    loading.load("person", people(a=[A], b=[B]))
    ours = str(loading.entry("person", "a").destination_id)
    loading.edit("person", ours, emails={"primaryEmail": C, "additionalEmails": []})
    loading.load("person", people(a=[B], b=[C]), run="run-2")
    assert emails(loading)["a"][0] == C
    told = [(i["key"][2], i["problem"], i["detail"]) for i in loading.issues("person", "run-2")]
    assert told == [("b", "unique_value_taken", C)]


@pytest.mark.parametrize("fatal", [1, 2])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_swap_that_was_cut_off_is_ended_by_the_next_run(
    loading: Loading, fatal: int, when: str
) -> None:
    class Mortal(TwentyHook):
        calls = 0

        def update(self, object_name: str, rows: Sequence[Write]) -> list[Any]:
            self.calls += 1
            if (self.calls, when) == (fatal, "before"):
                raise Died
            result = super().update(object_name, rows)
            if (self.calls, when) == (fatal, "after"):
                raise Died
            return result

    loading.load("person", people(a=[A], b=[B]))
    loading.transform("person", people(a=[B], b=[A]), run="run-2")
    with pytest.raises(Died):
        loading.load_again("person", run="run-2", hook=Mortal(loading.conn_id))
    loading.load_again("person", run="run-2")
    assert emails(loading) == {"a": [B], "b": [A]}
    assert {e.last["outcome"] for e in loading.entries("person").values()} == {"updated"}
    assert not loading.open_intents("person")


def test_a_dry_run_predicts_a_swap(loading: Loading) -> None:
    loading.load("person", people(a=[A], b=[B]))
    swapped = people(a=[B], b=[A])
    dry = DryDestination(TwentyHook(loading.conn_id))
    facts = loading.load("person", swapped, run="run-2", dry_run=True, hook=dry)
    assert facts["outcomes"]["person"] == updated(2)
    assert emails(loading) == {"a": [A], "b": [B]}
