"""What a report tells: plain facts, whatever the page looks like."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Generic, TypeVar

from pydantic import BeforeValidator, Field

from airflow_crm_migration.core.outcomes import Outcome, Reason
from airflow_crm_migration.core.reconcile import LineBalance, PhaseReconciliation, sum_outcomes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_crm_migration.core.dedupe.model import Cluster
    from airflow_crm_migration.core.forecast import Forecast
    from airflow_crm_migration.core.mapping import Mapping
    from airflow_crm_migration.core.protocols import Finding
    from airflow_crm_migration.core.validated import PhaseValidation

Text = Annotated[str, BeforeValidator(lambda value: "" if value is None else str(value))]
"""What staging holds as text, however it was written down."""

NOT_MEANT = (Outcome.EXCLUDED,)
"""Outcomes of records that the mapping leaves out on purpose."""


@dataclass(frozen=True)
class RunFacts:
    """
    Which run is told of; whatever is empty was never written down.

    :param folder: its prefix in staging
    :param run_id: Airflow's name for it
    """

    folder: str = ""
    run_id: Text = ""
    engagement: Text = ""
    customer: Text = ""
    title: Text = ""
    pair: Text = ""
    mode: Text = ""
    environment: Text = ""
    dry_run: bool = False
    sample_size: int | None = None
    started: Text = ""

    @property
    def source(self) -> str:
        """The source's name, for sentences."""
        return self.pair.partition("_to_")[0].capitalize() or "the source"

    @property
    def destination(self) -> str:
        """The destination's name, for sentences."""
        return self.pair.partition("_to_")[2].capitalize() or "the destination"


@dataclass(frozen=True)
class ExportPath:
    """
    How an object of the source was read.

    :param count: records by the source's own counter
    :param counts: of the extract, None when it did not finish
    :param absent: fields that a complete export has and this one has not
    :param base: run that all but ``anew`` records were taken over from, because only what changed
        ``since`` was read
    :param whole: why everything was read although only changes were asked for
    :param same_as: run that was made of the same CSV file
    :param extract_of: run that read what this one took over
    :param by_content: records that nothing but their content identifies
    """

    object: str
    route: str = ""
    reason: str = ""
    count: int | None = None
    counts: dict[str, int] | None = None
    absent: tuple[str, ...] = ()
    base: str = ""
    since: str = ""
    anew: int = 0
    taken_over: int = 0
    whole: str = ""
    same_as: str = ""
    extract_of: str = ""
    by_content: int = 0


@dataclass(frozen=True)
class Gone:
    """A record that stands in the destination and is no longer in the source."""

    object: str
    id: Text
    line: Text
    destination_id: Text


@dataclass(frozen=True)
class BadCell:
    """A cell of the source that has no reading, so that its record was set apart."""

    object: str
    id: str
    file: str
    row: int
    field: str
    problem: str
    value: str


@dataclass(frozen=True)
class Phase:
    """
    One destination object, as far as the run came.

    :param lines: reads and outcomes; without outcomes when the load did not finish
    :param counted: what the destination answered, None when it was not asked, as in a dry run
    :param joins: outcome -> number of link rows
    :param residue: uploads that are attached to nothing
    """

    name: str
    lines: tuple[LineBalance, ...] = ()
    loaded: bool = False
    counted: PhaseReconciliation | None = None
    joins: dict[str, int] = field(default_factory=dict)
    residue: int = 0


@dataclass(frozen=True)
class Owner:
    """What became of an owner that records of the source name."""

    name: Text = ""
    email: Text = ""
    records: int = 0
    status: Text = ""
    member_id: Text = ""
    by: Text = ""


@dataclass(frozen=True)
class Spelling:
    """A spelling that the destination forces."""

    line: Text
    field: Text
    before: Annotated[Text, Field(alias="from")]
    after: Annotated[Text, Field(alias="to")]


