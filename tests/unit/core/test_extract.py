from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from airflow_crm_migration.core.csv_format import CsvFormat
from airflow_crm_migration.core.errors import (
    QuotaSpent,
    Refused,
    StagingBroken,
    StagingUnusable,
    Unreachable,
    UserMistake,
)
from airflow_crm_migration.core.extract import Extraction
from airflow_crm_migration.core.extract_read import (
    extract_manifest,
    read_extract,
    rejected_rows,
    seen,
)
from airflow_crm_migration.core.fields import FieldSpec, FieldType, ObjectSpec
from airflow_crm_migration.core.inbox import copy_inbox
from airflow_crm_migration.core.protocols import Access, Page, Progress, Route
from airflow_crm_migration.core.staging import Staging, read_manifest, read_parts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime
    from pathlib import Path

TYPES = {
    "id": FieldType.TEXT,
    "name": FieldType.TEXT,
    "email": FieldType.EMAILS,
    "owner": FieldType.TEXT,
    "born": FieldType.DATE,
}
CONTACT = ObjectSpec(
    "contact",
    "Contact",
    {n: FieldSpec(n, t, n.title(), header=n.title()) for n, t in TYPES.items()},
    csv_name="contacts.csv",
    custom_fields=True,
)
HEADER = "Id,Name,Email,Owner,Born"


class Api:
    """A source whose pages are given."""

    reads_since = ("contact",)

    def __init__(self, *pages: list[dict[str, Any]]) -> None:
        self.objects = {"contact": CONTACT}
        self.pages = pages

    def tenant(self) -> str:
        return "t"

    def probe(self) -> list[Access]:
        return []

    def read(
        self,
        object_name: str,
        seen: Callable[[str, str], Iterable[str]],
        since: datetime | None = None,
        begin: str | None = None,
    ) -> Iterator[Page]:
        yield from map(Page, self.pages)

    def fields_of(self, object_name: str, raw: dict[str, Any]) -> dict[str, Any]:
        return {k.lower(): v for k, v in raw.items()}

    def open_file(self, url: str) -> Any:
        raise NotImplementedError

    def newest_change(self, object_name: str) -> None:
        return None


@pytest.fixture
def staging(tmp_path: Path) -> Staging:
    return Staging(tmp_path)


def extract(
    staging: Staging,
    *rows: str,
    api: Api | None = None,
    header: str = HEADER,
    identity: tuple[str, ...] = ("id", "email"),
    spec: ObjectSpec = CONTACT,
    **options: Any,
) -> dict[str, Any]:
    """Extract contacts of an API, of CSV rows, or of both; return the manifest."""
    if rows:
        staging.write_bytes("inbox/contacts.csv", "\n".join([header, *rows]).encode())
    copied = copy_inbox(staging, "r1", [spec])
    route = Route.CSV if api is None else Route.API_AND_CSV
    work = Extraction(staging, "r1", spec, route, CsvFormat(), api, identity, copied, **options)
    return work.extract()


def records(staging: Staging) -> dict[str, dict[str, Any]]:
    return {str(r["id"]): r for r in read_extract(staging, "r1", "contact")}


def rejected(staging: Staging) -> list[dict[str, Any]]:
    return list(rejected_rows(staging, "r1", "contact"))


# -- one side ------------------------------------------------------------------------------


def test_a_csv_row_is_typed_and_keeps_its_place(staging: Staging) -> None:
    manifest = extract(staging, "c1,Ada,ada@example.com,Bob,1990-12-31")
    assert list(read_extract(staging, "r1", "contact")) == [
        {
            "id": "c1",
            "name": "Ada",
            "email": ["ada@example.com"],
            "owner": "Bob",
            "born": "1990-12-31",
            "_file": "contacts.csv",
            "_row": 2,
        }
    ]
    counted = {name for name, count in manifest["counts"].items() if count}
    assert counted == {"read", "typed", "csv_only"}
    assert manifest["window"]["start"].endswith("Z")
    assert manifest["csv"]["sha256"]


def test_an_api_record_is_kept_as_received_and_what_is_undeclared_beside_it(
    staging: Staging,
) -> None:
    raw = {"ID": "c1", "Name": "Ada", "Score": 7}
    manifest = extract(staging, api=Api([raw]))
    assert list(read_parts(staging, "r1/extract/contact/raw")) == [raw]
    assert records(staging)["c1"]["_other"] == {"score": 7}
    assert manifest["absent"] == ["email", "owner", "born"]


