"""Which options of a select field no record has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_crm_migration.core.protocols import SchemaChange
from airflow_crm_migration.hooks.twenty.filters import WITH_TRASH, all_of, one_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_crm_migration.hooks.twenty.hook import TwentyHook
    from airflow_crm_migration.hooks.twenty.schema import TwentyObject


@dataclass(frozen=True)
class Judged:
    """
    Options that may go.

    :param unused: values that no record has, trashed ones included
    :param used: values that a record has
    """

    object: str
    field: str
    unused: tuple[str, ...]
    used: tuple[str, ...]

    @property
    def changes(self) -> list[SchemaChange]:
        """What is done with them, as it is reported."""
        found = {"retire_options": self.unused, "keep_options": self.used}
        return [
            SchemaChange(self.object, self.field, action, ", ".join(values))
            for action, values in found.items()
            if values
        ]


def judge(hook: TwentyHook, target: TwentyObject, field: str, options: Sequence[str]) -> Judged:
    """
    Look which options are in use.

    A page of the records that have any of them tells most; only what it does not show is asked for
    one by one, so that an option in use never costs a walk through all its records.

    :param options: values; those that the field does not have are passed over
    """
    standing = {option.value for option in target.spec.fields[field].options}
    left = [value for value in options if value in standing]
    used: set[str] = set()
    if left:
        size = hook.capabilities.read_size
        page = _page(hook, target, field, left, size)
        used |= set(page)
        if len(page) >= size:
            unseen = [value for value in left if value not in used]
            used |= {v for v in unseen if _page(hook, target, field, [v], 1)}
    return Judged(
        target.name,
        field,
        unused=tuple(value for value in left if value not in used),
        used=tuple(value for value in left if value in used),
    )


def _page(
    hook: TwentyHook, target: TwentyObject, field: str, values: list[str], size: int
) -> list[str]:
    filters = all_of(one_of(field, values), WITH_TRASH)
    page = next(iter(hook.pages(target.plural, size, filters)), [])
    return [str(record[field]) for record in page]
