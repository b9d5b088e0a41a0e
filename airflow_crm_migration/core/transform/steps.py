"""The transforms that a mapping may name: small functions with typed arguments, by name.

A transform takes the value so far (the list of values when the field has several sources) and
returns the next one. Values have the forms that :mod:`.fields` lists; None is blank.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_crm_migration.core.canonical import decimal_text
from airflow_crm_migration.core.values.currencies import currency_of
from airflow_crm_migration.core.values.domains import own_domain, registrable_domain
from airflow_crm_migration.core.values.emails import addresses_in, normal_email
from airflow_crm_migration.core.values.html import html_to_markdown as clean_html
from airflow_crm_migration.core.values.names import tidy_person_name
from airflow_crm_migration.core.values.phones import international, region_of, split_phones
from airflow_crm_migration.core.values.text import one_line
from airflow_crm_migration.core.values.texts import texts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_crm_migration.core.mapping_values import Step

Transform = Callable[..., Any]
F = TypeVar("F", bound=Transform)
REGISTRY: dict[str, Transform] = {}


def transform(function: F) -> F:
    """Register a function under its name, for mappings to use."""
    REGISTRY[function.__name__] = function
    return function


def apply_steps(steps: tuple[Step, ...], value: Any, settings: Mapping[str, Any]) -> Any:
    """
    Run a value through a chain.

    :param settings: defaults of the engagement; a transform takes those it names
    """
    for step in steps:
        takes = _parameters(step.name)
        defaults = {name: given for name, given in settings.items() if name in takes}
        value = REGISTRY[step.name](value, **{**defaults, **step.arguments})
    return value


@cache
def _parameters(name: str) -> frozenset[str]:
    return frozenset(inspect.signature(REGISTRY[name]).parameters)


@transform
def tidy_text(value: str | None) -> str | None:
    """Collapse blanks, trim, and take out characters that nobody sees."""
    return one_line(value) or None if value else None


@transform
def first_present(value: list[Any]) -> Any:
    """Take the first value that is not blank."""
    return next((v for v in value if v not in (None, "", [])), None)


@transform
def joined(value: Any, separator: str = ", ") -> str | None:
    """Join the elements of a list into one text, each once."""
    return separator.join(dict.fromkeys(texts(value))) or None


@transform
def person_name(value: list[str | None]) -> dict[str, str] | None:
    """Make a name in one style of first and last name."""
    first, last = tidy_person_name(value[0] or "", value[1] or "")
    return {"first": first, "last": last} if first or last else None


@transform
def emails(value: list[Any]) -> list[str]:
    """Unite addresses, each once, the first one primary; unusable ones stay as they are."""
    pieces = [p for text in texts(value) for p in addresses_in(text)]
    return list(dict.fromkeys(normal_email(piece) or piece for piece in pieces))


@transform
def phones(value: list[Any], default_region: str | None = None) -> list[dict[str, str | None]]:
    """Take phone numbers apart; a national one is of the country that stands beside it."""
    given, country = value
    region = region_of(country) if country else default_region
    numbers = [international(number) for text in texts(given) for number in split_phones(text)]
    return [{"number": n, "country": region, "calling_code": None} for n in numbers]


@transform
def link(value: Any, label: str = "") -> list[dict[str, str]]:
    """Make links of addresses."""
    return links_of(value, label)


def links_of(value: Any, label: str = "") -> list[dict[str, str]]:
    """Return links of all addresses in a value."""
    return [{"url": url.strip(), "label": label} for url in texts(value) if url.strip()]


@transform
def domain_link(value: Any) -> list[dict[str, str]]:
    """
    Make the one spelling of a company's domain as a link: ``https://acme.example``.

    A page with a host that is open to anybody stays as it is: its host is not the company's.
    """
    domain = next((own_domain(text) for text in texts(value)), None)
    return [{"url": f"https://{domain}", "label": ""}] if domain else links_of(value)


@transform
def company_domain(value: Any) -> str | None:
    """Take the company's domain out of an e-mail address; one open to anybody is nobody's."""
    return next((own_domain(text) for text in texts(value)), None)


@transform
def company_name(value: list[Any]) -> str | None:
    """
    Tidy a company's name; one that was captured as an address becomes the company's domain.

    The first value is the name, the others tell the domain.
    """
    name = tidy_text(value[0])
    domain = next((registrable_domain(text) for text in texts(value[1:])), None)
    if name is None:
        return domain
    captured = registrable_domain(name) == domain and name.casefold() != domain
    return domain if domain and captured else name


@transform
def address(value: list[str | None], parts: list[str]) -> dict[str, str | None] | None:
    """
    Make an address of its parts.

    :param parts: the part that each source is, for example ``city``
    """
    made = dict(zip(parts, value, strict=True))
    return made if any(made.values()) else None


@transform
def money(
    value: list[str | None], default_currency: str | None = None
) -> dict[str, str | None] | None:
    """Make an amount of a number and a currency; one that means no code stays as it is."""
    amount, currency = value
    if amount in (None, ""):
        return None
    given = (currency or default_currency or "").strip()
    code = currency_of(given, default_currency) or given or None
    return {"amount": decimal_text(Decimal(str(amount))), "currency": code}


@transform
def html_to_markdown(value: str | None) -> str | None:
    """Turn HTML or plain text into Markdown without anything that runs."""
    return clean_html(value) or None if value else None


@transform
def first_line(value: str | None, length: int = 80) -> str | None:
    """
    Take the first line that holds text, without Markdown's marks.

    :param length: most characters
    """
    for line in (value or "").splitlines():
        text = line.strip(" #*_>-`\t")
        if text:
            return text if len(text) <= length else text[: length - 1].rstrip() + "…"
    return None


@transform
def newest_first(value: str | None) -> str | None:
    """Make a position of a time: the newer, the earlier, and the same on every run."""
    if not value:
        return None
    moment = datetime.fromisoformat(value)
    whole = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return decimal_text(Decimal(-int(whole.timestamp())))
