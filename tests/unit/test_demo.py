"""The demo's customer knows who is meant, however the source names somebody."""

from __future__ import annotations

from airflow_crm_migration.emulators.messy import generate
from demo.emulators import Emulators


def test_a_user_is_one_and_the_same_by_mail_and_by_name() -> None:
    world = generate(1, 100)
    crms = Emulators("", "", 1.0, world)
    namesakes = {i for ids in world.truth.ambiguous_owner_names.values() for i in ids}
    invited = [u for u in world.users.values() if u.id in world.truth.owners_without_member]
    assert not namesakes & {u.id for u in invited}
    for user in invited:
        assert crms.user(user.name, "") is user
        assert user.email is None or crms.user("", user.email) is user
