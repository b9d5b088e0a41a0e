"""A customer reads what happened in one sentence per run and per line, with the right numbers."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from airflow_crm_migration.core.mapping import Condition, load_mapping
from airflow_crm_migration.core.outcomes import Outcome, Reason
from airflow_crm_migration.core.reconcile import LineBalance, PhaseReconciliation
from airflow_crm_migration.core.report.console import console_table
from airflow_crm_migration.core.report.mapping_words import condition_words, line_notes, line_rows
from airflow_crm_migration.core.report.model import Facts, Phase, RunFacts
from airflow_crm_migration.core.report.sentences import line_sentence, links_sentence, verdict
from airflow_crm_migration.core.report.words import OUTCOMES, REASONS, plural
from airflow_crm_migration.core.validated import PhaseValidation

if TYPE_CHECKING:
    from tests.support.report import MadeRun

CONTACTS = {
    "created": {"new": 1990},
    "linked": {"existing_record": 6},
    "rejected": {"refused": 3, "required_blank": 1},
}


def facts(outcomes: dict[str, dict[str, int]], read: int = 2000, **more: Any) -> Facts:
    line = LineBalance("person", "contact", read, outcomes)
    counted = PhaseReconciliation("person", 1990, 1990, lines=[line], **more.pop("counted", {}))
    run = RunFacts("r", pair="klipy_to_twenty", mode="full", **more)
    asked = None if run.dry_run else counted
    return Facts(run, phases=(Phase("person", (line,), True, asked),))


def test_every_published_outcome_and_reason_has_words() -> None:
    assert set(REASONS) == set(Reason)
    assert set(OUTCOMES) == set(Outcome)
    assert not [words for words in (*REASONS.values(), *OUTCOMES.values()) if "_" in words]


REFUSED = "the destination refused it (3), a required value is blank (1)"
FOLDED = "1 was held back: the record that it refers to is not in the source."


@pytest.mark.parametrize(
    ("outcomes", "read", "sentence"),
    [
        (CONTACTS, 2000, f"1,996 of 2,000 contacts arrived as people; 4 were rejected: {REFUSED}."),
        ({"created": {"new": 1}}, 1, "1 of 1 contact arrived as people."),
        (
            {"merged": {"folded": 4}, "held": {"parent_missing": 1}},
            5,
            f"4 of 5 contacts arrived as values of people; {FOLDED}",
        ),
        ({"created": {"new": 2}}, 3, "2 of 3 contacts arrived as people; 1 have no outcome."),
        (
            {"rejected": {"newer_reason": 1}},
            1,
            "0 of 1 contact arrived as people; 1 was rejected: newer reason.",
        ),
    ],
)
def test_a_line_is_told_in_numbers_that_add_up(
    outcomes: dict[str, dict[str, int]], read: int, sentence: str
) -> None:
    line = LineBalance("person", "contact", read, outcomes)
    assert line_sentence(Phase("person", (line,)), line) == sentence


def test_a_dry_run_tells_what_would_happen() -> None:
    told = facts(CONTACTS, dry_run=True)
    assert verdict(told).level == "none"
    assert verdict(told).sentence == (
        "This was a dry run and nothing was written: 1,996 of 2,000 records due in Twenty would "
        "arrive; 4 would be rejected."
    )
    assert "1,996 of 2,000 contacts would arrive as people" in console_table(told)
    assert "not counted" not in console_table(told)


ALL = {"created": {"new": 2000}}
DUE = "records due in Twenty"
AGREE = "Twenty's own counts agree"
LOST = {"missing": ["x"], "missing_now": ["x"]}
CONFLICT = {"created": {"new": 1999}, "conflict": {"changed_in_both": 1}}
MOSTLY_EXCLUDED = {"excluded": {"condition": 1990}, "created": {"new": 10}}


@pytest.mark.parametrize(
    ("told", "level", "words"),
    [
        (facts(ALL), "good", f"All 2,000 {DUE} arrived; {AGREE}."),
        (facts(CONTACTS), "look", f"1,996 of 2,000 {DUE} arrived; {AGREE}; 4 were rejected."),
        (facts(CONFLICT), "look", "1 was changed in both systems"),
        (facts(ALL, counted={"missing": ["x"]}), "look", "1 record of earlier runs is gone"),
        (facts(ALL, counted=LOST), "bad", "The counts do not agree for people"),
        (facts({"created": {"new": 1999}}), "bad", "The counts do not agree for people"),
        (facts(MOSTLY_EXCLUDED), "good", "All 10 records due in Twenty arrived"),
        (Facts(RunFacts("r")), "bad", "The run ended before anything was written."),
    ],
)
def test_the_verdict_is_as_good_as_the_run(told: Facts, level: str, words: str) -> None:
    found = verdict(told)
    assert found.level == level
    assert words in found.sentence


@pytest.mark.parametrize(
    ("dry", "told", "line"),
    [
        (False, "2 links of people were refused", "Twenty refused 2 links of people; "),
        (True, "2 links of people would be refused", "Twenty would refuse 2 links of people; "),
    ],
)
def test_links_that_were_refused_are_told_with_their_number_and_place(
    dry: bool, told: str, line: str
) -> None:
    found = facts(ALL, dry_run=dry)
    [phase] = found.phases
    assert links_sentence(phase, "Twenty") == ""
    phase = replace(phase, joins={"created": 5, "rejected": 2})
    found = replace(found, phases=(phase,))
    assert verdict(found).level == ("none" if dry else "look")
    assert verdict(found).sentence.endswith(f"; {told}.")
    assert links_sentence(phase, "Twenty", dry=dry).startswith(line)


def test_a_record_that_two_lines_take_is_two_that_were_due() -> None:
    found = facts(CONTACTS)
    [phase] = found.phases
    other = LineBalance("firm", "contact", 4, {"rejected": {"refused": 4}})
    found = replace(found, phases=(replace(phase, lines=(*phase.lines, other)),))
    assert f"1,996 of 2,004 {DUE} arrived" in verdict(found).sentence


GONE_AND_EXTRA = "1 is gone; 2 are with our mark but not ours"


@pytest.mark.parametrize(
    ("checked", "extra", "level", "sentence"),
    [
        ({"same": 1234}, [], "good", "1,234 of 1,234 records read back are as loaded."),
        (
            {"same": 9, "known_conflict": 1},
            [],
            "good",
            "9 of 10 records read back are as loaded; 1 is in a conflict that was told before.",
        ),
        (
            {"same": 8, "changed": 1, "gone": 1},
            ["x", "y"],
            "look",
            f"8 of 10 records read back are as loaded; 1 is changed since; {GONE_AND_EXTRA}.",
        ),
    ],
)
def test_a_validation_is_judged_by_what_stands(
    checked: dict[str, int], extra: list[str], level: str, sentence: str
) -> None:
    result = PhaseValidation("person", checked={"person": Counter(checked)}, extra=extra)
    told = verdict(Facts(RunFacts("r", mode="validate"), validations=(result,)))
    assert (told.level, told.sentence) == (level, sentence)


def test_a_validation_that_ended_early_is_bad() -> None:
    assert verdict(Facts(RunFacts("r", mode="validate"))).level == "bad"


def test_a_cutover_is_no_better_than_its_validation() -> None:
    result = PhaseValidation("person", checked={"person": Counter(same=1999, trashed=1)})
    told = verdict(replace(facts(ALL), validations=(result,)))
    assert told.level == "look"
    assert "1 is in the trash" in told.sentence


def test_the_console_shows_the_table_aligned_and_no_customers_value(complete: MadeRun) -> None:
    text = console_table(complete.collect())
    table = text.split("\n\n")[1].splitlines()
    assert table[0].split()[:3] == ["object", "becomes", "read"]
    assert "restored" not in table[0]
    people = next(row for row in table if row.startswith("contact") and "person" in row)
    assert people.split()[2:] == [
        "2,000", "1,875", "0", "0", "0", "60", "0", "60", "1", "4", "1,875", "of", "1,875", "yes",
    ]  # fmt: skip
    assert len({row.index("person") for row in table if " person" in row}) == 1
    assert "Nowhere Ltd" not in text
    assert "unique emails" not in text


@pytest.mark.parametrize(
    ("name", "many"),
    [
        ("person", "people"), ("company", "companies"), ("activity", "activities"), ("day", "days"),
        ("taskTarget", "task targets"), ("sales_process", "sales processes"),
        ("address", "addresses"),
    ],
)  # fmt: skip
def test_objects_have_plurals(name: str, many: str) -> None:
    assert plural(name) == many


A_IS_1 = {"field": "a", "equals": 1}


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ({"field": "outcome", "one_of": ["Won", "won"]}, "outcome is one of Won and won"),
        ({"not": {"field": "kind", "equals": "ai_draft"}}, "kind is not ai_draft"),
        ({"field": "company", "present": False}, "company is blank"),
        ({"not": {"field": "company", "present": False}}, "company is filled"),
        ({"choice": "x", "equals": True}, "the choice x is yes"),
        ({"not": {"not": {"field": "a", "equals": "b"}}}, "a is b"),
        (
            {
                "related": {"object": "note", "from": "parent_id", "by": "id"},
                "where": {"field": "kind", "equals": "ai_draft"},
            },
            "a note is found by id in parent_id of which kind is ai_draft",
        ),
        (
            {"not": {"related": {"object": "company", "from": "email", "by": "domain"}}},
            "no company is found by domain in email",
        ),
        (
            {"any": [A_IS_1, {"all": [{"field": "b", "present": True}, A_IS_1]}]},
            "a is 1 or (b is filled and a is 1)",
        ),
        (
            {"not": {"any": [A_IS_1, {"field": "b", "equals": 2}]}},
            "not (a is 1 or b is 2)",
        ),
    ],
)  # fmt: skip
def test_conditions_are_told_in_words(condition: dict[str, Any], words: str) -> None:
    assert condition_words(Condition.model_validate(condition)) == words


def test_every_line_of_the_packaged_mapping_can_be_told() -> None:
    for line in load_mapping("klipy_to_twenty").lines:
        assert line_notes(line)
        rows = list(line_rows(line))
        assert len(rows) == len(line.fields) + len(line.links) + len(line.owners)
        assert all(how for *_, how in rows)
