"""A mapping that lost a line under which records stand would write them a second time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from airflow_crm_migration.core.errors import UserMistake
from airflow_crm_migration.core.steps.schema import prepare_destination
from tests.support.loading import draft, person, task

if TYPE_CHECKING:
    from airflow_crm_migration.core.mapping import Mapping
    from tests.support.loading import Loading


def without_tasks(mapping: Mapping, *, other: str | None) -> Mapping:
    """Return a mapping whose activities go by another line, or by none."""
    lines = [line for line in mapping.lines if line.id != "task"]
    if other and (gone := mapping.find_line("task")):
        lines.append(gone.model_copy(update={"id": other}))
    return mapping.model_copy(update={"lines": tuple(lines)})


@pytest.mark.parametrize(("other", "told"), [("chore", "'chore'"), (None, "no line")])
@pytest.mark.parametrize("dry_run", [False, True])
def test_records_under_a_line_that_is_gone_stop_before_anything_is_made(
    loading: Loading, other: str | None, told: str, dry_run: bool
) -> None:
    loading.load("person", [person("p1")])
    loading.load("task", [task("t1", "p1"), task("t2", "p1")])
    run = loading.run("run-2", dry_run=dry_run)
    with pytest.raises(UserMistake) as raised:
        prepare_destination(run, loading.hook, without_tasks(loading.mapping, other=other))
    [line] = raised.value.findings
    assert line.startswith("mapping (sandbox): 2 records of 'activity' stand")
    assert "by line 'task', which the signed mapping no longer has" in line
    assert f"'activity' now goes by {told}: a changed target demands rollback" in line
    assert not loading.staging.names("run-2")


def test_a_line_under_which_nothing_stands_may_go(loading: Loading) -> None:
    out = {"outcome": "rejected", "reason": "required_blank"}
    loading.load("task", [draft("task", "t1", {"title": "x"}) | out])
    assert loading.entry("task", "t1").outcome == "rejected"
    gone = without_tasks(loading.mapping, other="chore")
    prepare_destination(loading.run("run-2"), loading.hook, gone)


def test_the_same_lines_may_be_prepared_again(loading: Loading) -> None:
    loading.load("person", [person("p1")])
    loading.load("task", [task("t1", "p1")])
    prepare_destination(loading.run("run-2"), loading.hook, loading.mapping)
