"""One bad record sinks only itself, and a reply that never came loses and doubles nothing."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest

from airflow_crm_migration.core.errors import Unsettled
from airflow_crm_migration.core.ids import Key, made_id
from airflow_crm_migration.hooks.twenty import TwentyHook

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_crm_migration.core.protocols import Stored, Write

BATCH = "POST /rest/batch/people"
SIZE = 60
NOWHERE = "1b0c7a34-5d31-4f3e-8f1d-2f0f6a1f9c11"


def people(make: Any, *bad: int, total: int = SIZE) -> list[dict[str, Any]]:
    """Return drafts of people of whom some work for a company that does not exist."""
    return [
        make(f"p{n}", **({"companyId": NOWHERE} if n in bad else {})) for n in range(total)
    ]


@pytest.mark.parametrize("bad", [0, 31, 59])
def test_one_bad_record_in_a_batch_is_rejected_alone(loading, person, bad):
    facts = loading.load("person", people(person, bad))
    assert facts["outcomes"]["person"] == {"created": {"new": 59}, "rejected": {"refused": 1}}
    told = loading.entry("person", f"p{bad}")
    assert "violates foreign key constraint" in told.last["detail"]
    assert told.destination_id is None
    kept = {r["migrationSourceId"] for r in loading.records("person")}
    assert kept == {f"acme:person:p{n}" for n in range(SIZE) if n != bad}
    assert loading.reconcile("person")["counted"] == 59


def test_finding_it_costs_two_calls_for_every_halving(loading, person):
    loading.load("person", people(person, 17))
    assert sum(loading.calls(BATCH).values()) <= 1 + 2 * math.ceil(math.log2(SIZE))


def test_several_bad_records_and_nothing_but_bad_records(loading, person):
    facts = loading.load("person", people(person, 3, 4, 40))
    assert facts["outcomes"]["person"] == {"created": {"new": 57}, "rejected": {"refused": 3}}
    facts = loading.load("person", people(person, 0, 1, 2, total=3), run="run-2")
    assert facts["outcomes"]["person"] == {"unchanged": {"same": 2}, "rejected": {"refused": 1}}