def test_a_field_that_no_file_can_carry_is_absent_where_the_api_was_not_asked(
    staging: Staging,
) -> None:
    of_the_api = {"score": FieldSpec("score", FieldType.NUMBER, "Score")}
    spec = replace(CONTACT, fields={**CONTACT.fields, **of_the_api})
    row = "c1,Ada,ada@example.com,Bob,1990-12-31"
    assert extract(staging, row, spec=spec)["absent"] == ["score"]
    api = Api([{"ID": "c1", "Name": "Ada", "Score": 7}])
    assert extract(staging, row, api=api, spec=spec)["absent"] == []


def test_half_a_character_of_an_api_stops_nothing(staging: Staging) -> None:
    extract(staging, api=Api([{"ID": "c1", "Name": "A\ud800da"}]))
    assert records(staging)["c1"]["name"] == "A?da"


def test_parts_are_bounded_and_none_is_lost(staging: Staging) -> None:
    manifest = extract(staging, *(f"c{n},Ada,,," for n in range(7)), rows_per_part=3)
    assert [part["rows"] for part in manifest["parts"]] == [3, 3, 1]
    assert len(records(staging)) == 7


def test_custom_columns_are_part_of_the_record(staging: Staging) -> None:
    manifest = extract(staging, "c1,Ada,,,,7.50", header=HEADER + ",Score")
    assert records(staging)["c1"]["Score"] == "7.5"
    assert manifest["custom"] == [{"name": "Score", "type": "number", "label": "Score"}]


# -- bad records ---------------------------------------------------------------------------


def test_a_bad_cell_sets_its_record_apart_with_file_and_row(staging: Staging) -> None:
    manifest = extract(staging, *["c1,Ada,,,1990-12-31"] * 2, "c2,Bob,,,spring")
    [line] = rejected(staging)
    assert (line["id"], line["file"], line["row"]) == ("c2", "contacts.csv", 4)
    assert line["reason"] == "bad_cell"
    [cell] = line["cells"]
    assert (cell["field"], cell["value"]) == ("born", "spring")
    assert "spring" not in cell["problem"]
    assert manifest["counts"]["read"] == 2
    assert list(records(staging)) == ["c1"]


def test_a_row_of_another_width_is_set_apart(staging: Staging) -> None:
    extract(staging, "c1,Ada,,,", "c2,Bob", "c3,Cem,,,")
    [line] = rejected(staging)
    assert (line["id"], line["row"]) == ("c2", 3)
    assert line["cells"] == [{"field": "", "problem": "2 cells, the header has 5", "value": ""}]


def test_equal_rows_of_one_id_are_one_record(staging: Staging) -> None:
    manifest = extract(staging, "c1,Ada,,,", "c1,Ada,,,")
    assert (manifest["counts"]["read"], manifest["counts"]["collapsed"]) == (1, 1)


def test_different_rows_of_one_id_are_set_apart_but_the_first(staging: Staging) -> None:
    manifest = extract(staging, "c1,Ada,,,", "c1,Bob,,,", "c1,Cem,,,")
    assert records(staging)["c1"]["name"] == "Ada"
    lines = rejected(staging)
    assert [(line["reason"], line["named"], line["row"]) for line in lines] == [
        ("same_id_twice", "c1", 3),
        ("same_id_twice", "c1", 4),
    ]
    assert len({line["id"] for line in lines} | {"c1"}) == 3
    assert manifest["counts"]["read"] == 3


def test_a_header_mistake_stops_before_anything_is_written(staging: Staging) -> None:
    with pytest.raises(UserMistake, match="column 'Id' is missing"):
        extract(staging, "Ada", header="Name", identity=("id",))
    assert read_manifest(staging, "r1/extract/contact") is None


def test_a_csv_that_is_not_there_is_told(staging: Staging) -> None:
    with pytest.raises(UserMistake, match=r"inbox/contacts\.csv: is missing"):
        extract(staging)


# -- identity ------------------------------------------------------------------------------


