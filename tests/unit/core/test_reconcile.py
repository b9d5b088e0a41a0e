"""The destination is asked what it holds; our own numbers are only put beside its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_crm_migration.core.ids import Key
from airflow_crm_migration.core.lease import Lease
from airflow_crm_migration.core.ledger.writer import Ledger, LedgerPlace, LedgerWriter
from airflow_crm_migration.core.protocols import Stored
from airflow_crm_migration.core.reconcile import (
    LineBalance,
    PhaseReconciliation,
    line_balances,
    outcome_tree,
    reconcile_phase,
    sum_outcomes,
)
from airflow_crm_migration.core.staging import Staging
from tests.support.toyland.office import OFFICES, OfficeHook
from tests.support.transforming import CLIENT, FIRM, small_pair

if TYPE_CHECKING:
    from pathlib import Path

MARKED = FIRM.replace("source: firm,", "source: firm, source_id_field: our_id,")
CHAT = (
    "{id: chat, source: chat, destination: meeting, fields: [{to: topic, from: about}], links:"
    " [{to: seats, lines: client, many: true, ways: [{object: client, from: w, by: id}]}]}"
)
STICKER = (
    "{id: sticker, source: sticker, into: [{object: firm, value: word, field: words,"
    " ways: [{object: firm, from: firm, by: id}]}]}"
)
MAPPING = small_pair(MARKED, CLIENT, CHAT, folds=[STICKER])


class Books:
    """A ledger and an office, which are made to agree or not."""

    def __init__(self, staging: Staging) -> None:
        OFFICES.pop("books", None)
        self.hook = OfficeHook("books")
        self.staging = staging
        self.place = LedgerPlace.of("sandbox")

    def tell(self, phase: str, *rows: dict[str, Any], run: str = "r1") -> None:
        with (
            Lease(self.staging, self.place.lease, "test") as lease,
            Ledger(self.staging, self.place) as ledger,
        ):
            LedgerWriter(ledger, phase, lease=lease, tenant="t", run=run).conclude(list(rows))

    def stand(self, object_name: str, *ids: str, trashed: bool = False) -> None:
        for record_id in ids:
            row = Stored(record_id, {"our_id": f"acme:firm:{record_id}"}, trashed)
            self.hook.office.rows[object_name][record_id] = row

    def reconcile(self, phase: str, run: str = "r1") -> PhaseReconciliation:
        with Ledger(self.staging, self.place) as ledger:
            return reconcile_phase(
                self.hook, ledger.snapshot, MAPPING, phase, run=run, prefix="acme:"
            )


@pytest.fixture
def books(tmp_path: Path) -> Books:
    return Books(Staging(tmp_path))


def row(
    record_id: str, outcome: str = "created", reason: str = "new", **key_parts: str
) -> dict[str, Any]:
    line = key_parts.get("line", "firm")
    key = Key(line, line, f"source of {record_id}", key_parts.get("part", ""))
    return {"key": list(key), "outcome": outcome, "reason": reason, "id": record_id}


def test_what_agrees_is_counted_and_not_listed(books: Books) -> None:
    books.tell("house", row("h1"), row("h2"))
    books.stand("house", "h1", "h2")
    found = books.reconcile("house")
    assert (found.expected, found.counted, found.missing, found.extra) == (2, 2, [], [])
    assert found.reconciled
    assert books.hook.office.calls["read"] == 1


def test_records_without_our_mark_are_other_peoples(books: Books) -> None:
    books.tell("house", row("h1"))
    books.stand("house", "h1")
    books.hook.office.rows["house"]["h9"] = Stored("h9", {"our_id": "other:firm:1"})
    assert books.reconcile("house").counted == 1


def test_what_this_run_wrote_and_is_not_there_is_fatal(books: Books) -> None:
    books.tell("house", row("h1"), row("h2"))
    books.stand("house", "h1")
    found = books.reconcile("house")
    assert (found.counted, found.missing, found.missing_now) == (1, ["h2"], ["h2"])
    assert not found.reconciled


@pytest.mark.parametrize("trashed", [True, False])
def test_what_went_since_an_earlier_run_is_named_and_no_more(books: Books, trashed: bool) -> None:
    books.tell("house", row("h1"), row("h2"), run="r0")
    books.stand("house", "h1")
    if trashed:
        books.stand("house", "h2", trashed=True)
    found = books.reconcile("house")
    assert (found.missing, found.missing_now) == (["h2"], [])
    assert found.reconciled


def test_one_too_many_does_not_hide_one_too_few(books: Books) -> None:
    books.tell("house", row("h1"), row("h2"))
    books.stand("house", "h1", "h7", "h8")
    found = books.reconcile("house")
    assert (found.counted, found.missing, found.extra) == (3, ["h2"], ["h7", "h8"])


def test_what_is_known_to_be_gone_is_not_expected(books: Books) -> None:
    books.tell("house", row("h1"), row("h2"), run="r0")
    books.tell("house", row("h2", "conflict", "gone_from_destination"))
    books.stand("house", "h1")
    found = books.reconcile("house")
    assert (found.expected, found.counted) == (1, 1)


def test_records_that_were_there_before_are_looked_up_when_this_run_used_them(books: Books) -> None:
    books.tell("house", row("h1", "linked", "existing_record"), row("h2", "linked"), run="r1")
    books.tell("house", row("h3", "linked", "existing_record"), run="r0")
    books.stand("house", "h1")
    books.hook.office.rows["house"]["h1"] = Stored("h1", {})
    found = books.reconcile("house")
    assert (found.expected, found.existing_expected, found.existing_missing) == (0, 3, ["h2"])


def test_without_a_mark_every_id_is_asked_for(books: Books) -> None:
    books.tell("human", row("p1", line="client"), row("p2", line="client"), run="r0")
    books.tell("human", row("p3", line="client"), row("p4", line="client"))
    books.stand("human", "p1", "p3")
    books.stand("human", "p4", trashed=True)
    found = books.reconcile("human")
    assert (found.expected, found.counted) == (4, 2)
    assert (found.missing, found.missing_now) == (["p2", "p4"], ["p4"])


def test_links_of_this_run_must_stand(books: Books) -> None:
    seats = [row(f"s{n}", line="chat", part=f"seat:client:c{n}") for n in range(3)]
    books.tell("meeting", row("m1", line="chat"), *seats)
    books.stand("meeting", "m1")
    books.stand("seat", "s0", "s1")
    found = books.reconcile("meeting")
    assert (found.joins_expected, found.joins_missing) == (3, ["s2"])
    assert not found.reconciled
    assert books.reconcile("meeting", run="r2").reconciled


# -- the identity of each line -------------------------------------------------------------


def test_read_is_the_sum_of_outcomes() -> None:
    told = {"firm": {"created": {"new": 3}, "held": {"parent_missing": 1, "owner_missing": 1}}}
    firm, sticker = line_balances(MAPPING, {"firm": 5, "sticker": 2}, told)
    assert (firm.source, firm.read, firm.told, firm.balanced) == ("firm", 5, 5, True)
    assert (sticker.source, sticker.told, sticker.balanced) == ("sticker", 0, False)


def test_a_record_without_an_outcome_stops_the_load() -> None:
    found = PhaseReconciliation("house", 1, 1, lines=[LineBalance("firm", "firm", 1, {})])
    assert not found.reconciled
    assert found.as_json()["reconciled"] is False
    assert found.as_json()["lines"][0]["balanced"] is False


def test_counts_become_a_tree_and_are_summed() -> None:
    tree = outcome_tree({("created", "new"): 2, ("held", "a"): 1, ("held", "b"): 3})
    assert tree == {"created": {"new": 2}, "held": {"a": 1, "b": 3}}
    lines = [LineBalance("firm", "firm", 6, tree), LineBalance("chat", "chat", 2, tree)]
    assert sum_outcomes(lines) == {"created": 4, "held": 8}
