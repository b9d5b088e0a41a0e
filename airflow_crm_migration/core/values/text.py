"""Text of any script: cleaned of what no CRM can show, folded for comparison."""

from __future__ import annotations

import re
import unicodedata

APOSTROPHES = "'`\u00b4\u02bc\u2018\u2019"
"""The apostrophe, and what people type instead."""

_MARKS = re.compile("[\u0300-\u036f]")
_INVISIBLE = re.compile(
    "[\u00ad\u200b\u2060\ufeff\ufffe\uffff"  # zero width
    "\u202a-\u202e\u2066-\u2069"  # force a direction
    "\ud800-\udfff]"  # halves of characters
)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_ASCII_WORD = re.compile("[a-z0-9]+")
_JOINING = re.compile(rf"(?<=\w)[{APOSTROPHES}](?=\w)|[\u200c\u200d]")
# letters that Unicode does not take apart
_WHOLE = str.maketrans(
    {
        "\u00f8": "o",
        "\u0142": "l",
        "\u00e6": "ae",
        "\u0153": "oe",
        "\u0111": "d",
        "\u00f0": "d",
        "\u00fe": "th",
        "\u0131": "i",
        "\u0127": "h",
        "\u014b": "n",
    }
)


def without_controls(text: str) -> str:
    """Remove control characters except line feed and tab; other line ends become line feeds."""
    return _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def one_line(text: str) -> str:
    """Return a text in one line with single blanks, without control and invisible characters."""
    if not (text.isascii() and text.isprintable()):
        text = _INVISIBLE.sub("", _CONTROL.sub(" ", text))
    return " ".join(text.split())


def fold(text: str) -> str:
    """
    Return a text for comparison: case, accents and compatibility forms folded, blanks single.

    Vowel signs of Indic, Thai, Arabic and Hebrew script are letters, not accents, and stay.
    """
    if text.isascii():
        return one_line(text).lower()
    # Taking a sign apart may bring capitals up, and folding them may make a sign that comes apart.
    apart = unicodedata.normalize("NFKD", one_line(text).casefold()).casefold()
    apart = unicodedata.normalize("NFKD", apart).translate(_WHOLE)
    return " ".join(unicodedata.normalize("NFKC", _MARKS.sub("", apart)).split())


def tokens(text: str) -> list[str]:
    """Return the words of a text, folded; apostrophes join, every other sign separates."""
    joined = _JOINING.sub("", fold(text))
    if joined.isascii():
        return _ASCII_WORD.findall(joined)
    return "".join(c if _in_word(c) else " " for c in joined).split()


def squash(text: str) -> str:
    """Return the letters and digits of a text, folded, without anything between them."""
    return "".join(tokens(text))


def _in_word(character: str) -> bool:
    return character.isalnum() or unicodedata.category(character)[0] == "M"
