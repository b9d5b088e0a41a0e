from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_crm_migration.core.values.domains import is_shared_host, own_domain, registrable_domain

if TYPE_CHECKING:
    from typing import NoReturn


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("https://www.brightwell.co.uk/contact?x=1#y", "brightwell.co.uk"),
        (" MAIL.Brightwell.COM/ ", "brightwell.com"),
        ("ann@smtp.brightwell.com.br", "brightwell.com.br"),
        ("//brightwell.com:8080", "brightwell.com"),
        ("http://user:word@brightwell.com/a@b", "brightwell.com"),
        ("https://www.straße.de", "xn--strae-oqa.de"),
        ("brightwell.com.", "brightwell.com"),
        ("brightwell.github.io", "brightwell.github.io"),
        ("brightwell.uk.com", "brightwell.uk.com"),
    ],
)
def test_what_a_company_owns(text: str, domain: str) -> None:
    assert registrable_domain(text) == domain


@pytest.mark.parametrize(
    "text",
    [
        *("", "n/a", "localhost", "http://localhost:80", "192.168.0.1", "https://10.0.0.1/x"),
        *("http://[::1]/", "co.uk", "Brightwell Inc.", "brightwell.notasuffix", "a b.com", "-.com"),
    ],
)
def test_nothing_that_a_company_owns(text: str) -> None:
    assert registrable_domain(text) is None


@given(st.text(max_size=40))
def test_any_text_is_survived_and_domains_stay(text: str) -> None:
    domain = registrable_domain(text)
    assert domain is None or registrable_domain(domain) == domain


def test_the_network_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> NoReturn:
        raise AssertionError("asked the network")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert registrable_domain("www.asked-for-the-first-time.com") == "asked-for-the-first-time.com"


def test_hosts_of_many_companies() -> None:
    assert is_shared_host("facebook.com")
    assert not is_shared_host("brightwell.com")


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("https://www.brightwell.com/x", "brightwell.com"),
        ("https://facebook.com/brightwell", None),
        ("ann@gmail.com", None),
        ("nothing", None),
    ],
)
def test_only_a_domain_of_its_own_is_a_companys(text: str, domain: str | None) -> None:
    assert own_domain(text) == domain
