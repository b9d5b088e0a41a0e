"""Whatever a CRM value holds is text in a report: it runs, hides and drowns nothing."""

from __future__ import annotations

import pytest

from airflow_crm_migration.core.outcomes import Outcome, Reason
from tests.support.report import MadeRun, Rejection, Report, resolved

HUGE = "x" * (1 << 20)
EVIL = [
    "<script>alert(1)</script>",
    "</td></tr></table><img src=x onerror=alert(1)>",
    "{{ 7 * 7 }}{% raw %}",
    "&lt;b&gt; \" ' `",
    "=cmd|' /C calc'!A0",
    "safe.txt\u202egpj.exe",
    "\ud800 half",
    "]]>--><style>body{display:none}",
]


def everywhere(run: MadeRun, text: str) -> Report:
    """Put a text wherever one of somebody else's can stand."""
    mapping = resolved()
    line = mapping.lines[0]
    line = line.model_copy(
        update={"fields": (line.fields[0].model_copy(update={"fallback": text}), *line.fields[1:])}
    )
    issue = {"key": ["person", "contact", text, ""], "field": text, "problem": text, "detail": text}
    run.customer = text
    run.begin(title=text, run_id=text).extract()
    run.decide(mapping.model_copy(update={"lines": (line, *mapping.lines[1:])}))
    owner = {"name": text, "email": text, "records": 1, "status": "missing"}
    run.write("owners/matches.json", [owner])
    run.write("probe.json", [{"object": "contact", "route": "api", "reason": text, "count": 1}])
    found = {"severity": "warning", "check": text, "message": text, "fix": text}
    run.write("preflight/sandbox.json", [found])
    run.write("schema/changes.json", [{"object": text, "field": text, "action": text}])
    conflict = {"key": issue["key"], "field": text, "reason": text, "kept": text, "id": text}
    conflict |= {"before": text, "source": [text], "destination": {"city": text}}
    run.load(person=[issue], conflicts=(conflict,))
    run.tell_ledger([Rejection(text, Outcome.REJECTED, Reason.REFUSED, text)])
    return run.report()


@pytest.mark.parametrize("text", EVIL)
def test_text_is_harmless_and_readable_wherever_it_stands(run: MadeRun, text: str) -> None:
    report = everywhere(run, storable(text))
    page = report.page
    assert not {"script", "img"} & {tag for tag, _ in page.tags}
    assert [tag for tag, _ in page.tags].count("style") == 1
    shown = storable(text).replace("\u202e", "[U+202E]")
    for section in ("", "not-arrived", "conflicts", "left-out", "mapping", "owners"):
        assert shown in page.text[section]
    assert "\u202e" not in report.html
    for section in ("preflight", "schema", "export"):
        assert shown in page.text[section]
    kept = [report.csv("rejects")[0]["detail"], report.csv("left_out")[0]["detail"]]
    disputed = report.csv("conflicts")[0]
    kept += [disputed[n] for n in ("sent before", "in the source now", "in the destination")]
    for cell in kept:
        assert cell.removeprefix("'") == shown
        assert not cell.startswith("=")


def storable(text: str) -> str:
    """Return text as it can lie in staging, where halves of characters cannot."""
    return text.encode(errors="replace").decode()


def test_a_huge_value_is_shortened_on_the_page_and_whole_in_the_file(run: MadeRun) -> None:
    report = everywhere(run, HUGE)
    assert len(report.html) < 1 << 18
    assert "(1,048,576 characters, all of them in the CSV file)" in report.page.text["not-arrived"]
    assert report.csv("rejects")[0]["detail"] == HUGE
    assert report.csv("left_out")[0]["detail"] == HUGE
    assert report.csv("owners")[0]["name"] == HUGE
