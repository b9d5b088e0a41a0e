"""A rollback deletes what we made, restores what we wrote over and keeps what people worked on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.support.loading import company, person, task

if TYPE_CHECKING:
    from tests.support.loading import Loading
    from tests.support.rolling_back import RollingBack


def load(loading: Loading, run: str = "run-1", **files: Any) -> None:
    """Load two companies, three people, two tasks and a file."""
    loading.load("company", [company("c"), company("d")], run=run)
    people = [person("a", "c"), person("b", "d"), person("e")]
    loading.load("person", people, run=run)
    loading.load("task", [task("t", "a", "b"), task("u", "e")], run=run)
    loading.load("attachment", [loading.file("f", "a", b"x")], run=run)


def the(loading: Loading, phase: str, source_id: str) -> str:
    return str(loading.entry(phase, source_id).destination_id)


def test_everything_that_we_made_is_gone(loading: Loading, rolling: RollingBack) -> None:
    load(loading)
    assert rolling.whole() == {
        "attachment": {"delete": 1}, "task": {"delete": 2},
        "person": {"delete": 3}, "company": {"delete": 2},
    }  # fmt: skip
    assert rolling.left() == {}
    assert not any(e.stands for p in loading.mapping.phases for e in loading.entries(p).values())
    assert not any(e.stands for e in loading.entries("task", principal=False).values())
