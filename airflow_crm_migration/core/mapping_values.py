"""The small values that a mapping file is written in, with the short forms that people may use."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict

from airflow_crm_migration.core.fields import FieldType
from airflow_crm_migration.core.values.texts import option_key


def _as_tuple(value: Any) -> Any:
    return (value,) if isinstance(value, str | dict) else value


def _by_choice(value: dict[str, str] | None) -> dict[str, str] | None:
    return None if value is None else {option_key(given): to for given, to in value.items()}


Names = Annotated[tuple[str, ...], BeforeValidator(_as_tuple)]
"""One name, or a list of names."""

ValueMap = Annotated[dict[str, str] | None, AfterValidator(_by_choice)]
"""Source value -> label; neither case nor blanks of the source value matter."""

Scalar = str | bool | int | float


STRICT = ConfigDict(extra="forbid", frozen=True)
"""For every part of a mapping: unknown keys are mistakes, and nothing changes after reading."""


class Step(BaseModel):
    """One transform of a chain: a registered name and its typed arguments."""

    model_config = STRICT

    name: str
    arguments: dict[str, Any] = {}


def _as_step(value: Any) -> Any:
    if isinstance(value, str):
        return {"name": value}
    if isinstance(value, dict) and len(value) == 1 and "name" not in value:
        [(name, arguments)] = value.items()
        return {"name": name, "arguments": arguments}
    return value


Steps = Annotated[
    tuple[Annotated[Step, BeforeValidator(_as_step)], ...], BeforeValidator(_as_tuple)
]
"""``name``, ``{name: {argument: value}}``, or a list of these."""


class OptionRule(BaseModel):
    """An option of a select field: its stored value and what people see."""

    model_config = STRICT

    value: str
    label: str


class NewField(BaseModel):
    """A field that is created where the destination lacks it."""

    model_config = STRICT

    type: FieldType
    label: str
    unique: bool = False
