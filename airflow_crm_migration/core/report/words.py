"""The words of a report: what outcomes and reasons mean to somebody who never saw our code."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.outcomes import Outcome, Reason
from airflow_crm_migration.core.validated import WORDS

if TYPE_CHECKING:
    from collections.abc import Mapping

REASONS: Mapping[str, str] = {
    Reason.NEW: "new record",
    Reason.SAME: "nothing changed",
    Reason.SOURCE_CHANGED: "changed in the source",
    Reason.FIELD_MADE_ANEW: "a field was missing in the destination, was made again and filled",
    Reason.RESOLVED: "what stood in its way is over, both systems agree again",
    Reason.STORED_DIFFERENTLY: "stored in another form than it was sent",
    Reason.EXISTING_RECORD: "the destination already had the record",
    Reason.EXISTING_AMBIGUOUS: "the destination had several records that could be it",
    Reason.EXISTING_IN_TRASH: "the record lay in the destination's trash",
    Reason.TAKEN_OVER: "gone from the source, where a new record took its place",
    Reason.RECORD_SHARED: "another source record is the same record in the destination",
    Reason.MADE_MEANWHILE: "somebody made the record in the destination meanwhile",
    Reason.DUPLICATE_CERTAIN: "certainly the same as another record",
    Reason.DUPLICATE_CONFIRMED: "confirmed to be the same as another record",
    Reason.DUPLICATE_UNDECIDED: "perhaps the same as another record, and nobody decided yet",
    Reason.FOLDED: "became a value of another record",
    Reason.CONDITION: "the condition of this mapping line does not hold",
    Reason.NOT_SELECTED: "not part of this selection",
    Reason.OUT_OF_SCOPE: "out of the agreed scope",
    Reason.BAD_CELL: "a cell of the source could not be read",
    Reason.NO_IDENTITY: "nothing identifies the record",
    Reason.SAME_ID_TWICE: "another record has the same id",
    Reason.REQUIRED_BLANK: "a required value is blank",
    Reason.UNUSABLE_VALUE: "a value that the destination cannot take",
    Reason.UNIQUE_VALUE_TAKEN: "a value that may be there only once belongs to another record",
    Reason.UNMAPPED_VALUE: "the mapping has no choice for the value",
    Reason.PARENT_MISSING: "the record that it refers to is not in the source",
    Reason.PARENT_AMBIGUOUS: "several records could be the one that it refers to",
    Reason.PARENT_NOT_LOADED: "the record that it refers to did not arrive",
    Reason.OWNER_MISSING: "the owner is no user of the destination",
    Reason.REFUSED: "the destination refused it",
    Reason.FILE_EMPTY: "the file is empty",
    Reason.FILE_TOO_LARGE: "the file is too large for the destination",
    Reason.FILE_UNREACHABLE: "the file could not be fetched",
    Reason.FILE_FORBIDDEN_ADDRESS: "the file's address is one that is never opened",
    Reason.FILE_NAME_UNUSABLE: "the file's name cannot be used",
    Reason.FILE_DIFFERS: "the file that was stored differs from the original",
    Reason.FILE_CHANGED: "the file changed in the source, the one attached first was kept",
    Reason.CHANGED_IN_BOTH: "changed in both systems",
    Reason.GONE_FROM_DESTINATION: "somebody deleted it in the destination",
    Reason.LINK_GONE_FROM_SOURCE: "the source links the two records no more",
    Reason.ROLLED_BACK: "taken back by a rollback",
    Reason.EDITED_SINCE: "people edited it since",
    Reason.HAS_FOREIGN_CHILDREN: "records of other people hang on it",
    Reason.CHILD_KEPT: "a record that is kept hangs on it",
}

OUTCOMES: Mapping[str, str] = {
    Outcome.CREATED: "created",
    Outcome.UPDATED: "updated",
    Outcome.UNCHANGED: "found as it should be",
    Outcome.LINKED: "linked to a record that was there before",
    Outcome.MERGED: "merged into another record",
    Outcome.EXCLUDED: "left out on purpose",
    Outcome.HELD: "held back",
    Outcome.CONFLICT: "in conflict",
    Outcome.REJECTED: "rejected",
    Outcome.RESTORED: "restored from the trash",
    Outcome.DELETED: "deleted again",
}

FATES = {
    "delete": "deleted: it was made by this migration",
    "restore": "restored as it was before this migration",
    "trash": "put back into the trash",
    "release": "let go: it was only linked and never written to",
    "keep": "kept",
    "gone": "removed by people before",
}
"""What a rollback does with records."""

COMPATIBILITY = {
    "full": "Moves as it is",
    "transformed": "Moves in another form",
    "lossy": "Moves with losses",
    "document": "Nothing to copy",
    "not_moved": "Not moved",
    "not_possible": "Not possible",
}

GATES = {
    "nothing_proposed": "nothing to sign yet",
    "unsigned": "not signed",
    "forged": "signature does not count",
    "revoked": "revoked",
    "wrong_signer": "signed by somebody who may not",
    "changed": "changed since it was signed",
    "signed": "signed",
    "not_checked": "not checked",
    "unreadable": "could not be read",
}

_IRREGULAR = {"person": "people"}
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def reason_words(reason: str) -> str:
    """Return what a reason means; of one that is not published, the code with blanks."""
    return REASONS.get(reason, reason.replace("_", " "))


def drift_words(kind: str) -> str:
    """Return what a kind of difference means."""
    return WORDS.get(kind, kind.replace("_", " "))


def outcome_words(outcome: str) -> str:
    """Return what an outcome means."""
    return OUTCOMES.get(outcome, outcome.replace("_", " "))


def spoken(name: str) -> str:
    """Return the name of an object or field as words: ``taskTarget`` is a task target."""
    return _CAMEL.sub(" ", name).replace("_", " ").lower()


def value_words(value: Any) -> str:
    """Return a value of a record as people read it, whatever its type."""
    if isinstance(value, list):
        return "; ".join(value_words(one) for one in value)
    if isinstance(value, dict):
        return ", ".join(value_words(one) for one in value.values() if one not in (None, ""))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def counted(number: int, name: str) -> str:
    """Return a number with its noun: ``1 person``, ``1,996 people``."""
    return f"{number:,} {spoken(name) if number == 1 else plural(name)}"


def moment(text: str) -> str:
    """Return a UTC time for people, whatever is none as it is."""
    try:
        return f"{datetime.fromisoformat(text).astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    except ValueError:
        return text


def plural(name: str) -> str:
    """Return the plural of an object's name."""
    head, blank, word = spoken(name).rpartition(" ")
    if word in _IRREGULAR:
        word = _IRREGULAR[word]
    elif re.search(r"[^aeiou]y$", word):
        word = f"{word[:-1]}ies"
    elif re.search(r"(s|x|ch|sh)$", word):
        word = f"{word}es"
    else:
        word = f"{word}s"
    return f"{head}{blank}{word}"


def verb(number: int, *, dry: bool = False) -> str:
    """Return ``was`` or ``were`` for a number of things; ``would be`` for what was only tried."""
    if dry:
        return "would be"
    return "was" if number == 1 else "were"


def reasons_told(reasons: Mapping[str, int]) -> str:
    """Return reasons with their numbers, the most frequent first; a sole one needs no number."""
    ordered = Counter(reasons).most_common()
    if len(ordered) == 1:
        return reason_words(ordered[0][0])
    return ", ".join(f"{reason_words(reason)} ({number:,})" for reason, number in ordered)


def listed(words: list[str]) -> str:
    """Return words as a list in a sentence."""
    head, last = words[:-1], "".join(words[-1:])
    return f"{', '.join(head)} and {last}" if head else last
