"""Whether two names can belong to one person."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache

from airflow_crm_migration.core.values.lists import words
from airflow_crm_migration.core.values.names import fold_digraphs, is_nickname
from airflow_crm_migration.core.values.text import squash, tokens

_BRACKETS = re.compile(r"[(\[{].*?[)\]}]")
_LONG = 8
_SHORTEST = 4


class Agreement(IntEnum):
    """How well two names agree; everything from PARTIAL on may be one person."""

    CONFLICT = 0
    UNKNOWN = 1
    PARTIAL = 2
    INITIAL = 3
    SIMILAR = 4
    NICKNAME = 5
    SAME = 6


@dataclass(frozen=True, slots=True)
class PersonName:
    """
    A name taken apart for comparison.

    :param given: folded words, so ``family``
    :param generation: such as ``jr``
    """

    given: tuple[str, ...] = ()
    family: tuple[str, ...] = ()
    generation: str = ""

    @property
    def full(self) -> bool:
        """Whether both parts are known."""
        return bool(self.given and self.family)


NOBODY = PersonName()


@lru_cache(maxsize=200_000)
def person_name(first: str, last: str, local_part: str) -> PersonName:
    """
    Take a name apart; what is only the e-mail address again is no name.

    :param first: given names, or the whole name, also as ``family, given``
    :param last: family names, may be empty
    :param local_part: of the e-mail address
    """
    first, last = (_BRACKETS.sub(" ", part) for part in (first, last))
    if "@" in first + last or (not last.strip() and _is_mailbox(first, local_part)):
        return NOBODY
    if not last.strip() and "," in first:
        last, _, first = first.partition(",")
    given, family = _bare(first), _bare(last)
    generation = next((w for w in (*family, *given) if w in words("generations")), "")
    given, family = (tuple(w for w in part if w != generation) for part in (given, family))
    if not family and len(given) > 1:
        given, family = given[:1], given[1:]
    return PersonName(_without_initials(given), family, generation)


@lru_cache(maxsize=500_000)
def agreement(one: PersonName, other: PersonName) -> Agreement:
    """Compare two names, in either order of their parts."""
    if one == other:
        return Agreement.SAME if one.given or one.family else Agreement.UNKNOWN
    if not _comparable(one, other):
        return Agreement.UNKNOWN
    if one.generation and other.generation and one.generation != other.generation:
        return Agreement.CONFLICT
    straight = _both(_part(one.given, other.given), _part(one.family, other.family, given=False))
    crossed = _both(_part(one.given, other.family), _part(one.family, other.given))
    return Agreement.SAME if _cut_elsewhere(one, other) else max(straight, crossed)


def _bare(part: str) -> tuple[str, ...]:
    every = tokens(part)
    return tuple(t for t in every if t not in words("person_titles")) or tuple(every)


def _is_mailbox(text: str, local_part: str) -> bool:
    return len(tokens(text)) == 1 and squash(text) == squash(local_part)


def _without_initials(given: tuple[str, ...]) -> tuple[str, ...]:
    return given[:1] + tuple(w for w in given[1:] if len(w) > 1 or not w.isascii())


def _without_particles(family: tuple[str, ...]) -> tuple[str, ...]:
    small = words("particles") | words("inner_particles")
    return tuple(w for w in family[:-1] if w not in small) + family[-1:]


def _comparable(one: PersonName, other: PersonName) -> bool:
    """Tell whether both names are known and written in one script."""
    texts = ["".join(name.given + name.family) for name in (one, other)]
    if not all(texts):
        return False
    if all(text.isascii() for text in texts):
        return True
    first, second = ({unicodedata.name(c, "?").split()[0] for c in text} for text in texts)
    return bool(first & second)


def _cut_elsewhere(one: PersonName, other: PersonName) -> bool:
    """Tell one name cut in two places: Mary Ann and Maryann, or written in one piece."""
    left, right = _letters(one), _letters(other)
    return left[0] == right[0] or (not (one.full and other.full) and bool({*left} & {*right}))


def _letters(name: PersonName) -> tuple[str, str]:
    given, family = ("".join(map(fold_digraphs, part)) for part in (name.given, name.family))
    return given + family, family + given


def _both(one: Agreement, other: Agreement) -> Agreement:
    """Return what two parts say together: two weak ones say less than either."""
    low, high = sorted((one, other))
    if low is Agreement.UNKNOWN:
        return Agreement.PARTIAL if high >= Agreement.PARTIAL else high
    if low > Agreement.CONFLICT and high < Agreement.SAME:
        return Agreement.PARTIAL
    return low


def _part(one: tuple[str, ...], other: tuple[str, ...], *, given: bool = True) -> Agreement:
    if not one or not other:
        return Agreement.UNKNOWN
    if _spelled(one) & _spelled(other):
        return Agreement.SAME
    if given and is_nickname(one[0], other[0]):
        return Agreement.NICKNAME
    left, right = "".join(one), "".join(other)
    if 1 in (len(left), len(right)):
        return _initial(left, right)
    if set(one) <= set(other) or set(other) <= set(one):
        return Agreement.PARTIAL
    typo = _typo(left, right) and not (given and _two_genders(left, right))
    return Agreement.SIMILAR if typo else Agreement.CONFLICT


def _spelled(part: tuple[str, ...]) -> set[str]:
    """Return a part in one piece, with and without the small words of family names."""
    return {fold_digraphs("".join(part)), fold_digraphs("".join(_without_particles(part)))}


def _initial(one: str, other: str) -> Agreement:
    """Compare a single character with a name; an ideograph may be a whole name of its own."""
    if one[0] != other[0]:
        return Agreement.CONFLICT
    ideograph = unicodedata.name(one[0], "").startswith(("CJK", "HANGUL"))
    return Agreement.PARTIAL if ideograph else Agreement.INITIAL


def _typo(one: str, other: str) -> bool:
    """Tell a slip of the keyboard: a wrong, missing, added or swapped letter, two in long names."""
    from rapidfuzz.distance import OSA

    shorter = min(len(one), len(other))
    if shorter < _SHORTEST or not (one.isalpha() and other.isalpha()):
        return False
    return OSA.distance(one, other, score_cutoff=2) <= (2 if shorter >= _LONG else 1)


def _two_genders(one: str, other: str) -> bool:
    """Tell Mario from Maria, Daniel from Daniela: they differ in the ending, and one ends in a."""
    stem = max(1, min(len(one), len(other)) - 2)
    return one.endswith("a") != other.endswith("a") and one[:stem] == other[:stem]
