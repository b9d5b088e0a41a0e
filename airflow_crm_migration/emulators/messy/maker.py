"""What every part of the generator needs: chance, ids, moments and a place to note the truth."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from airflow_crm_migration.emulators.messy.truth import Cell, Group, Link, Truth
from airflow_crm_migration.emulators.messy.words import NAMES, WORDS, Region
from airflow_crm_migration.emulators.messy.world import NOW, Contact, Kind, World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

T = TypeVar("T")
_HISTORY_DAYS = 4 * 365
KINDS: dict[str, Kind] = {
    "contacts": "contact",
    "companies": "company",
    "deals": "deal",
    "activities": "activity",
    "notes": "note",
    "files": "file",
}
"""Collections of the world and the kind of record in each."""
_WEIGHTS = [region.weight for region in NAMES.regions]


class Maker:
    """
    Draws everything random of one world.

    :param seed: the same seed draws the same world
    :param contacts: how many contacts the world shall have
    """

    def __init__(self, seed: int, contacts: int) -> None:
        self.rng = random.Random(seed)
        self.contacts = contacts
        self.world = World(seed, Truth())
        self.region_of: dict[str, Region] = {}
        """Region of each company."""
        self.real_companies: list[str] = []
        """Companies other than free-mail ones."""
        self.siblings: dict[str, tuple[str, ...]] = {}
        """Company id -> all records of the same company, where there are several."""
        self.linkable: list[str] = []
        """Contacts whose e-mail names one human."""
        self.same_name_deals: frozenset[str] = frozenset()
        """Different deals that share one name."""
        self.planted: set[str] = set()
        """Records that carry something special already."""
        self._victims: dict[str, list[str]] = {}

    @property
    def truth(self) -> Truth:
        """What is true about the world so far."""
        return self.world.truth

    def some(self, share: float) -> int:
        """
        Tell how often something is planted.

        :param share: of the number of contacts
        :return: at least 2
        """
        return max(2, round(self.contacts * share))

    def chance(self, probability: float) -> bool:
        """
        Throw a coin.

        :param probability: of True
        :return: how it fell
        """
        return self.rng.random() < probability

    def one(self, options: Sequence[T]) -> T:
        """
        Draw one of several.

        :param options: at least one
        :return: one of them
        """
        return options[int(self.rng.random() * len(options))]

    def region(self) -> Region:
        """
        Draw a region.

        :return: a region, frequent ones more often
        """
        return self.rng.choices(NAMES.regions, _WEIGHTS)[0]

    def ids(self, letter: str, count: int) -> list[str]:
        """
        Make the ids of one kind of record in random order, so that what is planted is spread.

        :param letter: of the kind
        :param count: how many
        :return: the ids
        """
        numbers = list(range(1, count + 1))
        self.rng.shuffle(numbers)
        return [f"{letter}{number:06d}" for number in numbers]

    def moment(self, after: datetime | None = None) -> datetime:
        """
        Draw a moment of the customer's history, at a whole minute.

        :param after: the earliest moment
        :return: a moment before the export
        """
        start = after or NOW - timedelta(days=_HISTORY_DAYS)
        minutes = int((NOW - start).total_seconds() // 60)
        return start + timedelta(minutes=int(self.rng.random() * minutes))

    def owner(self, none: float = 0.05) -> str | None:
        """
        Draw an owner.

        :param none: probability of nobody
        :return: user id
        """
        return None if self.chance(none) else self.one(list(self.world.users))

    def tags(self, probability: float) -> list[str]:
        """
        Draw tags.

        :param probability: of having any
        :return: one to three tags, or none
        """
        if not self.chance(probability):
            return []
        return self.rng.sample(WORDS.tags, self.one((1, 1, 2, 3)))

    def victim(self, kind: str, fits: Callable[[str], bool] = lambda _: True) -> str:
        """
        Draw a record that carries nothing special yet.

        :param kind: name of the world's collection, complete by now
        :param fits: tells of an id whether the record will do
        :return: its id, which from now on counts as taken
        """
        if kind not in self._victims:
            self._victims[kind] = sorted(getattr(self.world, kind))
            self.rng.shuffle(self._victims[kind])
        while True:
            chosen = self._victims[kind].pop()
            if chosen not in self.planted and fits(chosen):
                self.planted.add(chosen)
                return chosen

    def same_person(self, kind: str, members: Sequence[Contact]) -> None:
        """
        Note contacts that are one human.

        :param kind: see :class:`~.truth.Truth`
        :param members: the contacts
        """
        self._group(self.truth.people, kind, members)

    def different_people(self, kind: str, members: Sequence[Contact]) -> None:
        """
        Note contacts that look like one human and are not.

        :param kind: see :class:`~.truth.Truth`
        :param members: the contacts
        """
        self._group(self.truth.lookalike_people, kind, members)

    def _group(self, groups: list[Group], kind: str, members: Sequence[Contact]) -> None:
        groups.append(Group(kind, frozenset(m.id for m in members)))
        self.planted.update(m.id for m in members)

    def odd(self, kind: str, object_name: str, source_id: str, field: str, text: str = "") -> None:
        """
        Note a strange value that must arrive.

        :param kind: what is strange
        :param object_name: kind of record
        :param source_id: of the record
        :param field: attribute or custom column
        :param text: what a text export shows instead of the value
        """
        self.truth.oddities.append(Cell(kind, object_name, source_id, field, text))

    def odd_texts(self, collection: str, field: str, kinds: Iterable[str]) -> None:
        """
        Give strange texts to records that carry nothing special yet.

        :param collection: attribute of the world
        :param field: attribute of the records
        :param kinds: keys of the texts
        """
        records = getattr(self.world, collection)
        for kind in kinds:
            source_id = self.victim(collection)
            setattr(records[source_id], field, WORDS.texts[kind])
            self.odd(kind, KINDS[collection], source_id, field)

    def bad(self, kind: str, object_name: str, source_id: str, field: str, text: str = "") -> None:
        """
        Note a value that cannot be taken.

        :param kind: what is wrong
        :param object_name: kind of record
        :param source_id: of the record
        :param field: attribute or custom column
        :param text: what a text export shows instead of the value
        """
        self.truth.bad_cells.append(Cell(kind, object_name, source_id, field, text))

    def ghost(self, letter: str, name: str) -> str:
        """
        Make the id of a record that is gone.

        :param letter: of the kind of record
        :param name: e-mail, domain or name that it had
        :return: the id
        """
        ghost_id = f"{letter}99{len(self.world.ghosts):06d}"
        self.world.ghosts[ghost_id] = name
        return ghost_id

    def missing(self, object_name: str, source_id: str, field: str, ghost_id: str) -> None:
        """
        Note a link to a record that is gone.

        :param object_name: kind of the record that has the link
        :param source_id: of that record
        :param field: attribute that has the link
        :param ghost_id: the record that is gone
        """
        link = Link(object_name, source_id, field, self.world.ghosts[ghost_id])
        self.truth.missing_parents.append(link)

    def ambiguous(
        self, object_name: str, source_id: str, field: str, named: str, ids: frozenset[str]
    ) -> None:
        """
        Note a link by name that fits several records.

        :param object_name: kind of the record that has the link
        :param source_id: of that record
        :param field: attribute that has the link
        :param named: how the source names the other record
        :param ids: what it may mean
        """
        self.truth.ambiguous_links.append(Link(object_name, source_id, field, named, ids))
