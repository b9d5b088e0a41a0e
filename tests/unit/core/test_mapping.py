"""A mapping file is read strictly, and everything wrong with it is told at once."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from airflow_crm_migration.core.errors import UserMistake
from airflow_crm_migration.core.mapping import Mapping, load_mapping, parse_mapping
from airflow_crm_migration.core.mapping_values import Step

if TYPE_CHECKING:
    from collections.abc import Callable

GOOD = """
format: 1
source: shop
destination: office
title: Shop to office
choices:
  greet: {question: "Say hello?", values: [true, false], default: true}
rows:
  - {source: Firm, destination: House, compatibility: full, sentence: All., by: [firm, firm.sign]}
read_last: client
keys:
  firm: {domain: web, name: [called, alias]}
duplicates:
  client: people
  firm: {kind: companies, fields: {name: called}}
lines:
  - id: firm
    source: firm
    destination: house
    identity: [id, web]
    existing: {by: site}
    fields:
      - {to: sign, from: called, do: tidy_text, unusable_to: rest}
      - {to: site, from: web, do: [link]}
      - {to: rest, create: {type: text, label: Rest}}
  - id: client
    source: client
    destination: human
    identity: [mail]
    when: {choice: greet, equals: true}
    fields:
      - {to: post, from: [mail, other], do: {joined: {separator: "/"}}}
    links:
      - {to: house, lines: firm, ways: [{object: firm, from: web, by: domain}]}
  - id: vip
    source: client
    destination: human
    when: {all: [{field: kind, equals: vip}, {not: {related: {object: firm, from: f, by: id}}}]}
  - {id: scan, source: scan, destination: folder, file: {from: place, size: bytes}}
folds:
  - {id: sticker, source: sticker, into: [{object: client, value: word, field: words,
     ways: [{object: client, from: client, by: id}]}]}
