"""``airflow crm-migration csv-templates``: header lines of the files that a customer exports."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from airflow_crm_migration.core.csv_export import template
from airflow_crm_migration.core.errors import UserMistake
from airflow_crm_migration.engagement import load_engagement
from airflow_crm_migration.hooks.registry import hook_class

if TYPE_CHECKING:
    from argparse import Namespace


def run(args: Namespace) -> int:
    """
    Write one file per object of the source that can come as CSV and that the pair reads.

    :param args: ``engagement``, ``folder``
    :return: exit status
    :raises UserMistake: the folder is not writable
    """
    mapping = load_engagement(args.engagement).mapping()
    folder = Path(args.folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, spec in hook_class(mapping.source).objects.items():
            if spec.csv_name and name in mapping.source_objects:
                target = folder / spec.csv_name
                target.write_text(template(spec), encoding="utf-8", newline="")
                print(f"{target}: {spec.label}")
    except OSError as error:
        raise UserMistake(
            f"--folder {folder}: {error.strerror}; name a folder to write to"
        ) from None
    return 0
