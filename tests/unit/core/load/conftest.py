"""A workspace to load into."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.loading import loadings

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.loading import Loading

make_loading = pytest.fixture(loadings)


@pytest.fixture
def loading(make_loading: Callable[..., Loading]) -> Loading:
    return make_loading()