def test_without_an_id_the_natural_key_identifies(staging: Staging) -> None:
    manifest = extract(staging, ",Ada,ADA@example.com;x@example.com,,")
    assert list(records(staging)) == ["email:ada@example.com"]
    assert manifest["identified"] == {"key": 1}


def test_without_a_natural_key_the_content_identifies(staging: Staging) -> None:
    manifest = extract(staging, ",Ada,,,", ",Bob,,,")
    first = records(staging)
    assert all(name.startswith("content:") for name in first)
    assert manifest["identified"] == {"content": 2}
    extract(staging)
    assert records(staging) == first


def test_equal_rows_without_an_id_are_as_many_records(staging: Staging) -> None:
    bob = ",Bob,,,"
    manifest = extract(staging, bob, ",Ada,,,", bob, bob)
    first = list(records(staging))
    assert len(first) == 4
    counts = manifest["counts"]
    assert (counts["read"], counts["collapsed"]) == (4, 0)
    extract(staging)
    assert list(records(staging)) == first


def test_what_an_api_gives_twice_without_an_id_is_one_record(staging: Staging) -> None:
    page = [{"Name": "Ada"}]
    manifest = extract(staging, api=Api(page, page))
    assert (manifest["counts"]["read"], manifest["counts"]["collapsed"]) == (1, 1)


def test_a_key_that_two_records_share_identifies_the_first_alone(staging: Staging) -> None:
    extract(staging, ",Ada,info@example.com,,", ",Bob,info@example.com,,")
    names = {source_id: r["name"] for source_id, r in records(staging).items()}
    assert names.pop("email:info@example.com") == "Ada"
    assert list(names.values()) == ["Bob"]


def test_a_key_of_several_fields_needs_all_of_them(staging: Staging) -> None:
    extract(
        staging, ",Ada,ada@example.com,,", ",,bob@example.com,,", identity=("id", "name", "email")
    )
    made, other = records(staging)
    assert made == "name+email:ada|ada@example.com"
    assert other.startswith("content:")


# -- both sides ----------------------------------------------------------------------------


def test_csv_fills_what_the_api_leaves_blank_and_the_api_wins_elsewhere(staging: Staging) -> None:
    api = Api([{"ID": "c1", "Name": "Ada", "Email": None}])
    manifest = extract(staging, "c1,Old name,ada@example.com,Bob,1990-12-31", api=api)
    [record] = records(staging).values()
    assert (record["name"], record["email"], record["owner"]) == ("Ada", ["ada@example.com"], "Bob")
    assert (record["_file"], record["_row"]) == ("contacts.csv", 2)
    assert (manifest["counts"]["both"], manifest["counts"]["read"]) == (1, 1)
    assert manifest["absent"] == []


def test_records_of_one_side_are_kept(staging: Staging) -> None:
    api = Api([{"ID": "c1", "Name": "Ada"}], [{"ID": "c2", "Name": "Bob"}])
    manifest = extract(staging, "c2,Bob,,,", "c3,Cem,,,", api=api)
    assert set(records(staging)) == {"c1", "c2", "c3"}
    counts = manifest["counts"]
    assert (counts["api_only"], counts["both"], counts["csv_only"]) == (1, 1, 1)


def test_a_row_without_id_finds_its_record_by_the_natural_key(staging: Staging) -> None:
    api = Api([{"ID": "c1", "Name": "Ada", "Email": "Ada@example.com"}])
    extract(staging, ",,ada@example.com,Bob,", api=api)
    assert records(staging)["c1"]["owner"] == "Bob"


def test_a_row_with_an_id_of_its_own_is_never_taken_for_another_record(staging: Staging) -> None:
    api = Api([{"ID": "c1", "Name": "Ada", "Email": "a@example.com"}, {"ID": "c9", "Name": "Zoe"}])
    extract(staging, "c9,Zoe,,,", "c2,Ada B,a@example.com,Bob,", api=api)
    assert set(records(staging)) == {"c1", "c2", "c9"}


def test_a_key_that_is_in_use_twice_matches_nothing(staging: Staging) -> None:
    both = [{"ID": f"c{n}", "Name": "Ada", "Email": "info@example.com"} for n in (1, 2)]
    extract(staging, ",,info@example.com,Bob,", api=Api(both))
    assert len(records(staging)) == 3


