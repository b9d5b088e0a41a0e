"""A staging as a run leaves it, made by hand, and a reader of the report that is made of it."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.dedupe.model import MergeMap
from airflow_crm_migration.core.gates import Gate, propose
from airflow_crm_migration.core.keyring import Keyring
from airflow_crm_migration.core.lease import Lease
from airflow_crm_migration.core.ledger.writer import Ledger, LedgerPlace, LedgerWriter
from airflow_crm_migration.core.mapping import Mapping, load_mapping
from airflow_crm_migration.core.mapping_values import OptionRule
from airflow_crm_migration.core.outcomes import Outcome, Reason
from airflow_crm_migration.core.reconcile import LineBalance, PhaseReconciliation
from airflow_crm_migration.core.report.facts import collected
from airflow_crm_migration.core.report.write import write_report
from airflow_crm_migration.core.signoff import sign
from airflow_crm_migration.core.staging import PartWriter, Staging

if TYPE_CHECKING:
    from airflow_crm_migration.core.report.model import Facts

RUN = "20260301T120000Z-0123abcd"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
RING = Keyring({"k1": b"1" * 32})
HELD = 60
STAGES = ("Prospecting", "Closed Won")

OUTCOMES: dict[str, dict[str, dict[str, dict[str, int]]]] = {
    "company": {
        "company": {"created": {"new": 495}, "linked": {"existing_record": 5}},
        "company_of_domain": {"created": {"new": 20}, "excluded": {"condition": 1980}},
    },
    "person": {
        "person": {
            "created": {"new": 1874, "stored_differently": 1},
            "merged": {"duplicate_certain": 60},
            "held": {"duplicate_undecided": HELD},
            "conflict": {"changed_in_both": 1},
            "rejected": {"refused": 3, "required_blank": 1},
        },
        "tag": {"merged": {"folded": 40}, "held": {"parent_missing": 2}},
    },
    "opportunity": {"opportunity": {"created": {"new": 300}}},
    "task": {
        "activity": {"created": {"new": 5000}, "unchanged": {"same": 12}},
        "note_as_task": {"created": {"new": 1000}},
    },
    "attachment": {"attachment": {"created": {"new": 90}, "rejected": {"file_too_large": 1}}},
}
"""Phase -> line -> outcome -> reason -> number."""


@dataclass
class Rejection:
    """A record for the ledger that did not arrive."""

    source_id: str
    outcome: Outcome
    reason: Reason
    detail: str = ""
    part: str = ""


def refusals() -> list[Rejection]:
    """What the figures above say of people."""
    words = "Object person must have unique emails; value already in use"
    return [
        *[Rejection(f"c-{n}", Outcome.REJECTED, Reason.REFUSED, words) for n in range(3)],
        Rejection("c-3", Outcome.REJECTED, Reason.REQUIRED_BLANK, "name"),
        Rejection("c-4", Outcome.CONFLICT, Reason.CHANGED_IN_BOTH, "jobTitle"),
        *[Rejection(f"d-{n}", Outcome.HELD, Reason.DUPLICATE_UNDECIDED) for n in range(HELD)],
        Rejection(
            "c-9", Outcome.REJECTED, Reason.REFUSED, "no such task", "taskTarget:contact:c-9"
        ),
    ]


@dataclass
class MadeRun:
    """
    A run whose staging is made step by step; a test leaves out what its run never reached.

    :param customer: a name that comes from outside, as every text here
    """

    staging: Staging
    customer: str = "Ada's Bakery & Söhne"

    def begin(self, **more: Any) -> MadeRun:
        told = {
            "engagement": "acme", "customer": self.customer, "title": "Klipy CRM to Twenty CRM",
            "pair": "klipy_to_twenty", "mode": "full", "environment": "sandbox", "dry_run": False,
            "sample_size": None, "run_id": "manual__1", "started": "2026-03-01T12:00:00.000Z",
        }  # fmt: skip
        return self.write("run.json", told | more)

    def write(self, name: str, value: Any) -> MadeRun:
        self.staging.write_json(f"{RUN}/{name}", value)
        return self

    def extract(self) -> MadeRun:
        objects = {"company": 500, "contact": 2000, "deal": 300, "activity": 5012, "note": 1000}
        objects |= {"tag": 42, "attachment": 91}
        self.write(
            "probe.json",
            [
                {"object": o, "route": "api+csv", "reason": "no custom fields by API", "count": n}
                for o, n in objects.items()
            ],
        )
        for name, number in objects.items():
            bad = 1 if name == "contact" else 0
            counts = {"read": number, "typed": number - bad, "rejected": bad, "collapsed": 0}
            counts |= {"api_only": number - 5, "csv_only": 2, "both": 3}
            absent = ["phone", "tags"] if name == "contact" else []
            self.write(
                f"extract/{name}/manifest.json",
                {"format": 1, "package": "1", "parts": [], "counts": counts, "route": "api+csv"}
                | {"absent": absent},
            )
        rejected = PartWriter(self.staging, f"{RUN}/extract/contact/rejected")
        cell = {"field": "created_at", "problem": "no date", "value": "yesterday"}
        rejected.add(
            {"id": "c-3", "file": "contacts.csv", "row": 7, "reason": "bad_cell", "cells": [cell]}
        )
        rejected.finish()
        return self

    def decide(self, mapping: Mapping | None = None) -> MadeRun:
        self.write(
            "dedupe/clusters.json", {"contact": [cluster(1), cluster(2, "doubtful")], "company": []}
        )
        merges = MergeMap(merged={"m-1": "s-1"}, held={"m-2": "0" * 12, "s-2": "0" * 12})
        self.write(
            "dedupe/decided.json", {"contact": merges.to_json(), "company": MergeMap().to_json()}
        )
        owner = {
            "name": "Bob",
            "email": "",
            "records": 7,
            "status": "left_empty",
            "member_id": None,
        }
        self.write("owners/matches.json", [owner | {"by": "override"}])
        change = {"line": "person", "field": "klipyTags", "from": "a,b", "to": "a b"}
        dump = (mapping or resolved()).model_dump(mode="json", by_alias=True)
        self.write("mapping/proposal.json", {"mapping": dump, "changes": [change]})
        detail = {
            "object": "person",
            "field": "klipyTags",
            "action": "create_field",
            "detail": "Tags",
        }
        self.write("schema/changes.json", [detail])
        decisions = {"mapping": dump, "choices": {"manual_notes": "task"}, "owners": {}}
        proposal = propose(self.staging, Gate("acme", "mapping", "sandbox"), decisions, {}, NOW)
        sign(
            self.staging,
            RING,
            proposal,
            signer="Ann <ann@acme.example>",
            recorded_by="op@host",
            now=NOW,
        )
        return self

    def load(
        self,
        phases: list[str] | None = None,
        *,
        count: bool = True,
        conflicts: tuple[dict[str, Any], ...] = (),
        **more: Any,
    ) -> MadeRun:
        for phase in phases or list(OUTCOMES):
            lines = OUTCOMES[phase]
            read = {line: total(outcomes) for line, outcomes in lines.items()}
            transformed = PartWriter(self.staging, f"{RUN}/transform/{phase}")
            transformed.finish(read=read, phase=phase)
            loaded = PartWriter(self.staging, f"{RUN}/load/{phase}")
            for issue in more.get(phase, ()):
                loaded.add(issue)
            disputed = PartWriter(self.staging, f"{RUN}/load/{phase}/conflicts")
            for one in conflicts if phase == "person" else ():
                disputed.add(one)
            disputed.finish()
            joins = {"created": 7000} if phase == "task" else {}
            loaded.finish(outcomes=lines, joins=joins, residue=[], requests={})
            if count:
                self.write(f"reconcile/{phase}.json", reconciliation(phase).as_json())
        return self

    def tell_ledger(self, told: list[Rejection]) -> MadeRun:
        place = LedgerPlace.of("sandbox")
        with (
            Lease(self.staging, place.lease, "test") as lease,
            Ledger(self.staging, place) as ledger,
        ):
            writer = LedgerWriter(ledger, "person", lease=lease, tenant="t", run=RUN)
            writer.conclude(
                [
                    {"key": ["person", "contact", one.source_id, one.part], "outcome": one.outcome}
                    | {"reason": one.reason, "detail": one.detail}
                    for one in told
                ]
            )
        return self

    def complete(self) -> MadeRun:
        issue = {"key": ["person", "contact", "c-7", ""], "field": "companyId"}
        issues = [issue | {"problem": "parent_missing", "detail": "Nowhere Ltd"}] * 55
        conflict = {"key": ["person", "contact", "c-4", ""], "field": "jobTitle", "id": "p-4"}
        conflict |= {"reason": "changed_in_both", "kept": "destination", "before": "Clerk"}
        conflicts = (
            conflict | {"source": "Chief", "destination": "Boss"},
            conflict | {"field": "emails", "source": ["a@x.example", "b@x.example"]},
        )
        self.begin().extract().decide().load(person=issues, conflicts=conflicts)
        self.tell_ledger(refusals())
        return self.write("files.json", {"secured": 90, "file_too_large": 1})

    def collect(self) -> Facts:
        with collected(self.staging, RUN, keyring=RING) as facts:
            return facts

    def report(self, **more: Any) -> Report:
        return Report(self.staging, write_report(self.staging, RUN, **{"keyring": RING, **more}))


def total(outcomes: dict[str, dict[str, int]]) -> int:
    return sum(number for reasons in outcomes.values() for number in reasons.values())


def reconciliation(phase: str, **more: Any) -> PhaseReconciliation:
    lines = [
        LineBalance(line, resolved_sources()[line], total(outcomes), outcomes)
        for line, outcomes in OUTCOMES[phase].items()
    ]
    made = sum(total({"c": o["created"]}) for o in OUTCOMES[phase].values() if "created" in o)
    return PhaseReconciliation(phase, made, made, lines=lines, **more)


def resolved() -> Mapping:
    """Return the pair's mapping with the choices of one field made."""
    mapping = load_mapping("klipy_to_twenty")
    options = tuple(OptionRule(value=s.upper().replace(" ", "_"), label=s) for s in STAGES)
    chosen = {o.label.casefold(): o.value for o in options}
    lines = []
    for line in mapping.lines:
        if line.destination == "note":
            continue
        rules = [
            rule.model_copy(update={"options": options, "map": chosen})
            if rule.to == "stage"
            else rule
            for rule in line.fields
        ]
        lines.append(line.model_copy(update={"fields": tuple(rules)}))
    kept = {line.id for line in lines} | {fold.id for fold in mapping.folds}
    rows = [
        row.model_copy(update={"by": tuple(b for b in row.by if b.partition(".")[0] in kept)})
        for row in mapping.rows
    ]
    return mapping.model_copy(update={"lines": tuple(lines), "rows": tuple(rows)})


