from __future__ import annotations

import subprocess
import sys
from importlib.resources import files

import pytest
import yaml

from airflow_crm_migration.core.values import lists
from airflow_crm_migration.core.values.text import fold, squash

RAW = yaml.safe_load(files(lists.__package__).joinpath("lists.yaml").read_text("utf-8"))
HEAVY = ("phonenumbers", "tldextract", "requests", "nh3", "markdownify", "rapidfuzz", "pandas")


@pytest.mark.parametrize("name", sorted(RAW))
def test_every_list_is_a_set_in_small_letters(name: str) -> None:
    words = RAW[name].split()
    assert words == [word.lower() for word in words]
    assert lists.words(name) == frozenset(words)


@pytest.mark.parametrize("name", ["shared_mailbox", "person_titles", "generations"])
def test_words_are_written_as_they_are_compared(name: str) -> None:
    assert [word for word in RAW[name].split() if word not in (fold(word), squash(word))] == []


def test_nothing_heavy_is_imported_for_the_asking() -> None:
    names = ["dates", "domains", "emails", "html", "names", "numbers", "phones", "text"]
    code = "; ".join(f"import airflow_crm_migration.core.values.{name}" for name in names)
    code += f"; import sys; print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
