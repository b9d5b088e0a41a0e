"""Uploads and attaches the files, and reads each one back."""

from __future__ import annotations

from airflow_crm_migration.operators.load_phase import LoadPhaseOperator


class AttachFilesOperator(LoadPhaseOperator):
    """Loads the phase of attachments: the binaries first, then the records that they hang on."""
