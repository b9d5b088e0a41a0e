"""Which contacts are one person."""

from __future__ import annotations

from collections import defaultdict
from itertools import combinations, product
from typing import TYPE_CHECKING

from airflow_crm_migration.core.dedupe.agreement import Agreement, PersonName, agreement
from airflow_crm_migration.core.dedupe.blocks import similar_pairs
from airflow_crm_migration.core.dedupe.clusters import ClusterBuilder, Edge
from airflow_crm_migration.core.dedupe.model import Match
from airflow_crm_migration.core.dedupe.person import Person, person_of
from airflow_crm_migration.core.dedupe.survivors import choose_survivor
from airflow_crm_migration.core.values.emails import identity_email, split_tag

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from airflow_crm_migration.core.dedupe.model import Cluster
    from airflow_crm_migration.core.protocols import Values

_TOO_MANY_PEOPLE = 3
_CONFLICT_SCORE = 0.5
_BY_COMPANY = {
    Agreement.SAME: (Match.SAME_NAME_AND_COMPANY, 0.9),
    Agreement.NICKNAME: (Match.NICKNAME_AND_COMPANY, 0.85),
    Agreement.SIMILAR: (Match.SIMILAR_NAME_AND_COMPANY, 0.75),
    Agreement.INITIAL: (Match.INITIAL_AND_COMPANY, 0.6),
}
_BY_PHONE = {
    Agreement.SAME: (Match.SAME_NAME_AND_PHONE, 0.88),
    Agreement.NICKNAME: (Match.NICKNAME_AND_PHONE, 0.83),
    Agreement.SIMILAR: (Match.SIMILAR_NAME_AND_PHONE, 0.73),
}


def find_duplicate_people(records: Iterable[Values]) -> list[Cluster]:
    """
    Find contacts that are, or may be, one person.

    Certain are one personal address, or one LinkedIn profile, under names that can be one
    person's. Doubtful are equal or similar names at one company or with one phone number, and one
    address under names that contradict each other. A name alone, a shared mailbox or a free-mail
    domain says nothing; nor does an address under three names or more.

    :param records: typed contacts with ``id``, ``first_name``, ``last_name``, ``email``,
        ``other_emails``, ``phone``, ``company``, ``company_id``, ``company_domain``, ``linkedin``,
        ``updated_at``
    :return: certain clusters, then doubtful ones, each sorted by their members
    """
    contacts = {str(record["id"]): record for record in sorted(records, key=lambda r: str(r["id"]))}
    people = [person_of(record) for record in contacts.values()]
    builder = ClusterBuilder(
        [person.id for person in people],
        [person.name for person in people],
        _contradict,
        lambda ids: choose_survivor([contacts[i] for i in ids]),
    )
    finders = (_by_mailbox, _by_variant, _by_profile, _by_company, _by_phone)
    return builder.build(edge for finder in finders for edge in finder(people))


def _by_mailbox(people: Sequence[Person]) -> Iterator[Edge]:
    for group in _groups(people, lambda person: person.mailboxes):
        yield from _identical(people, group, Match.SAME_EMAIL, 1.0)


def _by_profile(people: Sequence[Person]) -> Iterator[Edge]:
    for group in _groups(people, lambda person: [person.profile] if person.profile else []):
        yield from _identical(people, group, Match.SAME_PROFILE, 0.97)


def _identical(
    people: Sequence[Person], group: list[int], reason: Match, score: float
) -> Iterator[Edge]:
    """Yield the matches of records that share what belongs to one person."""
    by_name: dict[PersonName, list[int]] = defaultdict(list)
    for index in group:
        by_name[people[index].name].append(index)
    if _humans(by_name) >= _TOO_MANY_PEOPLE:
        return
    for same in by_name.values():
        yield from (Edge(same[0], other, reason, score, certain=True) for other in same[1:])
    for one, other in combinations(by_name, 2):
        pair = by_name[one][0], by_name[other][0]
        if _contradict(one, other):
            yield Edge(*pair, Match.CONFLICTING_NAMES, _CONFLICT_SCORE)
        else:
            yield Edge(*pair, reason, score, certain=True)


def _by_variant(people: Sequence[Person]) -> Iterator[Edge]:
    """Yield matches of variants of one address: with a tag, at Gmail with dots."""
    spellings: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for index, person in enumerate(people):
        for email in person.mailboxes:
            spellings[identity_email(email)][email].append(index)
    for found in spellings.values():
        plain, *variants = sorted(found, key=lambda email: (len(email), email))
        for variant in variants:
            tagged = split_tag(variant)[0] == plain
            for one, other in product(*(_one_per_name(people, found[e]) for e in (plain, variant))):
                yield from _variant(one, other, people, tagged=tagged)


def _variant(one: int, other: int, people: Sequence[Person], *, tagged: bool) -> Iterator[Edge]:
    """Yield the match of two records: certain where a tag is all the difference under one name."""
    agree = agreement(people[one].name, people[other].name)
    if one == other or agree is Agreement.CONFLICT:
        return
    full = people[one].name.full and people[other].name.full
    sure = tagged and full and agree >= Agreement.NICKNAME
    yield Edge(one, other, Match.ADDRESS_VARIANT, 0.95 if sure else 0.7, certain=sure)


def _one_per_name(people: Sequence[Person], group: list[int]) -> list[int]:
    return list({people[index].name: index for index in reversed(group)}.values())


def _by_company(people: Sequence[Person]) -> Iterator[Edge]:
    yield from _by_name_within(people, lambda person: person.companies, _BY_COMPANY)


def _by_phone(people: Sequence[Person]) -> Iterator[Edge]:
    yield from _by_name_within(people, lambda person: person.phones, _BY_PHONE)


def _by_name_within(
    people: Sequence[Person],
    keys: Callable[[Person], Iterable[str]],
    weights: Mapping[Agreement, tuple[Match, float]],
) -> Iterator[Edge]:
    """Yield matches of full names among the people who share a key."""
    blocks = _groups(people, lambda person: keys(person) if person.name.full else ())
    for one, other in similar_pairs([person.name for person in people], blocks):
        found = weights.get(agreement(people[one].name, people[other].name))
        if found and not _two_profiles(people[one], people[other]):
            yield Edge(one, other, *found)


def _groups(
    people: Sequence[Person], keys: Callable[[Person], Iterable[str]]
) -> Iterator[list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for index, person in enumerate(people):
        for key in keys(person):
            found[key].append(index)
    yield from (group for group in found.values() if len(group) > 1)


def _humans(names: Iterable[PersonName]) -> int:
    """Count names that all contradict each other, as far as that matters."""
    found: list[PersonName] = []
    for name in names:
        if all(_contradict(name, known) for known in found):
            found.append(name)
        if len(found) >= _TOO_MANY_PEOPLE:
            break
    return len(found)


def _contradict(one: PersonName, other: PersonName) -> bool:
    return agreement(one, other) is Agreement.CONFLICT


def _two_profiles(one: Person, other: Person) -> bool:
    return bool(one.profile and other.profile and one.profile != other.profile)
