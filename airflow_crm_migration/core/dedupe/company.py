"""A company as far as it is compared with others."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from airflow_crm_migration.core.values.domains import names_no_company, registrable_domain
from airflow_crm_migration.core.values.emails import is_free_mail
from airflow_crm_migration.core.values.lists import words
from airflow_crm_migration.core.values.text import tokens
from airflow_crm_migration.core.values.texts import texts

if TYPE_CHECKING:
    from airflow_crm_migration.core.protocols import Values

_EMPTY = frozenset({"the", "and", "und", "et", "y"})
_LONGEST_FORM = 5


@dataclass(frozen=True, slots=True)
class Company:
    """
    A company taken apart.

    :param key: name without legal form
    :param domains: registrable domains that are its own
    :param free_mail: whether it is a mail provider that capturing took for a company
    """

    id: str
    key: str
    domains: frozenset[str]
    free_mail: bool


def company_of(record: Values) -> Company:
    """
    Take a company apart.

    :param record: typed company with its id
    """
    written = [*texts(record.get("domain")), *texts(record.get("website"))]
    domains = {domain for text in written if (domain := registrable_domain(text))}
    return Company(
        id=str(record["id"]),
        key=company_key(" ".join(texts(record.get("name")))),
        domains=frozenset(d for d in domains if not names_no_company(d)),
        free_mail=any(is_free_mail(domain) for domain in domains),
    )


@lru_cache(maxsize=200_000)
def company_key(name: str) -> str:
    """
    Return a company's name for comparison: folded, without legal form and little words.

    A name that is a domain counts as the domain's label: ``brightwell.com`` is ``brightwell``.
    """
    domain = registrable_domain(name) if "." in name and " " not in name.strip() else None
    every = tokens(domain.partition(".")[0] if domain else name)
    kept = _without_legal_form([word for word in every if word not in _EMPTY])
    bare = " ".join(kept or every)
    return bare if bare.isascii() else _without_affixes(bare)


def _without_legal_form(kept: list[str]) -> list[str]:
    legal = words("legal_forms")
    while len(kept) > 1:
        ends = (n for n in range(min(_LONGEST_FORM, len(kept) - 1), 0, -1))
        tail = next((n for n in ends if "".join(kept[-n:]) in legal), 0)
        if tail == 0 and kept[0] not in legal:
            break
        kept = kept[:-tail] if tail else kept[1:]
    return kept


def _without_affixes(name: str) -> str:
    """Remove legal forms that are written without a blank, as in Japanese and Chinese."""
    for form in sorted(word for word in words("legal_forms") if not word.isascii()):
        shorter = name.removeprefix(form).removesuffix(form).strip()
        if len(form) > 1 and shorter:
            name = shorter
    return name
