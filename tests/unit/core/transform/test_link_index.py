"""Source records are found by id, e-mail, domain or name; what several answer to is ambiguous."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_crm_migration.core.mapping import LinkWay
from airflow_crm_migration.core.transform.link_index import LinkIndex

if TYPE_CHECKING:
    from collections.abc import Iterator

KEYS = {"email": ("mail", "other"), "domain": ("web",), "name": ("called",)}


@pytest.fixture
def index() -> Iterator[LinkIndex]:
    with LinkIndex({("firm", "f3"): "f1"}) as index:
        add(index, "f1", called="Acme  Ltd", web="https://www.brightwell.co.uk/x", mail="A@x.org")
        add(index, "f2", called="Bolt", web="bolt.io", mail=["b@x.org"], other=["bo@x.org"])
        add(index, "f4", called="Blum", web="https://facebook.com/blum")
        yield index


def add(index: LinkIndex, record_id: str, **record: Any) -> None:
    index.add("firm", KEYS, {"id": record_id, **record})


@pytest.mark.parametrize(
    ("by", "value", "found"),
    [
        ("id", "f1", {"f1"}),
        ("id", " f1 ", {"f1"}),
        ("id", "F1", set()),
        ("id", "", set()),
        ("email", "a@X.org", {"f1"}),
        ("email", "Ann <a@x.org>", {"f1"}),
        ("email", "bo@x.org", {"f2"}),
        ("email", "nobody", set()),
        ("domain", "brightwell.co.uk", {"f1"}),
        ("domain", "someone@mail.brightwell.co.uk", {"f1"}),
        ("domain", "other.co.uk", set()),
        ("domain", "nothing", set()),
        ("domain", "facebook.com", set()),
        ("name", "acme ltd", {"f1"}),
        ("name", " ACME\tLTD ", {"f1"}),
        ("name", "Acme", set()),
        ("name", "  ", set()),
    ],
)
def test_spellings_of_one_key_find_its_record(
    index: LinkIndex, by: str, value: str, found: set[str]
) -> None:
    assert index.find("firm", by, value) == found


def test_only_records_of_the_object_answer(index: LinkIndex) -> None:
    assert index.find("client", "id", "f1") == set()


def test_a_shared_key_finds_all_who_have_it(index: LinkIndex) -> None:
    add(index, "f4", called="BOLT")
    assert index.find("firm", "name", "Bolt") == {"f2", "f4"}


def test_merged_records_answer_as_their_survivor(index: LinkIndex) -> None:
    add(index, "f3", called="Acme Ltd")
    assert index.find("firm", "id", "f3") == {"f1"}
    assert index.find("firm", "name", "acme ltd") == {"f1"}
    assert index.survivor("firm", "f3") == "f1"
    assert index.survivor("firm", "f2") == "f2"
    assert index.survivor("client", "f3") == "f3"


def test_a_free_mail_domain_is_nobodys(index: LinkIndex) -> None:
    add(index, "f5", web="https://gmail.com")
    assert index.find("firm", "domain", "ann@gmail.com") == set()
    assert index.find("firm", "domain", "gmail.com") == set()


def way(by: str, source: str = "given") -> LinkWay:
    return LinkWay.model_validate({"object": "firm", "from": source, "by": by})


def test_each_value_of_a_field_is_looked_up(index: LinkIndex) -> None:
    found = index.matches(way("id"), {"given": ["f1", "f9", ""]})
    assert found == [("f1", {"f1"}), ("f9", set())]


def test_the_text_of_a_link_or_a_number_is_looked_up(index: LinkIndex) -> None:
    assert index.matches(way("domain"), {"given": [{"url": "bolt.io"}]}) == [("bolt.io", {"f2"})]
    assert index.matches(way("id"), {"given": 7}) == [("7", set())]


def test_nothing_is_looked_up_for_a_blank(index: LinkIndex) -> None:
    assert index.matches(way("id"), {}) == []


def test_a_record_names_itself(index: LinkIndex) -> None:
    assert index.matches(way("self", "id"), {"id": "anything"}) == [("anything", {"anything"})]


def test_adding_a_record_again_changes_nothing(index: LinkIndex) -> None:
    add(index, "f2", called="Bolt")
    assert index.find("firm", "name", "bolt") == {"f2"}


def test_conditions_may_look_at_the_named_fields_of_what_is_found(index: LinkIndex) -> None:
    record = {"id": "f6", "mood": "fine", "big": True, "called": "Cord"}
    index.add("firm", KEYS, record, looked_at=("mood", "big"))
    asked = {"given": ["f6", "f2", "f9"]}
    assert list(index.related(way("id"), asked)) == [{"mood": "fine", "big": True}, {}]


def test_who_could_not_be_read_whole_answers_where_no_other_does(index: LinkIndex) -> None:
    torn = {"id": "f7", "called": "Bolt", "mail": ["only@x.org"]}
    index.add("firm", KEYS, torn, readable=False)
    assert index.find("firm", "name", "Bolt") == {"f2"}
    assert index.find("firm", "email", "only@x.org") == {"f7"}
    by_name = way("name")
    assert index.candidates(by_name, {"given": "Bolt"}) == {("firm", "f2"), ("firm", "f7")}
    assert index.candidates(by_name, {"given": ["Nobody", ""]}) == set()


@pytest.mark.parametrize(
    ("readable", "candidates"), [(True, {("firm", "f1")}), (False, {("firm", "")})]
)
def test_through_a_record_that_could_not_be_read_whole_all_may_be_meant(
    index: LinkIndex, readable: bool, candidates: set[tuple[str, str]]
) -> None:
    record = {"id": "d1", "with": ["f1", "f9"]}
    index.add("deal", {}, record, looked_at=("with",), readable=readable)
    between = {"object": "deal", "from": "about", "by": "id"}
    through = LinkWay.model_validate(
        {"object": "firm", "from": "with", "by": "id", "through": between}
    )
    assert index.candidates(through, {"about": "d1"}) == candidates


def test_a_way_may_lead_through_another_record(index: LinkIndex) -> None:
    record = {"id": "d1", "with": ["f1", "f9"], "at": "bolt"}
    index.add("deal", {}, record, looked_at=("with", "at"))
    between = {"object": "deal", "from": "about", "by": "id"}
    by_id = LinkWay.model_validate(
        {"object": "firm", "from": "with", "by": "id", "through": between}
    )
    by_name = LinkWay.model_validate(
        {"object": "firm", "from": "at", "by": "name", "through": between}
    )
    assert index.matches(by_id, {"about": "d1"}) == [("f1", {"f1"}), ("f9", set())]
    assert index.matches(by_name, {"about": "d1"}) == [("bolt", {"f2"})]
    assert index.matches(by_id, {"about": "d7"}) == [("d7", set())]
    assert index.matches(by_id, {"about": None}) == []
