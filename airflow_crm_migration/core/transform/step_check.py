"""Checks that the transforms of a mapping exist and take the arguments that they are given."""

from __future__ import annotations

import inspect
from functools import cache
from typing import TYPE_CHECKING, Any, get_type_hints

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from airflow_crm_migration.core.transform.steps import REGISTRY
from airflow_crm_migration.core.validation import findings_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_crm_migration.core.mapping import Line, Mapping
    from airflow_crm_migration.core.mapping_values import Step


def step_mistakes(mapping: Mapping) -> Iterator[str]:
    """Walk what is wrong with the transforms of a mapping: place, value, what would be right."""
    for line in mapping.lines:
        for place, step in _steps(line):
            yield from _mistakes(f"{place} = {step.name!r}", step)


def _steps(line: Line) -> Iterator[tuple[str, Step]]:
    for rule in line.fields:
        yield from ((f"lines.{line.id}.{rule.to}.do", step) for step in rule.do)
    if line.one_per is not None:
        yield from ((f"lines.{line.id}.one_per.do", step) for step in line.one_per.do)


def _mistakes(place: str, step: Step) -> Iterator[str]:
    if step.name not in REGISTRY:
        yield f"{place}: there is no such transform; choose one of: {', '.join(sorted(REGISTRY))}"
        return
    try:
        _arguments(step.name).model_validate(step.arguments)
    except ValidationError as error:
        yield from findings_of(error, place)


@cache
def _arguments(name: str) -> type[BaseModel]:
    """Return a model of a transform's arguments: all of its parameters but the value."""
    function = REGISTRY[name]
    hints = get_type_hints(function)
    _, *parameters = inspect.signature(function).parameters.values()
    fields: dict[str, Any] = {
        p.name: (hints[p.name], ... if p.default is p.empty else p.default) for p in parameters
    }
    return create_model(name, __config__=ConfigDict(extra="forbid", strict=True), **fields)
