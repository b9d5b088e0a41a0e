"""The table that lays clusters before people, with what they decided before filled in."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from airflow_crm_migration.core.dedupe.decisions import Shown
from airflow_crm_migration.core.dedupe.model import Certainty, cluster_id
from airflow_crm_migration.core.values.texts import texts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_crm_migration.core.dedupe.decisions import Decision, Decisions
    from airflow_crm_migration.core.dedupe.model import Cluster
    from airflow_crm_migration.core.protocols import Values

_FIELDS = {
    "name": ("first_name", "last_name", "name"),
    "email": ("email", "other_emails"),
    "company": ("company", "domain", "website"),
    "phone": ("phone",),
    "title": ("title",),
    "linkedin": ("linkedin",),
    "created_at": ("created_at",),
    "updated_at": ("updated_at",),
}
_TWO = 2


def write_review(
    clusters: Sequence[Cluster], records: Mapping[str, Values], decisions: Decisions
) -> tuple[list[dict[str, str]], Shown]:
    """
    Return the review table: one row per record, the rows of a cluster together.

    A person writes ``merge`` or ``keep_apart`` into the last column of any row of a cluster, and
    takes a record out of a cluster by deleting its row. Where a cluster has only in part been
    decided, the decided records stand before it as a cluster of their own, and it stays open.

    :param clusters: as found
    :param records: source id -> typed record
    :param decisions: in force
    :return: rows, and what :func:`read_decisions` needs to tell what people changed in them
    """
    laid = _Laid(clusters, decisions)
    rows = [
        _row(block, source_id, records.get(source_id, {}), laid.decided.get(block.id))
        for block in laid.blocks
        for source_id in block.members
    ]
    members = {block.id: frozenset(block.members) for block in laid.blocks}
    homes = {ids: frozenset(laid.homes[ids]) for ids in decisions}
    return rows, Shown(members, dict(decisions), homes)


class _Laid:
    """Clusters as people see them: ``homes`` says below which ids a decision is shown."""

    def __init__(self, clusters: Sequence[Cluster], decisions: Decisions) -> None:
        self.blocks: list[Cluster] = []
        self.decided: dict[str, Decision] = {}
        self.homes: dict[frozenset[str], set[str]] = defaultdict(set)
        self._seen = {cluster.id for cluster in clusters}
        self._decisions = decisions
        self._about: dict[str, list[frozenset[str]]] = defaultdict(list)
        for ids in sorted(decisions, key=sorted):
            for source_id in ids:
                self._about[source_id].append(ids)
        for cluster in clusters:
            self._lay(cluster)

    def _lay(self, cluster: Cluster) -> None:
        about = {ids: None for source_id in cluster.members for ids in self._about[source_id]}
        for ids in about:
            part = tuple(member for member in cluster.members if member in ids)
            # what people said of a doubtful cluster leaves the certain ones inside it as they are
            beyond = cluster.kind is Certainty.CERTAIN and not ids.issubset(cluster.members)
            if len(part) < _TWO or beyond:
                continue
            block_id = cluster_id(part)
            self.homes[ids].add(block_id)
            self.decided[block_id] = self._decisions[ids]
            if block_id not in self._seen:
                self._seen.add(block_id)
                survivor = cluster.survivor if cluster.survivor in part else part[0]
                self.blocks.append(replace(cluster, id=block_id, members=part, survivor=survivor))
        self.blocks.append(cluster)


def _row(
    block: Cluster, source_id: str, record: Values, decision: Decision | None
) -> dict[str, str]:
    return {
        "cluster": block.id,
        "kind": str(block.kind),
        "score": f"{block.score:.2f}",
        "reasons": " ".join(block.reasons),
        "record": source_id,
        "survivor": "yes" if source_id == block.survivor else "",
        **{
            header: " ".join(text for field in fields for text in texts(record.get(field)))
            for header, fields in _FIELDS.items()
        },
        "decision": str(decision or ""),
    }
