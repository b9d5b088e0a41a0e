"""Another workspace than the one written to gets neither records nor fields."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from airflow_crm_migration.core.errors import UserMistake
from airflow_crm_migration.core.mapping import FieldRule, NewField
from airflow_crm_migration.core.steps.schema import made_changes, prepare_destination
from airflow_crm_migration.core.steps.tenant import tenant_file

if TYPE_CHECKING:
    from airflow_crm_migration.core.mapping import Mapping
    from tests.support.loading import Loading

TENANT = tenant_file("sandbox")


def with_new_field(mapping: Mapping) -> Mapping:
    new = NewField(type="text", label="Shoe size")
    line, *rest = mapping.lines
    more = (*line.fields, FieldRule.model_validate({"to": "shoeSize", "from": "x", "create": new}))
    return mapping.model_copy(update={"lines": (line.model_copy(update={"fields": more}), *rest)})


def test_no_field_is_made_in_another_tenant(loading: Loading) -> None:
    run, wanted = loading.run("run-2"), with_new_field(loading.mapping)
    kept = loading.staging.read_json(TENANT)
    loading.staging.write_json(TENANT, {**kept, "id": "the-one-before"})
    made = made_changes(run)
    with pytest.raises(UserMistake, match="were written to the-one-before"):
        prepare_destination(run, loading.hook, wanted)
    assert made_changes(run) == made
    assert "shoeSize" not in loading.hook.describe()[wanted.lines[0].destination].fields

    loading.staging.write_json(TENANT, kept)
    assert prepare_destination(run, loading.hook, wanted)


def test_the_tenant_is_kept_with_the_first_field_that_is_made(loading: Loading) -> None:
    loading.staging.delete(TENANT)
    prepare_destination(loading.run("run-2"), loading.hook, loading.mapping)
    assert not loading.staging.exists(TENANT)  # nothing had to be made
    prepare_destination(loading.run("run-3"), loading.hook, with_new_field(loading.mapping))
    assert loading.staging.read_json(TENANT)["id"] == loading.hook.tenant().id


def test_a_dry_run_keeps_no_tenant(loading: Loading) -> None:
    loading.staging.delete(TENANT)
    run = loading.run("run-2", dry_run=True)
    prepare_destination(run, loading.hook, with_new_field(loading.mapping))
    assert not loading.staging.exists(TENANT)