@dataclass(frozen=True)
class Change:
    """One change of the destination's schema."""

    object: Text
    field: Text
    action: Text
    detail: Text = ""


@dataclass(frozen=True)
class Decided:
    """
    What was decided about the duplicates of an object.

    :param merged: source id -> id of the record that it becomes part of
    :param held: source id -> id of the cluster that it waits for
    :param arrived: source id -> id of the record that would be the same; both arrived before
    """

    merged: dict[str, str] = field(default_factory=dict)
    held: dict[str, str] = field(default_factory=dict)
    arrived: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Chosen:
    """What the customer chose where the pair offers a choice."""

    question: str
    value: str
    offered: tuple[str, ...]


@dataclass(frozen=True)
class Gate:
    """A gate and whether it holds, as of the report."""

    name: str
    environment: str
    status: str
    reason: str
    signer: str = ""
    recorded_by: str = ""
    time: str = ""
    document: str = ""


@dataclass(frozen=True)
class RolledBack:
    """
    One object of a rollback.

    :param planned: what becomes of records, by forecast -> number
    :param undone: what became of them -> number, None when it was not undone
    :param complete: whether the destination says so too, None when it was not asked
    """

    name: str
    planned: dict[str, int]
    undone: dict[str, int] | None = None
    complete: bool | None = None


@dataclass(frozen=True)
class Rollback:
    """
    What a rollback forecast and did.

    :param phases: in the order of undoing
    :param requests: that undoing was to take, so ``seconds``
    :param residue: what is not taken away -> number
    :param schema: what runs of this environment added, which stays
    """

    phases: tuple[RolledBack, ...]
    requests: int = 0
    seconds: float = 0.0
    residue: dict[str, int] = field(default_factory=dict)
    schema: tuple[Change, ...] = ()


@dataclass(frozen=True)
class Kept:
    """A record that a rollback keeps, in whole or in some fields."""

    object: str
    id: str
    sources: str
    reason: str
    detail: str

    @property
    def group(self) -> tuple[str, ...]:
        """What it is counted under."""
        return (self.object, self.reason)


