"""Transforms records by a small mapping into the toy office, without staging and hooks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from airflow_crm_migration.core.mapping import Mapping, parse_mapping
from airflow_crm_migration.core.propose import planned_schema, wanted_schema
from airflow_crm_migration.core.transform.lines import LineTransform
from airflow_crm_migration.core.transform.link_index import LinkIndex
from airflow_crm_migration.core.transform.setting import Setting
from tests.support.toyland.office import OfficeRules, objects

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

    from airflow_crm_migration.core.fields import ObjectSpec
    from airflow_crm_migration.core.transform.drafts import Draft

KEYS = {"firm": {"domain": "web", "name": "called"}, "client": {"email": "mail"}}
CHOICES = {
    "size": {"question": "How much?", "values": ["small", "large"], "default": "small"},
    "greet": {"question": "Say hello?", "values": [True, False], "default": True},
}
FIRM = "{id: firm, source: firm, destination: house, fields: [{to: sign, from: called}]}"
CLIENT = "{id: client, source: client, destination: human, fields: [{to: post, from: mail}]}"


def small_pair(*lines: str, folds: Sequence[str] = (), **more: Any) -> Mapping:
    """
    Return a mapping of the toy shop.

    :param lines: in YAML
    :param folds: likewise
    :param more: other parts of the file
    """
    content: dict[str, Any] = {
        "format": 1, "source": "toy_shop", "destination": "toy_office", "title": "A small pair",
        "rows": [], "choices": CHOICES,
        "lines": [yaml.safe_load(line) for line in lines],
        "folds": [yaml.safe_load(fold) for fold in folds],
    }  # fmt: skip
    read = {part["source"] for part in (*content["lines"], *content["folds"])}
    content["keys"] = {name: keys for name, keys in KEYS.items() if name in read}
    return parse_mapping(yaml.safe_dump({**content, **more}), "small.yaml")


class Workbench:
    """
    The lines of a mapping, the source records that links may find, and what was drafted.

    Use as a context manager.
    """

    def __init__(self, *lines: str, folds: Sequence[str] = (), **setting: Any) -> None:
        self.mapping = small_pair(*lines, folds=folds)
        self._survivors = setting.pop("survivors", {})
        self._choices = setting.pop("choices", {})
        self._more = setting
        self._lines: dict[str, LineTransform] = {}

    def __enter__(self) -> Workbench:
        self._open: AbstractContextManager[LinkIndex] = LinkIndex(self._survivors)
        self.index = self._open.__enter__()
        self.setting = Setting(
            mapping=self.mapping,
            schema=self.schema,
            rules=OfficeRules(),
            index=self.index,
            choices=self.mapping.chosen(self._choices),
            source_id_prefix="acme:",
            **self._more,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._open.__exit__(None, None, None)

    @property
    def schema(self) -> dict[str, ObjectSpec]:
        return planned_schema(objects(), wanted_schema(self.mapping))

    def known(self, object_name: str, **record: Any) -> None:
        """Make a source record one that links may find."""
        keys: Any = self.mapping.keys.get(object_name, {})
        self.index.add(object_name, keys, record)

    def draft(self, line_id: str, **record: Any) -> Draft:
        """Draft a record of a line."""
        line = self.mapping.find_line(line_id)
        assert line is not None
        made = self._lines.setdefault(line_id, LineTransform(line, self.setting))
        return made.draft({"id": "r1", **record})


def told(draft: Draft) -> tuple[str, str, str]:
    """Return outcome, reason and detail of a draft that is not loaded."""
    return str(draft["outcome"]), str(draft["reason"]), draft["detail"]


def problems(draft: Draft) -> Iterator[tuple[str, str, str]]:
    """Walk what was left out of a draft: field, problem, detail."""
    for issue in draft.get("issues", ()):
        yield issue["field"], str(issue["problem"]), issue["detail"]
