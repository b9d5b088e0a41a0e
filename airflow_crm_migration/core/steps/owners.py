"""The owner step: who owns the records that move, and who that is in the destination."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from airflow_crm_migration.core.owners import OwnerStatus, SourceOwner, owner_key
from airflow_crm_migration.core.steps.source_records import read_selection
from airflow_crm_migration.core.values.texts import texts

if TYPE_CHECKING:
    from airflow_crm_migration.core.mapping import Mapping as PairMapping
    from airflow_crm_migration.core.run import Run

OWNERS = "owners/owners.json"
MATCHES = "owners/matches.json"


def collect_owners(run: Run, mapping: PairMapping) -> int:
    """
    List every owner of a record that moves.

    :return: how many there are
    """
    shown: dict[str, str] = {}
    counts: Counter[str] = Counter()
    selection = read_selection(run)
    for name, fields in _owner_fields(mapping).items():
        for record in run.records(name):
            if selection is not None and str(record["id"]) not in selection.get(name, set()):
                continue
            for text in {t for field in fields for t in texts(record.get(field))[:1]}:
                key = owner_key(text)
                shown.setdefault(key, " ".join(text.split()))
                counts[key] += 1
    owners = [
        SourceOwner("" if "@" in shown[key] else shown[key], key if "@" in key else "", number)
        for key, number in sorted(counts.items())
    ]
    run.write(OWNERS, [vars(owner) for owner in owners])
    return len(owners)


def _owner_fields(mapping: PairMapping) -> dict[str, set[str]]:
    fields: dict[str, set[str]] = {}
    for line in mapping.lines:
        for rule in line.owners:
            fields.setdefault(line.source, set()).add(rule.source)
    return fields


def read_owners(run: Run) -> dict[str, str | None]:
    """
    Return key of an owner -> member id, None for one that is left empty.

    Who is no user of the destination is not in it: a run that did not wait may name such owners.
    """
    return {
        owner_key(row["email"] or row["name"]): row["member_id"]
        for row in run.read(MATCHES)
        if row["member_id"] is not None or row["status"] == OwnerStatus.LEFT_EMPTY
    }