"""


def read(text: str = GOOD) -> Mapping:
    return parse_mapping(text, "pair.yaml")


def mistakes(change: Callable[[Any], object] | str) -> list[str]:
    """Return what is told of a file in which something was changed."""
    if isinstance(change, str):
        text = change
    else:
        content = deepcopy(yaml.safe_load(GOOD))
        change(content)
        text = yaml.safe_dump(content)
    with pytest.raises(UserMistake) as told:
        read(text)
    return told.value.findings


def test_what_a_good_file_says() -> None:
    mapping = read()
    assert mapping.source_objects == ("firm", "client", "scan", "sticker")
    assert mapping.reading_order == ("firm", "scan", "sticker", "client")
    assert mapping.identities["client"] == ("mail", "id")
    assert mapping.identities["firm"] == ("id", "web")
    assert [line.id for line in mapping.lines_of("human")] == ["client", "vip"]
    assert {name: rule.source for name, rule in mapping.files.items()} == {"scan": "place"}
    assert mapping.find_line("nobody") is None


def test_short_forms_mean_the_long_ones() -> None:
    firm, client = read().lines[:2]
    assert firm.fields[0].do == (Step(name="tidy_text"),)
    assert firm.fields[1].do == (Step(name="link"),)
    assert client.fields[0].do == (Step(name="joined", arguments={"separator": "/"}),)
    assert client.links[0].lines == ("firm",)
    assert read().keys["firm"] == {"domain": ("web",), "name": ("called", "alias")}
    assert read().duplicates["client"].kind == "people"
    assert read().duplicates["firm"].fields == {"name": "called"}


def test_what_is_linked_to_is_loaded_first() -> None:
    phases = read().phases
    assert phases.index("house") < phases.index("human")
    assert set(phases) == {"house", "human", "folder"}


def test_a_link_within_one_object_makes_no_cycle() -> None:
    content = yaml.safe_load(GOOD)
    way = {"object": "firm", "from": "parent", "by": "id"}
    content["lines"][0]["links"] = [{"to": "parent", "lines": "firm", "ways": [way]}]
    assert "house" in read(yaml.safe_dump(content)).phases


def test_nothing_changes_after_reading() -> None:
    with pytest.raises(ValueError, match="frozen"):
        read().lines[0].id = "other"


# -- mistakes ------------------------------------------------------------------------------

FIRM, CLIENT = 0, 1


def _cycle(content: Any) -> None:
    way = {"object": "client", "from": "x", "by": "id"}
    content["lines"][FIRM]["links"] = [{"to": "boss", "lines": "client", "ways": [way]}]


MISTAKES: list[tuple[str, Any, str]] = [
    ("no YAML", "lines: [", "pair.yaml: not readable as YAML: "),
    ("no mapping", "just text", "valid dictionary"),
    ("another format", lambda c: c.update(format=2), "format = 2: Input should be 1"),
    ("unknown setting", lambda c: c["lines"][FIRM].update(sorce="x"),
     "lines.0.sorce = 'x': there is no such setting here; remove it or mend its spelling"),
    ("missing setting", lambda c: c.pop("title"), "title: is missing; add it"),
    ("wrong word", lambda c: c["rows"][0].update(compatibility="half"),
     "rows.0.compatibility = 'half': Input should be 'full'"),
    ("unusable id", lambda c: c["lines"][FIRM].update(id="Firm 1"), "lines.0.id = 'Firm 1': "),
    ("unknown type", lambda c: c["lines"][FIRM]["fields"][2]["create"].update(type="blob"),
     "lines.0.fields.2.create.type = 'blob': Input should be 'text'"),
    ("test of nothing", lambda c: c["lines"][CLIENT].update(when={}),
     "lines.1.when = {}: say exactly one of all, any, not, field, choice, related"),
    ("two tests", lambda c: c["lines"][CLIENT].update(when={"field": "a", "present": True,
     "equals": 1}), "say one of equals, one_of, present"),
    ("test without a value", lambda c: c["lines"][CLIENT].update(when={"field": "a"}),
     "say one of equals, one_of, present"),
    ("where of nothing", lambda c: c["lines"][CLIENT].update(when={"field": "a", "present": True,
     "where": {"field": "b", "present": True}}), "where goes with related"),
    ("same id twice", lambda c: c["lines"][2].update(id="firm"),
     "lines.firm: the id is used 2 times; give each line one of its own"),
    ("id of a fold", lambda c: c["folds"][0].update(id="client"), "lines.client: the id is used 2"),
    ("default not offered", lambda c: c["choices"]["greet"].update(default="maybe"),
     "choices.greet.default = 'maybe': take one of its values: True, False"),
    ("unknown choice", lambda c: c["lines"][CLIENT]["when"].update(choice="shout"),
     "lines.client.when.choice = 'shout': the pair offers no such choice; it offers: greet"),
    ("impossible choice", lambda c: c["lines"][CLIENT]["when"].update(equals="often"),
     "lines.client.when: choice greet is never 'often'; it is one of: True, False"),
    ("keys of an unread object", lambda c: c["keys"].update(ghost={"name": "x"}),
     "keys.ghost: the pair reads no such object; it reads: firm, client, scan, sticker"),
    ("unread object last", lambda c: c.update(read_last="ghost"), "read_last.ghost: the pair"),
    ("duplicates of an unread object", lambda c: c["duplicates"].update(ghost="people"),
     "duplicates.ghost: the pair reads no such object"),
    ("nowhere to keep", lambda c: c["lines"][FIRM]["fields"][0].update(unusable_to="attic"),
     "lines.firm.sign.unusable_to = 'attic': the line has no such field; add it with create"),
    ("natural key unwritten", lambda c: c["lines"][FIRM]["existing"].update(by="phone"),
     "lines.firm.existing.by = 'phone': the line writes no such field; it writes: rest, sign"),
    ("link to no line", lambda c: c["lines"][CLIENT]["links"][0].update(lines=["firm", "ghost"]),
     "lines.client.links.house.lines: there is no line 'ghost'; there are: firm, client, vip"),
    ("way to another object", lambda c: c["lines"][CLIENT]["links"][0]["ways"][0].update(
     object="client", by="id"), "ways.object = 'client': its lines make records of firm only"),
    ("way to an unread object", lambda c: c["lines"][2]["when"]["all"][1]["not"]["related"].update(
     object="ghost"), "lines.vip.when.related.object = 'ghost': the pair reads no such object"),
    ("what lies between without its id", lambda c: c["lines"][CLIENT]["links"][0]["ways"][0].update(
     through={"object": "firm", "from": "f", "by": "name"}),
     "ways.through.by = 'name': what lies between is found by id alone; say id"),
    ("choices of what lies between", lambda c: c["lines"][FIRM]["fields"][0].update(
     options="discovered", through={"object": "firm", "from": "f", "by": "id"}),
     "lines.firm.sign.through: does not go with options: discovered; take out one of them"),
    ("way without a key", lambda c: c["lines"][CLIENT]["links"][0]["ways"][0].update(by="email"),
     "by = 'email': nothing of firm can be found by it; name the fields that carry it in keys.f"),
    ("fold into nothing", lambda c: c["folds"][0]["into"][0].update(object="sticker"),
     "folds.sticker.into.object = 'sticker': no line is made of it"),
    ("row of no line", lambda c: c["rows"][0].update(by="ghost"),
     "rows.Firm.by: there is no line 'ghost'; there are: sticker, firm, client, vip, scan"),
    ("row of no field", lambda c: c["rows"][0].update(by="firm.ghost"),
     "rows.Firm.by: firm has no field 'ghost'; it has: rest, sign, site"),
    ("cycle", _cycle, "lines: links form a cycle: "),
]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "told"), [case[1:] for case in MISTAKES], ids=[case[0] for case in MISTAKES]
)
def test_a_mistake_is_told_with_place_value_and_fix(change: Any, told: str) -> None:
    [line] = mistakes(change)
    assert line.startswith("pair.yaml: ")
    assert told in line


def test_all_that_is_wrong_with_the_parts_is_told_at_once() -> None:
    def change(content: Any) -> None:
        content.pop("title")
        content["format"] = 7
        content["lines"][FIRM]["fields"][0]["fro"] = "x"
        content["rows"][0]["compatibility"] = "half"

    assert len(mistakes(change)) == 4


def test_all_that_is_wrong_between_the_parts_is_told_at_once() -> None:
    def change(content: Any) -> None:
        content["choices"]["greet"]["default"] = "maybe"
        content["lines"][CLIENT]["when"]["equals"] = "often"
        content["lines"][FIRM]["existing"]["by"] = "phone"
        content["rows"][0]["by"] = ["ghost", "firm.ghost"]
        content["folds"][0]["id"] = "vip"
        _cycle(content)

    assert len(mistakes(change)) == 7


# -- choices -------------------------------------------------------------------------------


def test_what_was_not_chosen_has_its_default() -> None:
    assert read().chosen({}) == {"greet": True}
    assert read().chosen({"greet": False}) == {"greet": False}


def test_choices_of_an_engagement_are_checked_together() -> None:
    with pytest.raises(UserMistake) as told:
        read().check_choices({"greet": "often", "shout": True})
    assert told.value.findings == [
        "choices.greet = 'often': choose one of: True, False",
        "choices.shout: the pair offers no such choice; it offers: greet",
    ]


def test_what_is_offered_is_fine() -> None:
    read().check_choices({"greet": False})


# -- packaged ------------------------------------------------------------------------------


def test_the_packaged_pair_loads_in_the_order_of_its_links() -> None:
    assert load_mapping("klipy_to_twenty").phases == (
        "company", "person", "opportunity", "task", "note", "attachment",
    )  # fmt: skip


def test_an_unknown_pair_is_told_with_the_known_ones() -> None:
    with pytest.raises(UserMistake, match=r"pair = 'a_to_b': .*klipy_to_twenty"):
        load_mapping("a_to_b")


@pytest.mark.parametrize("name", ["", ".", "../mappings/klipy_to_twenty", "klipy_to_twenty.yaml"])
def test_only_names_lead_to_files(name: str) -> None:
    with pytest.raises(UserMistake, match="there is no such pair"):
        load_mapping(name)
