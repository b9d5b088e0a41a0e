"""Made ids never change: a golden file keeps what customers' ledgers hold."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_crm_migration.core.ids import NAMESPACE, Key, made_id

GOLDEN = json.loads((Path(__file__).parent / "golden" / "ids.json").read_text(encoding="utf-8"))
TEXTS = st.text(max_size=8)
KEYS = st.builds(Key, TEXTS, TEXTS, TEXTS, TEXTS)


@pytest.mark.parametrize("case", GOLDEN["ids"], ids=lambda case: case["id"][:8])
def test_an_id_stays_what_it_was(case: dict[str, str]) -> None:
    key = Key(case["line"], case["source_object"], case["source_id"], case["part"])
    assert made_id(case["tenant"], case["engagement"], key) == case["id"]


def test_the_namespace_stays_what_it_was() -> None:
    assert str(NAMESPACE) == GOLDEN["namespace"]


@given(TEXTS, TEXTS, KEYS)
def test_it_is_a_version_5_uuid_in_small_letters(tenant: str, engagement: str, key: Key) -> None:
    made = made_id(tenant, engagement, key)
    assert uuid.UUID(made).version == 5
    assert made == made.lower()


@given(st.lists(st.tuples(TEXTS, TEXTS, KEYS), min_size=2, max_size=2, unique=True))
def test_other_records_have_other_ids(two: list[tuple[str, str, Key]]) -> None:
    one, other = (made_id(*named) for named in two)
    assert one != other
