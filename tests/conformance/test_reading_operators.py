"""What a run is asked for in its form decides how it comes by the records of the source."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from airflow_crm_migration.core.errors import UserMistake
from airflow_crm_migration.core.extract_read import extract_manifest
from airflow_crm_migration.core.run import Run
from airflow_crm_migration.operators.discover import DiscoverOperator
from airflow_crm_migration.operators.extract import ExtractOperator
from airflow_crm_migration.operators.list_gone import ListGoneOperator
from airflow_crm_migration.operators.probe import ProbeSourceOperator
from airflow_crm_migration.operators.secure_files import SecureFilesOperator
from airflow_crm_migration.tasks import run_prefix
from tests.support.params import params
from tests.support.toy import PAIR

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

    from tests.support.migration import Migration

SOURCE = {"platform": "toy_shop", "conn_id": "shop"}


class Reads:
    """The tasks of a run that read the source, run one after the other."""

    def __init__(self, migration: Migration, folder: Path, mode: str, **filled: Any) -> None:
        self.migration = migration
        self.pair = {"pair": PAIR, "choices": {}}
        self.place = {
            "engagement_id": "acme",
            "staging_url": f"file://{folder}",
            "environment": "sandbox",
        }
        number = len(migration.staging.names(""))
        self.context: Any = {
            "dag_run": SimpleNamespace(run_id=f"{number}", run_after=datetime.now(UTC)),
            "params": params(mode=mode, sample_size=2, **filled),
        }
        self.run = Run(migration.staging, run_prefix(self.context), "acme", "sandbox")

    def all(self) -> Run:
        """Read everything."""
        self._do(ProbeSourceOperator, "probe", **SOURCE)
        self._do(DiscoverOperator, "discover", platform="toy_shop", form={})
        for name in self.migration.pair.reading_order:
            self._do(ExtractOperator, name, object_name=name, form={}, **SOURCE)
        self._do(SecureFilesOperator, "files", destination="toy_office", **SOURCE)
        self._do(ListGoneOperator, "list_gone")
        return self.run

    def _do(self, operator: Any, task_id: str, **settings: Any) -> None:
        made = operator(task_id=task_id, **settings, **self.pair, **self.place)
        made.work(self.context)

    def window(self, object_name: str) -> dict[str, Any]:
        """Return what was asked for of an object."""
        found: dict[str, Any] = extract_manifest(self.run.staging, self.run.folder, object_name)[
            "window"
        ]
        return found


@pytest.mark.parametrize(
    ("mode", "changes"),
    [("delta", True), ("cutover", True), ("retry", True), ("full", False), ("sample", False)],
)
def test_runs_that_go_on_read_what_changed(
    migration: Migration, tmp_path: Path, mode: str, changes: bool
) -> None:
    base = migration.full()
    reads = Reads(migration, tmp_path, mode)
    reads.all()
    assert reads.window("client").get("base") == (base.folder if changes else None)
    assert reads.run.read("files.json") == {"secured": 2, "file_too_large": 1}


def test_an_earlier_extract_is_taken_instead(
    migration: Migration, shop: ModuleType, tmp_path: Path
) -> None:
    base = migration.full()
    shop.SHELF.given.clear()
    run = Reads(migration, tmp_path, "full", extract_of=base.folder).all()
    assert not shop.SHELF.given
    assert extract_manifest(run.staging, run.folder, "client")["extract_of"] == base.folder
    assert run.read("files.json") == {"secured": 2, "file_too_large": 1}


def test_what_shrank_stops_unless_it_is_accepted_or_a_sample(
    migration: Migration, tmp_path: Path
) -> None:
    migration.full()
    migration.staging.write_bytes("inbox/stickers.csv", b"ID,CLIENT_ID,WORD\nw1,c2,VIP\n")
    with pytest.raises(UserMistake, match="accept_shrunk"):
        Reads(migration, tmp_path, "full").all()
    Reads(migration, tmp_path, "full", accept_shrunk=True).all()
    Reads(migration, tmp_path, "sample").all()