@dataclass(frozen=True)
class Freeze:
    """
    Since when nobody worked in the source, and what is known of that.

    :param quiet: objects that were asked
    :param attested: objects that cannot be asked: people vouch for them
    :param after: object -> records that changed all the same, None where records tell no time
    """

    frozen_at: Text
    quiet: tuple[str, ...] = ()
    attested: tuple[str, ...] = ()
    after: dict[str, int | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Late:
    """A record that changed in the source after the freeze."""

    object: Text
    id: Text
    changed: Text


@dataclass(frozen=True)
class Differing:
    """
    A record of the destination that is not as it was loaded.

    :param key: as in the ledger, None for a record that it does not know
    """

    kind: Text
    object: Text
    id: Text
    key: tuple[Text, Text, Text, Text] | None = None
    fields: tuple[Text, ...] = ()

    @property
    def group(self) -> tuple[str, ...]:
        """What it is counted under."""
        return (self.object, self.kind)


@dataclass(frozen=True)
class NotArrived:
    """A record that was rejected or held, or stands in conflict, as of the last run that saw it."""

    line: str
    object: str
    source_id: str
    outcome: str
    reason: str
    detail: str
    at: str
    run: str

    @property
    def group(self) -> tuple[str, ...]:
        """What it is counted under."""
        return (self.object, self.outcome, self.reason)


@dataclass(frozen=True)
class LeftOut:
    """A link or value that is missing from a record that did arrive."""

    line: str
    object: str
    source_id: str
    field: str
    problem: str
    detail: str

    @property
    def group(self) -> tuple[str, ...]:
        """What it is counted under."""
        return (self.object, self.field, self.problem)


@dataclass(frozen=True)
class Disputed:
    """
    A field that both sides changed, or a changed record that somebody removed.

    :param kept: whose value stayed
    :param before: what was sent by the run that wrote it last, so ``source`` and ``destination``
    :param id: of the record in the destination
    """

    line: str
    object: str
    source_id: str
    field: str
    reason: str
    before: str
    source: str
    destination: str
    kept: str
    id: str

    @property
    def group(self) -> tuple[str, ...]:
        """What it is counted under."""
        return (self.object, self.field, self.reason)


Row = TypeVar("Row")


@dataclass(frozen=True)
class Records(Generic[Row]):
    """
    Records that may be too many for memory: counted once, walked again by whoever needs them all.

    :param groups: what they are counted under -> number, the largest first
    """

    walk: Callable[[], Iterator[Row]] = lambda: iter(())
    groups: tuple[tuple[tuple[str, ...], int], ...] = ()

    @classmethod
    def counted(
        cls, walk: Callable[[], Iterator[Row]], group: Callable[[Row], tuple[str, ...]]
    ) -> Records[Row]:
        """Walk records once and count them by group."""
        counts = Counter(group(row) for row in walk())
        ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        return cls(walk, tuple(ordered))

    @property
    def total(self) -> int:
        """How many there are."""
        return sum(number for _, number in self.groups)


@dataclass(frozen=True)
class Facts:
    """
    All that is known of a run; None stands for what did not happen.

    :param unreadable: objects of staging that are torn or not what they should be
    :param preflight: what was found in the destination before anything was written
    :param clusters: object -> possible duplicates, so ``decided``
    :param files: what became of files -> number
    """

    run: RunFacts
    unreadable: tuple[str, ...] = ()
    preflight: tuple[Finding, ...] = ()
    exports: tuple[ExportPath, ...] = ()
    bad_cells: Records[BadCell] = Records()
    gone: Records[Gone] = Records()
    clusters: dict[str, list[Cluster]] | None = None
    decided: dict[str, Decided] | None = None
    owners: tuple[Owner, ...] | None = None
    mapping: Mapping | None = None
    choices: tuple[Chosen, ...] = ()
    spellings: tuple[Spelling, ...] = ()
    schema: tuple[Change, ...] | None = None
    phases: tuple[Phase, ...] = ()
    validations: tuple[PhaseValidation, ...] = ()
    differing: Records[Differing] = Records()
    freeze: Freeze | None = None
    late: Records[Late] = Records()
    rollback: Rollback | None = None
    kept: Records[Kept] = Records()
    not_arrived: Records[NotArrived] = Records()
    left_out: Records[LeftOut] = Records()
    disputed: Records[Disputed] = Records()
    files: dict[str, int] | None = None
    gates: tuple[Gate, ...] = ()
    forecast: Forecast | None = None

    @property
    def totals(self) -> Totals:
        """The sums over all phases."""
        return Totals.of([line for phase in self.phases for line in phase.lines])


@dataclass(frozen=True)
class Totals:
    """
    Sums of outcomes over mapping lines.

    :param meant: records that were to move
    :param arrived: of them those that stand in the destination, merged ones in another record
    """

    meant: int
    arrived: int
    outcomes: Counter[str]

    @classmethod
    def of(cls, lines: list[LineBalance]) -> Totals:
        """Add lines up."""
        outcomes = sum_outcomes(lines)
        meant = sum(line.read for line in lines) - sum(outcomes[o] for o in NOT_MEANT)
        here = [o for o in Outcome if o.in_destination]
        return cls(meant, sum(outcomes[o] for o in (*here, Outcome.MERGED)), outcomes)


def arrived(line: LineBalance) -> int:
    """Return how many records of a line stand in the destination, those that became values too."""
    own = sum(sum_outcomes([line])[outcome] for outcome in Outcome if outcome.in_destination)
    return own + line.outcomes.get(Outcome.MERGED, {}).get(Reason.FOLDED, 0)


def number_of(line: LineBalance, outcome: str) -> int:
    """Return how many records of a line have an outcome."""
    return sum(line.outcomes.get(outcome, {}).values())
