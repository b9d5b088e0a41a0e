"""What actions cost: Twenty counts calls to its core API, not records (observed on 2.21)."""

from __future__ import annotations

import math

from airflow_crm_migration.core.protocols import Action
from airflow_crm_migration.hooks.twenty.removal import MOST

_CALL = 1.0
_UNCOUNTED = 0.0


def cost(action: Action, number: int, page: int) -> list[float]:
    """
    Return what the requests of an action cost.

    :param number: of records
    :param page: most records that one request reads
    """
    match action:
        case Action.UPLOAD:
            return [_UNCOUNTED] * 3  # declared, sent, completed
        case Action.DOWNLOAD:
            return [_UNCOUNTED]  # from the address that came with the record
        case Action.READ:
            return [_CALL] * math.ceil(number / page)
        case Action.RESTORE | Action.TRASH | Action.DELETE:
            return [_CALL] * math.ceil(number / MOST)
    return [_CALL] if number else []
