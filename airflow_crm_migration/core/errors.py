"""Errors that the steps tell apart, whatever CRM raised them.

Hooks translate a platform's replies into these; the steps never look at a status code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class UserMistake(Exception):
    """Something a person can mend: each finding is one line with place, value and fix."""

    def __init__(self, findings: str | Sequence[str]) -> None:
        """
        Keep the findings.

        :param findings: one line, or several found at once
        """
        self.findings = [findings] if isinstance(findings, str) else list(findings)
        super().__init__("\n".join(self.findings))


class LeaseHeld(UserMistake):
    """Somebody else writes to the environment: one line names who, since when, and what to do."""


class LeaseLost(Exception):
    """Somebody else took over while this process slept: it must not write any more."""


class CrmError(Exception):
    """A CRM did not do what was asked; the message is fit to be shown to a person."""

    def __init__(self, message: str, *, status: int | None = None, code: str | None = None) -> None:
        """
        Keep what the platform said.

        :param message: the platform's own words
        :param status: the HTTP status, where there was a reply
        :param code: the platform's own error code, where it gave one
        """
        super().__init__(message)
        self.message = message
        self.status = status
        self.code = code


class Unauthorised(CrmError):
    """The credential is wrong, expired, revoked or lacks a permission: trying again cannot help."""


class Unreachable(CrmError):
    """No connection came about: nothing was asked, so asking again is safe even for a write."""


class Refused(CrmError):
    """The platform understood the request, refused it as a whole and wrote nothing."""


class Duplicate(Refused):
    """Refused because a unique value (or the id) is taken; bisect to learn by which record."""


class Unsettled(CrmError):
    """No reply, half a reply or a server error: whether it was written must be asked."""


class NoAnswer(CrmError):
    """A question found no answer however often it was asked: the CRM is in trouble."""


class DeadHost(CrmError):
    """A server that is not the CRM's cannot be reached: what lies there cannot be had."""

    def __init__(self, message: str, *, host: str) -> None:
        """
        Keep which server it is.

        :param message: fit to be shown to a person
        :param host: its name
        """
        super().__init__(message)
        self.host = host


class ServerError(Unsettled):
    """The platform itself replied that it failed: a record may be more than it can take."""


class Throttled(CrmError):
    """The platform asked to slow down more often than the hook was willing to wait."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        """
        Keep the delay.

        :param message: the platform's own words
        :param retry_after: seconds that the platform asked to wait, where it said so
        """
        super().__init__(message, status=429)
        self.retry_after = retry_after


class QuotaSpent(Throttled):
    """A long budget (a day's) is spent: only its reset helps."""


class StagingUnusable(Exception):
    """Staging cannot be read or written: one line names it, what is wrong, and the fix."""


class StagingBroken(Exception):
    """An object in staging is torn or is not what its manifest says."""


class ForbiddenAddress(CrmError):
    """An address that a record names leads where no file of a customer can lie."""
