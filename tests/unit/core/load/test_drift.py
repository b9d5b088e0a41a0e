"""A destination that is no longer what was prepared is told before anything is written to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_crm_migration.core.dry_run import DryDestination
from airflow_crm_migration.core.errors import UserMistake
from airflow_crm_migration.core.mapping import parse_mapping
from airflow_crm_migration.hooks.twenty import TwentyHook
from tests.support.loading import PAIR, Loading, person
from tests.support.rolling_back import Died, Mortal, RollingBack

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_crm_migration.core.protocols import Write

NOWHERE = "1b0c7a34-5d31-4f3e-8f1d-2f0f6a1f9c11"
BATCH = "POST /rest/batch/people"
STAGE = """\
      - {to: stage, from: stage, options: [{value: ONE, label: One}, {value: TWO, label: Two}],
         map: {one: ONE, two: TWO}, create: {type: select, label: Stage}}
"""


def told(loading: Loading, phase: str = "person", **how: Any) -> str:
    """Load and return the one finding; nothing may have been written."""
    before = loading.control("content"), loading.staging.names("ledger")
    with pytest.raises(UserMistake) as raised:
        loading.load_again(phase, **how)
    assert (loading.control("content"), loading.staging.names("ledger")) == before
    [finding] = raised.value.findings
    return finding


def test_a_field_that_was_deleted(loading: Loading) -> None:
    loading.transform("person", [person("a", city="Ulm")])
    loading.metadata("DELETE", f"fields/{loading.field('person', 'city')['id']}")
    line = told(loading)
    assert line.startswith("person.city: the destination no longer has this field; run again")
    loading.prepare_again()
    loading.load_again("person")
    assert loading.records("person")[0]["city"] == "Ulm"


def test_a_field_that_became_another_type(loading: Loading) -> None:
    loading.transform("person", [person("a", city="Ulm")])
    field = loading.field("person", "city")
    loading.metadata("DELETE", f"fields/{field['id']}")
    made = {"type": "NUMBER", "name": "city", "label": "City"}
    made["objectMetadataId"] = field["objectMetadataId"]
    loading.metadata("POST", "fields", made)
    assert told(loading).startswith("person.city: prepared as text, it is number in the destin")


@pytest.fixture
def staged(loading: Loading) -> Loading:
    """Return a workspace whose people have a stage."""
    text = PAIR.format(policy="link").replace(
        "      - {to: jobTitle", f"{STAGE}      - {{to: jobTitle"
    )
    loading.mapping = parse_mapping(text, "small.yaml")
    loading.prepare_again()
    loading.transform("person", [person("a", stage="TWO")])
    return loading


@pytest.mark.parametrize("renamed", [True, False])
def test_an_option_that_is_gone(staged: Loading, renamed: bool) -> None:
    field = staged.field("person", "stage")
    one, two = field["options"]
    options = [one, {**two, "value": "DEUX", "label": "Deux"}] if renamed else [one]
    staged.metadata("PATCH", f"fields/{field['id']}", {"options": options})
    line = told(staged)
    assert line.startswith("person.stage = 'TWO' (Two): the destination no longer has this option")


def remake(loading: Loading, run: str) -> None:
    """Delete a field as an administrator would, and let a run make it again."""
    loading.metadata("DELETE", f"fields/{loading.field('person', 'city')['id']}")
    loading.prepare_again(run)


ANEW = {"updated": {"field_made_anew": 1}}


@pytest.mark.parametrize("run", ["run-1", "run-2"])
def test_a_field_that_was_made_again_is_filled_again(loading: Loading, run: str) -> None:
    loading.load("person", [person("a", city="Leeds"), person("b")])
    remake(loading, run)
    facts = loading.load("person", [person("a", city="Leeds"), person("b")], run=run)
    assert facts["outcomes"]["person"] == ANEW | {"unchanged": {"same": 1}}
    assert sorted(r["city"] or "" for r in loading.records("person")) == ["", "Leeds"]
    facts = loading.load_again("person", run=run)
    assert facts["outcomes"]["person"] == {"unchanged": {"same": 2}}
    assert RollingBack(loading).whole()["person"] == {"delete": 2}


def test_so_is_one_that_changed_in_the_source_too(loading: Loading) -> None:
    loading.load("person", [person("a", city="Leeds")])
    remake(loading, "run-2")
    facts = loading.load("person", [person("a", city="York")], run="run-2")
    assert facts["outcomes"]["person"] == {"updated": {"source_changed": 1}}
    assert loading.records("person")[0]["city"] == "York"


def test_what_people_put_into_it_meanwhile_is_theirs(loading: Loading) -> None:
    loading.load("person", [person("a", city="Leeds")])
    remake(loading, "run-2")
    loading.edit("person", str(loading.entry("person", "a").destination_id), city="By hand")
    facts = loading.load("person", [person("a", city="Leeds")], run="run-2")
    assert facts["outcomes"]["person"] == {"conflict": {"changed_in_both": 1}}
    assert loading.records("person")[0]["city"] == "By hand"


def test_what_people_cleared_stays_clear_when_nothing_was_made(loading: Loading) -> None:
    loading.load("person", [person("a", city="Leeds")])
    loading.edit("person", str(loading.entry("person", "a").destination_id), city="")
    loading.prepare_again("run-2")
    facts = loading.load("person", [person("a", city="Leeds")], run="run-2")
    assert facts["outcomes"]["person"] == {"unchanged": {"same": 1}}
    assert not loading.records("person")[0]["city"]


def test_an_option_that_people_added_is_theirs(staged: Loading) -> None:
    field = staged.field("person", "stage")
    options = [
        *field["options"],
        {"value": "THREE", "label": "Three", "color": "red", "position": 2},
    ]
    staged.metadata("PATCH", f"fields/{field['id']}", {"options": options})
    assert staged.load_again("person")["outcomes"]["person"] == {"created": {"new": 1}}


def test_a_dry_run_has_a_plan_of_the_fields_only(loading: Loading) -> None:
    loading.transform("person", [person("a", city="Ulm")])
    loading.metadata("DELETE", f"fields/{loading.field('person', 'city')['id']}")
    dry = DryDestination(TwentyHook(loading.conn_id))
    facts = loading.load_again("person", dry_run=True, hook=dry)
    assert facts["outcomes"]["person"] == {"created": {"new": 1}}


# -- when it happens during the load ----------------------------------------------------------


def bad(number: int) -> dict[str, Any]:
    return person(f"bad{number}", companyId=NOWHERE)


class Deleting(TwentyHook):
    """Somebody deletes a field just before our first batch arrives."""

    loading: Loading
    done = False

    def create(self, object_name: str, rows: Sequence[Write]) -> list[Any]:
        if not self.done:
            self.done = True
            field = self.loading.field("person", "city")
            self.loading.metadata("DELETE", f"fields/{field['id']}")
        return super().create(object_name, rows)


def test_a_field_deleted_meanwhile_stops_at_the_first_batch(loading: Loading) -> None:
    hook = Deleting(loading.conn_id)
    hook.loading = loading
    loading.transform("person", [person(f"p{n}", city="Ulm") for n in range(200)])
    with pytest.raises(
        UserMistake, match=r"person\.city: the destination no longer has this field"
    ):
        loading.load_again("person", hook=hook)
    assert sum(loading.calls(BATCH).values()) == 2 * 60 - 1
    assert loading.records("person") == []
    loading.prepare_again()
    facts = loading.load_again("person")
    assert facts["outcomes"]["person"] == {"created": {"new": 200}}


def test_a_destination_that_takes_nothing_stops_the_load_in_its_words(loading: Loading) -> None:
    loading.transform("person", [bad(n) for n in range(130)])
    with pytest.raises(UserMistake, match=r"refused 60 one after the other .* foreign key"):
        loading.load_again("person")
    assert loading.entries("person") == {}
    mended = [person(f"bad{n}") for n in range(130)]
    facts = loading.load("person", mended)
    assert facts["outcomes"]["person"] == {"created": {"new": 130}}


def test_many_bad_records_among_good_ones_are_rejected_alone(loading: Loading) -> None:
    facts = loading.load("person", [person("good"), *[bad(n) for n in range(130)]])
    assert facts["outcomes"]["person"] == {"created": {"new": 1}, "rejected": {"refused": 130}}


def test_fewer_bad_records_than_a_batch_are_rejected_alone(loading: Loading) -> None:
    facts = loading.load("person", [bad(n) for n in range(40)])
    assert facts["outcomes"]["person"] == {"rejected": {"refused": 40}}


def test_a_field_made_again_between_a_crash_and_the_next_run_is_filled_too(
    loading: Loading,
) -> None:
    loading.load("person", [person("a", city="Leeds")])
    drafts = [person("a", city="Leeds", jobTitle="Chief")]
    mortal = Mortal(TwentyHook(loading.conn_id), "update", 1, "after")
    with pytest.raises(Died):
        loading.load("person", drafts, run="run-2", hook=mortal)
    remake(loading, "run-3")
    loading.load("person", drafts, run="run-3")
    [record] = loading.records("person")
    assert (record["city"], record["jobTitle"]) == ("Leeds", "Chief")
