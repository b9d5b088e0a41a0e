"""Users of the source CRM, not all of whom the destination knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_crm_migration.emulators.messy.words import NAMES
from airflow_crm_migration.emulators.messy.world import User

if TYPE_CHECKING:
    from airflow_crm_migration.emulators.messy.maker import Maker

_DOMAIN = "vendor-example.com"
_WITHOUT_MEMBER = (9, 10)
_WITHOUT_EMAIL = (8, 11)
_INACTIVE = 10


def make_users(maker: Maker) -> None:
    """
    Add the users: with and without a member, without an e-mail, two of one name.

    :param maker: of the world
    """
    users, truth = maker.world.users, maker.truth
    for number, name in enumerate(NAMES.users):
        email = None if number in _WITHOUT_EMAIL else f"{name.split()[0].lower()}@{_DOMAIN}"
        user_id = f"u{number + 1:06d}"
        users[user_id] = User(
            user_id, name, email, active=number != _INACTIVE, member=number not in _WITHOUT_MEMBER
        )
    double = User(f"u{len(users) + 1:06d}", NAMES.users[0], f"dana.w@{_DOMAIN}")
    users[double.id] = double
    truth.owners_without_member = frozenset(u.id for u in users.values() if not u.member)
    truth.owners_without_email = frozenset(u.id for u in users.values() if u.email is None)
    namesakes = frozenset(u.id for u in users.values() if u.name == double.name)
    truth.ambiguous_owner_names = {double.name: namesakes}
