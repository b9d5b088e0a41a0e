"""Turns what pydantic found into lines that a person can act on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import ValidationError

_LONGEST = 60
_FIXES = {
    "extra_forbidden": "there is no such setting here; remove it or mend its spelling",
    "missing": "is missing; add it",
}


def findings_of(error: ValidationError, place: str) -> list[str]:
    """
    Return one line per mistake: the place, the value and what would be right.

    :param error: all that pydantic found in one file
    :param place: path of the file
    """
    return [_line(place, finding) for finding in error.errors(include_url=False)]


def _line(place: str, finding: Any) -> str:
    where = ".".join(str(part) for part in finding["loc"])
    fix = _FIXES.get(finding["type"], finding["msg"].removeprefix("Value error, "))
    value = "" if finding["type"] == "missing" else f" = {_short(finding['input'])}"
    return f"{place}: {where}{value}: {fix}"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
