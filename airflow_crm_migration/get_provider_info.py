"""What Airflow learns of this package: plain data, because Airflow calls it at every start."""

from __future__ import annotations

from typing import Any

_BUDGET_SHARE = {
    "label": "Budget share",
    "description": "Part of the rate limits that a migration may use; the rest is for others",
    "schema": {"type": "number", "minimum": 0.05, "maximum": 1, "default": 0.8},
}
_TIMEOUT = {
    "label": "Timeout",
    "description": "Seconds to wait for a reply",
    "schema": {"type": "number", "minimum": 1, "default": 60},
}


_WINDOW = r"\d+( calls)?/\d+(\.\d+)?s"


def _rate_limits(default: str) -> dict[str, Any]:
    return {
        "label": "Rate limits",
        "description": "Requests per window, all of which hold, for example 5/1s, 200/60s",
        "schema": {
            "type": "string",
            "pattern": rf"^\s*{_WINDOW}(\s*,\s*{_WINDOW})*\s*$",
            "default": default,
        },
    }


def _api_key_form(host: str) -> dict[str, Any]:
    return {
        "hidden-fields": ["login", "schema", "port", "extra"],
        "relabeling": {"host": "Base URL", "password": "API key"},
        "placeholders": {"host": host},
    }


def get_provider_info() -> dict[str, Any]:
    """
    Describe the provider.

    :return: what ``airflow/provider_info.schema.json`` asks for
    """
    return {
        "package-name": "airflow-crm-migration",
        "name": "CRM migration",
        "description": "Moves customers from one CRM to another.",
        "integrations": [
            {
                "integration-name": "CRM migration",
                "tags": ["service"],
            },
            {
                "integration-name": "Klipy",
                "external-doc-url": "https://klipy.ai/",
                "tags": ["service"],
            },
            {
                "integration-name": "Twenty",
                "external-doc-url": "https://twenty.com/",
                "tags": ["service"],
            },
        ],
        "hooks": [
            {
                "integration-name": "Klipy",
                "python-modules": ["airflow_crm_migration.hooks.klipy"],
            },
            {
                "integration-name": "Twenty",
                "python-modules": ["airflow_crm_migration.hooks.twenty"],
            },
        ],
        "operators": [
            {
                "integration-name": "CRM migration",
                "python-modules": [
                    "airflow_crm_migration.operators.attach_files",
                    "airflow_crm_migration.operators.check_destination",
                    "airflow_crm_migration.operators.choose_environment",
                    "airflow_crm_migration.operators.choose_work",
                    "airflow_crm_migration.operators.collect_owners",
                    "airflow_crm_migration.operators.count_after_freeze",
                    "airflow_crm_migration.operators.decide_duplicates",
                    "airflow_crm_migration.operators.deliver",
                    "airflow_crm_migration.operators.discover",
                    "airflow_crm_migration.operators.extract",
                    "airflow_crm_migration.operators.find_duplicates",
                    "airflow_crm_migration.operators.finish_rollback",
                    "airflow_crm_migration.operators.forecast_rollback",
                    "airflow_crm_migration.operators.list_gone",
                    "airflow_crm_migration.operators.load_phase",
                    "airflow_crm_migration.operators.preflight",
                    "airflow_crm_migration.operators.prepare_destination",
                    "airflow_crm_migration.operators.probe",
                    "airflow_crm_migration.operators.propose_cutover",
                    "airflow_crm_migration.operators.propose_mapping",
                    "airflow_crm_migration.operators.reconcile_phase",
                    "airflow_crm_migration.operators.secure_files",
                    "airflow_crm_migration.operators.tell_mistakes",
                    "airflow_crm_migration.operators.transform_phase",
                    "airflow_crm_migration.operators.trigger_run",
                    "airflow_crm_migration.operators.undo_phase",
                    "airflow_crm_migration.operators.validate",
                    "airflow_crm_migration.operators.verdict",
                ],
            }
        ],
        "sensors": [
            {
                "integration-name": "CRM migration",
                "python-modules": [
                    "airflow_crm_migration.sensors.csv_export",
                    "airflow_crm_migration.sensors.owners_provisioned",
                    "airflow_crm_migration.sensors.sign_off",
                    "airflow_crm_migration.sensors.source_frozen",
                ],
            }
        ],
        "connection-types": [
            {
                "connection-type": "klipy",
                "hook-class-name": "airflow_crm_migration.hooks.klipy.KlipyHook",
                "hook-name": "Klipy",
                "ui-field-behaviour": _api_key_form("https://api.klipy.ai"),
                "conn-fields": {
                    "rate_limits": _rate_limits("200/60s"),
                    "budget_share": _BUDGET_SHARE,
                    "timeout": _TIMEOUT,
                },
            },
            {
                "connection-type": "twenty",
                "hook-class-name": "airflow_crm_migration.hooks.twenty.TwentyHook",
                "hook-name": "Twenty",
                "ui-field-behaviour": _api_key_form("https://api.twenty.com"),
                "conn-fields": {
                    "rate_limits": _rate_limits("100/60s"),
                    "batch_size": {
                        "label": "Batch size",
                        "description": "Records per write: 60 by Twenty's documentation; "
                        "self-hosted servers may take up to 200",
                        "schema": {"type": "integer", "minimum": 1, "maximum": 200, "default": 60},
                    },
                    "budget_share": _BUDGET_SHARE,
                    "timeout": _TIMEOUT,
                },
            },
        ],
        "cli": ["airflow_crm_migration.cli.get_commands"],
        "config": {
            "crm_migration": {
                "description": "Sign-off of migrations.",
                "options": {
                    "signing_keys": {
                        "description": "Keys that sign-offs are signed and checked with, as "
                        "``id:base64[,id:base64]``. The first one signs; the others still check "
                        "what they signed, so that keys can be changed. Workers and whoever "
                        "runs ``airflow crm-migration sign`` need the same value.\n",
                        "version_added": "0.1.0",
                        "type": "string",
                        "sensitive": True,
                        "example": "2026-a:b25seSBhbiBleGFtcGxlLCBtYWtlIHlvdXIgb3duISE=",
                        "default": None,
                    },
                },
            },
        },
    }
