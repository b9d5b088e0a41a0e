"""What is laid before the customer: everything decided, and the same again on every run."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from airflow_crm_migration.core.canonical import digest
from airflow_crm_migration.core.errors import UserMistake
from airflow_crm_migration.core.fields import FieldSpec, FieldType, ObjectSpec, Option
from airflow_crm_migration.core.mapping import Retired, contradictions
from airflow_crm_migration.core.propose import (
    ProposedMapping,
    Proposer,
    count_values,
    planned_schema,
    wanted_schema,
)
from airflow_crm_migration.core.steps.mapping import dump, load
from tests.support.toyland.office import OfficeRules, objects
from tests.support.transforming import small_pair

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_crm_migration.core.mapping import FieldRule, Mapping

CHAT = """
id: chat
source: chat
destination: meeting
custom_fields: true
source_id_field: our_id
fields:
  - {to: topic, from: about}
  - {to: mood, from: mood, options: discovered, order: [Cross, Fine]}
  - {to: tags, from: tags, options: discovered, create: {type: multi_select, label: Tags}}
"""
SMALL = (
    "{id: small, source: chat, destination: meeting, when: {choice: size, equals: small},"
    " fields: [{to: topic, from: a}]}"
)
LARGE = (
    "{id: large, source: chat, destination: human, when: {choice: size, equals: large},"
    " fields: [{to: post, from: a}]}"
)
Records = list[dict[str, Any]]


def column(name: str, kind: FieldType = FieldType.TEXT, *options: str) -> FieldSpec:
    return FieldSpec(name, kind, name.title(), tuple(Option(o, o) for o in options), custom=True)


class Bench:
    """A pair, a destination that grows, and proposals for one customer after the other."""

    def __init__(self, *lines: str, **more: Any) -> None:
        self.mapping = small_pair(*(lines or (CHAT,)), **more)
        self.schema = objects()

    def propose(
        self,
        records: Sequence[dict[str, Any]] = (),
        custom: Sequence[FieldSpec] = (),
        value_maps: dict[str, dict[str, str]] | None = None,
        **choices: Any,
    ) -> ProposedMapping:
        proposer = Proposer(
            self.mapping,
            choices=choices,
            value_maps=value_maps or {},
            schema=self.schema,
            rules=OfficeRules(),
        )
        found = count_values(self.mapping, "chat", records)
        return proposer.propose(found, {"chat": list(custom)})

    def make(self, proposed: ProposedMapping) -> None:
        """Make in the destination what the proposal needs."""
        self.schema = planned_schema(self.schema, wanted_schema(proposed.mapping))

    def findings(self, **more: Any) -> list[str]:
        with pytest.raises(UserMistake) as told:
            self.propose(**more)
        return told.value.findings


def rule(proposed: ProposedMapping, field: str, line: int = 0) -> FieldRule:
    [found] = [r for r in proposed.mapping.lines[line].fields if r.to == field]
    return found


def options(proposed: ProposedMapping, field: str) -> dict[str, str]:
    found = rule(proposed, field).options
    assert isinstance(found, tuple)
    return {option.label: option.value for option in found}


def names(mapping: Mapping) -> list[str]:
    return [r.to for line in mapping.lines for r in line.fields]


def moods(*values: str | None) -> Records:
    return [{"id": str(n), "mood": value, "tags": ["x"]} for n, value in enumerate(values)]


# -- options -------------------------------------------------------------------------------


def test_every_value_of_the_source_has_its_option_known_ones_first() -> None:
    proposed = Bench().propose(moods("Bored", "fine", "cross", None, "bored"))
    assert list(options(proposed, "mood")) == ["cross", "Fine", "Bored"]
    assert rule(proposed, "mood").map == {"cross": "cross", "fine": "fine", "bored": "bored"}


def test_spellings_that_differ_by_case_are_one_option_the_most_frequent_one() -> None:
    proposed = Bench().propose(moods("sad", "SAD", "Sad", "Sad", " sad "))
    assert options(proposed, "mood") == {"Sad": "sad"}
    assert {change["from"] for change in proposed.changes} == {"sad", "SAD", " sad "}


def test_only_what_nothing_is_mapped_to_is_to_go_and_only_if_it_was_chosen() -> None:
    retire = "{options: [dull, cross, vague], when: {choice: size, equals: small}}"
    bench = Bench(
        CHAT.replace(
            "options: discovered, order",
            f"fallback: vague, retire: {retire}, options: discovered, order",
        ),
        choices={"size": {"question": "?", "values": ["small", "large"], "default": "small"}},
    )
    assert rule(bench.propose(moods("cross")), "mood").retire == Retired(options=("dull",))
    assert rule(bench.propose(moods("cross"), size="large"), "mood").retire is None


def test_an_option_that_is_there_is_used_with_its_own_value_and_spelling() -> None:
    bench = Bench()
    fields = bench.schema["meeting"].fields
    fields["mood"] = FieldSpec("mood", FieldType.SELECT, options=(Option("OPT_7", "Fine"),))
    proposed = bench.propose(moods("FINE", "cross"))
    assert options(proposed, "mood") == {"cross": "cross", "Fine": "OPT_7"}
    assert proposed.changes == [{"line": "chat", "field": "mood", "from": "FINE", "to": "Fine"}]


def test_a_new_option_takes_no_value_that_is_taken() -> None:
    bench = Bench()
    fields = bench.schema["meeting"].fields
    fields["mood"] = FieldSpec("mood", FieldType.SELECT, options=(Option("cross", "Angry"),))
    assert options(bench.propose(moods("Cross")), "mood") == {"Cross": "cross_2"}


def test_labels_that_the_destination_would_make_one_stay_apart_on_every_run() -> None:
    bench = Bench()
    for _ in range(2):
        proposed = bench.propose(moods("so, so", "so so", "so,  so"))
        assert options(proposed, "mood") == {"so so": "so so", "so so (2)": "so so_2"}
        assert rule(proposed, "mood").map == {"so so": "so so", "so, so": "so so_2"}
        assert {change["to"] for change in proposed.changes} == {"so so (2)"}
        bench.make(proposed)


def test_a_label_that_changes_alone_needs_no_mark() -> None:
    proposed = Bench().propose(moods("so, so"))
    assert options(proposed, "mood") == {"so so": "so so"}
    assert proposed.changes == [{"line": "chat", "field": "mood", "from": "so, so", "to": "so so"}]


def test_the_customer_names_options_otherwise() -> None:
    maps = {"chat.mood": {" GRUMPY ": "Cross", "sad": "Cross"}}
    proposed = Bench().propose(moods("grumpy", "Sad", "Fine"), value_maps=maps)
    assert options(proposed, "mood") == {"Cross": "cross", "Fine": "fine"}
    assert rule(proposed, "mood").map == {"grumpy": "cross", "sad": "cross", "fine": "fine"}


def test_a_plain_field_can_be_given_other_values_too() -> None:
    proposed = Bench().propose(value_maps={"chat.topic": {"Tel": "Call"}})
    assert rule(proposed, "topic").map == {"tel": "Call"}


def test_a_new_select_without_a_single_value_is_not_made() -> None:
    assert "tags" not in names(Bench().propose([]).mapping)


def test_each_value_of_a_list_is_counted() -> None:
    found = count_values(small_pair(CHAT), "chat", [{"tags": ["a", "b"]}, {"tags": ["a", " "]}])
    assert found["chat", "tags"] == Counter({"a": 2, "b": 1})
    assert count_values(small_pair(CHAT), "other", [{"tags": ["a"]}]) == {}


# -- custom fields -------------------------------------------------------------------------


def test_a_column_of_the_customers_own_becomes_a_field_of_its_type() -> None:
    proposed = Bench().propose(custom=[column("shoe size", FieldType.NUMBER)])
    made = rule(proposed, "our_shoe_size")
    assert made.source == ("shoe size",)
    assert made.create is not None
    assert (made.create.type, made.create.label) == (FieldType.NUMBER, "Shoe Size")


def test_a_picklist_has_all_of_its_values() -> None:
    proposed = Bench().propose(custom=[column("grade", FieldType.SELECT, "A", "B")])
    assert options(proposed, "our_grade") == {"A": "a", "B": "b"}


def test_columns_of_one_name_become_two_fields() -> None:
    proposed = Bench().propose(custom=[column("size"), column("Size")])
    assert {"our_size", "our_size_2"} < set(names(proposed.mapping))


@pytest.mark.parametrize(
    "standing",
    [
        FieldSpec("our_size", FieldType.NUMBER, custom=True),
        FieldSpec("our_size", FieldType.TEXT, custom=False),
    ],
)
def test_a_field_that_is_something_else_is_left_alone(standing: FieldSpec) -> None:
    bench = Bench()
    bench.schema["meeting"].fields["our_size"] = standing
    assert "our_size_2" in names(bench.propose(custom=[column("size")]).mapping)


def test_a_line_that_does_not_want_them_gets_none() -> None:
    bench = Bench(CHAT.replace("custom_fields: true", "custom_fields: false"))
    assert not any(n.startswith("our_") for n in names(bench.propose(custom=[column("x")]).mapping))


# -- choices -------------------------------------------------------------------------------

PROMISE = {
    "source": "Chat", "destination": "Meeting", "compatibility": "full", "sentence": "All.",
    "by": ["small", "large"],
}  # fmt: skip


@pytest.mark.parametrize("size", ["small", "large"])
def test_only_lines_that_were_chosen_are_signed(size: str) -> None:
    bench = Bench(SMALL, LARGE, rows=[PROMISE])
    proposed = bench.propose(size=size)
    assert [line.id for line in proposed.mapping.lines] == [size]
    assert proposed.mapping.rows[0].by == (size,)


def test_links_to_lines_that_were_not_chosen_go_with_them() -> None:
    way = "{object: chat, from: a, by: id}"
    bench = Bench(LARGE, f"{CHAT}links: [{{to: seats, lines: large, many: true, ways: [{way}]}}]")
    assert [len(line.links) for line in bench.propose(size="large").mapping.lines] == [0, 1]
    assert [len(line.links) for line in bench.propose(size="small").mapping.lines] == [0]


def test_what_is_proposed_does_not_contradict_itself() -> None:
    ways = "{object: chat, from: a, by: id}, {object: firm, from: b, by: id}"
    firm = "{id: firm, source: firm, destination: human}"
    link = f"[{{to: seats, lines: [large, firm], ways: [{ways}]}}]"
    bench = Bench(
        LARGE, f"{CHAT}links: {link}", firm,
        rows=[{**PROMISE, "by": ["large", "chat.tags", "chat.topic"]}],
    )  # fmt: skip
    proposed = bench.propose([], size="small").mapping
    assert contradictions(proposed) == []
    assert proposed.rows[0].by == ("chat.topic",)


# -- again ---------------------------------------------------------------------------------


def test_what_is_signed_is_the_same_once_the_fields_are_made() -> None:
    bench = Bench()
    records = moods("Bored", "so, so", "FINE", "Cross")
    custom = [column("grade", FieldType.SELECT, "A", "B"), column("size"), column("Size")]
    first = bench.propose(records, custom)
    bench.make(first)
    for shuffled in (records, records[::-1]):
        again = bench.propose(shuffled, custom)
        assert digest(dump(again.mapping)) == digest(dump(first.mapping))
    assert wanted_schema(again.mapping) == wanted_schema(first.mapping)


def test_what_was_signed_is_read_back_as_it_was() -> None:
    proposed = Bench().propose(moods("Bored"), [column("size", FieldType.NUMBER)])
    assert load({"mapping": dump(proposed.mapping)}) == proposed.mapping


# -- what does not fit ---------------------------------------------------------------------


def test_everything_that_does_not_fit_is_told_at_once() -> None:
    bench = Bench(
        "{id: a, source: chat, destination: castle, fields: [{to: x, from: y}]}",
        "{id: b, source: chat, destination: meeting, fields: [{to: x, from: y, do: nothing}],"
        " owners: [{to: boss, from: z}],"
        " links: [{to: venue, lines: a, ways: [{object: chat, from: w, by: id}]}]}",
    )
    findings = bench.findings(value_maps={"b.y": {}})
    assert findings == [
        findings[0],
        "lines.a.destination = 'castle': the destination has: folder, house, human, meeting, seat",
        "lines.b.boss: meeting has no such field; add create to it",
        "lines.b.venue: meeting has no such field; add create to it",
        "lines.b.x: meeting has no such field; add create to it",
        "value_maps.b.y: the mapping has no such line.field; mend or remove it",
    ]
    assert findings[0].startswith("lines.b.x.do = 'nothing': there is no such transform; choose")


def test_options_of_a_missing_object_are_no_accident() -> None:
    [finding] = Bench(CHAT.replace("meeting", "castle")).findings(records=moods("Fine"))
    assert finding.startswith("lines.chat.destination = 'castle'")


@pytest.mark.parametrize("file", ["file: {from: place}, destination: human", "destination: folder"])
def test_files_go_where_files_are_kept_and_nothing_else_does(file: str) -> None:
    [finding] = Bench(f"{{id: scan, source: chat, {file}}}").findings()
    assert finding.endswith("files go to folder, and only lines with file do")


# -- schema --------------------------------------------------------------------------------


def test_what_is_wanted_are_new_fields_options_and_our_own_id() -> None:
    proposed = Bench().propose(moods("Bored", "Fine"))
    [meeting] = wanted_schema(proposed.mapping)
    assert set(meeting.fields) == {"mood", "tags", "our_id"}
    assert [o.label for o in meeting.fields["mood"].options] == ["Fine", "Bored"]
    assert meeting.fields["tags"].custom
    assert meeting.fields["our_id"].type is FieldType.TEXT


def test_two_lines_that_write_one_field_get_the_options_of_both() -> None:
    other = CHAT.replace("id: chat", "id: other").replace("from: mood", "from: feeling")
    proposed = Bench(CHAT, other).propose([{"mood": "Bored", "feeling": "Merry"}])
    [meeting] = wanted_schema(proposed.mapping)
    assert {o.label for o in meeting.fields["mood"].options} == {"Bored", "Merry"}


def test_an_owner_field_can_be_made() -> None:
    owner = "{to: boss, from: x, create: {type: user, label: Boss}}"
    line = f"{{id: a, source: chat, destination: meeting, owners: [{owner}]}}"
    [meeting] = wanted_schema(Bench(line).propose().mapping)
    assert meeting.fields["boss"] == FieldSpec("boss", FieldType.USER, "Boss", custom=True)


def test_the_plan_adds_to_what_stands_and_changes_nothing_else() -> None:
    standing = FieldSpec("a", FieldType.SELECT, "A", (Option("x", "X"),))
    schema = {"house": ObjectSpec("house", "House", {"a": standing})}
    more = FieldSpec("a", FieldType.TEXT, options=(Option("x", "other"), Option("y", "Y")))
    new = FieldSpec("b", FieldType.TEXT)
    wanted = [ObjectSpec("house", "house", {"a": more, "b": new})]
    planned = planned_schema(schema, wanted)["house"].fields
    assert (planned["a"].type, planned["a"].label) == (FieldType.SELECT, "A")
    assert [o.value for o in planned["a"].options] == ["x", "y"]
    assert "b" in planned
    assert list(schema["house"].fields) == ["a"]
