"""A small customer of Klipy, made by hand: one rich record of every kind."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from airflow_crm_migration.emulators.messy import World
from airflow_crm_migration.emulators.messy.truth import Truth
from airflow_crm_migration.emulators.messy.world import (
    Activity,
    Company,
    Contact,
    CustomColumn,
    Deal,
    File,
    Note,
    Parent,
    User,
)

if TYPE_CHECKING:
    from pathlib import Path

PDF = b"%PDF-1.4\n"
TOO_LARGE = (1 << 30) + 1
ACTIVITIES = (
    ("email", "inbound"),
    ("call", "outbound"),
    ("meeting", "outbound"),
    ("linkedin", "inbound"),
    ("whatsapp", "outbound"),
    ("telegram", "inbound"),
    ("memo", "internal"),
    ("voice_note", "inbound"),
    ("booking_created", "inbound"),
)
"""Every kind of activity, in the order of their ids ``a1``, ``a2``, …"""

FILE_ALONE = ("MANUAL", "API_EVENT", "BOOKING_CANCELLED")
"""Types that no activity of the API has here; the file's rows are ``a10``, ``a11``, ``a12``."""

CUSTOM = ("Hobby", "Score", "Birthday", "T-Shirt", "Opted in?", "Member No")
"""The customer's own columns of contacts and deals."""


def add_activities(inbox: Path) -> None:
    """Add to the file activities that the API does not give."""
    with (inbox / "activities.csv").open("a", encoding="utf-8") as file:
        for number, kind in enumerate(FILE_ALONE, start=len(ACTIVITIES) + 1):
            cells = [f"a{number}", kind, "EVENT", "API", f"About {kind}", *[""] * 6]
            file.write(",".join([*cells, "2021-01-02T03:04:05Z", "", "", ""]) + "\n")


def at(day: int, hour: int = 9, minute: int = 30) -> datetime:
    """Return a moment in March 2021."""
    return datetime(2021, 3, day, hour, minute, tzinfo=UTC)


def customer() -> World:
    """Make the customer's world."""
    world = World(seed=7, truth=Truth())
    world.users = {
        "u1": User("u1", "Dana Weber", "dana@vendor-example.com"),
        "u2": User("u2", "Noor Haddad", None),
    }
    world.columns = [
        CustomColumn(kind, name, "text") for kind in ("contact", "deal") for name in CUSTOM
    ]
    world.companies = _companies()
    world.contacts = _contacts()
    world.deals = _deals()
    world.activities = _activities()
    world.notes = _notes()
    world.files = _files()
    return world


def _companies() -> dict[str, Company]:
    captured = Company(
        id="c1",
        name="WWW.Brightwell-Example.com",
        domain="http://www.Brightwell-Example.com/contact?x=1",
        created_at=at(1),
        updated_at=at(2),
        owner_id="u1",
        website="https://www.brightwell-example.com/",
        industry="Health care",
        size="11-50",
        revenue=Decimal(1_250_000),
        city="Leeds",
        state="West Yorkshire",
        country="GB",
        linkedin="https://www.linkedin.com/company/brightwell",
        tags=["Partner"],
    )
    plain = Company("c2", "Kestrel Optics", "kestrel-example.de", at(1), at(1), None)
    return {c.id: c for c in (captured, plain)}


def _contacts() -> dict[str, Contact]:
    rich = Contact(
        id="p1",
        first_name="GRACE ",
        last_name="O'BRIEN",
        email=" Grace.OBrien@Brightwell-Example.com ",
        created_at=at(3, 8, 15),
        updated_at=at(20, 17, 45),
        owner_id="u1",
        other_emails=["grace@home.example.org"],
        phone="0044 20 7946 0018",
        title="Head of  Sales",
        company_id="c1",
        company_name="Brightwell",
        company_domain="brightwell-example.com",
        linkedin="https://www.linkedin.com/in/Grace-OBrien",
        city="Leeds",
        state="West Yorkshire",
        country="United Kingdom",
        strength="Strong",
        last_contacted_at=at(19),
        source="GMAIL",
        notes="<p>Likes <b>tea</b></p><script>alert(1)</script>",
        tags=["VIP", "Berlin, DE", "顧客"],
        custom=_custom("Sailing", "12.5", "1980-02-29", "M", True, "007"),
    )
    again = Contact(
        "p2", "Grace", "O'Brien", "grace.obrien@brightwell-example.com", at(2), at(4), "u1"
    )
    alone = Contact(
        "p3", "Sam", "Okafor", "sam@lumen-example.com", at(5), at(5), "u2", tags=[" vip"],
        custom=_custom("Chess", "-3", "1990-11-05", "XL", False, "042"),
    )  # fmt: skip
    private = Contact("p4", "Ines", "Prat", "ines.prat.example@gmail.com", at(6), at(6), None)
    named = Contact(
        "p5", "Uwe", "Zorn", "uwe@falkner-example.de", at(6), at(7), "u1",
        company_name="Falkner GmbH", phone="030 23125678", country="Deutschland",
        custom=_custom("Go", "7", "1970-01-01", "M", True, "100"),
    )  # fmt: skip
    return {c.id: c for c in (rich, again, alone, private, named)}


