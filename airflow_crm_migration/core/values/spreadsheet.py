"""Text in the cells of a CSV file that a person opens in a spreadsheet."""

from __future__ import annotations

import re

_BEGINS = r"=+\-@\uff1d\uff0b\uff0d\uff20"
_FORMULA = re.compile(rf"\A(?=[{_BEGINS}\t\r\n])|(?<=[;\t\r\n])(?= *[{_BEGINS}])")
"""Where a formula may begin: at the start of a cell, and after what other locales separate by."""

_DEFUSED = re.compile(rf"\A'(?=[{_BEGINS}\t\r\n])|(?<=[;\t\r\n])'(?= *[{_BEGINS}])")


def defused(text: str) -> str:
    """Return text that no spreadsheet takes for a formula: an apostrophe stands before it."""
    return _FORMULA.sub("'", text)


def undefused(text: str) -> str:
    """Return text as it was before :func:`defused`."""
    return _DEFUSED.sub("", text)
