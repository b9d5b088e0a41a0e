"""Loads the names and words of the invented customer from the YAML files beside this module."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, NamedTuple

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict

_HERE = Path(__file__).parent


class Name(NamedTuple):
    """
    A name as its owner writes it.

    :param ascii: the form in e-mail addresses
    """

    text: str
    ascii: str


def plain_name(text: str) -> Name:
    """
    Read ``José|jose``, or a name without marks.

    :param text: the name, where needed with its ASCII form
    :return: the name
    """
    native, _, plain = text.partition("|")
    return Name(native, plain or native.lower())


_ReadName = Annotated[Name, BeforeValidator(plain_name)]


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Region(_Data):
    """
    Where people and companies are.

    :param country: ISO 3166-1 alpha-2 code
    :param suffix: public suffix of domains
    :param phone: international pattern, ``#`` stands for any digit
    :param state: of all of its cities
    :param weight: how often the region is drawn
    """

    country: str
    suffix: str
    phone: str
    weight: int
    first: tuple[_ReadName, ...]
    last: tuple[_ReadName, ...]
    cities: tuple[str, ...]
    state: str = ""


class Names(_Data):
    """What ``names.yaml`` holds."""

    regions: tuple[Region, ...]
    nicknames: dict[str, str]
    common: tuple[tuple[_ReadName, _ReadName], ...]
    users: tuple[str, ...]
    free_mail: tuple[str, ...]
    roles: tuple[str, ...]


class Words(_Data):
    """What ``words.yaml`` holds."""

    company_first: tuple[str, ...]
    company_second: tuple[str, ...]
    company_native: dict[str, tuple[str, ...]]
    legal_forms: dict[str, str]
    industries: tuple[str, ...]
    sizes: tuple[str, ...]
    titles: tuple[str, ...]
    strengths: tuple[str, ...]
    pipelines: tuple[str, ...]
    open_stages: tuple[str, ...]
    extra_stages: tuple[str, ...]
    currencies: tuple[str, ...]
    deal_kinds: tuple[str, ...]
    next_steps: tuple[str, ...]
    tags: tuple[str, ...]
    tag_twins: tuple[tuple[str, ...], ...]
    subjects: tuple[str, ...]
    sentences: tuple[str, ...]
    sentiments: tuple[str, ...]
    dispositions: tuple[str, ...]
    file_stems: tuple[str, ...]
    hostile_file_names: tuple[str, ...]
    private_urls: tuple[str, ...]
    texts: dict[str, str]


NAMES = Names.model_validate(yaml.safe_load((_HERE / "names.yaml").read_text("utf-8")))
WORDS = Words.model_validate(yaml.safe_load((_HERE / "words.yaml").read_text("utf-8")))
