"""A workspace to load into and to roll back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.loading import loadings
from tests.support.rolling_back import RollingBack

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.loading import Loading

make_loading = pytest.fixture(loadings)


@pytest.fixture
def loading(make_loading: Callable[..., Loading]) -> Loading:
    return make_loading()


@pytest.fixture
def rolling(loading: Loading) -> RollingBack:
    return RollingBack(loading)
