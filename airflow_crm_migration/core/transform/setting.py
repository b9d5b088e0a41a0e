"""What transforming a record needs besides the record."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.transform.conditions import holds
from airflow_crm_migration.core.transform.steps import apply_steps

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from airflow_crm_migration.core.fields import ObjectSpec
    from airflow_crm_migration.core.ids import Key
    from airflow_crm_migration.core.ledger.snapshot import Snapshot
    from airflow_crm_migration.core.mapping import Condition, FieldRule, Line
    from airflow_crm_migration.core.mapping import Mapping as PairMapping
    from airflow_crm_migration.core.mapping_values import Scalar
    from airflow_crm_migration.core.protocols import DestinationRules, Values
    from airflow_crm_migration.core.transform.link_index import LinkIndex


@dataclass(frozen=True)
class Setting:
    """
    One phase of one run.

    :param schema: the destination's objects with all fields, planned ones too
    :param choices: what the customer chose
    :param settings: the engagement's defaults for transforms, for example ``default_region``
    :param source_id_prefix: first part of the source-id field, with its separator
    :param taken: unique values of the phase -> the record that has them
    :param absent: source object -> its fields that the run did not carry
    :param hold_unmapped: a new record with a value that the mapping does not know waits where it
        could not do without; else it is rejected
    :param ledger: what earlier runs brought, None where nothing is known
    :param files: (source object, source id) -> its binary in staging
    """

    mapping: PairMapping
    schema: Mapping[str, ObjectSpec]
    rules: DestinationRules
    index: LinkIndex
    choices: Mapping[str, Scalar]
    settings: Mapping[str, Any] = field(default_factory=dict)
    source_id_prefix: str = ""
    taken: dict[tuple[str, str], Key] = field(default_factory=dict)
    absent: Mapping[str, Collection[str]] = field(default_factory=dict)
    hold_unmapped: bool = False
    ledger: Snapshot | None = None
    files: Mapping[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)

    def holds(self, condition: Condition | None, record: Values) -> bool:
        """Tell whether a condition holds for a record."""
        return holds(condition, record, self.choices, self.index.related)

    def raw(self, rule: FieldRule, record: Values) -> Any:
        """Return the value of a field before it takes the form of its type."""
        if not rule.source:
            return rule.value
        if rule.through is not None:
            record = next(iter(self.index.related(rule.through, record)), {})
        given = [record.get(name) for name in rule.source]
        return apply_steps(rule.do, given[0] if len(given) == 1 else given, self.settings)

    def makes(self, line: Line, record: Values) -> bool:
        """Tell whether a line makes anything of a record."""
        if not self.holds(line.when, record):
            return False
        return line.one_per is None or bool(self.raw(line.one_per, record))