def test_a_bad_cell_that_the_api_mends_rejects_nothing(staging: Staging) -> None:
    api = Api([{"ID": "c1", "Name": "Ada", "Born": "1990-12-31"}])
    extract(staging, "c1,Ada,,Bob,spring", "c2,Bob,,,1990-01-01", "c3,Cem,,,1990-01-01", api=api)
    assert records(staging)["c1"]["owner"] == "Bob"
    assert rejected(staging) == []


def test_a_bad_cell_that_nothing_mends_rejects_the_record(staging: Staging) -> None:
    rows = ["c1,Ada,,Bob,spring", "c2,Bob,,,1990-01-01", "c3,Cem,,,1990-01-01"]
    extract(staging, *rows, api=Api([{"ID": "c1", "Name": "Ada"}]))
    assert [line["id"] for line in rejected(staging)] == ["c1"]


def test_a_page_that_comes_twice_counts_once(staging: Staging) -> None:
    page = [{"ID": "c1", "Name": "Ada"}]
    manifest = extract(staging, api=Api(page, page))
    assert (manifest["counts"]["read"], manifest["counts"]["collapsed"]) == (1, 1)


def test_ids_of_two_kinds_are_a_mistake_and_not_twice_the_records(staging: Staging) -> None:
    api = Api([{"ID": "per_1", "Name": "Ada"}])
    with pytest.raises(UserMistake, match="none of its 1 ids is among the 1 of the API"):
        extract(staging, "1,Ada,,,", api=api)


# -- staging -------------------------------------------------------------------------------


def test_an_attempt_that_dies_leaves_nothing_to_trust(staging: Staging) -> None:
    extract(staging, "c1,Ada,,,")

    class Dying(Api):
        def read(self, *_: Any) -> Iterator[Page]:
            yield Page([{"ID": "c1"}])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        extract(staging, api=Dying())
    with pytest.raises(StagingBroken, match="did not finish"):
        records(staging)
    extract(staging)
    assert list(records(staging)) == ["c1"]


class Budgeted(Api):
    """Gives a number of its pages of two records, then says that the budget is spent."""

    def __init__(self, left: int, *, pages: int = 5, end: BaseException | None = None) -> None:
        super().__init__(*([{"ID": f"c{n}a"}, {"ID": f"c{n}b", "Born": "x"}] for n in range(pages)))
        self.left = left
        self.end = end or QuotaSpent("spent", retry_after=3600)
        self.asked: list[str | None] = []

    def read(
        self,
        object_name: str,
        seen: Callable[[str, str], Iterable[str]],
        since: datetime | None = None,
        begin: str | None = None,
    ) -> Iterator[Page]:
        self.asked.append(begin)
        if begin == "p9":
            raise Refused("the cursor expired", status=400)
        for number in range(int(begin[1:]) if begin else 0, len(self.pages)):
            if not self.left:
                raise self.end
            self.left -= 1
            yield Page(self.pages[number], f"p{number + 1}")


def raw(staging: Staging) -> list[str]:
    return [row["ID"] for row in read_parts(staging, "r1/extract/contact/raw")]


EVERYTHING = [f"c{n}{side}" for n in range(5) for side in "ab"]


@pytest.mark.parametrize("rows_per_part", [1, 3, 5000])
@pytest.mark.parametrize("end", [QuotaSpent("spent"), Unreachable("down"), SystemExit(143)])
def test_what_an_attempt_received_that_was_cut_off_is_not_asked_for_again(
    staging: Staging, rows_per_part: int, end: BaseException
) -> None:
    day = {"staging": staging, "rows_per_part": rows_per_part}
    for begin in (None, "p2"):
        api = Budgeted(2, end=end)
        with pytest.raises(type(end)):
            extract(api=api, **day)
        assert api.asked == [begin]
        assert read_manifest(staging, "r1/extract/contact/raw") is None
    first = staging.read_json("r1/extract/contact/reached.json")["start"]
    manifest = extract(api=Budgeted(2), **day)
    assert raw(staging) == EVERYTHING
    assert (manifest["counts"]["read"], manifest["counts"]["rejected"]) == (10, 5)
    assert manifest["counts"]["collapsed"] == 0
    assert manifest["window"]["start"] == first
    assert {r["id"]: r["_row"] for r in records(staging).values()}["c4a"] == 9
    assert list(records(staging)) == EVERYTHING[::2]
    again = Budgeted(9)
    extract(api=again, **day)
    assert again.asked == [None]


