"""What is looked at before anything is written to a workspace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow_crm_migration.core.errors import CrmError, Refused, Unauthorised, UserMistake
from airflow_crm_migration.core.protocols import Finding, Severity, Values
from airflow_crm_migration.hooks.twenty import codec
from airflow_crm_migration.hooks.twenty.filters import equals

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from airflow_crm_migration.hooks.twenty.hook import TwentyHook

NEEDED = (
    "company",
    "person",
    "opportunity",
    "task",
    "note",
    "taskTarget",
    "noteTarget",
    "attachment",
    "workspaceMember",
)
# What sign-up puts into a workspace (observed on 2.21, where its creator is called System).
_DEMO_HOSTS = ("airbnb.com", "anthropic.com", "stripe.com", "figma.com", "notion.com")
_DEMO_CREATOR = "System"
_SOME = 10


def findings(hook: TwentyHook) -> list[Finding]:
    """
    Check a workspace.

    :param hook: connected to it
    :return: what was found, also what is in order
    """
    try:
        tenant = hook.tenant()
    except CrmError as e:
        return [
            Finding(
                Severity.BLOCKER,
                "connection",
                f"Twenty cannot be used: {e}",
                "give the connection a valid API key whose role may read and write records",
            )
        ]
    named = Finding(Severity.INFO, "tenant", f"workspace {tenant.name} ({tenant.id})")
    blocked = list(_unreadable(hook))
    if blocked:
        return [named, *blocked]
    return [named, *_demo(hook), *_workflows(hook), *_webhooks(hook), _limits(hook)]


def _unreadable(hook: TwentyHook) -> Iterator[Finding]:
    for name in NEEDED:
        try:
            hook.count(name)
        except (Refused, Unauthorised, UserMistake) as e:
            yield Finding(
                Severity.BLOCKER,
                "role_permission",
                f"{name} cannot be read: {e}",
                f"give the role of the API key access to {name}",
            )


def _demo(hook: TwentyHook) -> Iterator[Finding]:
    companies = [
        str(made["name"])
        for made in _by_system(hook, "company")
        if any(link["url"].rpartition("/")[2] in _DEMO_HOSTS for link in made["domainName"] or [])
    ]
    people = [
        " ".join(filter(None, (made["name"] or {}).values()))
        for made in _by_system(hook, "person")
        if any(email.rpartition("@")[2] in _DEMO_HOSTS for email in made["emails"] or [])
    ]
    if companies or people:
        yield Finding(
            Severity.WARNING,
            "demo_records",
            f"records of Twenty's sign-up are present: {_listed([*companies, *people])}",
            "delete them in Twenty and empty its trash, or imported records with the same domain "
            "or e-mail address meet them",
        )


def _by_system(hook: TwentyHook, name: str) -> Iterator[Values]:
    for record in hook.raw(name, equals("createdBy.name", _DEMO_CREATOR)):
        yield codec.stored(hook.schema.objects[name], record).values


def _workflows(hook: TwentyHook) -> Iterator[Finding]:
    try:
        versions = list(hook.raw("workflowVersion", equals("status", "ACTIVE")))
    except (Refused, Unauthorised, UserMistake):
        yield _unseen("workflows")
        return
    starting = [f"{v['name']} ({event})" for v in versions if (event := _event(v.get("trigger")))]
    if starting:
        yield Finding(
            Severity.WARNING,
            "workflows",
            f"workflows start on the records that are written: {_listed(starting)}",
            "deactivate them until the migration is over",
        )


def _event(trigger: Any) -> str | None:
    """Return the event when a workflow starts on a record that is created or changed."""
    if not isinstance(trigger, dict) or trigger.get("type") != "DATABASE_EVENT":
        return None
    event = str((trigger.get("settings") or {}).get("eventName", ""))
    return event if event.rpartition(".")[2] != "deleted" else None


def _webhooks(hook: TwentyHook) -> Iterator[Finding]:
    try:
        # Only hosts: the rest of such addresses is often a secret.
        targets = [urlsplit(str(w.get("targetUrl"))).netloc for w in hook.metadata.webhooks()]
    except (Refused, Unauthorised):
        yield _unseen("webhooks")
        return
    if targets:
        yield Finding(
            Severity.WARNING,
            "webhooks",
            f"webhooks are told of the records that are written: {_listed(targets)}",
            "delete them until the migration is over",
        )


def _unseen(what: str) -> Finding:
    return Finding(
        Severity.WARNING,
        what,
        f"{what} cannot be read with this API key",
        f"make sure that no {what} react to new records until the migration is over",
    )


def _limits(hook: TwentyHook) -> Finding:
    windows = ", ".join(f"{w.requests} in {w.seconds:g} s" for w in hook.windows)
    size = hook.capabilities.batch_size
    return Finding(
        Severity.INFO,
        "limits",
        f"requests are kept below {windows}, with {size} records a write",
        "a self-hosted server may allow more: set rate_limits and batch_size of the connection",
    )


def _listed(names: Iterable[str]) -> str:
    known = list(names)
    more = len(known) - _SOME
    return ", ".join(known[:_SOME]) + (f" and {more} more" if more > 0 else "")
