"""Cuts what is walked into batches."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

T = TypeVar("T")


def batched(values: Iterable[T], size: int) -> Iterator[list[T]]:
    """Walk values in lists of a size, the last one shorter."""
    rest = iter(values)
    while batch := list(islice(rest, size)):
        yield batch
