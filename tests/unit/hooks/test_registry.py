"""A platform's name leads to its hook, whichever distribution that comes from."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from airflow_crm_migration.core.errors import UserMistake
from airflow_crm_migration.hooks.registry import (
    destination_hook,
    hook_class,
    rules_of,
    source_hook,
)


def test_a_hook_of_another_distribution_is_found(toy: Any) -> None:
    assert hook_class("toy") is toy.Writer
    reader: Any = source_hook("toy_reader", "my_toy_reader")
    writer: Any = destination_hook("toy", "my_toy")
    assert (type(reader), reader.conn_id) == (toy.Reader, "my_toy_reader")
    assert (type(writer), writer.conn_id) == (toy.Writer, "my_toy")
    assert isinstance(rules_of("toy"), toy.Rules)


@pytest.mark.usefixtures("toy")
def test_an_unknown_platform_is_told_with_the_known_ones() -> None:
    with pytest.raises(UserMistake, match="'acmecrm' is unknown; installed are klipy, toy, toy_re"):
        hook_class("acmecrm")


@pytest.mark.usefixtures("toy")
def test_a_source_is_no_destination() -> None:
    with pytest.raises(UserMistake, match="'toy_reader' cannot be a destination"):
        destination_hook("toy_reader", "my_toy_reader")
    with pytest.raises(UserMistake, match="'toy_reader' cannot be a destination"):
        rules_of("toy_reader")
    with pytest.raises(UserMistake, match="'toy' cannot be a source"):
        source_hook("toy", "my_toy")


@pytest.mark.usefixtures("toy")
def test_a_missing_connection_is_told() -> None:
    with pytest.raises(UserMistake, match="no connection 'nowhere'; create one of type toy"):
        destination_hook("toy", "nowhere")


@pytest.mark.usefixtures("toy")
def test_a_connection_of_another_type_is_told() -> None:
    with pytest.raises(UserMistake, match="'my_toy_reader' is of type 'toy_reader'"):
        destination_hook("toy", "my_toy_reader")


def test_nothing_is_imported_before_a_hook_is_asked_for() -> None:
    code = (
        "import json, sys; from airflow_crm_migration.hooks import registry;"
        "print(json.dumps(sorted(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    modules = set(json.loads(done.stdout))
    assert not modules & {"airflow", "requests", "airflow_crm_migration.hooks.base"}
