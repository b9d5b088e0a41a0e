"""Links name records by source id; what is missing or ambiguous is left out and told, or holds."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.transforming import CLIENT, FIRM, Workbench, problems, told

BY_ID = "{object: firm, from: firm_id, by: id}"
BY_DOMAIN = "{object: firm, from: mail, by: domain, hint: true}"
BY_NAME = "{object: firm, from: firm, by: name}"


def bench(*ways: str, rule: str = "", more: tuple[str, ...] = (), **setting: Any) -> Workbench:
    """Return a bench with clients that link to firms."""
    link = f"{{to: house, lines: [firm, {', '.join(m for m in more)}], ways: [{', '.join(ways)}]"
    client = (
        "{id: client, source: client, destination: human, fields: [{to: post, from: mail}],"
        f" links: [{link.replace(', ]', ']')}{', ' if rule else ''}{rule}}}]}}"
    )
    return Workbench(FIRM, client, *setting.pop("lines", ()), **setting)


def key(source_id: str, line: str = "firm", source: str = "firm") -> list[str]:
    return [line, source, source_id, ""]


def test_the_first_way_that_finds_one_counts() -> None:
    with bench(BY_ID, BY_NAME) as made:
        made.known("firm", id="f1", called="Acme")
        made.known("firm", id="f2", called="Bolt")
        found = made.draft("client", firm_id="f1", firm="Bolt")
        assert found["links"] == {"house": {"keys": [key("f1")], "hold": False}}
        assert made.draft("client", firm="bolt")["links"]["house"]["keys"] == [key("f2")]


def test_a_link_that_finds_nothing_is_told_with_all_that_was_tried() -> None:
    with bench(BY_ID, BY_NAME) as made:
        found = made.draft("client", firm_id="f9", firm="Nobody")
        assert found["links"] == {}
        assert list(problems(found)) == [
            ("house", "parent_missing", "f9"),
            ("house", "parent_missing", "Nobody"),
        ]


def test_a_blank_link_is_no_broken_link() -> None:
    with bench(BY_ID) as made:
        assert "issues" not in made.draft("client", firm_id=None)


def test_a_hint_that_finds_nothing_is_no_broken_link() -> None:
    with bench(BY_DOMAIN) as made:
        assert "issues" not in made.draft("client", mail="ann@bolt.io")


@pytest.mark.parametrize("host", ["gmail.com", "linkedin.com"])
def test_a_domain_of_many_never_links(host: str) -> None:
    with bench(BY_DOMAIN) as made:
        made.known("firm", id="f1", web=host)
        found = made.draft("client", mail=f"ann@{host}")
        assert found["links"] == {}
        assert "issues" not in found


def test_a_merged_record_is_linked_as_its_survivor() -> None:
    with bench(BY_ID, survivors={("firm", "f2"): "f1"}) as made:
        made.known("firm", id="f1")
        made.known("firm", id="f2")
        assert made.draft("client", firm_id="f2")["links"]["house"]["keys"] == [key("f1")]


def test_an_ambiguous_link_holds_the_record() -> None:
    with bench(BY_NAME) as made:
        made.known("firm", id="f1", called="Acme")
        made.known("firm", id="f2", called="ACME")
        found = made.draft("client", firm="Acme")
        assert told(found) == ("held", "parent_ambiguous", "house: Acme")


def test_or_it_is_left_out_and_told() -> None:
    with bench(BY_NAME, rule="ambiguous: leave") as made:
        made.known("firm", id="f1", called="Acme")
        made.known("firm", id="f2", called="ACME")
        found = made.draft("client", firm="Acme")
        assert found["links"] == {}
        assert list(problems(found)) == [("house", "parent_ambiguous", "Acme")]


@pytest.mark.parametrize(("given", "detail"), [("f9", "house: f9"), (None, "house: blank")])
def test_a_record_that_cannot_do_without_is_held(given: str | None, detail: str) -> None:
    with bench(BY_ID, rule="missing: hold") as made:
        assert told(made.draft("client", firm_id=given)) == ("held", "parent_missing", detail)


def test_the_reason_names_what_no_way_is_for() -> None:
    rival = "{not: {related: {object: firm, from: rival, by: id}}}"
    when = f"when: {{any: [{{field: kind, equals: work}}, {rival}]}}"
    way = BY_ID.replace("}", f", {when}}}")
    with bench(way, rule="missing: hold") as made:
        made.known("firm", id="f1")
        found = made.draft("client", firm_id="f1", kind="home", rival="f1")
    detail = "house: no rule fits kind home, rival f1"
    assert told(found) == ("held", "parent_missing", detail)


def test_that_it_cannot_do_without_goes_into_the_draft() -> None:
    with bench(BY_ID, rule="missing: hold") as made:
        made.known("firm", id="f1")
        assert made.draft("client", firm_id="f1")["links"]["house"]["hold"] is True


@pytest.mark.parametrize(("kind", "linked"), [("work", True), ("home", False)])
@pytest.mark.parametrize("where", ["rule", "way"])
def test_a_link_and_a_way_have_conditions(where: str, kind: str, linked: bool) -> None:
    when = "when: {field: kind, equals: work}"
    way = BY_ID.replace("}", f", {when}}}") if where == "way" else BY_ID
    with bench(way, rule=when if where == "rule" else "") as made:
        made.known("firm", id="f1")
        found = made.draft("client", firm_id="f1", kind=kind)
        assert bool(found["links"]) is linked
        assert "issues" not in found


# -- a record that may have been made by several lines -------------------------------------

OF_DOMAIN = (
    "{id: of_domain, source: client, destination: house, fields: [{to: sign, from: mail}],"
    " when: {field: firm_id, present: false},"
    " one_per: {to: sign, from: mail, do: company_domain}}"
)
ITSELF = "{object: client, from: id, by: self, hint: true}"


def test_a_record_links_to_what_else_is_made_of_it() -> None:
    with bench(BY_ID, ITSELF, more=("of_domain",), lines=(OF_DOMAIN,)) as made:
        found = made.draft("client", mail="ann@bolt.io")
        assert found["links"]["house"]["keys"] == [key("r1", "of_domain", "client")]


@pytest.mark.parametrize("mail", ["ann@gmail.com", None])
def test_but_not_where_nothing_is_made(mail: str | None) -> None:
    with bench(BY_ID, ITSELF, more=("of_domain",), lines=(OF_DOMAIN,)) as made:
        assert made.draft("client", mail=mail)["links"] == {}


def test_and_a_link_that_is_broken_is_told_all_the_same() -> None:
    with bench(BY_ID, ITSELF, more=("of_domain",), lines=(OF_DOMAIN,)) as made:
        found = made.draft("client", firm_id="f9", mail="ann@bolt.io")
        assert list(problems(found)) == [("house", "parent_missing", "f9")]


# -- many-to-many --------------------------------------------------------------------------

CHAT = (
    "{{id: chat, source: chat, destination: meeting, fields: [{{to: topic, value: Chat}}],"
    " links: [{{to: seats, lines: client, many: true, {} ways: ["
    "{{object: client, from: with, by: id}}, {{object: client, from: mails, by: email}}]}}]}}"
)
BETWEEN = "{object: chat, from: about, by: id}"


def chat_with(link: str) -> str:
    return (
        "{id: chat, source: chat, destination: meeting, fields: [{to: topic, value: Chat}],"
        f" links: [{link}]}}"
    )


def chats(rule: str = "") -> Workbench:
    return Workbench(FIRM, CLIENT, CHAT.format(rule))


def test_all_that_any_way_finds_are_linked_once() -> None:
    with chats() as made:
        made.known("client", id="c1", mail="ann@x.org")
        made.known("client", id="c2", mail="bob@x.org")
        found = made.draft("chat", **{"with": ["c1"], "mails": ["ann@x.org", "BOB@x.org"]})
        assert found["joins"]["seats"] == {
            "targets": [[key("c1", "client", "client")], [key("c2", "client", "client")]],
            "hold": False,
        }


def test_each_one_that_is_missing_is_told() -> None:
    with chats() as made:
        made.known("client", id="c1", mail="ann@x.org")
        found = made.draft("chat", **{"with": ["c1", "c8", "c9"], "mails": []})
        assert [detail for *_, detail in problems(found)] == ["c8", "c9"]


def test_one_of_several_is_enough_for_a_record_that_needs_a_parent() -> None:
    with chats("missing: hold,") as made:
        made.known("client", id="c1", mail="ann@x.org")
        assert "outcome" not in made.draft("chat", **{"with": ["c9", "c1"]})
        assert told(made.draft("chat", **{"with": ["c9"]}))[:2] == ("held", "parent_missing")


def test_what_may_be_linked_although_it_was_not_found_goes_into_the_draft() -> None:
    with chats("ambiguous: leave,") as made:
        made.known("client", id="c1", mail="ann@x.org")
        made.known("client", id="c2", mail="two@x.org")
        made.known("client", id="c3", mail="two@x.org")
        missed = made.draft("chat", **{"with": ["c9"]})["joins"]["seats"]
        assert missed["unsure"] == [["client", "c9"]]
        unknown = made.draft("chat", mails=["nobody@x.org"])["joins"]["seats"]
        assert unknown["unsure"] == [["client", ""]]
        several = made.draft("chat", mails=["two@x.org"])["joins"]["seats"]
        assert several["unsure"] == [["client", "c2"], ["client", "c3"]]


def test_so_does_who_has_the_same_address_and_could_not_be_read() -> None:
    with chats() as made:
        torn = {"id": "c1", "mail": "ann@x.org"}
        made.index.add("client", made.mapping.keys["client"], torn, readable=False)
        made.known("client", id="c2", mail="ann@x.org")
        seats = made.draft("chat", mails=["ann@x.org"])["joins"]["seats"]
        assert seats["targets"] == [[key("c2", "client", "client")]]
        assert seats["unsure"] == [["client", "c1"]]


def test_and_what_a_hint_misses() -> None:
    way = "{object: client, from: mails, by: email, hint: true}"
    link = f"{{to: seats, lines: client, many: true, ways: [{way}]}}"
    with Workbench(CLIENT, chat_with(link)) as made:
        found = made.draft("chat", mails=["nobody@x.org"])
        assert found["joins"]["seats"]["unsure"] == [["client", ""]]
        assert "issues" not in found


@pytest.mark.parametrize(
    ("about", "unsure"), [("t1", None), ("torn", [["client", ""]]), ("t9", [["client", ""]])]
)
def test_and_all_that_a_record_between_may_name_that_is_not_there_whole(
    about: str, unsure: list[list[str]] | None
) -> None:
    way = f"{{object: client, from: with, by: id, through: {BETWEEN}}}"
    link = f"{{to: seats, lines: client, many: true, ways: [{way}]}}"
    with Workbench(CLIENT, chat_with(link)) as made:
        made.known("client", id="c1")
        looked_at = made.mapping.looked_at["chat"]
        whole, torn = {"id": "t1", "with": ["c1"]}, {"id": "torn"}
        made.index.add("chat", {}, whole, looked_at=looked_at)
        made.index.add("chat", {}, torn, looked_at=looked_at, readable=False)
        assert made.draft("chat", about=about)["joins"]["seats"].get("unsure") == unsure


@pytest.mark.parametrize(("readable", "unsure"), [(True, None), (False, [["client", ""]])])
def test_and_all_that_hangs_on_a_condition_on_a_record_that_is_not_there_whole(
    readable: bool, unsure: list[list[str]] | None
) -> None:
    when = f"{{related: {BETWEEN}, where: {{field: mood, equals: fine}}}}"
    way = "{object: client, from: with, by: id}"
    link = f"{{to: seats, lines: client, many: true, when: {when}, ways: [{way}]}}"
    with Workbench(CLIENT, chat_with(link)) as made:
        made.known("client", id="c1")
        looked_at = made.mapping.looked_at["chat"]
        made.index.add("chat", {}, {"id": "t1"}, looked_at=looked_at, readable=readable)
        seats = made.draft("chat", **{"about": "t1", "with": ["c1"]})["joins"]["seats"]
        assert seats["targets"] == []
        assert seats.get("unsure") == unsure


def test_links_that_the_run_did_not_carry_are_not_told() -> None:
    with Workbench(FIRM, CLIENT, CHAT.format(""), absent={"chat": {"mails"}}) as made:
        made.known("client", id="c1", mail="ann@x.org")
        seats = made.draft("chat", **{"with": ["c1"]})["joins"]["seats"]
        assert seats["unsure"] == [["client", ""]]


def test_nor_where_it_did_not_carry_what_decides_over_the_link() -> None:
    rule = "when: {field: kind, equals: work},"
    with Workbench(FIRM, CLIENT, CHAT.format(rule), absent={"chat": {"kind"}}) as made:
        made.known("client", id="c1", mail="ann@x.org")
        seats = made.draft("chat", **{"with": ["c1"]})["joins"]["seats"]
        assert seats == {"targets": [], "hold": False, "unsure": [["client", ""]]}


def test_nor_where_it_did_not_carry_what_the_link_leads_through_or_looks_at() -> None:
    way = f"{{object: client, from: with, by: id, through: {BETWEEN}}}"
    cheerful = f"{{related: {BETWEEN}, where: {{field: mood, equals: fine}}}}"
    plain = "{object: client, from: about, by: id}"
    for ways, absent in ((way, "with"), (plain.replace("}", f", when: {cheerful}}}"), "mood")):
        link = f"{{to: seats, lines: client, many: true, ways: [{ways}]}}"
        with Workbench(CLIENT, chat_with(link), absent={"chat": {absent}}) as made:
            seats = made.draft("chat", about="t1")["joins"]["seats"]
            assert ["client", ""] in seats["unsure"]
