"""Loads hand-made drafts into a Twenty stand-in, and looks at both ends."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import requests

from airflow_crm_migration.core.ledger.writer import Ledger
from airflow_crm_migration.core.mapping import parse_mapping
from airflow_crm_migration.core.run import Run
from airflow_crm_migration.core.staging import PartWriter, Staging, read_parts
from airflow_crm_migration.core.steps.load import load_step
from airflow_crm_migration.core.steps.reconcile import reconcile_step
from airflow_crm_migration.core.steps.schema import prepare_destination
from airflow_crm_migration.emulators.base import start
from airflow_crm_migration.emulators.twenty import create
from airflow_crm_migration.hooks.twenty import TwentyHook

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import pytest

    from airflow_crm_migration.core.ledger.snapshot import Entry
    from airflow_crm_migration.emulators.base import RunningEmulator

PAIR = """
format: 1
source: somewhere
destination: twenty
title: A small pair
rows: []
lines:
  - id: company
    source: company
    destination: company
    source_id_field: migrationSourceId
    existing: {{by: domainName, policy: {policy}}}
    fields:
      - {{to: name, from: name}}
      - {{to: domainName, from: domain}}
      - {{to: createdAt, from: created_at, only_new: true}}
      - {{to: updatedAt, from: updated_at, incidental: true}}
  - id: person
    source: contact
    destination: person
    source_id_field: migrationSourceId
    existing: {{by: emails, policy: {policy}}}
    fields:
      - {{to: name, from: name}}
      - {{to: emails, from: email, unusable_to: unusable}}
      - {{to: jobTitle, from: title}}
      - {{to: city, from: city, create: {{type: text, label: City}}}}
      - {{to: createdAt, from: created_at, only_new: true}}
      - {{to: updatedAt, from: updated_at, incidental: true}}
      - {{to: unusable, create: {{type: text, label: Not usable}}}}
    links:
      - {{to: companyId, lines: company, ways: [{{object: company, from: company, by: id}}]}}
  - id: task
    source: activity
    destination: task
    source_id_field: migrationSourceId
    fields:
      - {{to: title, from: title}}
    links:
      - {{to: targets, many: true, lines: person,
          ways: [{{object: contact, from: contact, by: id}}]}}
  - id: attachment
    source: attachment
    destination: attachment
    fields:
      - {{to: name, from: name}}
    links:
      - {{to: targetPersonId, lines: person,
          ways: [{{object: contact, from: contact, by: id}}]}}
"""
KEY = "emulator-key"
SOURCES = {"company": "company", "person": "contact", "task": "activity"}


def draft(line: str, source_id: str, values: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a draft of a line that marks its records."""
    marked = {**values, "migrationSourceId": f"acme:{line}:{source_id}"}
    key = [line, SOURCES[line], source_id, ""]
    return {"key": key, "values": marked, "links": {}, "joins": {}, **more}


def company(source_id: str, **values: Any) -> dict[str, Any]:
    """Return a company's draft."""
    return draft("company", source_id, {"name": f"Company {source_id}", **values})


def person(
    source_id: str, company_id: str | None = None, *, hold: bool = False, **values: Any
) -> dict[str, Any]:
    """Return a person's draft, with an address of its own unless one is given."""
    made = draft("person", source_id, {"emails": [f"{source_id}@x.example"], **values})
    if company_id is not None:
        keys = [["company", "company", company_id, ""]]
        made["links"] = {"companyId": {"keys": keys, "hold": hold}}
    return made


def task(source_id: str, *people: str, hold: bool = False) -> dict[str, Any]:
    """Return the draft of a task about people."""
    targets = [[["person", "contact", name, ""]] for name in people]
    joins = {"targets": {"targets": targets, "hold": hold}}
    return draft("task", source_id, {"title": f"Task {source_id}"}) | {"joins": joins}


