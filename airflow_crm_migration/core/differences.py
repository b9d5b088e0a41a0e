"""Where two JSON values differ."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


def differences(old: Any, new: Any, path: str = "") -> Iterator[str]:
    """
    Walk the paths at which two JSON values differ, the values themselves left out.

    :return: paths such as ``fields.stage.map``; ``+`` before what is new, ``-`` before what is gone
    """
    if isinstance(old, dict) and isinstance(new, dict):
        yield from _of_objects(old, new, f"{path}." if path else "")
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for number, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from differences(one, other, f"{path}[{number}]")
    elif old != new or type(old) is not type(new):
        yield path or "everything"


def _of_objects(old: dict[str, Any], new: dict[str, Any], prefix: str) -> Iterator[str]:
    for key in sorted(old.keys() | new.keys()):
        if key not in old:
            yield f"+{prefix}{key}"
        elif key not in new:
            yield f"-{prefix}{key}"
        else:
            yield from differences(old[key], new[key], f"{prefix}{key}")
