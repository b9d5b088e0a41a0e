from __future__ import annotations

import html

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_crm_migration.core.values.html import html_to_markdown
from airflow_crm_migration.core.values.text import without_controls

ACTIVE = ("javascript:", "vbscript:", "data:text", "onerror", "onclick", "alert(")


@pytest.mark.parametrize(
    ("rich", "markdown"),
    [
        ("<p>One</p><p>Two</p>", "One\n\nTwo"),
        ("<div>One</div><div>Two</div>", "One\n\nTwo"),
        ("<h2>Agenda</h2><ul><li>A<ul><li>B</li></ul></li></ul>", "## Agenda\n\n- A\n  - B"),
        ("<b>bold</b> <i>slanted</i>", "**bold** *slanted*"),
        ('<a href="https://x.org/?a=1&amp;b=2">x</a>', "[x](https://x.org/?a=1&b=2)"),
        ("<blockquote>said</blockquote>", "> said"),
        ("<!DOCTYPE html><html><head><title>t</title></head><body>b</body></html>", "b"),
        ("a<br>b", "a  \nb"),
        ("5 &lt; 6<br>", "5 < 6"),
    ],
)
def test_rich_text(rich: str, markdown: str) -> None:
    assert html_to_markdown(rich) == markdown


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("one\ntwo\r\nthree\n\nfour\n", "one\n\ntwo\n\nthree\n\nfour\n"),
        ("2 < 3 and 5 > 4", "2 < 3 and 5 > 4"),
        ("*not* _changed_ #1", "*not* _changed_ #1"),
        ("Ann <ann@x.org>", "Ann \\<ann@x.org>"),
        ("Dear <name>", "Dear \\<name>"),
        ("AT&amp;T", "AT&T"),
        ("Tom & Jerry", "Tom & Jerry"),
        ("bell\x07 nul\x00 tab\t", "bell nul tab\t"),
        ("", ""),
    ],
)
def test_plain_text_stays(text: str, markdown: str) -> None:
    assert html_to_markdown(text) == markdown


@pytest.mark.parametrize(
    "hostile",
    [
        "<p>x</p><script>alert(1)</script>",
        "x<script>alert(1)",
        '<p onclick="alert(1)">x</p>',
        '<a href="javascript:alert(1)">x</a>',
        '<a href=" java\nscript:alert(1)">x</a>',
        '<a href="data:text/html,<script>alert(1)</script>">x</a>',
        "x<svg/onload=alert(1)>",
        "<x onclick=alert(1)>x</x>",
        "x<style>@import 'javascript:alert(1)'</style>",
        "x<iframe srcdoc='<script>alert(1)</script>'></iframe>",
        "[x](javascript:alert(1))",
        "<p>[x](&amp;#106;avascript:x)</p>",
        "[x](javascript\\:x)",
        "[x]: vbscript:x",
    ],
)
def test_nothing_runs(hostile: str) -> None:
    markdown = html_to_markdown(hostile)
    assert "x" in markdown
    shown = html.unescape(markdown).replace("\\", "").lower()
    assert not any(word in shown for word in ACTIVE), markdown


def test_shown_markup_stays_text() -> None:
    markdown = html_to_markdown("<p>&lt;img src=x onerror=y&gt;</p>")
    assert markdown == "\\<img src=x onerror=y>"


def test_pictures_become_links_and_trackers_go() -> None:
    rich = (
        '<p>a <img src="https://x.org/i.png" alt="plan"><img src="https://t.org/p" width="1"></p>'
    )
    assert html_to_markdown(rich) == "a [plan](https://x.org/i.png)"


@pytest.mark.parametrize(
    "text",
    [
        "<div>" * 100_000 + "x",
        "<blockquote>" * 150 + "x" + "</blockquote>" * 150,
        "x" + "<b>" * 100_000,
        "<" * 1_000_000 + "x",
        "x" + "<script>" * 100_000,
        "x" + "](" * 400_000,
    ],
    ids=["deep", "nested", "unclosed", "angles", "scripts", "links"],
)
def test_bombs_are_survived(text: str) -> None:
    assert "x" in html_to_markdown(text)


def test_words_survive_where_structure_is_given_up() -> None:
    rich = "<p>first</p>" + "<span>" * 300 + "x <b>y</b><br>z<script>evil()</script> &lt;b"
    assert html_to_markdown(rich) == "first\n\nx y\n\nz \\<b"


@given(st.text(st.characters(exclude_characters="<&[", codec="utf-8"), max_size=60))
def test_plain_text_twice_is_plain_text_once(text: str) -> None:
    once = html_to_markdown(text)
    assert html_to_markdown(once) == once
    assert once.split() == without_controls(text).split()


@given(st.text(alphabet="<>/abphrefscript=\"'on &;#[]():\n", max_size=80))
def test_any_markup_is_survived(text: str) -> None:
    assert "<script" not in html_to_markdown(text).replace("\\<", "")
