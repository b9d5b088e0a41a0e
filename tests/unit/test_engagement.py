"""An engagement file is read strictly, and everything wrong with it is told at once."""

from __future__ import annotations

from copy import deepcopy
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from airflow_crm_migration.core.errors import UserMistake
from airflow_crm_migration.engagement import Engagement, load_engagement

if TYPE_CHECKING:
    from pathlib import Path

SMALLEST: dict[str, Any] = {
    "id": "acme",
    "customer": "Acme Ltd",
    "pair": "klipy_to_twenty",
    "staging": {"url": "s3://bucket/prefix"},
    "connections": {"sandbox": "twenty_trial"},
}


def load(folder: Path, content: Any) -> Engagement:
    file = folder / "acme.yaml"
    file.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return load_engagement(file)


def changed(*path: str, to: Any) -> dict[str, Any]:
    """Return the smallest file with one value set."""
    content = deepcopy(SMALLEST)
    place = content
    for name in path[:-1]:
        place = place.setdefault(name, {})
    place[path[-1]] = to
    return content


def mistakes(folder: Path, content: Any) -> list[str]:
    with pytest.raises(UserMistake) as told:
        load(folder, content)
    prefix = f"{folder / 'acme.yaml'}: "
    assert all(line.startswith(prefix) for line in told.value.findings)
    return [line.removeprefix(prefix) for line in told.value.findings]


def test_what_is_not_said_has_a_safe_default(tmp_path: Path) -> None:
    found = load(tmp_path, SMALLEST)
    assert found.connections.source is None
    assert found.environments == ["sandbox"]
    assert found.policies.fail_on == ("rejected", "held", "stored_differently")
    assert not found.policies.one_tenant_for_both
    assert found.gate("scope").timeout == timedelta(days=28)
    assert found.gate("scope").poll_seconds == 900
    assert found.mapping().chosen(dict(found.choices))["company_from_domain"] is False


def test_environments_are_those_with_a_connection_the_sandbox_first(tmp_path: Path) -> None:
    both = {"production": "live", "sandbox": "trial"}
    assert load(tmp_path, changed("connections", to=both)).environments == ["sandbox", "production"]
    only = {"production": "live"}
    assert load(tmp_path, changed("connections", to=only)).environments == ["production"]


def test_each_gate_has_settings_of_its_own(tmp_path: Path) -> None:
    found = load(tmp_path, changed("gates", "mapping", to={"timeout_days": 0.5}))
    assert found.gate("mapping").timeout == timedelta(hours=12)
    assert found.gate("owners").timeout == timedelta(days=28)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"cron": "every night"}, "five fields of cron"),
        ({"timezone": "Berlin"}, "IANA name"),
        ({"environment": "sandbox"}, "connections has no sandbox"),
    ],
)
def test_a_schedule_that_would_never_run_is_a_mistake(
    tmp_path: Path, wrong: dict[str, str], told: str
) -> None:
    content = changed("connections", to={"production": "live"})
    nightly = {"cron": "0 2 * * *", "environment": "production", "timezone": "Europe/Berlin"}
    assert load(tmp_path, {**content, "schedules": {"delta": nightly}}).schedules
    with pytest.raises(UserMistake, match=told):
        load(tmp_path, {**content, "schedules": {"delta": {**nightly, **wrong}}})


@pytest.mark.parametrize("url", ["s3://bucket/prefix", "file:///data/staging"])
def test_staging_lies_in_a_bucket_or_a_folder(tmp_path: Path, url: str) -> None:
    assert load(tmp_path, changed("staging", "url", to=url)).staging.url == url


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (changed("id", to="Acme Ltd"), "id = 'Acme Ltd': String should match pattern"),
        (changed("customr", to="x"), "customr = 'x': there is no such setting here"),
        (changed("staging", "url", to="/data"), "staging.url = '/data': give s3://bucket/prefix"),
        (changed("staging", "url", to="file://data/x"),
         "staging.url = 'file://data/x': give s3://bucket/prefix, or a folder with its whole path"),
        (changed("staging", "url", to="file:///"), "staging.url = 'file:///': give s3://bucket"),
        (changed("staging", "url", to="s3:///prefix"), "staging.url = 's3:///prefix': give s3://b"),
        (changed("connections", to={"source": "klipy"}),
         "connections = {'source': 'klipy'}: name a connection for sandbox, production or both"),
        (changed("default_currency", to="euro"), "default_currency = 'euro': String should match"),
        (changed("default_region", to="de"), "default_region = 'de': String should match"),
        (changed("gates", "lunch", to={}), "gates.lunch"),
        (changed("gates", "scope", to={"timeout_days": 0}), "timeout_days = 0: Input should be g"),
        (changed("policies", "fail_on", to=["never"]), "policies.fail_on.0 = 'never'"),
        (changed("csv", "encoding", to="klingon"), "csv.encoding = 'klingon': no such encoding"),
        (changed("pair", to="a_to_b"), "pair = 'a_to_b': there is no such pair; choose one of: "),
        (changed("choices", "manual_notes", to="song"),
         "choices.manual_notes = 'song': choose one of: task, note"),
        (changed("choices", "songs", to="loud"), "choices.songs: the pair offers no such choice"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_place_value_and_fix(
    tmp_path: Path, content: dict[str, Any], told: str
) -> None:
    assert any(told in line for line in mistakes(tmp_path, content))


@pytest.mark.parametrize("missing", list(SMALLEST))
def test_what_nobody_can_guess_must_be_there(tmp_path: Path, missing: str) -> None:
    content = {name: value for name, value in SMALLEST.items() if name != missing}
    assert mistakes(tmp_path, content) == [f"{missing}: is missing; add it"]


def test_everything_wrong_is_told_at_once(tmp_path: Path) -> None:
    content = changed("choices", to={"manual_notes": "song", "songs": "loud"})
    content |= {"id": "Acme Ltd", "customr": "x", "default_region": "de"}
    assert len(mistakes(tmp_path, content)) == 5


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("id: [", "not readable as YAML: "),
        ("just a line", "an engagement file is a mapping of names to values"),
        ("", "an engagement file is a mapping of names to values"),
    ],
)
def test_a_file_that_is_none_is_told_too(tmp_path: Path, text: str, told: str) -> None:
    [line] = mistakes(tmp_path, text)
    assert line.startswith(told)


def test_bytes_that_are_no_text_are_told_too(tmp_path: Path) -> None:
    (tmp_path / "acme.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserMistake, match="not readable as YAML"):
        load_engagement(tmp_path / "acme.yaml")


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserMistake, match=r"ghost\.yaml: there is no such engagement file"):
        load_engagement(tmp_path / "ghost.yaml")


def test_nothing_changes_after_reading(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="frozen"):
        load(tmp_path, SMALLEST).id = "other"
