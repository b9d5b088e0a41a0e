from __future__ import annotations

import pytest
from pydantic import ValidationError

from airflow_crm_migration.core.csv_format import CsvFormat, CustomField
from airflow_crm_migration.core.fields import FieldType


def test_an_encoding_has_one_name() -> None:
    assert CsvFormat(encoding="UTF8").encoding == "utf-8"
    assert CsvFormat(encoding="windows-1252").encoding == "cp1252"


@pytest.mark.parametrize(
    ("setting", "value", "told"),
    [
        ("encoding", "utf-9", "no such encoding; for example"),
        ("timezone", "Europe/Atlantis", "no such timezone; for example"),
        ("delimiter", "|", "Input should be"),
        ("decimals", ",", "Extra inputs are not permitted"),
    ],
)
def test_a_wrong_setting_is_told(setting: str, value: str, told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        CsvFormat.model_validate({setting: value})


def test_a_column_cannot_hold_what_needs_several() -> None:
    with pytest.raises(ValidationError):
        CustomField.model_validate({"object": "deal", "header": "X", "type": FieldType.ADDRESS})
