"""What was in the destination before us is as it was, field by field."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_crm_migration.core.errors import Unsettled
from airflow_crm_migration.core.rollback.own_children import OwnChildren
from tests.support.loading import company, person
from tests.support.rolling_back import RollingBack

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from airflow_crm_migration.core.protocols import Write
    from tests.support.loading import Loading

OLD = "2019-05-06T07:08:09.000Z"
SOURCE = "2021-01-01T00:00:00.000Z"
#: What the server keeps for itself, and who wrote last.
SERVERS = ("updatedBy", "searchVector")


@pytest.fixture(params=["update", "fill"])
def meeting(make_loading: Callable[..., Loading], request: pytest.FixtureRequest) -> Loading:
    return make_loading(request.param)


@pytest.fixture
def updating(make_loading: Callable[..., Loading]) -> Loading:
    return make_loading("update")


def ann(**record: Any) -> dict[str, Any]:
    """Return Ann as people of the workspace wrote her."""
    return {
        "name": {"firstName": "Ann", "lastName": "Old"},
        "emails": {"primaryEmail": "ann@x.example"},
        "jobTitle": "Boss", "createdAt": OLD, "updatedAt": OLD, **record,
    }  # fmt: skip


def ours(**values: Any) -> dict[str, Any]:
    """Return what the source says of Ann."""
    more = {"jobTitle": "Chief", "city": "Ulm", "updatedAt": SOURCE, **values}
    return person("a", **{"emails": ["ann@x.example"], **more})


def plain(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{n: v for n, v in row.items() if n not in SERVERS} for row in records]


def test_what_was_written_over_is_as_it_was(meeting: Loading) -> None:
    meeting.made_by_hand("person", **ann())
    before = plain(meeting.records("person"))
    meeting.load("person", [ours()])
    assert plain(meeting.records("person")) != before
    assert RollingBack(meeting).whole()["person"] == {"restore": 1}
    assert plain(meeting.records("person")) == before
    entry = meeting.entry("person", "a")
    assert (entry.stands, entry.outcome, entry.last["reason"]) == (False, "restored", "rolled_back")


def test_the_earliest_image_counts_over_several_runs(updating: Loading) -> None:
    updating.made_by_hand("person", **ann())
    before = plain(updating.records("person"))
    for number, title in enumerate(("Chief", "President", ""), start=1):
        updating.load("person", [ours(jobTitle=title)], run=f"run-{number}")
    assert updating.records("person")[0]["jobTitle"] == ""
    RollingBack(updating).whole()
    assert plain(updating.records("person")) == before


def test_a_field_that_people_changed_since_is_theirs_and_listed(updating: Loading) -> None:
    made = updating.made_by_hand("person", **ann())
    updating.load("person", [ours()])
    updating.edit("person", made["id"], city="Rome")
    rolling = RollingBack(updating)
    assert rolling.whole()["person"] == {"restore": 1}
    [now] = updating.records("person")
    assert (now["jobTitle"], now["city"], now["migrationSourceId"]) == ("Boss", "Rome", "")
    assert rolling.last is not None
    assert rolling.last.rows("undone", "person")[made["id"]]["differs"] == ["city"]
    assert updating.entry("person", "a").last["detail"] == "city"


@pytest.mark.parametrize("most", [10_000, 0])
def test_a_link_of_theirs_to_a_record_of_ours_is_taken_back_before_ours_goes(
    updating: Loading, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """Also where so many records of ours refer to it that the destination lists them all."""
    monkeypatch.setattr(OwnChildren, "most", most)
    made = updating.made_by_hand("person", **ann())
    updating.load("company", [company("c")])
    ours_of_c = ours() | person("a", "c", emails=["ann@x.example"])
    updating.load("person", [ours_of_c])
    assert updating.records("person")[0]["companyId"]
    assert RollingBack(updating).whole() == {
        "attachment": {}, "task": {}, "person": {"restore": 1}, "company": {"delete": 1},
    }  # fmt: skip
    [now] = updating.records("person")
    assert (now["id"], now["companyId"]) == (made["id"], None)


def test_no_more_is_restored_than_was_signed(updating: Loading) -> None:
    """What people set back to our value after the signature was listed as theirs."""
    made = updating.made_by_hand("person", **ann())
    updating.load("person", [ours()])
    updating.edit("person", made["id"], city="Rome")
    back = RollingBack(updating).begin()
    back.forecast()
    signed = back.sign()
    updating.edit("person", made["id"], city="Ulm")
    back.undo(signed)
    [now] = updating.records("person")
    assert (now["jobTitle"], now["city"]) == ("Boss", "Ulm")


class LosesReply:
    """A hook whose first update is done, then undone by people, and its reply lost."""

    def __init__(self, loading: Loading, *gone: str) -> None:
        self._loading = loading
        self._gone = list(gone)
        self.sent: list[list[str]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loading.hook, name)

    def update(self, object_name: str, rows: Sequence[Write]) -> Any:
        self.sent.append([row.id or "" for row in rows])
        self._loading.hook.update(object_name, rows)
        while self._gone:
            self._loading.remove(object_name, self._gone.pop(), "destroy")
        raise Unsettled("no reply in time")


def test_what_is_gone_when_a_reply_is_lost_is_never_brought_back(updating: Loading) -> None:
    """An update that is sent again makes a stub of a record that people destroyed meanwhile."""
    made = updating.made_by_hand("person", **ann())
    kept = updating.made_by_hand("person", emails={"primaryEmail": "bob@x.example"})
    updating.load("person", [ours(), person("b", emails=["bob@x.example"], jobTitle="Clerk")])
    hook = LosesReply(updating, made["id"])
    back = RollingBack(updating).begin()
    back.forecast()
    done = back.undo(back.sign(), hook)
    assert [row["id"] for row in updating.records("person")] == [kept["id"]]
    assert len(hook.sent) == 1
    assert done["person"] == {"keep": 1, "restore": 1}


def test_one_that_they_made_themselves_keeps_it(updating: Loading) -> None:
    made = updating.made_by_hand("person", **ann())
    updating.load("company", [company("c"), company("d")])
    updating.load("person", [ours()])
    theirs = str(updating.entry("company", "c").destination_id)
    updating.edit("person", made["id"], companyId=theirs)
    done = RollingBack(updating).whole()
    assert done["company"] == {"keep": 1, "delete": 1}
    assert [c["id"] for c in updating.records("company")] == [theirs]
    assert updating.records("person")[0]["companyId"] == theirs


def emails(loading: Loading) -> list[str]:
    [found] = [row["emails"] for row in loading.records("person")]
    return [found["primaryEmail"], *found["additionalEmails"]]


def test_what_a_later_load_merged_with_people_s_own_is_theirs(updating: Loading) -> None:
    """Of several addresses theirs stand among ours: taken back whole, theirs would go too."""
    old = {"primaryEmail": "ann@x.example", "additionalEmails": ["old@x.example"]}
    made = updating.made_by_hand("person", **ann(emails=old))
    two = ["ann@x.example", "new@x.example"]
    updating.load("person", [ours(emails=two)])
    mixed = {**old, "additionalEmails": ["old@x.example", "new@x.example", "theirs@x.example"]}
    updating.edit("person", made["id"], emails=mixed)
    updating.load("person", [ours(emails=[*two, "newer@x.example"])], run="run-2")
    before = emails(updating)
    assert {"theirs@x.example", "newer@x.example"} < set(before)
    rolling = RollingBack(updating)
    assert rolling.whole()["person"] == {"restore": 1}
    assert emails(updating) == before
    assert updating.records("person")[0]["jobTitle"] == "Boss"
    assert rolling.last is not None
    assert rolling.last.rows("undone", "person")[made["id"]]["differs"] == ["emails"]


def test_and_keeps_a_record_of_ours(loading: Loading) -> None:
    loading.load("person", [ours()])
    made = str(loading.entry("person", "a").destination_id)
    mixed = {"primaryEmail": "ann@x.example", "additionalEmails": ["theirs@x.example"]}
    at = {"updatedAt": SOURCE}
    loading.edit("person", made, emails=mixed, **at)
    loading.load("person", [ours(emails=["ann@x.example", "new@x.example"])], run="run-2")
    assert len(emails(loading)) == 3
    rolling = RollingBack(loading)
    assert rolling.whole()["person"] == {"keep": 1}
    assert rolling.last is not None
    assert rolling.last.rows("undone", "person")[made]["differs"] == ["emails"]


def test_what_was_only_added_to_is_as_it_was(updating: Loading) -> None:
    old = {"primaryEmail": "ann@x.example", "additionalEmails": ["old@x.example"]}
    updating.made_by_hand("person", **ann(emails=old))
    for number, more in enumerate((["new@x.example"], ["new@x.example", "newer@x.example"])):
        updating.load("person", [ours(emails=["ann@x.example", *more])], run=f"run-{number}")
    assert len(emails(updating)) == 4
    RollingBack(updating).whole()
    assert emails(updating) == ["ann@x.example", "old@x.example"]


def test_a_record_that_was_only_linked_is_let_go_and_linked_again(loading: Loading) -> None:
    loading.made_by_hand("person", **ann())
    loading.made_by_hand("person", **ann(emails={"primaryEmail": "other@x.example"}))
    before = loading.records("person")
    loading.load("person", [ours()])
    assert RollingBack(loading).whole()["person"] == {"release": 1}
    assert loading.records("person") == before
    assert not loading.entry("person", "a").stands
    facts = loading.load("person", [ours()], run="run-2")
    assert facts["outcomes"]["person"] == {"linked": {"existing_record": 1}}


def test_a_link_to_our_record_that_people_made_at_a_linked_one_keeps_ours(
    loading: Loading,
) -> None:
    made = loading.made_by_hand("person", **ann())
    loading.load("company", [company("c")])
    loading.load("person", [ours()])
    company_id = str(loading.entry("company", "c").destination_id)
    loading.edit("person", made["id"], companyId=company_id)
    assert RollingBack(loading).whole()["company"] == {"keep": 1}


@pytest.mark.parametrize("policy", ["link", "update"])
def test_what_we_took_out_of_the_trash_goes_back(
    make_loading: Callable[..., Loading], policy: str
) -> None:
    loading = make_loading(policy)
    made = loading.made_by_hand("person", **ann())
    loading.remove("person", made["id"])
    [before] = plain(loading.records("person"))
    loading.load("person", [ours()])
    assert loading.records("person")[0]["deletedAt"] is None
    assert RollingBack(loading).whole()["person"] == {"trash": 1}
    [after] = plain(loading.records("person"))
    assert after.pop("deletedAt") is not None
    moved = {"updatedAt", "deletedAt"}
    assert {n: v for n, v in after.items() if n not in moved} == {
        n: v for n, v in before.items() if n not in moved
    }
    facts = loading.load("person", [ours()], run="run-2")
    assert "restored" in facts["outcomes"]["person"] or policy == "update"


@pytest.mark.parametrize("policy", ["link", "update"])
def test_but_not_when_people_worked_on_it_since(
    make_loading: Callable[..., Loading], policy: str
) -> None:
    loading = make_loading(policy)
    made = loading.made_by_hand("person", **ann())
    loading.remove("person", made["id"])
    loading.load("person", [ours()])
    edited = {"firstName": "Anna", "lastName": "New"}
    loading.edit("person", made["id"], name=edited)
    rolling = RollingBack(loading)
    assert rolling.whole()["person"] == {"restore": 1}
    [now] = loading.records("person")
    assert (now["deletedAt"], now["name"], now["jobTitle"]) == (None, edited, "Boss")
    assert rolling.last is not None
    row = rolling.last.rows("undone", "person")[made["id"]]
    assert (row["reason"], row["differs"]) == ("edited_since", ["name"])


@pytest.mark.parametrize("when", ["before the forecast", "before the undoing"])
def test_nor_when_they_hung_something_on_it(updating: Loading, when: str) -> None:
    made = updating.made_by_hand("person", **ann())
    updating.remove("person", made["id"])
    updating.load("person", [ours()])
    rolling = RollingBack(updating)
    back = rolling.begin()
    note = updating.made_by_hand("note", title="Called")
    link = {"noteId": note["id"], "targetPersonId": made["id"]}
    if when == "before the forecast":
        updating.made_by_hand("noteTarget", **link)
    back.forecast()
    signed = back.sign()
    if when == "before the undoing":
        updating.made_by_hand("noteTarget", **link)
    assert back.undo(signed)["person"] == {"restore": 1}
    [now] = updating.records("person")
    assert (now["deletedAt"], now["jobTitle"]) == (None, "Boss")
    assert back.rows("undone", "person")[made["id"]]["reason"] == "has_foreign_children"
    back.result()


def test_what_people_trashed_meanwhile_stays_in_the_trash(updating: Loading) -> None:
    """Writing to it would bring it back."""
    made = updating.made_by_hand("person", **ann())
    updating.load("person", [ours()])
    updating.remove("person", made["id"])
    assert RollingBack(updating).whole()["person"] == {"gone": 1}
    assert updating.records("person")[0]["deletedAt"] is not None
    assert not updating.entry("person", "a").stands


def test_two_source_records_of_one_address_go_each_by_itself(updating: Loading) -> None:
    updating.load("person", [person("a", emails=["ann@x.example"], city="Ulm")])
    second = person("z", emails=["ann@x.example"], city="Bonn", jobTitle="Chief")
    updating.load("person", [person("a", emails=["ann@x.example"], city="Ulm"), second], run="r2")
    assert {r["city"] for r in updating.records("person")} == {"Ulm", "Bonn"}
    assert RollingBack(updating).whole()["person"] == {"delete": 2}
    assert updating.records("person") == []
    assert not any(entry.stands for entry in updating.entries("person").values())


def test_what_the_destination_does_not_take_back_is_kept_with_its_words(
    updating: Loading,
) -> None:
    """The company that the person belonged to is no more."""
    old = updating.made_by_hand("company", name="Old")
    made = updating.made_by_hand("person", **ann(companyId=old["id"]))
    updating.load("company", [company("c")])
    updating.load("person", [ours() | person("a", "c", emails=["ann@x.example"])])
    updating.remove("company", old["id"], "destroy")
    rolling = RollingBack(updating)
    done = rolling.whole()
    assert (done["person"], done["company"]) == ({"keep": 1}, {"keep": 1})
    assert rolling.last is not None
    row = rolling.last.rows("undone", "person")[made["id"]]
    assert row["reason"] == "refused"
    assert "foreign key" in row["words"]
    assert updating.open_intents("person") == []
