"""One bad record sinks only itself, and a reply that never came loses and doubles nothing."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest

from airflow_crm_migration.core.dry_run import DryDestination
from airflow_crm_migration.core.errors import Unsettled
from airflow_crm_migration.core.ledger.writer import Ledger
from airflow_crm_migration.hooks.twenty import TwentyHook
from tests.support.loading import Loading, person, task

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_crm_migration.core.protocols import Write

BATCH = "POST /rest/batch/people"
SIZE = 60
NOWHERE = "1b0c7a34-5d31-4f3e-8f1d-2f0f6a1f9c11"


def people(*bad: int, total: int = SIZE) -> list[dict[str, Any]]:
    """Return drafts of people of whom some work for a company that does not exist."""
    return [person(f"p{n}", **({"companyId": NOWHERE} if n in bad else {})) for n in range(total)]


def marks(loading: Loading) -> list[str]:
    return sorted(row["migrationSourceId"] for row in loading.records("person"))


@pytest.mark.parametrize("bad", [0, 31, 59])
def test_one_bad_record_in_a_batch_is_rejected_alone(loading: Loading, bad: int) -> None:
    facts = loading.load("person", people(bad))
    assert facts["outcomes"]["person"] == {"created": {"new": 59}, "rejected": {"refused": 1}}
    told = loading.entry("person", f"p{bad}")
    assert "violates foreign key constraint" in told.last["detail"]
    assert told.destination_id is None
    assert marks(loading) == sorted(f"acme:person:p{n}" for n in range(SIZE) if n != bad)
    assert loading.reconcile("person")["counted"] == 59


def test_finding_it_costs_two_calls_for_every_halving(loading: Loading) -> None:
    loading.load("person", people(17))
    assert sum(loading.calls(BATCH).values()) <= 1 + 2 * math.ceil(math.log2(SIZE))


def test_several_bad_records(loading: Loading) -> None:
    facts = loading.load("person", people(3, 4, 40))
    assert facts["outcomes"]["person"] == {"created": {"new": 57}, "rejected": {"refused": 3}}


def test_what_was_rejected_is_tried_again_and_arrives_once_it_is_mended(loading: Loading) -> None:
    loading.load("person", people(1, total=3))
    facts = loading.load("person", people(total=3), run="run-2")
    assert facts["outcomes"]["person"] == {"unchanged": {"same": 2}, "created": {"new": 1}}


@pytest.mark.parametrize(
    "fault", [{"kind": "reply_lost"}, {"kind": "timeout", "seconds": 0}, {"kind": "5xx"}]
)
def test_a_lost_reply_is_settled_by_asking(loading: Loading, fault: dict[str, Any]) -> None:
    loading.fault(method="POST", path="/rest/batch/people", **fault)
    facts = loading.load("person", people())
    assert facts["outcomes"]["person"] == {"created": {"new": 60}}
    assert marks(loading) == sorted(f"acme:person:p{n}" for n in range(SIZE))
    written = 1 if fault["kind"] == "reply_lost" else 2
    assert sum(loading.calls(BATCH).values()) == written
    assert not loading.open_intents("person")


def test_a_lost_reply_to_a_refusal_still_finds_the_bad_record(loading: Loading) -> None:
    loading.fault(kind="reply_lost", method="POST", path="/rest/batch/people", times=2)
    facts = loading.load("person", people(5, total=8))
    assert facts["outcomes"]["person"] == {"created": {"new": 7}, "rejected": {"refused": 1}}


def test_a_crm_that_stays_silent_fails_the_load_and_the_next_one_goes_on(loading: Loading) -> None:
    loading.fault(kind="5xx", method="POST", path="/rest/batch/people", times=4)
    with pytest.raises(Unsettled):
        loading.load("person", people(total=90))
    assert len(loading.open_intents("person")) == 60
    facts = loading.load_again("person")
    assert facts["outcomes"]["person"] == {"created": {"new": 90}}
    assert len(marks(loading)) == 90


def failing(loading: Loading, asks: str = "", path: str = "/rest/batch/people") -> None:
    loading.fault(kind="5xx", status=500, method="POST", path=path, asks=asks, times=9999)


def test_one_record_at_which_the_server_always_fails_is_rejected_alone(loading: Loading) -> None:
    failing(loading, "acme:person:p31")
    facts = loading.load("person", people())
    assert facts["outcomes"]["person"] == {"created": {"new": 59}, "rejected": {"refused": 1}}
    assert loading.entry("person", "p31").last["detail"]
    assert not loading.open_intents("person")
    loading.reconcile("person")
    facts = loading.load_again("person")
    assert facts["outcomes"]["person"] == {"unchanged": {"same": 59}, "rejected": {"refused": 1}}


def test_so_it_is_when_it_is_alone_in_its_batch(loading: Loading) -> None:
    failing(loading, f"acme:person:p{SIZE}")
    facts = loading.load("person", people(total=SIZE + 1))
    assert facts["outcomes"]["person"] == {"created": {"new": 60}, "rejected": {"refused": 1}}


def test_several_of_them_and_an_update(loading: Loading) -> None:
    loading.load("person", people(total=4))
    failing(loading, "Poison")
    titles = {1: "Poison", 2: "Poison", 3: "Chief"}
    changed = [person(f"p{n}", jobTitle=title) for n, title in titles.items()]
    facts = loading.load("person", changed, run="run-2")
    assert facts["outcomes"]["person"] == {
        "updated": {"source_changed": 1}, "rejected": {"refused": 2}
    }  # fmt: skip
    assert loading.entry("person", "p1").stands


@pytest.mark.parametrize("total", [1, SIZE])
def test_a_server_that_fails_at_everything_has_refused_nothing(
    loading: Loading, total: int
) -> None:
    failing(loading)
    with pytest.raises(Unsettled):
        loading.load("person", people(total=total))
    assert sum(loading.calls(BATCH).values()) < 150
    assert loading.entries("person") == {}
    assert len(loading.open_intents("person")) == total


def test_nor_has_one_that_began_to_fail_at_everything(loading: Loading) -> None:
    loading.fault(
        kind="5xx", status=500, method="POST", path="/rest/batch/people", skip=1, times=9999
    )
    with pytest.raises(Unsettled):
        loading.load("person", people(total=2 * SIZE))
    assert {e.outcome for e in loading.entries("person").values()} == {"created"}


def test_a_record_is_not_blamed_for_what_stands_before_the_server(loading: Loading) -> None:
    loading.fault(
        kind="5xx", status=502, method="POST", path="/rest/batch/people",
        asks="acme:person:p1", times=9999,
    )  # fmt: skip
    with pytest.raises(Unsettled):
        loading.load("person", people(total=3))


class LateCommit(TwentyHook):
    """Its first batch is committed when everybody has given it up: just before the next one."""

    late: Sequence[Write] | None = None

    def create(self, object_name: str, rows: Sequence[Write]) -> list[Any]:
        if object_name != self.slow:
            return super().create(object_name, rows)
        if self.late is None:
            self.late = rows
            raise Unsettled("no reply in time")
        if self.late:
            rows_before, self.late = self.late, []
            super().create(object_name, rows_before)
        return super().create(object_name, rows)

    slow = "person"


def test_a_batch_that_is_committed_late_is_known_for_ours(loading: Loading) -> None:
    facts = loading.load("person", people(total=5), hook=LateCommit(loading.conn_id))
    assert facts["outcomes"]["person"] == {"created": {"new": 5}}
    assert len(marks(loading)) == 5


@pytest.mark.parametrize("slow", ["taskTarget", "attachment"])
def test_so_are_links_and_attachments(loading: Loading, slow: str) -> None:
    loading.load("person", people(total=2))
    hook = LateCommit(loading.conn_id)
    hook.slow = slow
    if slow == "taskTarget":
        facts = loading.load("task", [task("t1", "p0", "p1")], hook=hook)
        assert facts["joins"] == {"created": 2}
    else:
        files = [loading.file(f"f{n}", "p0", b"%d" % n) for n in range(2)]
        facts = loading.load("attachment", files, hook=hook)
        assert facts["outcomes"]["attachment"] == {"created": {"new": 2}}
        assert facts["residue"] == []
    assert len(loading.records(slow)) == 2


def test_the_ledger_is_written_ahead_of_every_call(loading: Loading) -> None:
    seen: list[int] = []

    class Looking(TwentyHook):
        def create(self, object_name: str, rows: Sequence[Write]) -> list[Any]:
            with Ledger(loading.staging, loading.run().ledger) as ledger:
                intents = {row["id"] for row in ledger.snapshot.open_intents("person")}
            seen.append(len(rows))
            assert {row.id for row in rows} <= intents
            return super().create(object_name, rows)

    loading.load("person", people(total=70), hook=Looking(loading.conn_id))
    assert seen == [60, 10]


def test_a_dry_run_says_what_a_load_would_and_leaves_no_trace(loading: Loading) -> None:
    loading.load("person", people(total=2))
    before = loading.control("content"), loading.staging.names("ledger")
    dry = DryDestination(TwentyHook(loading.conn_id))
    facts = loading.load("person", people(total=4), run="run-2", dry_run=True, hook=dry)
    assert facts["outcomes"]["person"] == {"unchanged": {"same": 2}, "created": {"new": 2}}
    assert (loading.control("content"), loading.staging.names("ledger")) == before
    assert loading.load_again("person", run="run-2")["outcomes"] == facts["outcomes"]