class Loading:
    """An engagement's staging, a workspace, and what happens between them."""

    def __init__(self, server: RunningEmulator, folder: Path, conn_id: str, policy: str) -> None:
        self.server = server
        self.staging = Staging(folder)
        self.conn_id = conn_id
        self.mapping = parse_mapping(PAIR.format(policy=policy), "small.yaml")
        self.hook = TwentyHook(conn_id)
        self._prepared: set[str] = set()
        self._prepare(self.run())

    # -- loading ---------------------------------------------------------------------------

    def run(self, name: str = "run-1", *, dry_run: bool = False) -> Run:
        return Run(self.staging, name, "acme", "sandbox", dry_run)

    def _prepare(self, run: Run) -> None:
        if run.folder not in self._prepared:
            self._prepared.add(run.folder)
            prepare_destination(run, self.hook, self.mapping)

    def prepare_again(self, run: str = "run-1") -> None:
        """Run the step again that makes fields and options."""
        prepare_destination(self.run(run), self.hook, self.mapping)

    def load(
        self,
        phase: str,
        drafts: list[dict[str, Any]],
        *,
        run: str = "run-1",
        dry_run: bool = False,
        hook: Any = None,
        **how: Any,
    ) -> dict[str, Any]:
        """Load drafts and return what the load says."""
        self.transform(phase, drafts, run=run)
        return self.load_again(phase, run=run, dry_run=dry_run, hook=hook, **how)

    def transform(self, phase: str, drafts: list[dict[str, Any]], *, run: str = "run-1") -> None:
        """Write drafts."""
        at = self.run(run)
        self._prepare(at)
        writer = PartWriter(self.staging, at.name(f"transform/{phase}"))
        for row in drafts:
            writer.add(row)
        writer.finish(read=Counter(row["key"][0] for row in drafts), phase=phase)

    def gone(self, source_id: str, run: str) -> None:
        """List a contact as gone from the source, as a run's extract shows."""
        writer = PartWriter(self.staging, f"{run}/gone/contact")
        writer.add({"id": source_id, "line": "person", "destination_id": "x"})
        writer.finish()

    def load_again(
        self,
        phase: str,
        *,
        run: str = "run-1",
        dry_run: bool = False,
        hook: Any = None,
        **how: Any,
    ) -> dict[str, Any]:
        """Load the drafts that were written before."""
        at = self.run(run, dry_run=dry_run)
        hook = hook or TwentyHook(self.conn_id)
        how = {"owners": {}, "say": lambda line: None, **how}
        return load_step(at, hook, self.mapping, phase, **how)

    def reconcile(self, phase: str, run: str = "run-1") -> dict[str, Any]:
        """Reconcile a phase, which must add up, and return what the report shows."""
        reconcile_step(self.run(run), self.hook, self.mapping, phase)
        return self.staging.read_json(f"{run}/reconcile/{phase}.json")

    def file(self, source_id: str, contact: str, content: bytes) -> dict[str, Any]:
        """Secure a binary and return the draft of its attachment."""
        digest = hashlib.sha256(content).hexdigest()
        self.staging.write_bytes(f"files/{digest}", content)
        keys = [["person", "contact", contact, ""]]
        return {
            "key": ["attachment", "attachment", source_id, ""],
            "values": {"name": f"{source_id}.txt"},
            "links": {"targetPersonId": {"keys": keys, "hold": True}},
            "joins": {},
            "file": {"sha256": digest, "size": len(content)},
        }

    # -- what the ledger says --------------------------------------------------------------

    def entries(self, phase: str, *, principal: bool = True) -> dict[str, Entry]:
        """Return source id (or part) -> entry."""
        with Ledger(self.staging, self.run().ledger) as ledger:
            found = list(ledger.snapshot.entries(phase, principal=principal))
        return {e.key.source_id if principal else e.key.part: e for e in found}

    def entry(self, phase: str, source_id: str) -> Entry:
        return self.entries(phase)[source_id]

    def open_intents(self, phase: str) -> list[dict[str, Any]]:
        with Ledger(self.staging, self.run().ledger) as ledger:
            return ledger.snapshot.open_intents(phase)

    def issues(self, phase: str, run: str = "run-1") -> list[dict[str, Any]]:
        return list(read_parts(self.staging, f"{run}/load/{phase}"))

    def conflicts(self, phase: str, run: str = "run-1") -> list[dict[str, Any]]:
        return list(read_parts(self.staging, f"{run}/load/{phase}/conflicts"))

    # -- what the workspace says -----------------------------------------------------------

    def control(self, path: str, body: Any = None) -> Any:
        method = "GET" if body is None else "POST"
        url = f"{self.server.base_url}/_emulator/{path}"
        reply = requests.request(method, url, json=body, timeout=30)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def records(self, object_name: str) -> list[dict[str, Any]]:
        return list(self.control("content")[object_name])

    def made_by_hand(self, object_name: str, **record: Any) -> dict[str, Any]:
        return dict(self.control("person-made", {"object": object_name, "record": record}))

    def edit(self, object_name: str, record_id: str, **record: Any) -> None:
        self.control("edit", {"object": object_name, "id": record_id, "record": record})

    def remove(self, object_name: str, record_id: str, action: str = "delete") -> None:
        self.control("edit", {"object": object_name, "id": record_id, "action": action})

    def field(self, object_name: str, name: str) -> dict[str, Any]:
        """Return a field as the metadata API shows it."""
        objects = self.metadata("GET", "objects")["data"]
        [owner] = [o for o in objects if o["nameSingular"] == object_name]
        [found] = [f for f in owner["fields"] if f["name"] == name]
        return dict(found)

    def metadata(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the metadata API, as an administrator of the workspace would."""
        url = f"{self.server.base_url}/rest/metadata/{path}"
        headers = {"Authorization": f"Bearer {KEY}"}
        reply = requests.request(method, url, json=body, headers=headers, timeout=30)
        assert reply.ok, reply.text
        return reply.json()

    def fault(self, **rule: Any) -> None:
        self.control("faults", [rule])

    def calls(self, name: str) -> dict[str, int]:
        """Return status -> how often a call was made since the last :meth:`forget`."""
        return dict(self.control("requests")["calls"].get(name, {}))

    def forget(self) -> None:
        self.control("reset-counters", {})


KEY = "emulator-key"


def loadings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Loading]]:
    """Give what starts a workspace to be loaded under a policy for existing records."""
    started: list[RunningEmulator] = []

    def make(policy: str = "link", **extra: Any) -> Loading:
        free = {"short_limit": (1e9, 1.0), "long_limit": (1e9, 60.0), "demo_records": False}
        server = start(create(api_key=KEY, scale=600, **free))
        started.append(server)
        name = f"twenty_{len(started)}"
        connection = {
            "conn_type": "twenty",
            "host": server.base_url,
            "password": KEY,
            "extra": {"rate_limits": "100000/1s", **extra},
        }
        monkeypatch.setenv(f"AIRFLOW_CONN_{name.upper()}", json.dumps(connection))
        return Loading(server, tmp_path / name, name, policy)

    yield make
    for server in started:
        server.stop()
