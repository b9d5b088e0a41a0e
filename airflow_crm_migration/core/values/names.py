"""Names of people: corrected for display without losing anything, and what makes two alike."""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from airflow_crm_migration.core.values.lists import words
from airflow_crm_migration.core.values.text import APOSTROPHES, fold, one_line

if TYPE_CHECKING:
    from nicknames import NickNamer

_BICAMERAL = ("LATIN", "GREEK", "CYRILLIC", "ARMENIAN")
_NUMERALS = frozenset({"II", "III", "IV", "VI", "VII", "VIII"})
_WORD = re.compile(r"[^\s\-\u2010\u2011./]+")
_TWO_CAPITALS = (re.compile(r"(mc)(\w{3,})"), re.compile(rf"(\w[{APOSTROPHES}])(\w.+)"))
_SHORT = 2


def tidy_person_name(first: str, last: str) -> tuple[str, str]:
    """
    Correct blanks, and the case of a name that is all capitals or all small.

    ``("JOHN", "o'brien  ")`` becomes ``("John", "O'Brien")``. Mixed case is somebody's choice
    and stays, as do scripts without case, emoji and short initials such as ``JP``.

    :param first: given names
    :param last: family names
    """
    first, last = one_line(first), one_line(last)
    shouted = _shouts(first) and _shouts(last)
    return _tidy(first, shouted, family=False), _tidy(last, shouted, family=True)


@lru_cache(maxsize=100_000)
def is_nickname(one: str, other: str) -> bool:
    """Tell whether one of two different folded given names is a short form of the other."""
    library = _nicknames()
    return other in library.canonicals_of(one) or one in library.canonicals_of(other)


def fold_digraphs(token: str) -> str:
    """Return a folded word with the German spellings ae, oe and ue as a, o and u."""
    return re.sub("(?<=[aou])e", "", token) if len(token) > _SHORT + 1 else token


def _shouts(part: str) -> bool:
    """Tell whether a name is in capitals; of a single letter nobody can say."""
    words = (span.group() for span in _WORD.finditer(part))
    cased = (sum(c.lower() != c.upper() for c in word) for word in words)
    return _is_upper(part) and max(cased, default=0) > 1


def _tidy(part: str, shouted: bool, *, family: bool) -> str:
    if not (_is_upper(part) or _is_lower(part)):
        return part
    if _is_upper(part) and not shouted and len(part) <= _SHORT:
        return part
    spans = list(_WORD.finditer(part))
    pieces, end = [], 0
    for number, span in enumerate(spans):
        small = _small_words(number, len(spans), family=family)
        pieces += [part[end : span.start()], _word(span.group(), small, family=family)]
        end = span.end()
    return "".join(pieces) + part[end:]


def _small_words(number: int, count: int, *, family: bool) -> frozenset[str]:
    """Return the words that stay small in a place of a name; never in the last one."""
    if number == count - 1:
        return frozenset()
    if number > 0:
        return words("inner_particles")
    return words("particles") if family else frozenset()


def _word(word: str, small_words: frozenset[str], *, family: bool) -> str:
    small = _lower(word)
    if small in small_words:
        return small
    if word in _NUMERALS or (not family and _is_initials(word)):
        return word
    for pattern in _TWO_CAPITALS:
        if match := pattern.fullmatch(small):
            return _capital(match.group(1)) + _capital(match.group(2))
    return _capital(small)


def _is_initials(word: str) -> bool:
    """Tell a short word without vowels, such as JP or TJ, in capitals."""
    return len(word) <= _SHORT and word.isupper() and not set("AEIOUY") & set(fold(word).upper())


def _capital(word: str) -> str:
    # title() and not upper(): digraphs such as ǆ have a form of their own, Georgian has none
    head = word[:1].title()
    return (head if len(head) == 1 else word[:1]) + word[1:]


def _lower(word: str) -> str:
    # lower() would make two characters of the Turkish capital
    return word.replace("İ", "i").lower()


def _is_upper(text: str) -> bool:
    return text.isupper() and _bicameral(text) and len(text) > 1


def _is_lower(text: str) -> bool:
    return text.islower() and _bicameral(text)


def _bicameral(text: str) -> bool:
    if text.isascii():
        return True
    return all(
        unicodedata.name(c, "").startswith(_BICAMERAL) for c in text if c.isupper() or c.islower()
    )


@cache
def _nicknames() -> NickNamer:
    from nicknames import NickNamer

    return NickNamer()
