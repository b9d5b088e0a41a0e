"""What the destination refused is not sent again until it is something else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_crm_migration.core.steps.verdict import verdict_step
from tests.support.loading import Loading, company, person, task
from tests.unit.core.load.test_links import NOWHERE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

REJECTED = {"rejected": {"refused": 1}}
CREATED = {"created": {"new": 1}}


def writes(loading: Loading) -> Mapping[str, Any]:
    """Return the calls since the last look that may have written something."""
    calls = loading.control("requests")["calls"]
    loading.forget()
    return {
        name: made
        for name, made in calls.items()
        if not name.startswith("GET") and not name.startswith("POST /metadata objects")
        and name != "POST /metadata currentWorkspace"
    }  # fmt: skip


def test_a_refused_record_is_not_sent_again(loading: Loading) -> None:
    drafts = [company("a", accountOwnerId=NOWHERE)]
    assert loading.load("company", drafts)["outcomes"]["company"] == REJECTED
    words = loading.entry("company", "a").last["detail"]
    loading.forget()
    assert loading.load("company", drafts, run="run-2")["outcomes"]["company"] == REJECTED
    assert writes(loading) == {}
    assert loading.entry("company", "a").last["detail"] == words
    loading.reconcile("company", "run-2")


def test_it_is_tried_anew_once_it_is_something_else(loading: Loading) -> None:
    loading.load("company", [company("a", accountOwnerId=NOWHERE)])
    facts = loading.load("company", [company("a", name="B", accountOwnerId=NOWHERE)], run="run-2")
    assert facts["outcomes"]["company"] == REJECTED
    assert loading.entry("company", "a").last["run"] == "run-2"
    facts = loading.load("company", [company("a")], run="run-3")
    assert facts["outcomes"]["company"] == CREATED


def refused_file(loading: Loading, content: bytes) -> list[dict[str, Any]]:
    draft = loading.file("f", "a", content)
    draft["links"] = {}
    draft["values"]["targetPersonId"] = NOWHERE
    return [draft]


def test_a_refused_file_is_not_uploaded_again(loading: Loading) -> None:
    drafts = refused_file(loading, b"one")
    assert loading.load("attachment", drafts)["outcomes"]["attachment"] == REJECTED
    loading.forget()
    facts = loading.load("attachment", drafts, run="run-2")
    assert facts["outcomes"]["attachment"] == REJECTED
    assert writes(loading) == {}
    assert len(facts["residue"]) == 1
    facts = loading.load("attachment", refused_file(loading, b"two"), run="run-3")
    assert facts["outcomes"]["attachment"] == REJECTED
    assert len(facts["residue"]) == 2


def test_a_file_that_is_refused_at_the_upload_is_not_uploaded_again(loading: Loading) -> None:
    loading.load("person", [person("a")])
    draft = loading.file("f", "a", b"text")
    draft["values"]["name"] = "f.pdf"
    assert loading.load("attachment", [draft])["outcomes"]["attachment"] == REJECTED
    loading.forget()
    facts = loading.load("attachment", [draft], run="run-2")
    assert facts["outcomes"]["attachment"] == REJECTED
    assert writes(loading) == {}


@pytest.fixture
def refused_link(loading: Loading) -> Loading:
    """Return a workspace whose person vanishes between the records and their links."""
    loading.load("person", [person("a")])
    ours = str(loading.entry("person", "a").destination_id)
    loading.remove("person", ours, "destroy")
    loading.load("task", [task("t", "a")])
    return loading


def test_a_refused_link_is_not_sent_again(refused_link: Loading) -> None:
    refused_link.forget()
    assert refused_link.load_again("task")["joins"] == {"rejected": 1}
    assert writes(refused_link) == {}


def test_a_refused_link_makes_the_run_red(refused_link: Loading) -> None:
    assert refused_link.reconcile("task")["joins_rejected"] == 1
    verdict = verdict_step(refused_link.run(), ["task"], [], ["rejected"])
    assert verdict.failures == ["1 links are rejected"]
    assert "task: 1 links rejected" in verdict.lines
    assert verdict_step(refused_link.run(), ["task"], [], ["held"]).failures == []


# -- updates -----------------------------------------------------------------------------------

UPSERT = "POST /rest/batch/companies"
OURS = [{"url": "https://ours.example", "label": None}]


@pytest.fixture
def refused_update(loading: Loading) -> Loading:
    """Return a workspace in which a company's new owner is nobody."""
    loading.load("company", [company("c", domainName=OURS)])
    facts = loading.load(
        "company", [company("c", domainName=OURS, accountOwnerId=NOWHERE)], run="run-2"
    )
    assert facts["outcomes"]["company"] == REJECTED
    loading.forget()
    return loading