def test_what_was_read_whole_is_not_read_again_when_what_came_after_failed(
    staging: Staging, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise StagingUnusable("full")

    with monkeypatch.context() as patch:
        patch.setattr(Extraction, "_write", full)
        with pytest.raises(StagingUnusable):
            extract(staging, api=Budgeted(5))
    api = Budgeted(0)
    extract(staging, api=api)
    assert (api.asked, raw(staging)) == ([], EVERYTHING)


def test_a_part_that_is_full_is_kept_even_by_who_is_killed(staging: Staging) -> None:
    with pytest.raises(KeyboardInterrupt):
        extract(staging, api=Budgeted(4, end=KeyboardInterrupt()), rows_per_part=5)
    api = Budgeted(9)
    extract(staging, api=api, rows_per_part=5)
    assert (api.asked, raw(staging)) == (["p3"], EVERYTHING)


def cut_off(staging: Staging, **more: Any) -> None:
    with pytest.raises(QuotaSpent):
        extract(staging, api=Budgeted(2), **more)


def test_a_cursor_that_is_not_known_any_more_begins_anew(staging: Staging) -> None:
    cut_off(staging)
    kept = staging.read_json("r1/extract/contact/reached.json")
    staging.write_json("r1/extract/contact/reached.json", {**kept, "following": "p9"})
    api = Budgeted(9)
    extract(staging, api=api)
    assert (api.asked, raw(staging)) == (["p9", None], EVERYTHING)


@pytest.mark.parametrize("what", ["account", "part", "torn", "note"])
def test_what_fits_no_more_is_read_from_the_beginning(staging: Staging, what: str) -> None:
    cut_off(staging)
    part, note = "r1/extract/contact/raw/part-00000.jsonl.gz", "r1/extract/contact/reached.json"
    api = Budgeted(9)
    if what == "account":
        api.tenant = lambda: "another"  # type: ignore[method-assign]
    elif what == "part":
        staging.delete(part)
    elif what == "torn":
        staging.write_bytes(part, b"")
    else:
        staging.write_bytes(note, b"{")
    extract(staging, api=api)
    assert (api.asked, raw(staging)) == ([None], EVERYTHING)


def test_a_source_that_cannot_go_on_is_read_from_the_beginning(staging: Staging) -> None:
    class Forgetful(Budgeted):
        def read(self, *asked: Any) -> Iterator[Page]:
            yield from (Page(page.records) for page in super().read(*asked))

    with pytest.raises(QuotaSpent):
        extract(staging, api=Forgetful(2), rows_per_part=1)
    api = Forgetful(9)
    extract(staging, api=api, rows_per_part=1)
    assert (api.asked, raw(staging)) == ([None], EVERYTHING)


@pytest.mark.parametrize("torn", [True, False])
def test_a_torn_or_changed_part_is_noticed(staging: Staging, torn: bool) -> None:
    name = f"r1/extract/contact/{extract(staging, 'c1,Ada,,,')['parts'][0]['name']}"
    staging.write_bytes(name, staging.read_bytes(name)[:-1] if torn else b"PAR1")
    with pytest.raises(StagingBroken, match="is not what its manifest says"):
        records(staging)


def test_the_file_can_change_in_the_inbox_under_the_run(staging: Staging) -> None:
    extract(staging, "c1,Ada,,,")
    extract(staging, "c1,Bob,,,")
    assert records(staging)["c1"]["name"] == "Ada"


def test_distinct_values_are_walked(staging: Staging) -> None:
    extract(staging, "c1,Ada,a@example.com;b@example.com,,", "c2,Bob,b@example.com,,", "c3,,,,")
    assert list(seen(staging, "r1", "contact", "email")) == ["a@example.com", "b@example.com"]
    assert extract_manifest(staging, "r1", "contact")["object"] == "contact"


def test_progress_is_told_without_values(staging: Staging) -> None:
    said: list[str] = []
    extract(staging, "c1,Ada,,,", "c2,Bob,,,", progress=Progress(said.append))
    [line] = said
    assert re.fullmatch(r"extract contact from contacts\.csv: 2, [\d,]+ a second", line)
