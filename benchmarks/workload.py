"""The records that are loaded: drafts as a transform writes them, without anything foreseeable."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.mapping import Mapping, parse_mapping
from airflow_crm_migration.core.staging import PartWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_crm_migration.core.run import Run

Draft = dict[str, Any]

ENGAGEMENT = "bench"
PAIR = """
format: 1
source: workload
destination: twenty
title: Benchmark
rows: []
lines:
  - id: company
    source: company
    destination: company
    source_id_field: migrationSourceId
    existing: {by: domainName, policy: link}
    fields:
      - {to: name, from: name}
      - {to: domainName, from: domain}
      - {to: createdAt, from: created_at, only_new: true}
  - id: person
    source: contact
    destination: person
    source_id_field: migrationSourceId
    existing: {by: emails, policy: link}
    fields:
      - {to: name, from: name}
      - {to: emails, from: email}
      - {to: jobTitle, from: title}
      - {to: createdAt, from: created_at, only_new: true}
    links:
      - {to: companyId, lines: company, ways: [{object: company, from: company, by: id}]}
  - id: task
    source: activity
    destination: task
    source_id_field: migrationSourceId
    fields:
      - {to: title, from: title}
      - {to: bodyV2, from: body}
    links:
      - {to: targets, many: true, lines: person,
          ways: [{object: contact, from: contact, by: id}]}
"""
SOURCES = {"company": "company", "person": "contact", "task": "activity"}

_CREATED = "2021-03-01T09:30:00.000Z"
_WORDS = "We spoke about the renewal, the new site and who signs. "


def mapping() -> Mapping:
    """Return the mapping that the drafts are written by."""
    return parse_mapping(PAIR, "benchmarks/workload.py")


def write_drafts(run: Run, phase: str, number: int, bad: int = 0, start: int = 0) -> None:
    """
    Write what a transform would hand to the load.

    :param number: of records
    :param bad: of them that Twenty refuses and nobody foresaw, evenly spread
    :param start: number of the first one
    """
    writer = PartWriter(run.staging, run.name(f"transform/{phase}"))
    read: Counter[str] = Counter()
    for draft in _drafts(phase, number, bad, start):
        writer.add(draft)
        read[phase] += 1
    writer.finish(read=dict(read), phase=phase)


def _drafts(phase: str, number: int, bad: int, start: int) -> Iterator[Draft]:
    refused = {at * number // bad for at in range(bad)} if bad else set()
    for at in range(number):
        key = [phase, SOURCES[phase], f"{phase[0]}{start + at}", ""]
        draft: Draft = {"key": key, "values": {}, "links": {}, "joins": {}}
        _MAKERS[phase](draft, start + at)
        draft["values"]["migrationSourceId"] = f"{ENGAGEMENT}:{phase}:{key[2]}"
        if at in refused:
            draft["values"]["emails"] = [f"no address of {start + at}"]
        yield draft


def _company(draft: Draft, at: int) -> None:
    url = f"https://company-{at}.example"
    draft["values"] = {
        "name": f"Company {at}",
        "domainName": [{"url": url, "label": ""}],
        "createdAt": _CREATED,
    }


def _person(draft: Draft, at: int) -> None:
    draft["values"] = {
        "name": {"first": f"Given {at}", "last": "Family"},
        "emails": [f"person-{at}@company-{at}.example"],
        "jobTitle": "Head of Sales",
        "createdAt": _CREATED,
    }
    draft["links"] = {"companyId": _link("company", "company", f"c{at}")}


def _task(draft: Draft, at: int) -> None:
    draft["values"] = {"title": f"Call {at}", "bodyV2": _WORDS * 8}
    targets = [[["person", "contact", f"p{at}", ""]]]
    draft["joins"] = {"targets": {"targets": targets, "hold": False}}


def _link(line: str, source: str, source_id: str) -> dict[str, Any]:
    return {"keys": [[line, source, source_id, ""]], "hold": False}


_MAKERS: dict[str, Callable[[Draft, int], None]] = {
    "company": _company,
    "person": _person,
    "task": _task,
}
