"""The transforms that a mapping may name: small functions with typed arguments, by name.

A transform takes the value so far (the list of values when the field has several sources) and
returns the next one. Values have the forms that :mod:`.fields` lists; None is blank.
"""

from __future__ import annotations

import inspect
import mimetypes
from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_crm_migration.core.canonical import decimal_text
from airflow_crm_migration.core.values.domains import registrable_domain
from airflow_crm_migration.core.values.emails import is_free_mail, normal_email
from airflow_crm_migration.core.values.html import html_to_markdown as clean_html
from airflow_crm_migration.core.values.names import tidy_person_name
from airflow_crm_migration.core.values.phones import split_phones
from airflow_crm_migration.core.values.texts import texts

if TYPE_CHECKING:
    from airflow_crm_migration.core.mapping import Mapping, Step

Transform = Callable[..., Any]
F = TypeVar("F", bound=Transform)
REGISTRY: dict[str, Transform] = {}

_CATEGORIES = {
    "image": "IMAGE",
    "audio": "AUDIO",
    "video": "VIDEO",
    "text": "TEXT_DOCUMENT",
}
_CATEGORY_OF_ENDING = {
    "pdf": "TEXT_DOCUMENT",
    "doc": "TEXT_DOCUMENT",
    "docx": "TEXT_DOCUMENT",
    "odt": "TEXT_DOCUMENT",
    "rtf": "TEXT_DOCUMENT",
    "xls": "SPREADSHEET",
    "xlsx": "SPREADSHEET",
    "ods": "SPREADSHEET",
    "csv": "SPREADSHEET",
    "ppt": "PRESENTATION",
    "pptx": "PRESENTATION",
    "odp": "PRESENTATION",
    "zip": "ARCHIVE",
    "gz": "ARCHIVE",
    "7z": "ARCHIVE",
    "tar": "ARCHIVE",
}


def transform(function: F) -> F:
    """Register a function under its name, for mappings to use."""
    REGISTRY[function.__name__] = function
    return function


def apply_steps(steps: tuple[Step, ...], value: Any, settings: dict[str, Any]) -> Any:
    """
    Run a value through a chain.

    :param settings: defaults of the engagement; a transform takes those it names
    """
    for step in steps:
        function = REGISTRY[step.name]
        known = inspect.signature(function).parameters
        defaults = {name: given for name, given in settings.items() if name in known}
        value = function(value, **{**defaults, **step.arguments})
    return value


def unknown_steps(mapping: Mapping) -> Iterator[str]:
    """Yield a finding for every transform or argument that does not exist."""
    for line in mapping.lines:
        for rule in line.fields:
            for step in rule.do:
                place = f"lines.{line.id}.{rule.to}.do"
                if step.name not in REGISTRY:
                    yield f"{place} = {step.name!r}: no such transform; there are {sorted(REGISTRY)}"
                    continue
                known = list(inspect.signature(REGISTRY[step.name]).parameters)[1:]
                for name in set(step.arguments) - set(known):
                    yield f"{place}.{step.name}.{name}: it takes {known}"


@transform
def tidy_text(value: str | None) -> str | None:
    """Collapse blanks and trim."""
    return " ".join(value.split()) or None if value else None


@transform
def first_present(value: list[Any]) -> Any:
    """Take the first value that is not blank."""
    return next((v for v in value if v not in (None, "", [])), None)


@transform
def joined(value: Any, separator: str = ", ") -> str | None:
    """Join the elements of a list into one text."""
    return separator.join(texts(value)) or None


@transform
def person_name(value: list[str | None]) -> dict[str, str] | None:
    """Make a name in one style of first and last name."""
    first, last = tidy_person_name(value[0] or "", value[1] or "")
    return {"first": first, "last": last} if first or last else None


@transform
def emails(value: list[Any]) -> list[str]:
    """Unite addresses, each once, the first one primary; unusable ones stay for the rules to name."""
    return list(dict.fromkeys(normal_email(e) or e.strip() for e in texts(value)))


@transform
def phones(value: Any, default_region: str | None = None) -> list[dict[str, str | None]]:
    """Take phone numbers apart; the destination's rules parse them."""
    numbers = [number for text in texts(value) for number in split_phones(text)]
    return [{"number": n, "country": default_region, "calling_code": None} for n in numbers]


@transform
def link(value: Any, label: str = "") -> list[dict[str, str]]:
    """Make links of addresses."""
    return links_of(value, label)


def links_of(value: Any, label: str = "") -> list[dict[str, str]]:
    """Return links of all addresses in a value."""
    return [{"url": url.strip(), "label": label} for url in texts(value) if url.strip()]


@transform
def domain_link(value: Any) -> list[dict[str, str]]:
    """Make the one spelling of a company's domain as a link: ``https://acme.example``."""
    domain = next((registrable_domain(text) for text in texts(value)), None)
    return [{"url": f"https://{domain}", "label": ""}] if domain else links_of(value)


@transform
def company_domain(value: Any) -> str | None:
    """Take the company's domain out of an e-mail address; free-mail domains are nobody's."""
    domain = next((registrable_domain(text) for text in texts(value)), None)
    return None if domain is None or is_free_mail(domain) else domain


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
    """Make an amount of a number and a currency code."""
    amount, currency = value
    if amount in (None, ""):
        return None
    code = (currency or default_currency or "").strip().upper() or None
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
    return decimal_text(Decimal(-int(datetime.fromisoformat(value).timestamp())))


@transform
def file_category(value: str | None) -> str:
    """Sort a file by the ending of its name."""
    ending = (value or "").rpartition(".")[2].lower()
    kind = (mimetypes.guess_type(value or "")[0] or "").partition("/")[0]
    return _CATEGORY_OF_ENDING.get(ending) or _CATEGORIES.get(kind, "OTHER")