def _custom(*values: str | Decimal | date | bool) -> dict[str, str | Decimal | date | bool]:
    return dict(zip(CUSTOM, values, strict=True))


def _deals() -> dict[str, Deal]:
    won = Deal(
        id="d1",
        name="Brightwell renewal",
        pipeline="Partnerships",
        stage="Closed Won",
        created_at=at(7, 10, 0),
        updated_at=at(21, 11, 0),
        owner_id="u1",
        amount=Decimal("12345.67"),
        currency="GBP",
        expected_close=date(2021, 4, 1),
        outcome="won",
        closed_at=at(18, 16, 0),
        company_id="c1",
        primary_contact_id="p1",
        contact_ids=["p1", "p3"],
        next_step="Send invoice",
        private=True,
        tags=["vip", "50% off"],
        custom=_custom("Golf", "0.5", "2024-12-31", "S", False, "009"),
    )
    lost = Deal(
        "d2", "Lumen pilot", "Sales Pipeline", "Closed Lost", at(8), at(9), "u2",
        amount=Decimal(500), currency="USD", outcome="lost", closed_at=at(9),
        primary_contact_id="p3", contact_ids=["p3"],
        custom=_custom("Tennis", "4", "2024-01-31", "M", True, "010"),
    )  # fmt: skip
    opened = Deal(
        "d3", "Kestrel expansion", "Sales Pipeline", "Legal Review", at(10), at(10), "u1",
        amount=Decimal(0), currency="EUR", expected_close=date(2021, 9, 30), company_id="c2",
    )  # fmt: skip
    stages = ("Negotiation", "Prospecting", "Proposal", "Discovery")
    others = (
        Deal(f"d{n}", f"Deal in {stage}", "Sales Pipeline", stage, at(11), at(11), "u1")
        for n, stage in enumerate(stages, start=4)
    )
    return {d.id: d for d in (won, lost, opened, *others)}


def _activities() -> dict[str, Activity]:
    found = {}
    for number, (kind, direction) in enumerate(ACTIVITIES, start=1):
        found[f"a{number}"] = Activity(
            id=f"a{number}",
            kind=kind,
            direction=direction,
            title=f"About a {kind}",
            body="<p>Hello <a href='https://offers.example/a?b=1'>there</a></p><ul><li>one</li></ul>",
            at=at(12, 8 + number),
            created_at=at(13),
            created_by="u1",
            contact_ids=["p1", "p3"],
            company_ids=["c1"],
            deal_id="d1",
            sentiment="POSITIVE",
        )
    found["a2"].duration, found["a2"].disposition = 754, "Connected"
    return found


def _notes() -> dict[str, Note]:
    parents = {
        "n1": Parent("contact", "p1", by_name=True),
        "n2": Parent("contact", "p3"),
        "n3": Parent("company", "c1", by_name=True),
        "n4": Parent("deal", "d1", by_name=True),
    }
    manual = (
        Note(note_id, "u1", at(14), parent, f"Manual {note_id}\n\nSecond paragraph")
        for note_id, parent in parents.items()
    )
    draft = Note(
        "n5", "u2", at(15), Parent("deal", "d2"), "<p>Dear Sam,</p><p>shall we?</p>",
        kind="ai_draft", channel="whatsapp", draft_status="discarded",
    )  # fmt: skip
    return {n.id: n for n in (*manual, draft)}


def _files() -> dict[str, File]:
    def file(file_id: str, parent: Parent, name: str, size: int = 3000, **more: str) -> File:
        return File(file_id, parent, name, size, "application/pdf", at(16), head=PDF, **more)

    files = (
        file("f1", Parent("deal", "d1"), "Contract für März.pdf"),
        file("f2", Parent("activity", "a3"), "Minutes.pdf", place="source"),
        file("f3", Parent("contact", "p1"), "見積書.pdf"),
        file("f4", Parent("deal", "d2"), "Empty.pdf", 0),
        file("f5", Parent("deal", "d2"), "Film.pdf", TOO_LARGE, place="missing"),
        file("f6", Parent("note", "n1"), "Sketch.pdf"),
        file("f7", Parent("note", "n5"), "Draft.pdf", place="source"),
    )
    return {f.id: f for f in files}
