"""Opens an engagement's staging through Airflow's object storage and connections."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from airflow_crm_migration.core.errors import UserMistake
from airflow_crm_migration.core.staging import Staging


def open_staging(
    url: str,
    engagement_id: str,
    *,
    conn_id: str | None = None,
    kms_key_id: str | None = None,
) -> Staging:
    """
    Open the staging prefix of an engagement.

    :param url: ``s3://bucket/prefix`` or ``file:///folder``
    :param engagement_id: the engagement, a folder of its own below ``url``
    :param conn_id: ``aws`` connection; without it boto's own chain finds credentials
    :param kms_key_id: key id, ARN or alias (``alias/aws/s3`` is the one that AWS manages); every
        object on ``s3://`` is encrypted with it, without it as the bucket's default says
    :raises UserMistake: there is no such place, or it is closed to us
    """
    from airflow.sdk import ObjectStoragePath

    if conn_id:
        _check_connection(url, conn_id)
    root = ObjectStoragePath(f"{url.rstrip('/')}/{engagement_id}", conn_id=conn_id)
    if root.protocol == "file":
        _open_folder(url, Path(root.path))
        return Staging(root)
    _open_bucket(url, root, conn_id)
    return Staging(root, _encryption(kms_key_id))


def _encryption(kms_key_id: str | None) -> dict[str, str]:
    if kms_key_id is None:
        return {}
    return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key_id}


def _check_connection(url: str, conn_id: str) -> None:
    """Refuse a missing connection: the AWS hook would take this machine's credentials instead."""
    from airflow.sdk import BaseHook
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        BaseHook.get_connection(conn_id)
    except AirflowNotFoundException:
        raise UserMistake(f"staging {url}: there is no connection {conn_id!r}; create it") from None


def _open_folder(url: str, folder: Path) -> None:
    fix = "name a folder that every worker can write to"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserMistake(f"staging {url}: {error.strerror}; {fix}") from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UserMistake(f"staging {url}: Permission denied; {fix}")


def _open_bucket(url: str, root: Any, conn_id: str | None) -> None:
    from botocore.exceptions import BotoCoreError

    place = f"connection {conn_id!r}" if conn_id else "AWS credentials of this machine"
    try:
        filesystem = root.fs
        # A listing kept in the process hides what other processes write and delete.
        filesystem.dircache.use_listings_cache = False
        filesystem.invalidate_cache()
        filesystem.info(root.bucket)
    except ImportError:
        raise UserMistake(
            f"staging {url}: s3:// needs s3fs: pip install 'airflow-crm-migration[s3]'"
        ) from None
    except FileNotFoundError:
        raise UserMistake(f"staging {url}: there is no bucket {root.bucket!r}; create it") from None
    except (OSError, BotoCoreError) as error:
        raise UserMistake(f"staging {url}: {error}; check the {place}") from None
