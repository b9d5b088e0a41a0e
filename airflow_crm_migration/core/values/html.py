"""Rich text as Markdown: nothing in it runs, reading it fetches nothing, no words are lost."""

from __future__ import annotations

import html
import re
from functools import cache
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.values.lists import words
from airflow_crm_migration.core.values.text import without_controls

if TYPE_CHECKING:
    from collections.abc import Callable

_HANDLER = re.compile(r"<[a-z][^<>]*\bon[a-z]+\s*=", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:nbsp|amp|lt|gt|quot|apos|#x?[0-9a-f]{1,6});", re.IGNORECASE)
_RAW_TAG = re.compile(r"(?<!\\)<(?=[a-z/!?])", re.IGNORECASE)
_LINK_TARGET = re.compile(r"(\]\(\s{0,9}<?|\]:\s{0,9}<?)([^\s()<>]+)")
_ACTIVE = ("javascript:", "vbscript:", "data:")
_LONE_BREAK = re.compile(r"(?<=[^\n])\n(?=[^\n])")
_BLOCK_END = re.compile(
    r"</(?:div|p|li|tr|blockquote|h[1-6])\b[^<>]*>|<[bh]r\b[^<>]*>", re.IGNORECASE
)
_ELEMENT = re.compile(r"<(/?)([a-z][a-z0-9]*)", re.IGNORECASE)
_UNSEEN = re.compile(
    r"<(script|style|template|title)\b.*?(?:</\1[^>]*>|\Z)|<!--.*?(?:-->|\Z)",
    re.IGNORECASE | re.DOTALL,
)
_DEEPEST = 200
_PIXEL = frozenset({"0", "1", "0px", "1px"})


def html_to_markdown(text: str) -> str:
    """
    Return rich or plain text as Markdown.

    Scripts, styles, forms, event handlers and links that run something are removed; pictures become
    links, because a picture that loads tells its sender who read it. Plain text stays as it is,
    with one exception: a line break becomes a paragraph break, since Markdown would join the lines.

    :param text: HTML or plain text
    """
    clean = without_controls(text)
    if _tag().search(clean) or _HANDLER.search(clean):
        return _LINK_TARGET.sub(_disarmed, _rich(clean)).strip()
    if _ENTITY.search(clean):
        clean = without_controls(html.unescape(clean))
    paragraphs = _LONE_BREAK.sub("\n\n", _RAW_TAG.sub(r"\\<", clean))
    return _LINK_TARGET.sub(_disarmed, paragraphs)


def _disarmed(link: re.Match[str]) -> str:
    """Return the beginning of a link; without its target where opening that would run something."""
    target = html.unescape(link.group(2)).replace("\\", "").lower()
    return link.group(1) + ("" if target.startswith(_ACTIVE) else link.group(2))


def _rich(text: str) -> str:
    import nh3

    if _depth(text) > _DEEPEST:
        return _plain_words(text)
    safe = nh3.clean(
        text,
        tags=set(words("html_kept")),
        clean_content_tags={"script", "style", "template", "title"},
        attributes={"a": {"href"}, "img": {"src", "alt", "width", "height"}},
        url_schemes={"http", "https", "mailto", "tel"},
        link_rel=None,
    )
    return re.sub(r"\n{3,}", "\n\n", _converter()(safe).replace("\xa0", " "))


def _depth(text: str) -> int:
    flat = words("html_flat")
    deepest = depth = 0
    for end, name in _ELEMENT.findall(text):
        if name.lower() not in flat:
            depth = max(0, depth + (-1 if end else 1))
            deepest = max(deepest, depth)
    return deepest


def _plain_words(text: str) -> str:
    """Return only the text of what nests deeper than anybody writes: parsers would take minutes."""
    seen = _BLOCK_END.sub("\n\n", _UNSEEN.sub("", text))
    bare = re.sub(r"<[a-z/!?][^<>]*>?", "", seen, flags=re.IGNORECASE)
    return _RAW_TAG.sub(r"\\<", re.sub(r"\n\s*\n+", "\n\n", html.unescape(bare)))


@cache
def _tag() -> re.Pattern[str]:
    names = "|".join(sorted(words("html_kept") | words("html_other")))
    return re.compile(rf"</?(?:{names})(?=[\s/>])|<!--|<!doctype\b", re.IGNORECASE)


@cache
def _converter() -> Callable[[str], str]:
    from markdownify import ATX, MarkdownConverter

    class Converter(MarkdownConverter):
        """Pictures as links, and no tag that a reader of Markdown would take for HTML."""

        def convert_img(self, el: Any, text: str, parent_tags: set[str]) -> str:
            label = (el.get("alt") or "").strip()
            source = el.get("src") or ""
            if not source or {el.get("width"), el.get("height")} & _PIXEL:
                return label
            return label if "a" in parent_tags else f"[{label or 'image'}]({source})"

        def escape(self, text: str, parent_tags: set[str]) -> str:
            # the stub of markdownify leaves this method out
            escaped = str(super().escape(text, parent_tags))  # type: ignore[misc]
            return _RAW_TAG.sub(r"\\<", escaped)

    return Converter(heading_style=ATX, bullets="-", table_infer_header=True).convert
