"""The keys that sign-offs are signed with.

A format that outlives releases: HMAC-SHA256 over canonical JSON.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from dataclasses import dataclass, field
from typing import Any

from airflow_crm_migration.core.canonical import canonical_json
from airflow_crm_migration.core.errors import UserMistake

SHORTEST_KEY = 32
MAKE_A_KEY = (
    'python -c "import base64, secrets; '
    "print('key1:' + base64.b64encode(secrets.token_bytes(32)).decode())\""
)
_OPTION = "[crm_migration] signing_keys"
_ID = re.compile(r"[A-Za-z0-9._-]+")


@dataclass(frozen=True)
class Keyring:
    """
    Keys by id; the first one signs, all of them check.

    :param keys: key id -> key, in order
    """

    keys: dict[str, bytes] = field(repr=False)

    @classmethod
    def parse(cls, text: str | None) -> Keyring:
        """
        Read ``id:base64[,id:base64]``; white space around an entry does not matter.

        :raises UserMistake: without a key, or with one that is torn, short or twice there; the
            message never quotes a key
        """
        if text is None or not text.strip():
            raise UserMistake(f"{_OPTION} is not set; make a key with: {MAKE_A_KEY}")
        keys: dict[str, bytes] = {}
        for number, entry in enumerate(text.split(","), start=1):
            key_id, key = _entry(number, entry.strip())
            if key_id in keys:
                raise UserMistake(f"{_OPTION}: id {key_id!r} is there twice; give each key its own")
            keys[key_id] = key
        return cls(keys)

    @property
    def signing_id(self) -> str:
        """The id of the key that signs."""
        return next(iter(self.keys))

    def mac(self, key_id: str, value: Any) -> str:
        """
        Return the HMAC of a value's canonical JSON in hex.

        :raises KeyError: for an id that the ring does not have
        """
        return hmac.new(
            self.keys[key_id], canonical_json(value).encode(), hashlib.sha256
        ).hexdigest()

    def verifies(self, key_id: str, value: Any, mac: str) -> bool:
        """Tell whether one of our keys made an HMAC, in constant time."""
        return key_id in self.keys and hmac.compare_digest(
            self.mac(key_id, value).encode(), mac.encode()
        )


def _entry(number: int, entry: str) -> tuple[str, bytes]:
    key_id, colon, encoded = entry.partition(":")
    if not colon or not _ID.fullmatch(key_id):
        raise UserMistake(
            f"{_OPTION}: entry {number} is not id:base64, with an id of letters, digits, '.', '_' "
            f"and '-'; make one with: {MAKE_A_KEY}"
        )
    try:
        key = base64.b64decode(encoded.strip().translate(str.maketrans("-_", "+/")), validate=True)
    except binascii.Error:
        raise UserMistake(
            f"{_OPTION}: the key {key_id!r} is not base64; make one with: {MAKE_A_KEY}"
        ) from None
    if len(key) < SHORTEST_KEY:
        raise UserMistake(
            f"{_OPTION}: the key {key_id!r} has {len(key)} bytes, {SHORTEST_KEY} are the least; "
            f"make one with: {MAKE_A_KEY}"
        )
    return key_id, key
