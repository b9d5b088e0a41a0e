from __future__ import annotations

import pytest
from email_validator import validate_email
from hypothesis import given
from hypothesis import strategies as st

from airflow_crm_migration.core.values.emails import (
    addresses_in,
    identity_email,
    is_free_mail,
    is_shared_mailbox,
    normal_email,
    split_emails,
    split_tag,
)


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        (" Ann.Lee@Example.COM ", "ann.lee@example.com"),
        ('"Lee, Ann" <Ann@x.org>', "ann@x.org"),
        ("mailto:ann@x.org?subject=hi", "ann@x.org"),
        ("<ann@x.org>;", "ann@x.org"),
        ("ann@straße.de", "ann@xn--strae-oqa.de"),
        ("ann@xn--strae-oqa.de", "ann@xn--strae-oqa.de"),
        ("müller@x.de", "müller@x.de"),
        ("o'brien@x.org", "o'brien@x.org"),
        ("ann+news@x.org", "ann+news@x.org"),
    ],
)
def test_one_spelling(written: str, normal: str) -> None:
    assert normal_email(written) == normal


@pytest.mark.parametrize(
    "written",
    [
        *("", "n/a", "ann", "ann@", "@x.org", "ann@@x.org", "ann@localhost", "ann at x.org"),
        *("a..b@x.org", "ann@x..org", "a@x.org, b@x.org", "<a@x.org> <b@x.org>", "ann@-x.org"),
        "a" * 65 + "@x.org",
    ],
)
def test_no_address(written: str) -> None:
    assert normal_email(written) is None


@given(st.from_regex(r"[a-z0-9._+-]{1,12}@[a-z0-9.-]{1,12}\.[a-z]{2,5}", fullmatch=True))
def test_the_short_cut_agrees_with_the_library(text: str) -> None:
    normal = normal_email(text)
    if normal is not None:
        checked = validate_email(normal, check_deliverability=False, globally_deliverable=False)
        assert checked.normalized.lower() == normal
        assert normal_email(normal) == normal


@given(st.text(max_size=40))
def test_normal_twice_is_normal_once(text: str) -> None:
    normal = normal_email(text)
    assert normal is None or normal_email(normal) == normal


@pytest.mark.parametrize(
    ("cell", "pieces"),
    [
        ("a@x.org; b@x.org,c@x.org", ["a@x.org", "b@x.org", "c@x.org"]),
        ("Lee, Ann <a@x.org>; b@x.org", ["a@x.org", "b@x.org"]),
        ("a@x.org b@x.org", ["a@x.org", "b@x.org"]),
        ("ann at x.org", ["ann at x.org"]),
        ("a@x.org, n/a", ["a@x.org", "n/a"]),
        ("  ", []),
    ],
)
def test_cells_with_several_addresses(cell: str, pieces: list[str]) -> None:
    assert split_emails(cell) == pieces


@pytest.mark.parametrize(
    ("cell", "found"),
    [
        ("a@x.org; b@x.org", ["a@x.org", "b@x.org"]),
        ("a@x.org, not-mail", ["a@x.org", "a@x.org, not-mail"]),
        ("a@x.org,not-mail;b@x.org", ["a@x.org", "b@x.org", "a@x.org, not-mail; b@x.org"]),
        ("ann at x.org", ["ann at x.org"]),
    ],
)
def test_one_bad_piece_spoils_no_cell(cell: str, found: list[str]) -> None:
    assert addresses_in(cell) == found


def test_variants_share_an_identity() -> None:
    assert identity_email("a.b+news@googlemail.com") == identity_email("ab@gmail.com")
    assert identity_email("a.b@x.org") != identity_email("ab@x.org")
    assert split_tag("ann+news@x.org") == ("ann@x.org", "news")
    assert split_tag("+49@x.org") == ("+49@x.org", "")


@pytest.mark.parametrize(
    "email",
    [
        *("info@x.org", "sales.de@x.org", "no-reply@x.org", "kontakt@x.de", "ventas@x.es"),
        *("support2@x.org", "info+crm@x.org", "it.support@x.org", "büro@x.de", "buero@x.de"),
        *("accueil@x.fr", "team_sales@x.org", "hola@x.es", "2024info@x.org", "sales-team@x.org"),
    ],
)
def test_mailboxes_of_a_role(email: str) -> None:
    assert is_shared_mailbox(email)


@pytest.mark.parametrize(
    "email", ["ann@x.org", "ann.sales@x.org", "informa@x.org", "inforte.lee@x.org", "tim@x.org"]
)
def test_mailboxes_of_a_person(email: str) -> None:
    assert not is_shared_mailbox(email)


@pytest.mark.parametrize("domain", ["gmail.com", "yahoo.co.uk", "hotmail.fr", "gmx.de", "qq.com"])
def test_free_mail(domain: str) -> None:
    assert is_free_mail(domain)


@pytest.mark.parametrize("domain", ["brightwell.com", "live.events", "gmail.brightwell.com", ""])
def test_no_free_mail(domain: str) -> None:
    assert not is_free_mail(domain)
