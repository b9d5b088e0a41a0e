"""How a customer's CSV files are written, as the engagement declares it."""

from __future__ import annotations

import codecs
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict

from airflow_crm_migration.core.fields import FieldType

ColumnType = Literal[
    FieldType.TEXT,
    FieldType.LONG_TEXT,
    FieldType.NUMBER,
    FieldType.BOOLEAN,
    FieldType.DATE,
    FieldType.DATETIME,
    FieldType.SELECT,
    FieldType.MULTI_SELECT,
    FieldType.EMAILS,
    FieldType.PHONES,
    FieldType.LINKS,
]
"""Types that the cells of one column can hold."""

IGNORE = "ignore"
"""What an alias names when a column is left aside on purpose."""


def _encoding(name: str) -> str:
    try:
        return codecs.lookup(name).name
    except LookupError:
        raise ValueError("no such encoding; for example utf-8, cp1252 or utf-16") from None


def _timezone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError("no such timezone; for example UTC or Europe/Berlin") from None
    return name


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CustomField(_Strict):
    """A column from the customer's own list of custom fields, for what its cells do not tell."""

    object: str
    header: str
    label: str | None = None
    type: ColumnType = FieldType.TEXT


class CsvFormat(_Strict):
    """
    How CSV files are written.

    ``aliases`` maps a header as exported to our field name (or to ``ignore``), per object;
    ``formats`` maps ``object.field`` to a date format such as ``DD/MM/YYYY``.
    """

    encoding: Annotated[str, AfterValidator(_encoding)] = "utf-8"
    delimiter: Literal["auto", ",", ";", "\t"] = "auto"
    decimal_mark: Literal[".", ","] = "."
    timezone: Annotated[str, AfterValidator(_timezone)] = "UTC"
    aliases: dict[str, dict[str, str]] = {}
    formats: dict[str, str] = {}
    custom_columns: Literal["detect", "refuse"] = "detect"
    custom_fields: tuple[CustomField, ...] = ()
