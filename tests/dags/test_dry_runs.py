"""A dry run of every mode that writes: it ends well, writes nothing and says what it would take."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import requests

from airflow_crm_migration.core.canonical import digest
from demo.engagement import engagement
from tests.dags.conftest import crms, engaged
from tests.dags.test_modes import Life
from tests.support.customer import at, customer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.dags import Ended

pytestmark = pytest.mark.migration

READS = ("GET ", "POST /graphql people", "POST /graphql companies")
"""What changes nothing; calls to ``/metadata`` are told apart by what the workspace holds."""


class Dry:
    """
    A dry run, and what the destination saw of it.

    :param before: digest of all that the workspace held, so ``after``
    """

    def __init__(self, life: Life, mode: str, **params: Any) -> None:
        self.life = life
        self._ask("reset-counters", {})
        known = set(life.case.staging.names("reports"))
        self.before = self._held()
        self.ended: Ended = life.run(mode, dry_run=True, **params)
        self.after = self._held()
        self.calls: dict[str, Any] = self._ask("requests")["calls"]
        self.new = set(life.case.staging.names("reports")) - known

    def _ask(self, path: str, body: Any = None) -> Any:
        url = f"{self.life.crms.twenty}/_emulator/{path}"
        return requests.request(
            "GET" if body is None else "POST", url, json=body, timeout=60
        ).json()

    def _held(self) -> str:
        content = self._ask("content")
        for row in content["attachment"]:
            for file in row["file"] or []:
                del file["url"]  # new at every look
        return digest(content)

    @property
    def forecast(self) -> Any:
        [folder] = {name.split("/")[1] for name in self.new}
        return self.life.case.staging.read_json(f"{folder}/forecast.json")


@pytest.fixture(scope="module")
def dry(tmp_path_factory: pytest.TempPathFactory, airflow_db: None) -> Iterator[dict[str, Dry]]:
    folder = tmp_path_factory.mktemp("dry")
    with crms(customer()) as running:
        content = engagement(f"file://{folder}/staging", running, poll_seconds=0.1, id="dry")
        life = Life(engaged(folder, content), running, folder)
        life.export()
        found = {"sample": Dry(life, "sample"), "full": Dry(life, "full")}
        real = life.run("full")
        assert real.state == "success", real.log.errors()
        life.world.contacts["p3"].title = "Head of Chess"
        life.world.contacts["p3"].updated_at = at(28)
        life.export()
        found["delta"] = Dry(life, "delta")
        found["retry"] = Dry(life, "retry")
        frozen = datetime.now(UTC) - timedelta(seconds=1)  # file systems' clocks are coarser
        life.export()
        found["cutover"] = Dry(life, "cutover", frozen_at=frozen.isoformat())
        yield found


MODES = ("sample", "full", "delta", "retry", "cutover")


@pytest.mark.parametrize("mode", MODES)
def test_it_ends_well(dry: dict[str, Dry], mode: str) -> None:
    assert dry[mode].ended.state == "success", dry[mode].ended.log.errors()


@pytest.mark.parametrize("mode", MODES)
def test_no_write_reaches_the_destination(dry: dict[str, Dry], mode: str) -> None:
    calls = [call for call in dry[mode].calls if not call.startswith("POST /metadata")]
    assert calls
    assert all(call.startswith(READS) for call in calls), calls
    assert dry[mode].after == dry[mode].before


@pytest.mark.parametrize("mode", MODES)
def test_its_last_words_are_what_the_run_would_take(dry: dict[str, Dry], mode: str) -> None:
    told = [line for line in dry[mode].ended.log.lines if "dry run, nothing was written: " in line]
    total = dry[mode].forecast["total"]
    assert len(told) == 1
    assert f" {total['requests']} requests in " in told[0]
    assert total["weight"] > 0


def test_a_change_in_the_source_is_foretold_as_one_update(dry: dict[str, Dry]) -> None:
    for mode in ("delta", "cutover"):
        lines = [line for line in dry[mode].ended.log.lines if "info: person: " in line]
        assert any("1 updated" in line for line in lines), lines
