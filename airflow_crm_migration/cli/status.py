"""``airflow crm-migration status``: who writes, which gates are signed, and what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from airflow_crm_migration.cli.engaged import Engaged, plain
from airflow_crm_migration.core.gates import sign_command
from airflow_crm_migration.core.lease import newest_lease
from airflow_crm_migration.core.ledger.writer import LedgerPlace
from airflow_crm_migration.core.signoff import GateState, state
from airflow_crm_migration.core.steps.tenant import read_kept
from airflow_crm_migration.core.waiting import read_wait
from airflow_crm_migration.engagement import Gate as GateName
from airflow_crm_migration.hooks.signing import signing_keyring

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Mapping

    from airflow_crm_migration.core.gates import Gate

_UNSIGNED_GATES = ("owners", "csv", "freeze")
_HEADINGS = ("GATE", "STATE", "SIGNED BY", "SIGNED AT", "WAITS SINCE")
_LEASE_HEADINGS = ("ENVIRONMENT", "TENANT", "WRITTEN BY", "LAST BEAT")


def run(args: Namespace) -> int:
    """
    Print a table of environments and one of gates, and for each that is shut what to do.

    :param args: ``engagement``
    :return: exit status
    """
    engaged, keyring = Engaged.of(args), signing_keyring()
    known = engaged.engagement.environments
    states = {
        gate: state(engaged.staging, keyring, gate, engaged.engagement.signers)
        for gate in engaged.gates(*get_args(GateName))
    }
    rows = [_row(engaged, gate, found) for gate, found in states.items()]
    unsigned = engaged.gates(*_UNSIGNED_GATES)
    rows += [_waiting_row(engaged, gate) for gate in unsigned]
    _print_table([_LEASE_HEADINGS, *(_lease_row(engaged, e) for e in known)])
    print()
    _print_table([_HEADINGS, *rows])
    for gate, found in states.items():
        if found.status not in ("signed", "nothing_proposed"):
            _print_next(engaged, gate, found)
    for gate in unsigned:
        review = f"review/{gate.slot}.json"
        if _since(engaged, gate) and engaged.staging.exists(review):
            _print_waited_for(engaged, gate, engaged.staging.read_json(review))
    return 0


def _lease_row(engaged: Engaged, environment: str) -> tuple[str, ...]:
    tenant = read_kept(engaged.staging, environment) or {"id": "nothing written"}
    lease = newest_lease(engaged.staging, LedgerPlace.of(environment).lease)
    if lease is None or lease.released:
        return (environment, tenant["id"], "nobody", "")
    return (environment, tenant["id"], str(lease), lease.beaten)


def _row(engaged: Engaged, gate: Gate, found: GateState) -> tuple[str, ...]:
    status = found.status.replace("_", " ")
    signed = found.record if found.status in ("signed", "changed") else None
    by, at = (signed.signer, signed.time) if signed else ("", "")
    return (str(gate), status, by, at, _since(engaged, gate))


def _waiting_row(engaged: Engaged, gate: Gate) -> tuple[str, ...]:
    since = _since(engaged, gate)
    return (str(gate), "waits" if since else "does not wait", "", "", since)


def _since(engaged: Engaged, gate: Gate) -> str:
    wait = read_wait(engaged.staging, gate)
    return wait.since.isoformat(timespec="seconds") if wait else ""


def _print_table(rows: list[tuple[str, ...]]) -> None:
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(plain(c).ljust(w) for c, w in zip(row, widths, strict=True)).rstrip())


def _print_next(engaged: Engaged, gate: Gate, found: GateState) -> None:
    print(f"\n{gate}: {plain(found.reason)}")
    for path in found.changes:
        print(f"  changed  {plain(path)}")
    print(f"  look at  review/{gate.slot}.json")
    print(f"  then     {sign_command(gate, engaged.file)}")


def _print_waited_for(engaged: Engaged, gate: Gate, review: Mapping[str, Any]) -> None:
    print(f"\n{gate}: waits in {engaged.staging.root}")
    for finding in review.get("findings", ()):
        print(f"  {plain(finding)}")
    for name, newest in review.get("not_quiet", {}).items():
        print(f"  {plain(name)} changed at {plain(newest)}, after {review['frozen_at']}")
    for owner in review.get("waiting_for", ()):
        who = plain(owner["name"] or owner["email"])
        print(f"  {owner['status']}  {who}, owner of {owner['records']} records")
    if gate.name == "owners":
        print(
            f"  then     add or activate them in the destination, or set owners in {engaged.file}"
        )
