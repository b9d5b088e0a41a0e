"""Activities: what was captured from mail, calendar, telephone and messengers."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from typing import TYPE_CHECKING

from airflow_crm_migration.emulators.messy.words import WORDS
from airflow_crm_migration.emulators.messy.world import NOW, Activity

if TYPE_CHECKING:
    from airflow_crm_migration.emulators.messy.maker import Maker

SHARE = 1.5
KINDS = {
    "email": 50,
    "meeting": 14,
    "call": 12,
    "linkedin": 8,
    "whatsapp": 6,
    "telegram": 4,
    "memo": 3,
    "voice_note": 2,
    "booking_created": 1,
}
_RICH = ("email", "meeting")
_ODD_BODIES = (
    "html_script",
    "html_lists",
    "formula_at",
    "newlines_and_quotes",
    "control_characters",
    "emoji",
    "right_to_left",
    "empty",
)


def make_activities(maker: Maker) -> None:
    """
    Add the activities to the world.

    :param maker: of the world, with its deals
    """
    activities = maker.world.activities
    deals_of: dict[str, list[str]] = defaultdict(list)
    for deal in maker.world.deals.values():
        for contact_id in deal.contact_ids:
            deals_of[contact_id].append(deal.id)
    ids = maker.ids("a", max(60, round(maker.contacts * SHARE)))
    kinds = maker.rng.choices(list(KINDS), list(KINDS.values()), k=len(ids))
    for activity_id, kind in zip(ids, kinds, strict=True):
        activities[activity_id] = _activity(maker, activity_id, kind, deals_of)
    maker.world.activities = dict(sorted(activities.items()))
    _plant(maker)


def _activity(
    maker: Maker, activity_id: str, kind: str, deals_of: dict[str, list[str]]
) -> Activity:
    drawn = (maker.one(maker.linkable) for _ in range(maker.one((1, 1, 1, 2, 3))))
    people = list(dict.fromkeys(drawn))
    companies = (maker.world.contacts[p].company_id for p in people)
    at = maker.moment()
    deals = deals_of.get(people[0])
    activity = Activity(
        id=activity_id,
        kind=kind,
        direction=maker.one(("inbound", "outbound")) if kind != "memo" else "internal",
        title=maker.one(WORDS.subjects) if kind in _RICH or maker.chance(0.3) else "",
        body=body(maker, rich=kind in _RICH),
        at=at,
        created_at=min(at + dt.timedelta(minutes=5), NOW),
        created_by=maker.one(list(maker.world.users)),
        contact_ids=people,
        company_ids=list(dict.fromkeys(c for c in companies if c in maker.world.companies)),
        deal_id=maker.one(deals) if deals and maker.chance(0.6) else None,
        sentiment=maker.one(WORDS.sentiments),
    )
    if kind in ("call", "meeting"):
        activity.duration = 60 * int(1 + maker.rng.random() * 90)
    if kind == "call":
        activity.disposition = maker.one(WORDS.dispositions)
        activity.duration = activity.duration if activity.disposition == "Connected" else 0
    return activity


def body(maker: Maker, *, rich: bool) -> str:
    """
    Write a text.

    :param maker: of the world
    :param rich: whether as HTML
    :return: one to three sentences
    """
    sentences = [maker.one(WORDS.sentences) for _ in range(maker.one((1, 2, 3)))]
    if not rich:
        return "\n".join(sentences)
    return "".join(f"<p>{s.replace('&', '&amp;').replace('<', '&lt;')}</p>" for s in sentences)


def _plant(maker: Maker) -> None:
    activities = maker.world.activities
    maker.odd_texts("activities", "body", _ODD_BODIES)
    for number in range(maker.some(0.002)):
        activity = activities[maker.victim("activities")]
        ghost = maker.ghost("p", f"newsletter{number}@gone-example.com")
        activity.contact_ids, activity.company_ids, activity.deal_id = [ghost], [], None
        maker.missing("activity", activity.id, "contact_ids", ghost)
        activity = activities[maker.victim("activities")]
        activity.deal_id = maker.ghost("d", "A deal that was deleted")
        maker.missing("activity", activity.id, "deal_id", activity.deal_id)
    for address, users in sorted(maker.truth.shared_mailboxes.items()):
        activity = activities[maker.victim("activities")]
        activity.contact_ids, activity.deal_id = [sorted(users)[0]], None
        maker.ambiguous("activity", activity.id, "contact_ids", address, users)
    for _ in range(max(1, maker.contacts // 2000)):
        maker.bad("date_format", "activity", maker.victim("activities"), "at", "yesterday 10:30")
        call = maker.victim("activities", lambda a: activities[a].kind == "call")
        maker.bad("not_a_number", "activity", call, "duration", "5 min")
