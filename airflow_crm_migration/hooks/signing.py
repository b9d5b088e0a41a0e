"""Where the signing keys come from: a sensitive option, the same for workers and commands."""

from __future__ import annotations

from airflow_crm_migration.core.keyring import Keyring


def signing_keyring() -> Keyring:
    """
    Return the keys of the option ``[crm_migration] signing_keys``.

    :raises UserMistake: the option is not set or not readable
    """
    from airflow.sdk import conf

    return Keyring.parse(conf.get("crm_migration", "signing_keys", fallback=None))
