"""What may become of a record, and why: the published lists behind every count."""

from __future__ import annotations

from enum import StrEnum


class Outcome(StrEnum):
    """What became of one source record under one mapping line; exactly one at a time."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    LINKED = "linked"
    MERGED = "merged"
    EXCLUDED = "excluded"
    HELD = "held"
    CONFLICT = "conflict"
    REJECTED = "rejected"
    RESTORED = "restored"
    DELETED = "deleted"

    @property
    def in_destination(self) -> bool:
        """Whether a record stands in the destination for this outcome."""
        return self in _IN_DESTINATION


_IN_DESTINATION = {
    Outcome.CREATED,
    Outcome.UPDATED,
    Outcome.UNCHANGED,
    Outcome.LINKED,
    Outcome.CONFLICT,
    Outcome.RESTORED,
}


class Reason(StrEnum):
    """Why a record has its outcome; free text belongs into the ``detail`` beside it."""

    NEW = "new"
    SAME = "same"
    SOURCE_CHANGED = "source_changed"
    FIELD_MADE_ANEW = "field_made_anew"
    RESOLVED = "resolved"
    STORED_DIFFERENTLY = "stored_differently"
    EXISTING_RECORD = "existing_record"
    EXISTING_AMBIGUOUS = "existing_ambiguous"
    EXISTING_IN_TRASH = "existing_in_trash"
    TAKEN_OVER = "taken_over"
    RECORD_SHARED = "record_shared"
    MADE_MEANWHILE = "made_meanwhile"
    DUPLICATE_CERTAIN = "duplicate_certain"
    DUPLICATE_CONFIRMED = "duplicate_confirmed"
    DUPLICATE_UNDECIDED = "duplicate_undecided"
    FOLDED = "folded"
    CONDITION = "condition"
    NOT_SELECTED = "not_selected"
    OUT_OF_SCOPE = "out_of_scope"
    BAD_CELL = "bad_cell"
    NO_IDENTITY = "no_identity"
    SAME_ID_TWICE = "same_id_twice"
    REQUIRED_BLANK = "required_blank"
    UNUSABLE_VALUE = "unusable_value"
    UNIQUE_VALUE_TAKEN = "unique_value_taken"
    UNMAPPED_VALUE = "unmapped_value"
    PARENT_MISSING = "parent_missing"
    PARENT_AMBIGUOUS = "parent_ambiguous"
    PARENT_NOT_LOADED = "parent_not_loaded"
    OWNER_MISSING = "owner_missing"
    REFUSED = "refused"
    FILE_EMPTY = "file_empty"
    FILE_TOO_LARGE = "file_too_large"
    FILE_UNREACHABLE = "file_unreachable"
    FILE_FORBIDDEN_ADDRESS = "file_forbidden_address"
    FILE_NAME_UNUSABLE = "file_name_unusable"
    FILE_DIFFERS = "file_differs"
    FILE_CHANGED = "file_changed"
    CHANGED_IN_BOTH = "changed_in_both"
    GONE_FROM_DESTINATION = "gone_from_destination"
    LINK_GONE_FROM_SOURCE = "link_gone_from_source"
    ROLLED_BACK = "rolled_back"
    EDITED_SINCE = "edited_since"
    HAS_FOREIGN_CHILDREN = "has_foreign_children"
    CHILD_KEPT = "child_kept"
