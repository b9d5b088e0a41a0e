"""Custom columns of contacts and deals and their values."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING

from airflow_crm_migration.emulators.messy.words import WORDS
from airflow_crm_migration.emulators.messy.world import Contact, CustomColumn, CustomValue, Deal

if TYPE_CHECKING:
    from airflow_crm_migration.emulators.messy.maker import Maker

COLUMNS = (
    CustomColumn("contact", "Favourite Topic", "text"),
    CustomColumn("contact", "Lead Score", "number"),
    CustomColumn("contact", "Birthday", "date"),
    CustomColumn("contact", "T-Shirt Size", "picklist", ("S", "M", "L", "XL", "サイズ不明")),
    CustomColumn("contact", "Opted in?", "boolean"),
    CustomColumn("deal", "Competitor", "text"),
    CustomColumn("deal", "Discount %", "number"),
    CustomColumn("deal", "Renewal Date", "date"),
    CustomColumn("deal", "Région", "picklist", ("EMEA", "APAC", "LATAM", "North America (US, CA)")),
    CustomColumn("deal", "Signed", "boolean"),
)
_FILLED = 0.4
_BAD = {"number": "12,5 points", "date": "spring 2024", "boolean": "maybe"}
_FIRST_DAY = dt.date(1960, 1, 1)
_DAYS = 22_000


def fill_columns(maker: Maker) -> None:
    """
    Give contacts and deals values in custom columns, a few of them bad.

    :param maker: of the world, with its contacts and deals
    """
    maker.world.columns = list(COLUMNS)
    for column in COLUMNS:
        kind = f"{column.kind}s"
        records: dict[str, Contact] | dict[str, Deal] = getattr(maker.world, kind)
        for record in records.values():
            if maker.chance(_FILLED):
                record.custom[column.name] = _value(maker, column)
        if column.type in _BAD:
            bad = maker.victim(kind)
            maker.bad(f"bad_{column.type}", column.kind, bad, column.name, _BAD[column.type])


def _value(maker: Maker, column: CustomColumn) -> CustomValue:
    draw = maker.rng.random()
    if column.type == "number":
        return Decimal(int(draw * 1000)) / 10
    if column.type == "date":
        return _FIRST_DAY + dt.timedelta(days=int(draw * _DAYS))
    if column.type == "boolean":
        return round(draw) == 1
    return maker.one(column.options or WORDS.sentences)
