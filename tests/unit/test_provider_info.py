"""What Airflow is told about the package is true of the package."""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
from importlib.metadata import entry_points, version
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from airflow.sdk import BaseOperator

import airflow_crm_migration
from airflow_crm_migration.core.keyring import Keyring
from airflow_crm_migration.core.limits import parse_windows
from airflow_crm_migration.get_provider_info import get_provider_info

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

INFO = get_provider_info()
CONNECTION_TYPES = {entry["connection-type"]: entry for entry in INFO["connection-types"]}


def _resolve(path: str) -> Any:
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)


def test_obeys_the_schema_of_airflow() -> None:
    schema = json.loads(files("airflow").joinpath("provider_info.schema.json").read_text())
    jsonschema.validate(INFO, schema)


def test_is_the_entry_point_of_the_distribution() -> None:
    names = {
        point.value: point.dist.name if point.dist else None
        for point in entry_points(group="apache_airflow_provider")
    }
    assert (
        names["airflow_crm_migration.get_provider_info:get_provider_info"] == INFO["package-name"]
    )
    assert version(INFO["package-name"]) == airflow_crm_migration.__version__


def _offered(module: ModuleType) -> Iterator[type[BaseOperator]]:
    """Yield the operators of a module that can be used as they are."""
    for _, item in inspect.getmembers(module, inspect.isclass):
        here = item.__module__ == module.__name__ and issubclass(item, BaseOperator)
        if here and not inspect.isabstract(item) and item.execute is not BaseOperator.execute:
            yield item


@pytest.mark.parametrize("name", CONNECTION_TYPES)
def test_connection_type_is_that_of_its_hook(name: str) -> None:
    hook = _resolve(CONNECTION_TYPES[name]["hook-class-name"])
    assert hook.conn_type == name
    assert hook.hook_name == CONNECTION_TYPES[name]["hook-name"]


@pytest.mark.parametrize("name", CONNECTION_TYPES)
def test_defaults_of_the_form_obey_the_form(name: str) -> None:
    for field in CONNECTION_TYPES[name]["conn-fields"].values():
        jsonschema.validate(field["schema"]["default"], field["schema"])


def test_command_functions_import() -> None:
    for path in INFO["cli"]:
        assert callable(_resolve(path))


@pytest.mark.parametrize("kind", ["operators", "sensors"])
def test_lists_every_module_that_offers_one(kind: str) -> None:
    package = importlib.import_module(f"airflow_crm_migration.{kind}")
    modules = [
        importlib.import_module(f"{package.__name__}.{module.name}")
        for module in pkgutil.iter_modules(package.__path__)
    ]
    offering = {module.__name__ for module in modules if any(_offered(module))}
    listed = {module for entry in INFO[kind] for module in entry["python-modules"]}
    assert listed == offering


def test_hook_modules_import() -> None:
    for entry in INFO["hooks"]:
        for module in entry["python-modules"]:
            importlib.import_module(module)


def test_integrations_are_declared() -> None:
    declared = {entry["integration-name"] for entry in INFO["integrations"]}
    used = {
        entry["integration-name"]
        for kind in ("hooks", "operators", "sensors")
        for entry in INFO[kind]
    }
    assert used <= declared


@pytest.mark.parametrize("name", CONNECTION_TYPES)
def test_form_takes_the_limits_that_the_hook_takes(name: str) -> None:
    schema = CONNECTION_TYPES[name]["conn-fields"]["rate_limits"]["schema"]
    for text in (schema["default"], "100/60s, 5/0.5s", "80 calls/2s, 30000/86400s"):
        jsonschema.validate(text, schema)
        parse_windows(text)


def test_signing_keys_are_secret_and_their_example_is_a_key() -> None:
    option = INFO["config"]["crm_migration"]["options"]["signing_keys"]
    assert option["sensitive"] is True
    assert Keyring.parse(option["example"]).signing_id == "2026-a"
