"""Who owned records in the source, and which user of the destination that is."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from airflow_crm_migration.core.errors import UserMistake
from airflow_crm_migration.core.values.emails import normal_email
from airflow_crm_migration.core.values.text import fold

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_crm_migration.core.protocols import Member

LEAVE_EMPTY = "leave_empty"
"""What an override says instead of a member when records are to arrive without an owner."""


class OwnerStatus(StrEnum):
    """What became of the search for an owner."""

    MATCHED = "matched"
    OVERRIDE = "override"
    LEFT_EMPTY = "left_empty"
    MISSING = "missing"
    AMBIGUOUS = "ambiguous"
    INACTIVE = "inactive"
    INVITED = "invited"


@dataclass(frozen=True)
class SourceOwner:
    """
    An owner as the source's records name it.

    :param email: empty where the source knows the name only
    :param records: how many records name it
    """

    name: str
    email: str = ""
    records: int = 0


@dataclass(frozen=True)
class OwnerMatch:
    """
    What an owner of the source is in the destination.

    :param member_id: what owner fields take; None unless there is exactly one such user
    :param by: ``override``, ``email`` or ``name``; empty where nobody was found
    """

    owner: SourceOwner
    status: OwnerStatus
    member_id: str | None = None
    by: str = ""


def owner_key(text: str) -> str:
    """Return what spellings of one owner share: the address, or the folded name."""
    return normal_email(text) or fold(text)


def match_owners(
    owners: Sequence[SourceOwner], members: Sequence[Member], overrides: Mapping[str, str]
) -> list[OwnerMatch]:
    """
    Find the user of the destination for each owner: by override, then e-mail, then unique name.

    :param owners: of the source, each once
    :param members: users and pending invitations of the destination
    :param overrides: name or e-mail of an owner -> e-mail of a member, or ``leave_empty``
    :return: one match per owner, in the order given
    :raises UserMistake: overrides lead to addresses that no member has
    """
    return _Matcher(owners, members, overrides).matches()


class _Matcher:
    def __init__(
        self,
        owners: Sequence[SourceOwner],
        members: Sequence[Member],
        overrides: Mapping[str, str],
    ) -> None:
        self.owners = owners
        self.by_email = {owner_key(m.email): m for m in members if m.email}
        self.by_name: dict[str, list[Member]] = defaultdict(list)
        for member in members:
            if member.name.strip():
                self.by_name[fold(member.name)].append(member)
        self.overrides = {owner_key(k): v.strip() for k, v in overrides.items()}
        self._check(overrides)
        addresses: dict[str, set[str]] = defaultdict(set)
        for owner in owners:
            if owner.email:
                addresses[fold(owner.name)].add(owner_key(owner.email))
        self.shared_names = {name for name, found in addresses.items() if len(found) > 1}

    def matches(self) -> list[OwnerMatch]:
        return [
            self._overridden(owner) or self._by_email(owner) or self._by_name(owner)
            for owner in self.owners
        ]

    def _check(self, overrides: Mapping[str, str]) -> None:
        wrong = [
            f"owner override for {owner!r}: no member of the destination has the address"
            f" {target!r}; give a member's address or {LEAVE_EMPTY}"
            for owner, target in overrides.items()
            if target.strip() != LEAVE_EMPTY and owner_key(target) not in self.by_email
        ]
        if wrong:
            raise UserMistake(wrong)

    def _overridden(self, owner: SourceOwner) -> OwnerMatch | None:
        keys = [owner_key(text) for text in (owner.email, owner.name) if text]
        targets = [self.overrides[key] for key in keys if key in self.overrides]
        if not targets:
            return None
        target = targets[0]
        if target == LEAVE_EMPTY:
            return OwnerMatch(owner, OwnerStatus.LEFT_EMPTY, by="override")
        return _match(owner, self.by_email[owner_key(target)], "override")

    def _by_email(self, owner: SourceOwner) -> OwnerMatch | None:
        member = self.by_email.get(owner_key(owner.email)) if owner.email else None
        return _match(owner, member, "email") if member else None

    def _by_name(self, owner: SourceOwner) -> OwnerMatch:
        name = fold(owner.name)
        named = self.by_name.get(name, [])
        if len(named) == 1 and name not in self.shared_names:
            return _match(owner, named[0], "name")
        return OwnerMatch(owner, OwnerStatus.AMBIGUOUS if named else OwnerStatus.MISSING)


def _match(owner: SourceOwner, member: Member, by: str) -> OwnerMatch:
    if member.id is None:
        status = OwnerStatus.INVITED
    elif not member.active:
        status = OwnerStatus.INACTIVE
    else:
        status = OwnerStatus.OVERRIDE if by == "override" else OwnerStatus.MATCHED
    return OwnerMatch(owner, status, member.id, by)
