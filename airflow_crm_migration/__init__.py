"""Airflow provider that moves customers from one CRM to another."""

from __future__ import annotations

__version__ = "0.1.0"
