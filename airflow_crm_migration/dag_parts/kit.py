"""What the tasks of an engagement's DAG are given."""

from __future__ import annotations

from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.transform.conditions import settled_by_choices
from airflow_crm_migration.sensors.sign_off import SignOffSensor
from airflow_crm_migration.tasks import pool_name

if TYPE_CHECKING:
    from airflow_crm_migration.core.mapping import Mapping
    from airflow_crm_migration.engagement import Engagement, Environment


class Kit:
    """
    Arguments of operators and sensors, as an engagement says.

    :param engagement: the customer's
    """

    def __init__(self, engagement: Engagement) -> None:
        self.engagement = engagement
        self.mapping: Mapping = engagement.mapping()
        staging = engagement.staging
        self.place: dict[str, Any] = {
            "engagement_id": engagement.id,
            "staging_url": staging.url,
            "staging_conn_id": staging.conn_id,
            "kms_key_id": staging.kms_key_id,
        }
        self.pair: dict[str, Any] = {"pair": engagement.pair, "choices": dict(engagement.choices)}
        self.source: dict[str, Any] = {
            "platform": self.mapping.source,
            "conn_id": engagement.connections.source,
        }
        self.form = engagement.csv.model_dump(mode="json")
        self.signed: dict[str, Any] = {"signers": engagement.signers}

    @cached_property
    def phases(self) -> tuple[str, ...]:
        """The objects that are loaded under this engagement's choices, parents first."""
        chosen = self.mapping.chosen(dict(self.engagement.choices))
        used = {
            line.destination
            for line in self.mapping.lines
            if settled_by_choices(line.when, chosen) is not False
        }
        return tuple(phase for phase in self.mapping.phases if phase in used)

    def at(self, environment: Environment) -> dict[str, Any]:
        """Return the place of a task of one environment."""
        return {**self.place, "environment": environment}

    def destination(self, environment: Environment) -> dict[str, Any]:
        """Return the connection of an environment, in its pool."""
        conn_id = getattr(self.engagement.connections, environment)
        return {
            "platform": self.mapping.destination,
            "conn_id": conn_id,
            "pool": pool_name(conn_id),
        }

    @property
    def source_pool(self) -> dict[str, str]:
        """The pool of the source's connection, if it has one."""
        conn_id = self.engagement.connections.source
        return {"pool": pool_name(conn_id)} if conn_id else {}

    @property
    def pools(self) -> list[str]:
        """The pools of all connections."""
        connections = self.engagement.connections
        found = (connections.source, connections.sandbox, connections.production)
        return [pool_name(conn_id) for conn_id in found if conn_id]

    @property
    def facts(self) -> dict[str, str]:
        """What reports call the engagement."""
        engagement = self.engagement
        return {
            "customer": engagement.customer,
            "title": self.mapping.title,
            "pair": engagement.pair,
        }

    @property
    def settings(self) -> dict[str, Any]:
        """Defaults of transforms."""
        return {
            "default_region": self.engagement.default_region,
            "default_currency": self.engagement.default_currency,
        }

    def gate(self, name: str) -> dict[str, Any]:
        """Return how long a gate waits, and how often it looks."""
        settings = self.engagement.gate(name)
        return {
            "timeout": settings.timeout,
            "poke_interval": timedelta(seconds=settings.poll_seconds),
        }

    def sign_off(
        self, gate: str, environment: Environment | None = None, **more: Any
    ) -> SignOffSensor:
        """
        Make the gate of a decision.

        :param environment: where the decision is taken per environment
        :param more: of :class:`.SignOffSensor`
        """
        at = self.at(environment) if environment else self.place
        return SignOffSensor(
            task_id=f"sign_{gate}", gate=gate, **self.signed, **self.gate(gate), **at, **more
        )
