"""The load step: one phase into the destination, with the ledger written ahead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.dry_run import DryDestination
from airflow_crm_migration.core.errors import QuotaSpent, UserMistake
from airflow_crm_migration.core.forecast import forecast_line, foretell
from airflow_crm_migration.core.lease import hold_lease
from airflow_crm_migration.core.ledger.writer import Ledger, LedgerWriter
from airflow_crm_migration.core.load.conflicts import SentBefore
from airflow_crm_migration.core.load.context import LoadContext
from airflow_crm_migration.core.load.files import load_files, settle_attachments
from airflow_crm_migration.core.load.joins import load_joins
from airflow_crm_migration.core.load.records import Placed, load_records
from airflow_crm_migration.core.load.settle import settle_open_intents
from airflow_crm_migration.core.progress import ProgressLog
from airflow_crm_migration.core.reconcile import outcome_tree
from airflow_crm_migration.core.rollback.settle import settle_removals
from airflow_crm_migration.core.staging import PartWriter, read_manifest, read_part
from airflow_crm_migration.core.steps.drift import check_schema
from airflow_crm_migration.core.steps.gone import GoneRecords
from airflow_crm_migration.core.steps.schema import made_fields, read_schema
from airflow_crm_migration.core.steps.tenant import hold_tenant
from airflow_crm_migration.core.watermarks import check_not_overtaken, note_load

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airflow_crm_migration.core.ledger.snapshot import Snapshot
    from airflow_crm_migration.core.load.parting import Keeps
    from airflow_crm_migration.core.mapping import Mapping as PairMapping
    from airflow_crm_migration.core.protocols import Destination
    from airflow_crm_migration.core.run import Run, Say


def load_step(
    run: Run,
    destination: Destination,
    mapping: PairMapping,
    phase: str,
    *,
    owners: Mapping[str, str | None],
    say: Say,
    conflicts: Keeps = "destination",
    resend: bool = False,
    hold_unknown_owners: bool = False,
) -> dict[str, Any]:
    """
    Load a phase from its drafts.

    :param destination: a dry run hands in one that writes nothing
    :param mapping: as signed
    :param owners: key of an owner in the source -> member id, None for one that is left empty
    :param conflicts: whose value stays where both sides changed a field
    :param resend: send again what the destination refused in an earlier run
    :param hold_unknown_owners: new records wait for an owner who is not in ``owners``; else they
        arrive without one
    :return: the manifest's counts
    :raises UserMistake: the destination lacks what was prepared, or takes nothing at all; a later
        run has loaded the environment since
    """
    schema = read_schema(run)

    def look() -> None:
        if run.dry_run:
            destination.describe()  # it has nothing but a plan of the fields, yet looking costs
        else:
            check_schema(destination, mapping, phase, schema)

    with (
        hold_lease(run, destination, f"load {phase}") as lease,
        Ledger(run.staging, run.ledger) as ledger,
    ):
        check_not_overtaken(run, mapping, phase)
        note_load(run)
        tenant = hold_tenant(run, destination)
        context = LoadContext(
            destination=destination,
            writer=LedgerWriter(ledger, phase, lease=lease, tenant=tenant.id, run=run.folder),
            mapping=mapping,
            schema=schema,
            phase=phase,
            tenant=tenant.id,
            engagement=run.engagement,
            owners=owners,
            expected=_rows(run, phase),
            run=run.folder,
            look=look,
            keeps=conflicts,
            resend=resend,
            hold_unknown_owners=hold_unknown_owners,
            gone=GoneRecords(run),
            # A dry run makes no field, and its ledger has epochs of its own.
            made={} if run.dry_run else made_fields(run, phase),
        )
        try:
            _load(run, context, say)
        except QuotaSpent:
            requests = destination.usage.requests
            say(f"load {phase}: cut off after {context.counts.words()} by {requests} requests")
            raise
        lease.check()
        _list_conflicts(run, context, ledger.snapshot)
        facts = _tell(run, context, ledger.snapshot.unattached_uploads())
        if not run.dry_run:
            lease.check()
            ledger.compact()
    if isinstance(destination, DryDestination):
        say(forecast_line(foretell(run, destination.foretold(phase, "load"), destination.budget)))
    return facts


def _load(run: Run, context: LoadContext, say: Say) -> None:
    progress = ProgressLog(f"load {context.phase}", context.expected, say)
    settle_removals(context)
    if context.phase == context.destination.capabilities.attachment:
        settle_attachments(context)
        load_files(context, run.staging, _drafts(run, context.phase), progress)
    else:
        settled = settle_open_intents(context)
        if settled:
            say(f"load {context.phase}: settled {settled} writes of an attempt that was cut off")
        load_records(context, _drafts(run, context.phase), progress)
        links = ProgressLog(f"load links of {context.phase}", context.expected, say)
        load_joins(context, _drafts(run, context.phase), links)
    progress.finish()


def _rows(run: Run, phase: str) -> int:
    manifest = read_manifest(run.staging, run.name(f"transform/{phase}"))
    if manifest is None:
        raise UserMistake(f"transform {phase} did not finish: run it again before the load")
    return sum(part["rows"] for part in manifest["parts"])


def _drafts(run: Run, phase: str) -> Iterator[Placed]:
    folder = run.name(f"transform/{phase}")
    manifest = read_manifest(run.staging, folder)
    for number in range(len(manifest["parts"]) if manifest else 0):
        for row, draft in enumerate(read_part(run.staging, folder, manifest or {}, number)):
            yield [run.folder, number, row], draft


def _list_conflicts(run: Run, context: LoadContext, snapshot: Snapshot) -> None:
    """Write the conflicts with all values beside the load's other parts."""
    writer = PartWriter(run.staging, run.name(f"load/{context.phase}/conflicts"))
    file_field = context.destination.capabilities.file_field
    before = SentBefore(run.staging, context.phase, snapshot, file_field)
    for row in before.rows(context.counts.conflicts):
        writer.add(row)
    writer.finish()


def _tell(run: Run, context: LoadContext, residue: list[dict[str, Any]]) -> dict[str, Any]:
    counts = context.counts
    writer = PartWriter(run.staging, run.name(f"load/{context.phase}"))
    for issue in counts.issues:
        writer.add(issue)
    facts = {
        "outcomes": {line: outcome_tree(found) for line, found in counts.outcomes.items()},
        "joins": {str(outcome): number for outcome, number in counts.joins.items()},
        "residue": residue,
        "requests": dict(context.destination.requests_made),
    }
    writer.finish(**facts)
    return facts
