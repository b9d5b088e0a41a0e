"""Tags that differ only by case or space."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_crm_migration.emulators.messy.words import WORDS

if TYPE_CHECKING:
    from airflow_crm_migration.emulators.messy.maker import Maker


def plant_tags(maker: Maker) -> None:
    """
    Put every unusual tag on at least one contact and one deal.

    :param maker: of the world, with its contacts and deals
    """
    unusual = [*WORDS.tags, *(tag for twins in WORDS.tag_twins for tag in twins)]
    for records in (maker.world.contacts, maker.world.deals):
        for tag in unusual:
            record = records[maker.one(list(records))]
            if tag not in record.tags:
                record.tags.append(tag)
    maker.truth.tag_twins = WORDS.tag_twins
