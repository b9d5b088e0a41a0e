"""Drafts: exactly what would be written, links still by source id.

A draft is a JSON row. One that will be loaded has ``values``, ``owners``, ``links`` and ``joins``;
one that will not has ``outcome`` and ``reason``. ``issues`` lists what was left out of it and why,
``unknown`` the fields of which the run cannot tell what the source holds, and ``if_new`` is the
outcome that a record has until it stands in the destination: it waits, while an earlier one moves.
``unsure`` of a join lists the source records of which the run cannot tell whether they are linked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_crm_migration.core.ids import Key
    from airflow_crm_migration.core.outcomes import Outcome, Reason

Draft = dict[str, Any]
Issue = dict[str, str]


class Stopped(Exception):
    """A record is not loaded under this line."""

    def __init__(
        self, outcome: Outcome, reason: Reason, detail: str = "", into: str | None = None
    ) -> None:
        """Keep outcome, reason, free text and the record that it is merged into."""
        super().__init__(detail)
        self.outcome, self.reason, self.detail, self.into = outcome, reason, detail, into


def stopped(key: Key, stop: Stopped) -> Draft:
    """Return the draft of a record that is not loaded."""
    draft = {
        "key": list(key),
        "outcome": stop.outcome,
        "reason": stop.reason,
        "detail": stop.detail,
    }
    return draft | ({"into": stop.into} if stop.into else {})


def issue(field: str, problem: Reason, detail: str) -> Issue:
    """Return what was left out of a draft's field and why, for the report."""
    return {"field": field, "problem": problem, "detail": detail}
