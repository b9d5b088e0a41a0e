"""Lists of words that tell values apart, read when first asked for."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import cast

import yaml


@cache
def words(name: str) -> frozenset[str]:
    """
    Return one of the lists.

    :param name: its key in ``lists.yaml``
    """
    return frozenset(_lists()[name].split())


@cache
def _lists() -> dict[str, str]:
    text = files(__package__).joinpath("lists.yaml").read_text(encoding="utf-8")
    return cast("dict[str, str]", yaml.safe_load(text))