def resolved_sources() -> dict[str, str]:
    mapping = load_mapping("klipy_to_twenty")
    return {one.id: one.source for one in [*mapping.lines, *mapping.folds]}


def cluster(number: int, kind: str = "certain") -> dict[str, Any]:
    members = [f"m-{number}", f"s-{number}"]
    return {
        "id": f"{number:012d}", "members": members, "survivor": f"s-{number}", "kind": kind,
        "reasons": ["same_email"], "score": 1.0,
    }  # fmt: skip


# -- reading -------------------------------------------------------------------------------


@dataclass
class Report:
    """A written report as its readers find it."""

    staging: Staging
    name: str

    @property
    def html(self) -> str:
        return self.staging.read_bytes(self.name).decode()

    @property
    def page(self) -> Page:
        page = Page()
        page.feed(self.html)
        page.close()
        return page

    def csv(self, name: str) -> list[dict[str, str]]:
        csv.field_size_limit(1 << 24)
        content = self.staging.read_bytes(f"{self.name.rpartition('/')[0]}/{name}.csv")
        return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))

    def names(self) -> set[str]:
        folder = self.name.rpartition("/")[0]
        return {name.rpartition("/")[2] for name in self.staging.names(folder)}


class Page(HTMLParser):
    """What is on a page: elements, texts by section, tables by caption."""

    VOID = frozenset({"meta"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: dict[str, str] = {}
        self.tables: dict[str, list[list[str]]] = {}
        self._section = ""
        self._caption = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)
        if tag == "section":
            self._section = str(dict(attrs)["id"])
        if tag == "caption":
            self._caption = ""
        if tag == "tr":
            self.tables.setdefault(self._caption, []).append([])
        if tag in ("td", "th"):
            self.tables[self._caption][-1].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes another element"
        if tag == "section":
            self._section = ""

    def handle_data(self, data: str) -> None:
        if "caption" in self.open:
            self._caption += data
        elif self.open and self.open[-1] in ("td", "th"):
            self.tables[self._caption][-1][-1] += data
        self.text[self._section] = self.text.get(self._section, "") + data

    def rows(self, caption: str) -> list[dict[str, str]]:
        head, *body = self.tables[caption]
        return [dict(zip(head, row, strict=True)) for row in body]
