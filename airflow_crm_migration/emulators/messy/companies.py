"""Companies: several records of one domain, different ones with similar names, free-mail ones."""

from __future__ import annotations

import itertools
from decimal import Decimal
from typing import TYPE_CHECKING

from airflow_crm_migration.emulators.messy.truth import Group
from airflow_crm_migration.emulators.messy.words import NAMES, WORDS, Region
from airflow_crm_migration.emulators.messy.world import Company

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_crm_migration.emulators.messy.maker import Maker

SHARE = 0.3
_DOMAIN_FORMS = ("www.{}", "http://{}", "https://www.{}/contact?x=1", "mail.{}", "{}/", " {}")


def make_companies(maker: Maker) -> None:
    """
    Add the companies to the world.

    :param maker: of the world
    """
    ids = iter(maker.ids("c", max(30, round(maker.contacts * SHARE))))
    names = _names(maker)
    _free_mail(maker, ids)
    for _ in range(maker.some(0.006)):
        _same_domain(maker, ids, names)
    for _ in range(maker.some(0.003)):
        _similar_names(maker, ids, names)
    plain = []
    for number, company_id in enumerate(ids):
        company = _company(maker, company_id, maker.region(), *next(names))
        if number % 20 == 1:
            company.domain = company.website = ""
            maker.odd("domain_missing", "company", company_id, "domain")
        plain.append(company)
    _natives(maker, plain)
    maker.world.companies = dict(sorted(maker.world.companies.items()))
    free = maker.truth.free_mail_companies
    maker.real_companies = [c for c in maker.world.companies if c not in free]


def bare_domain(company: Company) -> str:
    """
    Strip what capturing added to a domain.

    :param company: of the world
    :return: the registrable domain, empty where there is none
    """
    text = company.domain.strip().lower().partition("://")
    host = (text[2] or text[0]).partition("/")[0]
    return host.removeprefix("www.").removeprefix("mail.")


def _names(maker: Maker) -> Iterator[tuple[str, str]]:
    """Yield pairs of a name and a label for its domain, each once."""
    pairs = list(itertools.product(WORDS.company_first, WORDS.company_second))
    maker.rng.shuffle(pairs)
    for pair in pairs:
        yield " ".join(pair), "-".join(pair).lower()
    for size in (2, 3):
        for partners in itertools.combinations(WORDS.company_first, size):
            for trade in WORDS.company_second:
                yield f"{' & '.join(partners)} {trade}", "-".join((*partners, trade)).lower()


def _company(maker: Maker, company_id: str, region: Region, name: str, label: str) -> Company:
    created = maker.moment()
    domain = f"{label}-example.{region.suffix}"
    form = WORDS.legal_forms.get(region.country, "")
    company = Company(
        id=company_id,
        name=f"{name} {form}".strip() if maker.chance(0.5) else name,
        domain=domain,
        created_at=created,
        updated_at=maker.moment(created),
        owner_id=maker.owner(none=0.3),
        website=f"https://www.{domain}/" if maker.chance(0.5) else "",
        industry=maker.one(WORDS.industries) if maker.chance(0.7) else "",
        size=maker.one(WORDS.sizes) if maker.chance(0.6) else "",
        revenue=Decimal(int(maker.rng.random() * 5000) * 1000) if maker.chance(0.3) else None,
        city=maker.one(region.cities) if maker.chance(0.6) else "",
        state=region.state if maker.chance(0.5) else "",
        country=region.country if maker.chance(0.8) else "",
        linkedin=f"https://www.linkedin.com/company/{label}" if maker.chance(0.3) else "",
        tags=maker.tags(0.1),
    )
    maker.world.companies[company_id] = company
    maker.region_of[company_id] = region
    return company


def _free_mail(maker: Maker, ids: Iterator[str]) -> None:
    for domain in NAMES.free_mail:
        name = domain.partition(".")[0].title()
        company = _company(maker, next(ids), maker.region(), name, "free")
        company.domain, company.website, company.linkedin = domain, f"http://{domain}", ""
        maker.planted.add(company.id)
    maker.truth.free_mail_companies = frozenset(maker.world.companies)


def _same_domain(maker: Maker, ids: Iterator[str], names: Iterator[tuple[str, str]]) -> None:
    """One company, captured several times under forms of its domain and spellings of its name."""
    region, (name, label) = maker.region(), next(names)
    first = _company(maker, next(ids), region, name, label)
    members = [first]
    for form in maker.rng.sample(_DOMAIN_FORMS, maker.one((1, 1, 2))):
        other = _company(maker, next(ids), region, name, label)
        other.domain = form.format(maker.one((first.domain, first.domain.upper())))
        spellings = (name.upper(), name.lower(), f"  {name}", f"{name}, Inc.", first.domain)
        other.name = maker.one(spellings)
        members.append(other)
    group = Group("same_domain", frozenset(c.id for c in members))
    maker.truth.same_companies.append(group)
    maker.siblings |= dict.fromkeys(group.ids, tuple(sorted(group.ids)))
    maker.planted |= group.ids


def _similar_names(maker: Maker, ids: Iterator[str], names: Iterator[tuple[str, str]]) -> None:
    """Two companies that only sound alike."""
    name, label = next(names)
    members = []
    for ending in maker.one((("Holding", "Holdings"), ("Nord", "Nort"), ("I", "II"))):
        company = _company(maker, next(ids), maker.region(), name, f"{label}-{ending}".lower())
        company.name = f"{name} {ending}"
        members.append(company.id)
    group = Group("similar_name", frozenset(members))
    maker.truth.lookalike_companies.append(group)
    maker.planted |= group.ids


def _natives(maker: Maker, companies: list[Company]) -> None:
    """Give some companies a name in their own script."""
    left = {country: list(names) for country, names in WORDS.company_native.items()}
    for company in companies:
        waiting = left.get(maker.region_of[company.id].country)
        if waiting:
            company.name = waiting.pop()
            maker.odd("native_script", "company", company.id, "name")
