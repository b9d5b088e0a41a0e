"""The duplicate steps: find clusters, lay them before people, apply what they decided."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.dedupe.companies import find_duplicate_companies
from airflow_crm_migration.core.dedupe.decisions import (
    Shown,
    decisions_from_json,
    decisions_json,
    read_decisions,
)
from airflow_crm_migration.core.dedupe.model import Certainty, Cluster, Match, MergeMap
from airflow_crm_migration.core.dedupe.people import find_duplicate_people
from airflow_crm_migration.core.dedupe.resolve import resolve
from airflow_crm_migration.core.dedupe.review import write_review
from airflow_crm_migration.core.dedupe.roles import Roles
from airflow_crm_migration.core.dedupe.sheet import sheet_bytes, sheet_rows
from airflow_crm_migration.core.dedupe.survivors import merged_values
from airflow_crm_migration.core.extract_read import extracted_spec
from airflow_crm_migration.core.gates import Gate, propose, read_proposal
from airflow_crm_migration.core.ids import Key
from airflow_crm_migration.core.ledger.writer import Ledger
from airflow_crm_migration.core.outcomes import Outcome, Reason
from airflow_crm_migration.core.staging import PartWriter, Staging
from airflow_crm_migration.core.transform.drafts import Stopped

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from airflow_crm_migration.core.dedupe.decisions import Decisions
    from airflow_crm_migration.core.ledger.snapshot import Snapshot
    from airflow_crm_migration.core.mapping import Mapping as PairMapping
    from airflow_crm_migration.core.protocols import Values
    from airflow_crm_migration.core.run import Run
    from airflow_crm_migration.core.transform.link_index import Survivors

FINDERS = {"people": find_duplicate_people, "companies": find_duplicate_companies}
_DECIDED = "dedupe/decided.json"


@dataclass(frozen=True)
class Decided:
    """What becomes of duplicates: source object -> merge map."""

    maps: Mapping[str, MergeMap]

    @property
    def survivors(self) -> Survivors:
        """(object, merged id) -> id under which the record lives on."""
        return {
            (name, source_id): survivor
            for name, merge_map in self.maps.items()
            for source_id, survivor in merge_map.merged.items()
        }

    def verdict(self, object_name: str, source_id: str) -> Stopped | None:
        """Return why a record does not arrive as itself, None when it does."""
        merge_map = self.maps.get(object_name)
        reason = merge_map.reason(source_id) if merge_map else None
        if merge_map is None or reason is None:
            return None
        if reason is Reason.DUPLICATE_UNDECIDED:
            return Stopped(Outcome.HELD, reason, f"cluster {merge_map.held[source_id]}")
        return Stopped(Outcome.MERGED, reason, into=merge_map.merged[source_id])


def read_decided(run: Run) -> Decided:
    """Return what this run does with duplicates."""
    kept = run.read_if_there(_DECIDED, {})
    return Decided({name: MergeMap.from_json(data) for name, data in kept.items()})


def find_step(run: Run, mapping: PairMapping) -> dict[str, int]:
    """
    Search the whole extract, keep what was found, and lay it before people.

    :return: source object and kind -> number of clusters
    """
    found: dict[str, list[Cluster]] = {}
    counts: dict[str, int] = {}
    for name, rule in mapping.duplicates.items():
        roles = Roles(rule.fields)
        clusters = FINDERS[rule.kind](roles.of(run.records(name)))
        found[name] = clusters
        for cluster in clusters:
            label = f"{name} {cluster.kind}"
            counts[label] = counts.get(label, 0) + 1
    run.write("dedupe/clusters.json", {n: [asdict(c) for c in cs] for n, cs in found.items()})
    decided = {name: _decided(run.staging, run.engagement, name) for name in found}
    # proposed before the sheets are written anew: a decision is never in neither of them
    _propose(run.staging, run.engagement, decided, counts)
    for name, rule in mapping.duplicates.items():
        _write_sheet(run, name, Roles(rule.fields), found[name], decided[name])
    return counts


def reread_sheets(staging: Staging, engagement: str) -> None:
    """
    Lay before the customer anew what people have written into the review sheets since.

    :raises UserMistake: with every unusable row of the sheets
    """
    proposal = read_proposal(staging, Gate(engagement, "duplicates"))
    if proposal is not None:
        names = list(proposal.decisions["decided"])
        decided = {name: _decided(staging, engagement, name) for name in names}
        _propose(staging, engagement, decided, proposal.evidence["clusters"])


def decide_step(run: Run, mapping: PairMapping, signed: Mapping[str, Any]) -> dict[str, int]:
    """
    Apply what was signed about duplicates.

    :param signed: the signed decisions
    :return: source object and what became of records -> number
    """
    clusters = run.read("dedupe/clusters.json")
    maps: dict[str, MergeMap] = {}
    writer = PartWriter(run.staging, run.name("dedupe/merged"))
    with Ledger(run.staging, run.ledger) as ledger:
        for name in mapping.duplicates:
            decided = decisions_from_json(signed["decided"].get(name, []))
            found = [cluster_of(c) for c in clusters[name]]
            maps[name] = resolve(found, decided, _standing(ledger.snapshot, mapping, name, found))
    for name, rule in mapping.duplicates.items():
        for values in _survivors(run, name, Roles(rule.fields), maps[name]):
            writer.add({"object": name, "values": values})
    writer.finish()
    run.write(_DECIDED, {name: merge_map.to_json() for name, merge_map in maps.items()})
    return {
        f"{name} {what}": number
        for name, merge_map in maps.items()
        for what, number in (("merged", len(merge_map.merged)), ("held", len(merge_map.held)))
    }


def _standing(
    snapshot: Snapshot, mapping: PairMapping, name: str, clusters: Sequence[Cluster]
) -> frozenset[str]:
    """Return the members of clusters that an earlier run brought into the destination."""
    lines = [line.id for line in mapping.lines if line.source == name and line.one_per is None]

    def stands(member: str) -> bool:
        entries = (snapshot.entry(Key(line, name, member)) for line in lines)
        return any(entry is not None and entry.stands for entry in entries)

    return frozenset(m for cluster in clusters for m in cluster.members if stands(m))


def cluster_of(data: Mapping[str, Any]) -> Cluster:
    """Read a cluster as :func:`find_step` kept it."""
    return Cluster(
        id=data["id"],
        members=tuple(data["members"]),
        survivor=data["survivor"],
        kind=Certainty(data["kind"]),
        reasons=tuple(Match(reason) for reason in data["reasons"]),
        score=data["score"],
    )


def sheet_name(object_name: str) -> str:
    """Return where the review sheet of an object lies."""
    return f"review/duplicates/{object_name}.csv"


def _survivors(run: Run, name: str, roles: Roles, merge_map: MergeMap) -> Iterator[Values]:
    """Walk the surviving records with the values of those that become part of them."""
    members = merge_map.members()
    wanted = {i for survivor, others in members.items() for i in (survivor, *others)}
    records = {str(r["id"]): r for r in roles.of(run.records(name)) if str(r["id"]) in wanted}
    spec = roles.spec(extracted_spec(run.staging, run.folder, name))
    for survivor, others in members.items():
        group = [records[i] for i in (survivor, *others) if i in records]
        yield roles.back(merged_values(group, survivor, spec).values)


def _propose(
    staging: Staging,
    engagement: str,
    decided: Mapping[str, Decisions],
    counts: Mapping[str, int],
) -> None:
    """Lay decisions before the customer: the rule and what people decided, not what was found."""
    decisions = {
        "certain_matches": "merge",
        "undecided_matches": "hold",
        "decided": {name: decisions_json(found) for name, found in decided.items()},
    }
    gate = Gate(engagement, "duplicates")
    propose(staging, gate, decisions, {"clusters": dict(counts)}, datetime.now(UTC))


def _write_sheet(
    run: Run, name: str, roles: Roles, clusters: list[Cluster], decided: Decisions
) -> None:
    """Write the review sheet anew; what people decided stays."""
    members = {i for cluster in clusters for i in cluster.members}
    records = {str(r["id"]): r for r in roles.of(run.records(name)) if str(r["id"]) in members}
    rows, shown = write_review(clusters, records, decided)
    # without a sheet the proposal counts: so a crash leaves no sheet beside what another one showed
    if run.staging.exists(sheet_name(name)):
        run.staging.delete(sheet_name(name))
    run.staging.write_json(_shown_name(name), shown.to_json())
    run.staging.write_bytes(sheet_name(name), sheet_bytes(rows))


def _decided(staging: Staging, engagement: str, name: str) -> Decisions:
    """Return the decisions in force: those of the review sheet, else those proposed before."""
    sheet = sheet_name(name)
    if not staging.exists(sheet):
        proposal = read_proposal(staging, Gate(engagement, "duplicates"))
        return decisions_from_json(proposal.decisions["decided"].get(name, [])) if proposal else {}
    shown = Shown.from_json(staging.read_json(_shown_name(name)))
    return read_decisions(sheet, sheet_rows(sheet, staging.read_bytes(sheet)), shown)


def _shown_name(object_name: str) -> str:
    return f"dedupe/shown/{object_name}.json"
