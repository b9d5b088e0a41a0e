"""Deals: open, won and lost; deals that share a name; deals that name a shared mailbox."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING

from airflow_crm_migration.emulators.messy.words import WORDS
from airflow_crm_migration.emulators.messy.world import Deal

if TYPE_CHECKING:
    from airflow_crm_migration.emulators.messy.maker import Maker

SHARE = 0.45
_BAD_DATES = ("31/02/2025", "2025-09-30", "12.11.2025", "next quarter", "0000-00-00", "99/99/9999")
_BAD_AMOUNTS = ("approx. 12k", "1.234,50", "12 apples", "-", "1e400x")
_ODD_NAMES = (
    "emoji",
    "right_to_left",
    "very_long_name",
    "formula_minus",
    "newlines_and_quotes",
    "empty",
)
_WON_STAGE, _LOST_STAGE = "Closed Won", "Closed Lost"
SAME_NAME = "Renewal 2025"


def make_deals(maker: Maker) -> None:
    """
    Add the deals to the world.

    :param maker: of the world, with its contacts
    """
    deals = maker.world.deals
    staff = _staff(maker)
    for deal_id in maker.ids("d", max(30, round(maker.contacts * SHARE))):
        deals[deal_id] = _deal(maker, deal_id, staff)
    maker.world.deals = dict(sorted(deals.items()))
    _spoil(maker)
    _plant_names(maker)
    _plant_links(maker)


def _staff(maker: Maker) -> dict[str, list[str]]:
    """List the linkable contacts of each company."""
    staff: dict[str, list[str]] = defaultdict(list)
    for contact_id in maker.linkable:
        company_id = maker.world.contacts[contact_id].company_id
        if company_id in maker.world.companies:
            staff[company_id].append(contact_id)
    return {c: staff[c] for c in maker.real_companies if c in staff}


def _deal(maker: Maker, deal_id: str, staff: dict[str, list[str]]) -> Deal:
    company = maker.world.companies[maker.one(maker.real_companies)]
    people = staff.get(company.id) or [maker.one(maker.linkable)]
    created = maker.moment()
    deal = Deal(
        id=deal_id,
        # The number keeps names unique: equal ones are planted, with their truth.
        name=f"{company.name} {maker.one(WORDS.deal_kinds)} #{int(deal_id[1:])}",
        pipeline=maker.one((*WORDS.pipelines[:1] * 4, *WORDS.pipelines)),
        stage=maker.one(WORDS.open_stages),
        created_at=created,
        updated_at=maker.moment(created),
        owner_id=maker.owner(),
        amount=Decimal(int(maker.rng.random() * 9_000_000)) / 100 if maker.chance(0.9) else None,
        expected_close=(created + dt.timedelta(days=int(maker.rng.random() * 365))).date()
        if maker.chance(0.8)
        else None,
        company_id=company.id,
        primary_contact_id=maker.one(people),
        next_step=maker.one(WORDS.next_steps),
        private=maker.chance(0.05),
        tags=maker.tags(0.3),
    )
    deal.currency = maker.one(WORDS.currencies) if deal.amount is not None else ""
    others = maker.rng.sample(people, min(len(people), maker.one((0, 1, 2))))
    deal.contact_ids = list(dict.fromkeys([deal.primary_contact_id or "", *others]))
    if maker.chance(0.4):
        _close(maker, deal)
    return deal


def _close(maker: Maker, deal: Deal) -> None:
    deal.outcome = maker.one(("won", "lost"))
    deal.stage = _WON_STAGE if deal.outcome == "won" else _LOST_STAGE
    deal.closed_at = maker.moment(deal.created_at) if maker.chance(0.9) else None


def _spoil(maker: Maker) -> None:
    deals = maker.world.deals
    for _ in range(maker.some(0.01)):
        deal = deals[maker.victim("deals")]
        deal.amount = Decimal(1_000_000 + int(maker.rng.random() * 9_000_000)) / 10
        deal.currency = maker.one(WORDS.currencies)
        maker.odd("thousands_separators", "deal", deal.id, "amount", f"{deal.amount:,}")
        deal = deals[maker.victim("deals")]
        deal.amount, deal.currency = Decimal(500), ""
        maker.odd("currency_missing", "deal", deal.id, "currency")
    for _ in range(max(1, maker.contacts // 2000)):
        for text in _BAD_DATES:
            maker.bad("date_format", "deal", maker.victim("deals"), "expected_close", text)
        for text in _BAD_AMOUNTS:
            maker.bad("not_a_number", "deal", maker.victim("deals"), "amount", text)
        for stage in WORDS.extra_stages:
            deal = deals[maker.victim("deals")]
            deal.stage, deal.outcome, deal.closed_at = stage, "", None
            maker.odd("extra_stage", "deal", deal.id, "stage")
    maker.truth.extra_stages = WORDS.extra_stages


def _plant_names(maker: Maker) -> None:
    deals = maker.world.deals
    maker.odd_texts("deals", "name", _ODD_NAMES)
    maker.same_name_deals = frozenset(maker.victim("deals") for _ in range(3))
    for deal_id in maker.same_name_deals:
        deals[deal_id].name = SAME_NAME


def _plant_links(maker: Maker) -> None:
    deals = maker.world.deals
    for address, users in sorted(maker.truth.shared_mailboxes.items()):
        deal = deals[maker.victim("deals")]
        deal.primary_contact_id = sorted(users)[0]
        deal.contact_ids = [deal.primary_contact_id]
        maker.ambiguous("deal", deal.id, "primary_contact_id", address, users)
    for number in range(maker.some(0.002)):
        deal = deals[maker.victim("deals")]
        ghost = maker.ghost("p", f"left{number}@gone-example.com")
        deal.primary_contact_id, deal.contact_ids = ghost, [ghost]
        maker.missing("deal", deal.id, "primary_contact_id", ghost)