def test_a_refused_update_is_not_sent_again(refused_update: Loading) -> None:
    words = refused_update.entry("company", "c").last["detail"]
    facts = refused_update.load(
        "company", [company("c", domainName=OURS, accountOwnerId=NOWHERE)], run="run-3"
    )
    assert facts["outcomes"]["company"] == REJECTED
    assert writes(refused_update) == {}
    assert refused_update.entry("company", "c").last["detail"] == words
    assert refused_update.reconcile("company", "run-3")["missing"] == []


def test_it_is_sent_once_the_source_says_something_else(refused_update: Loading) -> None:
    other = [company("c", domainName=OURS, name="Other")]
    facts = refused_update.load("company", other, run="run-3")
    assert facts["outcomes"]["company"] == {"updated": {"source_changed": 1}}
    facts = refused_update.load(
        "company", [company("c", domainName=OURS, accountOwnerId=NOWHERE)], run="run-4"
    )
    assert facts["outcomes"]["company"] == REJECTED
    assert refused_update.calls(UPSERT)


def test_it_ends_when_the_source_goes_back(refused_update: Loading) -> None:
    facts = refused_update.load("company", [company("c", domainName=OURS)], run="run-3")
    assert facts["outcomes"]["company"] == {"updated": {"resolved": 1}}
    assert writes(refused_update) == {}
    facts = refused_update.load("company", [company("c", domainName=OURS)], run="run-4")
    assert facts["outcomes"]["company"] == {"unchanged": {"same": 1}}


@pytest.mark.parametrize("policy", ["update", "fill"])
def test_a_refused_first_update_of_an_existing_record_is_not_sent_again(
    make_loading: Callable[..., Loading], policy: str
) -> None:
    loading = make_loading(policy)
    loading.made_by_hand("company", domainName={"primaryLinkUrl": OURS[0]["url"]})
    drafts = [company("c", domainName=OURS, accountOwnerId=NOWHERE)]
    assert loading.load("company", drafts)["outcomes"]["company"] == REJECTED
    loading.forget()
    assert loading.load("company", drafts, run="run-2")["outcomes"]["company"] == REJECTED
    assert loading.calls(UPSERT) == {}


# -- and is sent again on request --------------------------------------------------------------


def test_a_refused_record_is_sent_again_on_request(loading: Loading) -> None:
    drafts = [company("a", accountOwnerId=NOWHERE)]
    loading.load("company", drafts)
    loading.forget()
    facts = loading.load("company", drafts, run="run-2", resend=True)
    assert facts["outcomes"]["company"] == REJECTED
    assert loading.calls(UPSERT)


def test_a_refused_update_is_sent_again_on_request(refused_update: Loading) -> None:
    drafts = [company("c", domainName=OURS, accountOwnerId=NOWHERE)]
    facts = refused_update.load("company", drafts, run="run-3", resend=True)
    assert facts["outcomes"]["company"] == REJECTED
    assert refused_update.calls(UPSERT)


def test_a_refused_file_is_sent_again_on_request(loading: Loading) -> None:
    drafts = refused_file(loading, b"one")
    loading.load("attachment", drafts)
    facts = loading.load("attachment", drafts, run="run-2", resend=True)
    assert facts["outcomes"]["attachment"] == REJECTED
    assert len(facts["residue"]) == 2


def test_a_refused_link_is_sent_again_on_request(refused_link: Loading) -> None:
    refused_link.forget()
    assert refused_link.load_again("task", resend=True)["joins"] == {"rejected": 1}
    assert set(writes(refused_link)) == {"POST /rest/batch/taskTargets"}
