"""Attachments: ordinary ones, ones with hostile names, and ones that cannot be moved."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from airflow_crm_migration.emulators.messy.words import WORDS
from airflow_crm_migration.emulators.messy.world import File, Kind, Parent

if TYPE_CHECKING:
    from airflow_crm_migration.emulators.messy.maker import Maker

SHARE = 0.03
_TOO_LARGE = 1_200_000_000
_LONG_FILE_NAME = "a" * 240 + ".pdf"
_PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII="
)
_TYPES = {
    ".pdf": ("application/pdf", b"%PDF-1.4\n"),
    ".png": ("image/png", base64.b64decode(_PNG)),
    ".txt": ("text/plain", b"Minutes\n"),
    ".zip": ("application/zip", b"PK\x05\x06" + bytes(18)),
}
_NO_TYPE = ("application/octet-stream", b"")
"""Ending -> content type and the first bytes of such a file."""


def make_files(maker: Maker) -> None:
    """
    Add the attachments to the world.

    :param maker: of the world, with its activities
    """
    files = maker.world.files
    parents: dict[Kind, list[str]] = {
        "deal": list(maker.world.deals),
        "activity": list(maker.world.activities),
        "note": list(maker.world.notes),
        "contact": maker.linkable,
    }
    for file_id in maker.ids("f", max(40, round(maker.contacts * SHARE))):
        files[file_id] = _file(maker, file_id, parents)
    files = maker.world.files = dict(sorted(files.items()))
    _plant_names(maker)
    _plant_unmigratable(maker)
    for number in range(2):
        file = files[maker.victim("files")]
        file.parent = Parent("deal", maker.ghost("d", f"Deleted deal {number}"))
        maker.missing("file", file.id, "parent", file.parent.id)
    _plant_on_notes(maker)


def _plant_on_notes(maker: Maker) -> None:
    """Hang files on notes: two that move, one that cannot, and one that is gone."""
    notes = maker.world.notes
    lost = next(m.source_id for m in maker.truth.missing_parents if m.object == "note")
    plain = [n for n in notes.values() if n.id not in maker.planted]
    kept = [next(n.id for n in plain if n.kind == kind) for kind in ("manual", "ai_draft")]
    for note_id in (*kept, lost, maker.ghost("n", "Deleted note")):
        file = maker.world.files[maker.victim("files")]
        file.parent = Parent("note", note_id)
        if note_id not in notes:
            maker.missing("file", file.id, "parent", note_id)


def _file(maker: Maker, file_id: str, parents: dict[Kind, list[str]]) -> File:
    ending = maker.one(list(_TYPES))
    content_type, head = _TYPES[ending]
    [kind] = maker.rng.choices(list(parents), (55, 25, 10, 10))
    return File(
        id=file_id,
        parent=Parent(kind, maker.one(parents[kind])),
        name=f"{maker.one(WORDS.file_stems)}{ending}",
        size=128 + int(maker.rng.random() * 8000),
        content_type=content_type,
        created_at=maker.moment(),
        place="source" if maker.chance(0.25) else "file",
        head=head,
    )


def _plant_names(maker: Maker) -> None:
    files = maker.world.files
    for name in (*WORDS.hostile_file_names, _LONG_FILE_NAME):
        file = files[maker.victim("files")]
        file.name, file.place = name, "file"
        # Destinations look into a file: what is in it must be what its ending says.
        file.content_type, file.head = _TYPES.get(name[-4:], _NO_TYPE)
        maker.odd("hostile_name", "file", file.id, "name")
    empty = frozenset(maker.victim("files") for _ in range(2))
    for file_id in empty:
        files[file_id].size, files[file_id].place = 0, "file"
    maker.truth.empty_files = empty


def _plant_unmigratable(maker: Maker) -> None:
    files, reasons = maker.world.files, maker.truth.unmigratable_files
    plans = [("too_large", "missing", ""), ("missing", "missing", "")]
    plans += [
        ("outside_folder", "outside", path) for path in ("../../../etc/passwd", "/etc/hostname")
    ]
    plans += [("private_url", "url", url) for url in WORDS.private_urls]
    for reason, place, url in plans:
        file = files[maker.victim("files")]
        file.place, file.url = place, url
        reasons[file.id] = reason
        if reason == "too_large":
            file.size = _TOO_LARGE
