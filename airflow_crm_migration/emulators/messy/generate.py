"""Puts a world together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_crm_migration.emulators.messy.activities import make_activities
from airflow_crm_migration.emulators.messy.blemishes import blemish_contacts
from airflow_crm_migration.emulators.messy.columns import fill_columns
from airflow_crm_migration.emulators.messy.companies import make_companies
from airflow_crm_migration.emulators.messy.contacts import make_contacts
from airflow_crm_migration.emulators.messy.deals import make_deals
from airflow_crm_migration.emulators.messy.files import make_files
from airflow_crm_migration.emulators.messy.maker import Maker
from airflow_crm_migration.emulators.messy.notes import make_notes
from airflow_crm_migration.emulators.messy.tags import plant_tags
from airflow_crm_migration.emulators.messy.users import make_users

if TYPE_CHECKING:
    from airflow_crm_migration.emulators.messy.world import World

MINIMUM = 100


def generate(seed: int, contacts: int = 2000) -> World:
    """
    Invent what a customer has in a CRM.

    For 2000 contacts there are about 600 companies, 900 deals, 3000 activities, 1500 notes and 60
    files; other sizes keep the ratios, and nothing that is planted is left out.

    :param seed: the same seed and size give the same world
    :param contacts: how many contacts
    :return: the world with its truth
    :raises ValueError: when there would be too few contacts to plant everything
    """
    if contacts < MINIMUM:
        raise ValueError(f"contacts {contacts}: must be at least {MINIMUM}")
    maker = Maker(seed, contacts)
    for step in (
        make_users,
        make_companies,
        make_contacts,
        blemish_contacts,
        make_deals,
        fill_columns,
        make_activities,
        make_notes,
        make_files,
        plant_tags,
    ):
        step(maker)
    return maker.world
