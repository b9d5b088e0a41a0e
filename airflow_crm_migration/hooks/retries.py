"""When a call is made again, and after how long: one policy for every CRM."""

from __future__ import annotations

from typing import TYPE_CHECKING

import tenacity

from airflow_crm_migration.core.errors import QuotaSpent, Throttled, Unreachable, Unsettled
from airflow_crm_migration.hooks.replies import TOO_LARGE

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_crm_migration.core.limits import Budget

_LONGEST_WAIT = 30.0


def worth_repeating(error: BaseException | None, repeatable: bool) -> bool:
    """
    Tell whether a call may be made again.

    :param error: how it ended
    :param repeatable: whether asking twice is as good as once
    """
    if isinstance(error, Unsettled):
        return repeatable and error.code != TOO_LARGE
    return isinstance(error, Throttled | Unreachable) and not isinstance(error, QuotaSpent)


class Retries:
    """
    Makes calls again: as soon as a CRM asks for, else with growing random waits.

    :param budget: of the connection: the first wait is what it needs for one request
    :param patience: gives the seconds of waiting after which an error is final
    :param sleep: waits for seconds
    :param tell: called before each wait with the error and the seconds
    """

    def __init__(
        self,
        budget: Budget,
        *,
        patience: Callable[[BaseException | None], float],
        sleep: Callable[[float], None],
        tell: Callable[[BaseException | None, float], None],
    ) -> None:
        self._first = budget.pace
        self._backoff = tenacity.wait_random_exponential(multiplier=self._first, max=_LONGEST_WAIT)
        self._patience = patience
        self._sleep = sleep
        self._tell = tell

    def loop(self, repeatable: bool) -> tenacity.Retrying:
        """
        Return what runs a call.

        :param repeatable: whether asking twice is as good as once
        """
        return tenacity.Retrying(
            retry=tenacity.retry_if_exception(lambda e: worth_repeating(e, repeatable)),
            wait=self._wait,
            stop=self._impatient,
            before_sleep=lambda state: self._tell(_error(state), state.upcoming_sleep),
            sleep=self._sleep,
            reraise=True,
        )

    def _wait(self, state: tenacity.RetryCallState) -> float:
        error = _error(state)
        if isinstance(error, Throttled) and error.retry_after is not None:
            return error.retry_after
        return self._first + self._backoff(state)

    def _impatient(self, state: tenacity.RetryCallState) -> bool:
        return state.idle_for + state.upcoming_sleep > self._patience(_error(state))


def _error(state: tenacity.RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None
