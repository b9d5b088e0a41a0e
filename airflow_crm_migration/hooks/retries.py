"""When a call is made again, and after how long: one policy for every CRM."""

from __future__ import annotations

from typing import TYPE_CHECKING

import tenacity

from airflow_crm_migration.core.errors import QuotaSpent, Throttled, Unsettled
from airflow_crm_migration.hooks.replies import TOO_LARGE, NotSent

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from airflow_crm_migration.core.limits import Window

_LONGEST_WAIT = 30.0


def worth_repeating(error: BaseException | None, repeatable: bool) -> bool:
    """
    Tell whether a call may be made again.

    :param error: how it ended
    :param repeatable: whether asking twice is as good as once
    """
    if isinstance(error, Unsettled):
        return repeatable and error.code != TOO_LARGE
    return isinstance(error, Throttled | NotSent) and not isinstance(error, QuotaSpent)


class Retries:
    """
    Makes calls again: as soon as a CRM asks for, else with growing random waits.

    :param windows: limits of the CRM: the first wait is what they need for one request
    :param patience: seconds of waiting after which a fault is final
    :param throttle_patience: the same for being asked to slow down
    :param sleep: waits for seconds
    :param tell: called before each wait with the error and the seconds
    """

    def __init__(
        self,
        windows: Sequence[Window],
        *,
        patience: float,
        throttle_patience: float,
        sleep: Callable[[float], None],
        tell: Callable[[BaseException | None, float], None],
    ) -> None:
        self._first = max(w.seconds / w.requests for w in windows)
        self._backoff = tenacity.wait_random_exponential(multiplier=self._first, max=_LONGEST_WAIT)
        self._patience = patience
        self._throttle_patience = throttle_patience
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
        throttled = isinstance(_error(state), Throttled)
        patience = self._throttle_patience if throttled else self._patience
        return state.idle_for + state.upcoming_sleep > patience


def _error(state: tenacity.RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None
