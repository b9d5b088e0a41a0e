"""The first step: everything that would stop the run later is looked for now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_crm_migration.core.protocols import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from airflow_crm_migration.core.staging import Staging

SETUP = "setup.json"


def check_pools(staging: Staging, pools: Iterable[str]) -> list[Finding]:
    """
    Check that the pools were made: tasks in a missing pool wait for ever, in silence.

    Workers cannot ask Airflow for its pools, so ``airflow crm-migration setup`` notes them.
    """
    made = set(staging.read_json(SETUP)["pools"]) if staging.exists(SETUP) else set()
    missing = sorted(set(pools) - made)
    if not missing:
        return [Finding(Severity.INFO, "pools", "all pools were made")]
    message = f"pools that nobody made: {', '.join(missing)}"
    fix = "run: airflow crm-migration setup --engagement FILE"
    return [Finding(Severity.BLOCKER, "pools", message, fix)]


def judge(findings: Sequence[Finding]) -> list[str]:
    """Return the blockers as lines that name the fix."""
    return [f"{f.message}; {f.fix}" for f in findings if f.severity is Severity.BLOCKER]
