"""Which field of a source plays which part when its records are compared.

The search for duplicates knows fields by the names that :mod:`.people` and :mod:`.companies` list;
a source may call them otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from airflow_crm_migration.core.fields import ObjectSpec
    from airflow_crm_migration.core.protocols import Values


@dataclass(frozen=True)
class Roles:
    """
    The names of a source's fields in a comparison and back.

    :param fields: role -> the source's field, where the two names differ
    """

    fields: Mapping[str, str]

    def of(self, records: Iterable[Values]) -> Iterator[Values]:
        """Walk records with their fields named by role."""
        return (_renamed(record, self._roles) for record in records)

    def spec(self, spec: ObjectSpec) -> ObjectSpec:
        """Return an object with its fields named by role."""
        return replace(spec, fields={self._roles.get(n, n): f for n, f in spec.fields.items()})

    def back(self, values: Values) -> Values:
        """Return a record's values under the source's own names."""
        return _renamed(values, {role: name for name, role in self._roles.items()})

    @cached_property
    def _roles(self) -> dict[str, str]:
        """Field -> role; a field that only has the name of a role takes a name that is left."""
        roles = {field: role for role, field in self.fields.items()}
        squatters = sorted(set(self.fields) - set(roles))
        return roles | dict(zip(squatters, sorted(set(roles) - set(self.fields)), strict=True))


def _renamed(values: Values, names: Mapping[str, str]) -> Values:
    return {names.get(name, name): value for name, value in values.items()}
