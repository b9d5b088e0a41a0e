"""Keys are read strictly and never quoted."""

from __future__ import annotations

import base64
import subprocess
import sys

import pytest

from airflow_crm_migration.core.errors import UserMistake
from airflow_crm_migration.core.keyring import MAKE_A_KEY, Keyring


def entry(key_id: str, key: bytes = b"k" * 32) -> str:
    return f"{key_id}:{base64.b64encode(key).decode()}"


def test_the_first_key_signs_and_all_check() -> None:
    old, new = entry("2025", b"o" * 32), entry("2026", b"n" * 40)
    ring = Keyring.parse(f" {new},\n {old} \n")
    assert ring.signing_id == "2026"
    mac = Keyring.parse(old).mac("2025", {"a": 1})
    assert ring.verifies("2025", {"a": 1}, mac)
    assert not ring.verifies("2026", {"a": 1}, mac)
    assert not ring.verifies("2025", {"a": 2}, mac)
    assert not ring.verifies("2024", {"a": 1}, mac)
    assert not ring.verifies("2025", {"a": 1}, "ü")


def test_both_alphabets_of_base64_are_read() -> None:
    key = b"\xff\xfb" * 16
    urlsafe = base64.urlsafe_b64encode(key).decode()
    assert Keyring.parse(f"a:{urlsafe}").keys == Keyring.parse(entry("a", key)).keys == {"a": key}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (None, "is not set"),
        (" \n", "is not set"),
        ("c2VjcmV0", "entry 1 is not id:base64"),
        (f"{entry('a')},", "entry 2 is not id:base64"),
        (":c2VjcmV0", "entry 1 is not id:base64"),
        ("a b:c2VjcmV0", "entry 1 is not id:base64"),
        ("a:c2VjcmV0!", "'a' is not base64"),
        ("a:c2VjcmV", "'a' is not base64"),
        (entry("a", b"k" * 31), "'a' has 31 bytes, 32 are the least"),
        (f"{entry('a')},{entry('a', b'x' * 32)}", "'a' is there twice"),
    ],
)
def test_a_bad_option_is_one_clear_line(text: str | None, complaint: str) -> None:
    with pytest.raises(UserMistake, match=complaint) as raised:
        Keyring.parse(text)
    [line] = raised.value.findings
    assert line.startswith("[crm_migration] signing_keys")
    assert "c2Vj" not in line
    assert "\n" not in line


def test_a_ring_never_shows_its_keys() -> None:
    assert "kkk" not in repr(Keyring.parse(entry("a")))


def test_the_advice_makes_a_key() -> None:
    code = MAKE_A_KEY.removeprefix('python -c "').removesuffix('"')
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert Keyring.parse(done.stdout).signing_id == "key1"
