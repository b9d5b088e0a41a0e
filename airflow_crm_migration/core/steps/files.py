"""The step that copies the binaries of attachments into staging."""

from __future__ import annotations

from collections import Counter
from typing import IO, TYPE_CHECKING

from airflow_crm_migration.core.protocols import Progress
from airflow_crm_migration.core.secure_files import Securing, read_files

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_crm_migration.core.mapping import Mapping as PairMapping
    from airflow_crm_migration.core.run import Run, Say


def secure_step(
    run: Run,
    mapping: PairMapping,
    *,
    open_url: Callable[[str], IO[bytes]],
    max_bytes: int,
    taken_over: bool,
    say: Say,
) -> dict[str, int]:
    """
    Copy every binary that can be had, and keep the counts in ``<run>/files.json``.

    :param open_url: opens an address as a stream
    :param max_bytes: most that the destination takes
    :param taken_over: whether they came with the extract of an earlier run
    :return: how many were secured, and how many not by reason
    """
    counts: Counter[str] = Counter()
    for name, rule in mapping.files.items():
        if not taken_over:
            progress = Progress(say)
            Securing(run.staging, run.folder, name, rule, open_url, max_bytes, progress).secure()
        rows = read_files(run.staging, run.folder, name)
        counts += Counter(row.get("reason", "secured") for row in rows)
    run.write("files.json", dict(counts))
    return dict(counts)
