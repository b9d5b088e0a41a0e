"""What the steps of a rollback work with: the ledger under a lease, and the destination."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from airflow_crm_migration.core.errors import UserMistake
from airflow_crm_migration.core.lease import hold_lease
from airflow_crm_migration.core.ledger.objects import parse_name
from airflow_crm_migration.core.ledger.writer import Ledger, LedgerPlace, LedgerWriter
from airflow_crm_migration.core.load.context import LoadContext
from airflow_crm_migration.core.load.files import settle_attachments
from airflow_crm_migration.core.load.settle import settle_open_intents
from airflow_crm_migration.core.rollback.images import Images
from airflow_crm_migration.core.rollback.judge import Judge
from airflow_crm_migration.core.rollback.looker import Looker
from airflow_crm_migration.core.rollback.plan import GATE
from airflow_crm_migration.core.rollback.settle import settle_removals
from airflow_crm_migration.core.steps.tenant import check_tenant

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airflow_crm_migration.core.lease import Lease
    from airflow_crm_migration.core.ledger.snapshot import Snapshot
    from airflow_crm_migration.core.mapping import Mapping as PairMapping
    from airflow_crm_migration.core.protocols import Destination, Usage
    from airflow_crm_migration.core.rollback.held import Held
    from airflow_crm_migration.core.rollback.own_children import OwnChildren
    from airflow_crm_migration.core.run import Run, Say


class Desk:
    """
    The ledger under a lease, and the destination as it is described now.

    :param opened: what the destination was asked until then
    """

    ledger: Ledger
    lease: Lease
    opened: Usage

    def __init__(self, run: Run, destination: Destination, mapping: PairMapping) -> None:
        """
        Say whose work is taken back.

        :param mapping: as signed last
        """
        self.run = run
        self.destination = destination
        self.mapping = mapping
        self._contexts: dict[str, LoadContext] = {}

    @contextmanager
    def open(self, what: str) -> Iterator[Desk]:
        """
        Take the lease and open the ledger.

        :param what: the step, in words for people
        :raises UserMistake: the connection leads to another tenant than the one written to
        """
        with (
            hold_lease(self.run, self.destination, what) as self.lease,
            Ledger(self.run.staging, self.run.ledger) as self.ledger,
        ):
            self._tenant = self.destination.tenant()
            check_tenant(self.run, self._tenant)
            self.schema = self.destination.describe()
            self.opened = self.destination.usage
            yield self

    @property
    def snapshot(self) -> Snapshot:
        """What the ledger knows."""
        return self.ledger.snapshot

    def context(self, phase: str) -> LoadContext:
        """Return the context of a phase, always the same one: its writer numbers what it writes."""
        if phase not in self._contexts:
            self._contexts[phase] = self._made_context(phase)
        return self._contexts[phase]

    def _made_context(self, phase: str) -> LoadContext:
        writer = LedgerWriter(
            self.ledger, phase, lease=self.lease, tenant=self._tenant.id, run=self.run.folder
        )
        return LoadContext(
            destination=self.destination,
            writer=writer,
            mapping=self.mapping,
            schema=self.schema,
            phase=phase,
            tenant=self._tenant.id,
            engagement=self.run.engagement,
            owners={},
            expected=0,
            run=self.run.folder,
        )

    def looker(self, held: Held, own: OwnChildren) -> Looker:
        """Return what looks at records; it starts from what must stay already."""
        can, images = self.destination.capabilities, Images(self.run.staging)
        judge = Judge(self.schema, self.mapping, can, images)
        return Looker(self.destination, self.snapshot, self.schema, judge, held, own.of)

    def judged_with(self, phase: str) -> set[str]:
        """Return a phase with the objects whose rows link its records."""
        spec = self.schema.get(phase)
        joins = {field.join.object for field in spec.fields.values() if field.join} if spec else ()
        return {phase, *joins}

    def settle(self, phase: str, say: Say) -> None:
        """Close what an attempt that was cut off left open, whatever it was about."""
        context = self.context(phase)
        settled = settle_removals(context)
        if phase == self.destination.capabilities.attachment:
            settle_attachments(context)
        else:
            settled += settle_open_intents(context)
        if settled:
            say(f"{phase}: settled {settled} writes of an attempt that was cut off")

    def check_phases(self, phases: Sequence[str]) -> None:
        """
        Check that everything that stands is among the phases to undo.

        :raises UserMistake: naming what is not
        """
        standing = self.snapshot.standing_phases()
        if others := [f"{standing[n]} of {n}" for n in sorted(standing.keys() - set(phases))]:
            raise UserMistake(
                f"{GATE} ({self.run.environment}): records stand in the destination that this "
                f"pair no longer loads: {', '.join(others)}; roll back with the pair and the "
                "release that loaded them"
            )

    def position(self) -> dict[str, int]:
        """Return how far the ledger is."""
        folder = LedgerPlace.of(self.run.environment).folder
        found = [n for n in self.snapshot.absorbed() if n.startswith(f"{folder}/")]
        epochs = [name.epoch for n in found if (name := parse_name(n))]
        return {"objects": len(found), "epoch": max(epochs, default=0)}

    def check_unmoved(self, epoch: int) -> None:
        """
        Check that nobody else wrote to the ledger since the forecast.

        :param epoch: the last one that the forecast knew
        :raises UserMistake: somebody did
        """
        others = self.snapshot.written_by_others(epoch, self.run.folder)
        if others:
            raise UserMistake(
                f"{GATE} ({self.run.environment}): other runs wrote {others} records since the "
                "forecast: begin the rollback anew and have its forecast signed"
            )
