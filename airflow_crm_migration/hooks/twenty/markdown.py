"""Markdown as Twenty shows it: a single line break does not end a paragraph there."""

from __future__ import annotations

import re
from typing import Any

from airflow_crm_migration.core.protocols import Normalised
from airflow_crm_migration.hooks.twenty.values import cleaned, unusable

_FENCE = re.compile(r"\s{0,3}(```|~~~)")
# Lists, quotes, headings and their underlines, tables, indented code, HTML: their line breaks mean
# something.
_STRUCTURE = re.compile(r"\s*([-*+]\s|\d+[.)]\s|[>#|<]|=+\s*$|-{2,}\s*$|[*_]{3,}\s*$)|\t| {4}")
_HARD_BREAK = ("  ", "\\")


def long_text(_: object, value: Any) -> Normalised:
    """Put a blank line between lines of plain text; all else is stored as it is."""
    if not isinstance(value, str):
        return unusable(value)
    clean, notes = cleaned(value.replace("\r\n", "\n").replace("\r", "\n"))
    return Normalised(paragraphs(clean) or None, (), notes)


def paragraphs(markdown: str) -> str:
    """
    Return Markdown in which each line of plain text is a paragraph of its own.

    :param markdown: with line feeds only
    """
    lines = markdown.split("\n")
    kept: list[str] = []
    fenced = False
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        kept.append(line)
        fenced ^= bool(_FENCE.match(line))
        if not fenced and _plain(line) and _plain(following) and not line.endswith(_HARD_BREAK):
            kept.append("")
    return "\n".join(kept)


def _plain(line: str) -> bool:
    return bool(line.strip()) and not _STRUCTURE.match(line) and not _FENCE.match(line)
