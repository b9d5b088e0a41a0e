"""Values of RICH_TEXT fields: markdown is kept as sent, the editor's blocks are made from it."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

from markdown_it import MarkdownIt

from airflow_crm_migration.emulators.twenty.errors import ApiError

if TYPE_CHECKING:
    from markdown_it.token import Token

_PROPS = {"backgroundColor": "default", "textColor": "default", "textAlignment": "left"}
_STYLES = {"strong_open": "bold", "em_open": "italic", "s_open": "strike"}
_MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def rich_text(name: str, value: Any) -> dict[str, Any]:
    """Normalise a RICH_TEXT value.

    :param name: of the field
    :param value: what the client sent
    :return: both halves
    :raises ApiError: when Twenty refuses it
    """
    if value is None:
        raise ApiError("Cannot read properties of null (reading 'blocknote')")
    if not isinstance(value, dict) or set(value) - {"markdown", "blocknote"}:
        raise ApiError(f'Invalid rich text value for field "{name}"')
    markdown, blocknote = value.get("markdown"), value.get("blocknote")
    if blocknote and not markdown:
        return {"blocknote": blocknote, "markdown": _text(name, blocknote)}
    if not isinstance(markdown, str | None):
        raise ApiError(f'Invalid rich text value for field "{name}"')
    return {"blocknote": blocks(markdown) if markdown else None, "markdown": markdown}


def blocks(markdown: str) -> str:
    """Make the editor's blocks.

    :param markdown: text
    :return: JSON of a list of blocks, one per paragraph, heading, list item or piece of code
    """
    made = []
    kind, level = "paragraph", 0
    for token in _MARKDOWN.parse(markdown):
        if token.type == "heading_open":
            kind, level = "heading", int(token.tag[1:])
        elif token.type in ("bullet_list_open", "ordered_list_open"):
            kind = "bulletListItem" if token.type.startswith("bullet") else "numberedListItem"
        elif token.type in ("heading_close", "bullet_list_close", "ordered_list_close"):
            kind = "paragraph"
        elif token.type == "inline":
            props = {**_PROPS, "level": level} if kind == "heading" else _PROPS
            made.append(_block(kind, props, _inline(token)))
        elif token.type in ("fence", "code_block", "html_block"):
            made.append(_block("codeBlock", {}, [_piece(token.content, {})]))
    return json.dumps(made, separators=(",", ":"), ensure_ascii=False)


def _block(kind: str, props: dict[str, Any], content: list[dict[str, Any]]) -> dict[str, Any]:
    made = {"id": str(uuid.uuid4()), "type": kind, "props": props}
    return {**made, "content": content, "children": []}


def _piece(text: str, styles: dict[str, bool]) -> dict[str, Any]:
    return {"type": "text", "text": text, "styles": styles}


def _inline(token: Token) -> list[dict[str, Any]]:
    pieces: list[dict[str, Any]] = []
    styles: dict[str, bool] = {}
    for child in token.children or []:
        if child.type in _STYLES:
            styles = {**styles, _STYLES[child.type]: True}
        elif child.type.replace("_close", "_open") in _STYLES:
            gone = _STYLES[child.type.replace("_close", "_open")]
            styles = {k: v for k, v in styles.items() if k != gone}
        elif child.type in ("softbreak", "hardbreak"):
            pieces.append(_piece("\n ", styles))
        elif child.content:
            pieces.append(_piece(child.content, styles))
    return pieces


def _text(name: str, blocknote: Any) -> str:
    try:
        found = json.loads(blocknote)
        texts = ["".join(c.get("text", "") for c in b.get("content") or []) for b in found]
    except (TypeError, ValueError, AttributeError) as e:
        raise ApiError(f'Invalid rich text value for field "{name}"') from e
    return "\n\n".join(texts)
