"""An engagement as its file and its staging."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from airflow_crm_migration.core.staging import Staging

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Case:
    """
    An engagement on this machine.

    :param file: path of the engagement file
    """

    file: Path
    staging: Staging

    def change(self, **settings: Any) -> None:
        content = yaml.safe_load(self.file.read_text())
        self.file.write_text(yaml.safe_dump({**content, **settings}))


@pytest.fixture
def case(tmp_path: Path) -> Case:
    file = tmp_path / "acme.yaml"
    content = {
        "id": "acme",
        "customer": "ACME GmbH",
        "pair": "klipy_to_twenty",
        "staging": {"url": f"file://{tmp_path}/staging"},
        "connections": {"source": "klipy_acme", "sandbox": "twenty_test"},
    }
    file.write_text(yaml.safe_dump(content))
    return Case(file, Staging(tmp_path / "staging" / "acme"))
