"""Ids that we make: the same record gets the same id on every attempt."""

from __future__ import annotations

import json
import uuid
from typing import NamedTuple

NAMESPACE = uuid.UUID("6f0b1f6e-3a53-5c8b-9b0a-5f8c7a1d2e44")


class Key(NamedTuple):
    """
    What an outcome and a ledger row are about.

    :param line: id of the mapping line
    :param part: empty for the principal record, else names the row that hangs on it, for example
        ``taskTarget:contact:c-7``
    """

    line: str
    source_object: str
    source_id: str
    part: str = ""


def made_id(tenant: str, engagement: str, key: Key) -> str:
    """
    Return the id that a destination which accepts ids is given.

    :param tenant: the workspace or company behind the connection; another tenant, other ids
    :param engagement: id of the engagement
    :param key: what the record is made from
    :return: a UUID v5 in lower case
    """
    name = json.dumps([tenant, engagement, *key], ensure_ascii=False, separators=(",", ":"))
    return str(uuid.uuid5(NAMESPACE, name))
