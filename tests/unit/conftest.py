"""A CRM from somebody else's distribution."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

TOY_HOOK = """
from airflow_crm_migration.core.fields import FieldSpec, FieldType, ObjectSpec

FIELDS = {
    name: FieldSpec(name, FieldType.TEXT, header=name.upper()) for name in ("id", "email")
}


class Reader:
    conn_type = "toy_reader"
    objects = {"contact": ObjectSpec("contact", "Contacts", FIELDS, csv_name="contacts.csv")}

    def __init__(self, conn_id):
        self.conn_id = conn_id

    newest = {}

    def probe(self):
        return []

    def newest_change(self, object_name):
        answer = self.newest.get(object_name)
        if isinstance(answer, Exception):
            raise answer
        return answer


class Rules:
    pass


class Writer:
    conn_type = "toy"
    rules_class = Rules
    found = []

    def __init__(self, conn_id):
        self.conn_id = conn_id

    def ensure_schema(self):
        return []

    def members(self):
        for answer in self.found:
            if isinstance(answer, Exception):
                raise answer
        return list(self.found)
"""


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Install a distribution with a CRM that can be read and one that can be written to."""
    site = tmp_path / "site"
    (site / "toy_crm-1.dist-info").mkdir(parents=True)
    (site / "toy_crm-1.dist-info" / "METADATA").write_text("Name: toy-crm\nVersion: 1\n")
    (site / "toy_crm-1.dist-info" / "entry_points.txt").write_text(
        "[airflow_crm_migration.platforms]\ntoy = toy_crm:Writer\ntoy_reader = toy_crm:Reader\n"
    )
    (site / "toy_crm.py").write_text(TOY_HOOK)
    monkeypatch.syspath_prepend(site)
    monkeypatch.delitem(sys.modules, "toy_crm", raising=False)
    for platform in ("toy", "toy_reader"):
        monkeypatch.setenv(f"AIRFLOW_CONN_MY_{platform.upper()}", f'{{"conn_type": "{platform}"}}')
    return importlib.import_module("toy_crm")
