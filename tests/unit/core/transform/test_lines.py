"""A line decides which records arrive; each draft is what would be written, byte for byte."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_crm_migration.core.transform.lines import LineTransform
from tests.support.transforming import Workbench, problems, told

FIRM = (
    "{{id: firm, source: firm, destination: house, source_id_field: our_id, {} fields:"
    " [{{to: sign, from: called}}, {{to: site, from: web, do: link, unusable_to: rest}},"
    " {{to: rest, create: {{type: long_text, label: Rest}}}}]}}"
)
UNIQUE = "existing: {by: site, policy: link},"
SITE = [{"url": "bolt.io", "label": ""}]


def firms(settings: str = "", **setting: Any) -> Workbench:
    return Workbench(FIRM.format(settings), **setting)


def test_a_draft_is_json_that_holds_all_there_is_to_write() -> None:
    owner = "owners: [{to: warden, from: keeper}],"
    with firms(owner) as bench:
        draft = bench.draft("firm", called="Bolt", keeper=" Ann  ABLE ", web="bolt.io")
    assert json.loads(json.dumps(draft)) == {
        "key": ["firm", "firm", "r1", ""],
        "values": {"sign": "Bolt", "site": SITE, "our_id": "acme:firm:r1"},
        "links": {},
        "joins": {},
        "owners": {"warden": "ann able"},
    }


def test_a_blank_owner_is_no_owner() -> None:
    with firms("owners: [{to: warden, from: keeper}],") as bench:
        assert "owners" not in bench.draft("firm", keeper="")


def test_what_does_not_meet_the_condition_is_excluded() -> None:
    with firms("when: {field: kind, equals: own},") as bench:
        assert told(bench.draft("firm", kind="other")) == ("excluded", "condition", "")
        assert "outcome" not in bench.draft("firm", kind="own")


def test_a_condition_may_look_at_related_records() -> None:
    related = "{related: {object: firm, from: web, by: domain}}"
    with firms(f"when: {{not: {related}}},") as bench:
        bench.known("firm", id="f1", web="bolt.io")
        assert told(bench.draft("firm", web="www.bolt.io"))[0] == "excluded"
        assert "outcome" not in bench.draft("firm", web="other.io")


def test_one_record_is_made_of_all_with_one_key() -> None:
    with firms("one_per: {to: site, from: web, do: company_domain},") as bench:
        assert "outcome" not in bench.draft("firm", id="f1", web="a@bolt.io")
        merged = bench.draft("firm", id="f2", web="b@bolt.io")
        assert told(merged) == ("merged", "duplicate_certain", "")
        assert merged["into"] == "f1"
        assert "outcome" not in bench.draft("firm", id="f3", web="c@other.io")
        assert told(bench.draft("firm", id="f4", web="d@gmail.com")) == (
            "excluded", "condition", "site is blank",
        )  # fmt: skip


def test_a_unique_value_stands_with_the_first_who_brings_it() -> None:
    with firms(UNIQUE) as bench:
        assert bench.draft("firm", id="f1", web="bolt.io")["values"]["site"] == SITE
        second = bench.draft("firm", id="f2", web="bolt.io", called="Bolt")
    assert second["values"] == {
        "sign": "Bolt", "our_id": "acme:firm:f2", "rest": "site: bolt.io",
    }  # fmt: skip
    assert list(problems(second)) == [("site", "unique_value_taken", "bolt.io")]


def test_the_same_record_keeps_its_value_when_it_is_drafted_again() -> None:
    with firms(UNIQUE) as bench:
        first = bench.draft("firm", id="f1", web="bolt.io")
        assert bench.draft("firm", id="f1", web="bolt.io") == first


def test_without_a_natural_key_nobody_gives_anything_up() -> None:
    with firms() as bench:
        bench.draft("firm", id="f1", web="bolt.io")
        assert bench.draft("firm", id="f2", web="bolt.io")["values"]["site"] == SITE


SCAN = (
    "{id: scan, source: scan, destination: folder, file: {from: place},"
    " links: [{to: house, lines: [firm], missing: hold, when: {field: of, equals: firm},"
    " ways: [{object: firm, from: firm, by: id}]}]}"
)
BINARY = {"sha256": "ab", "size": 3}


def test_a_record_of_a_file_line_says_which_binary_it_holds() -> None:
    with Workbench(FIRM.format(""), SCAN, files={("scan", "r1"): BINARY}) as bench:
        bench.known("firm", id="f1")
        assert bench.draft("scan", of="firm", firm="f1")["file"] == BINARY


@pytest.mark.parametrize(
    ("stray", "detail"),
    [
        ({"of": "moon", "firm": "f1"}, "no rule fits of moon"),
        ({"firm": "f1"}, "no rule fits of blank"),
        ({"of": "firm", "firm": "f2"}, "house: f2"),
    ],
)
def test_a_file_without_a_record_to_hang_on_is_held(stray: dict[str, str], detail: str) -> None:
    with Workbench(FIRM.format(""), SCAN, files={("scan", "r1"): BINARY}) as bench:
        bench.known("firm", id="f1")
        assert told(bench.draft("scan", **stray)) == ("held", "parent_missing", detail)


@pytest.mark.parametrize("order", [("f2", "f1", "f0"), ("f0", "f1", "f2")])
def test_who_has_a_unique_value_does_not_hang_on_the_order_of_the_rows(
    order: tuple[str, ...],
) -> None:
    """f0 brings the value too, but is not loaded."""
    sizes = {"f0": {"called": None}}
    rows = [{"id": n, "web": "bolt.io", "called": "Bolt", **sizes.get(n, {})} for n in order]
    line = FIRM.format(UNIQUE).replace("from: called", "from: called, required: true")
    with Workbench(line) as bench:
        made = LineTransform(bench.mapping.lines[0], bench.setting)
        made.settle(lambda: rows)
        drafts = {row["id"]: made.draft(row) for row in rows}
    assert drafts["f0"]["outcome"] == "rejected"
    assert drafts["f1"]["values"]["site"] == SITE
    assert "site" not in drafts["f2"]["values"]


@pytest.mark.parametrize("order", [("f2", "f1"), ("f1", "f2")])
def test_the_one_record_of_a_key_does_not_hang_on_the_order_of_the_rows(
    order: tuple[str, ...],
) -> None:
    rows = [{"id": n, "web": "a@bolt.io"} for n in order]
    with firms("one_per: {to: site, from: web, do: company_domain},") as bench:
        made = LineTransform(bench.mapping.lines[0], bench.setting)
        made.settle(lambda: rows)
        drafts = {row["id"]: made.draft(row) for row in rows}
    assert "outcome" not in drafts["f1"]
    assert drafts["f2"]["into"] == "f1"


def test_a_field_is_unknown_when_nothing_that_it_is_made_from_was_carried() -> None:
    """What could not be used of it may stand elsewhere, and must not be cleared there."""
    owner = "owners: [{to: warden, from: keeper}],"
    with firms(owner, absent={"firm": {"web", "keeper"}}) as bench:
        assert bench.draft("firm", called="Bolt")["unknown"] == ["rest", "site", "warden"]
    with firms(owner, absent={"firm": {"keeper"}}) as bench:
        assert bench.draft("firm", called=None)["unknown"] == ["warden"]


def test_a_blank_field_is_unknown_when_the_first_that_it_is_made_from_was_not_carried() -> None:
    rule = "{to: sign, from: [called, web], do: first_present}"
    line = f"{{id: firm, source: firm, destination: house, fields: [{rule}]}}"
    with Workbench(line, absent={"firm": {"called"}}) as bench:
        assert bench.draft("firm")["unknown"] == ["sign"]
        assert "unknown" not in bench.draft("firm", web="bolt.io")
    with Workbench(line, absent={"firm": {"web"}}) as bench:
        assert "unknown" not in bench.draft("firm")
