"""The parameters of a run: a form in Airflow's UI, each with a safe default."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import Param

from airflow_crm_migration.core.modes import Mode

if TYPE_CHECKING:
    from airflow_crm_migration.engagement import Engagement

_LARGEST_SAMPLE = 1000
"""A sample is not rehearsed: a larger one would be a full run around that gate."""


def run_params(engagement: Engagement) -> dict[str, Any]:
    """Return the parameters of a run."""
    environments = engagement.environments
    modes = "; ".join(f"{mode}: {mode.words}" for mode in Mode)
    return {
        "mode": Param(
            str(Mode.SAMPLE), enum=[str(mode) for mode in Mode], title="Mode", type="string",
            description=modes,
        ),
        "environment": Param(
            environments[0], enum=list(environments), title="Environment", type="string",
            description="Where the records go",
        ),
        "dry_run": Param(
            False, title="Dry run", type="boolean",
            description="Do everything except writing to the destination",
        ),
        "sample_size": Param(
            50, title="Sample size", type="integer", minimum=1, maximum=_LARGEST_SAMPLE,
            description="Records per object of the source, before their parents are added; at most "
            f"{_LARGEST_SAMPLE}",
        ),
        "frozen_at": Param(
            None, title="Frozen at", type=["null", "string"], format="date-time",
            description="Mode cutover: since when nobody writes to the source any more",
        ),
        "extract_of": Param(
            None, title="Extract of", type=["null", "string"],
            pattern=r"^\d{8}T\d{6}Z-[0-9a-f]{8}$",
            description="Folder of an earlier run in staging whose extract is taken instead of "
            "reading the source again",
        ),
        "accept_shrunk": Param(
            False, title="Accept shrunk", type="boolean",
            description="Go on although an object has lost more than 5 % of its records",
        ),
        "read_back": Param(
            None, title="Read back", type=["null", "integer"], minimum=1,
            description="Mode validate: records per object that are compared field by field; "
            "blank for all",
        ),
        "contents": Param(
            False, title="Contents", type="boolean",
            description="Mode validate: download files and compare every byte",
        ),
        "when_busy": Param(
            "fail", enum=["fail", "skip"], title="When busy", type="string",
            description="What to do when another run writes to the environment",
        ),
    }  # fmt: skip
