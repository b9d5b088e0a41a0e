"""The gate that waits until every owner is a user of the destination."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.errors import CrmError, Refused, Unauthorised
from airflow_crm_migration.core.modes import Mode
from airflow_crm_migration.core.owners import OwnerMatch, OwnerStatus, SourceOwner, match_owners
from airflow_crm_migration.hooks.registry import destination_hook
from airflow_crm_migration.sensors.base import GateSensor, View
from airflow_crm_migration.tasks import run_prefix

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow.sdk import Context

_SETTLED = (OwnerStatus.MATCHED, OwnerStatus.OVERRIDE, OwnerStatus.LEFT_EMPTY)


class OwnersProvisionedSensor(GateSensor):
    """
    Waits until each owner in ``<run>/owners/owners.json`` is one active user or overridden.

    It asks the destination anew at every look. Who is missing stands in ``review/owners/``; when
    nobody is, ``<run>/owners/matches.json`` says who is who. A delta waits for nobody: it holds the
    new records of an owner who is missing.

    :param platform: the destination's platform
    :param conn_id: its connection
    :param overrides: name or e-mail of an owner -> e-mail of a member, or ``leave_empty``
    """

    def __init__(
        self,
        *,
        platform: str,
        conn_id: str,
        overrides: Mapping[str, str] | None = None,
        gate: str = "owners",
        **kwargs: Any,
    ) -> None:
        super().__init__(gate=gate, **kwargs)
        self.platform = platform
        self.conn_id = conn_id
        self.overrides = dict(overrides or {})

    def look(self, context: Context) -> View:
        """Match the owners that extraction found with the members of this moment."""
        folder = f"{run_prefix(context)}/owners"
        owners = [SourceOwner(**row) for row in self.staging.read_json(f"{folder}/owners.json")]
        try:
            members = destination_hook(self.platform, self.conn_id).members()
        except (Unauthorised, Refused):
            raise
        except CrmError as error:
            said = self.fit_to_log(context, error)
            return View(False, f"{self.conn_id} could not be asked: {said}")
        matches = match_owners(owners, members, self.overrides)
        review = f"review/{self.gate(self.gate_name).slot}.json"
        waiting = [match for match in matches if match.status not in _SETTLED]
        self.staging.write_json(review, {"waiting_for": _rows(waiting)})
        if waiting and context["params"]["mode"] != Mode.DELTA:
            return View(False, _line(waiting, review))
        settled = [match for match in matches if match.status in _SETTLED]
        self.staging.write_json(f"{folder}/matches.json", _rows(settled))
        line = f"{len(settled)} of {len(matches)} owners are settled"
        if waiting:
            line += f"; {_line(waiting, review)}"
        return View(True, line, result=len(settled))


def _line(waiting: Sequence[OwnerMatch], review: str) -> str:
    found = [match.status.value for match in waiting]
    counts = ", ".join(f"{found.count(status)} {status}" for status in sorted(set(found)))
    return (
        f"{len(waiting)} owners are no active user of the destination ({counts}); {review} names "
        "them: add or activate them there, or set 'owners' in the engagement"
    )


def _rows(matches: Sequence[OwnerMatch]) -> list[dict[str, Any]]:
    return [
        {
            **asdict(match.owner),
            "status": match.status.value,
            "member_id": match.member_id,
            "by": match.by,
        }
        for match in matches
    ]
