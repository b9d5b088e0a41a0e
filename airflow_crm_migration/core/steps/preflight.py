"""The first step: everything that would stop the run later is looked for now."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from airflow_crm_migration.core.protocols import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from airflow_crm_migration.core.run import Run
    from airflow_crm_migration.core.staging import Staging

SETUP = "setup.json"


def check_staging(run: Run) -> list[Finding]:
    """Write, read, create exclusively and delete, as every later step does."""
    name = f"{run.folder}/preflight-{uuid.uuid4().hex}"
    try:
        run.staging.write_bytes(name, b"preflight", exclusive=True)
        kept = run.staging.read_bytes(name)
        try:
            run.staging.write_bytes(name, b"again", exclusive=True)
        except FileExistsError:
            exclusive = True
        else:
            exclusive = False
        run.staging.delete(name)
    except OSError as error:
        fix = "give the workers read, write and delete on the staging prefix"
        return [Finding(Severity.BLOCKER, "staging", f"staging does not work: {error}", fix)]
    if kept != b"preflight" or not exclusive:
        message = "staging returns other content, or lets an object be created twice"
        return [Finding(Severity.BLOCKER, "staging", message, "use S3 or a POSIX file system")]
    return [Finding(Severity.INFO, "staging", "staging can be written, read and cleaned")]


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
