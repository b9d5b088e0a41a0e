"""The plain texts in values of any type."""

from __future__ import annotations

import re
from typing import Any

_BETWEEN_WORDS = re.compile(r"[\s_-]+")


def texts(value: Any) -> list[str]:
    """
    Return the plain texts in a value: of a link its address, of a phone its number.

    :param value: a value of any type, or a list of such
    """
    if value in (None, ""):
        return []
    if isinstance(value, list | tuple):
        return [text for element in value for text in texts(element)]
    if isinstance(value, dict):
        return texts(value.get("url") or value.get("number"))
    return [str(value)]


def option_key(value: Any) -> str:
    """Return the form in which spellings of one choice are equal: blanks and case do not matter."""
    return " ".join(str(value).split()).casefold()


def word_key(value: Any) -> str:
    """Return the form in which spellings of one word are equal: ``ai_draft`` and ``AI Draft``."""
    return _BETWEEN_WORDS.sub(" ", str(value)).strip().casefold()
