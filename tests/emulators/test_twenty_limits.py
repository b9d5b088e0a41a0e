"""Limits and refusals of the Twenty emulator."""

from __future__ import annotations

import http.client
from typing import TYPE_CHECKING, Any

import pytest
import requests

from airflow_crm_migration.emulators.base import Clock

if TYPE_CHECKING:
    from collections.abc import Callable

MANY = "{" + " ".join(f"a{n}:people{{totalCount}}" for n in range(21)) + "}"


class HandClock(Clock):
    """A clock that moves only when it is told to."""

    time = 1_750_000_000.0

    def now(self) -> float:
        return self.time


def limited(make_twenty: Callable[..., Any], clock: Clock, **limits: Any) -> Any:
    return make_twenty(
        clock=clock, **{"short_limit": (100, 1.0), "long_limit": (100, 60.0), **limits}
    )


def statuses(twenty: Any, n: int) -> list[int]:
    return [twenty.call("GET", "/rest/people").status_code for _ in range(n)]


def test_a_hundred_calls_then_one_every_six_tenths_of_a_second(
    make_twenty: Callable[..., Any],
) -> None:
    clock = HandClock()
    twenty = limited(make_twenty, clock)
    assert statuses(twenty, 130) == [200] * 100 + [429] * 30
    clock.time += 5.0
    assert statuses(twenty, 10) == [200] * 8 + [429] * 2
    reply = twenty.call("GET", "/rest/people")
    assert reply.json() == {
        "statusCode": 429,
        "error": "HttpException",
        "messages": ["Limit reached (100 tokens per 60000 ms)"],
    }
    assert "Retry-After" not in reply.headers
    refused = twenty.gql("{people{totalCount}}")["errors"][0]["extensions"]
    assert (refused["code"], refused["subCode"]) == ("BAD_USER_INPUT", "LIMIT_REACHED")


def test_the_short_window_limits_bursts(make_twenty: Callable[..., Any]) -> None:
    clock = HandClock()
    twenty = limited(make_twenty, clock, short_limit=(3, 1.0))
    assert statuses(twenty, 4) == [200, 200, 200, 429]
    told = twenty.call("GET", "/rest/people").json()["messages"]
    assert told == ["Limit reached (3 tokens per 1000 ms)"]
    clock.time += 1.0
    assert statuses(twenty, 4) == [200, 200, 200, 429]


def test_a_call_costs_one_token_whatever_the_batch(make_twenty: Callable[..., Any]) -> None:
    twenty = limited(make_twenty, HandClock())
    for _ in range(100):
        twenty.batch("notes", [{"title": "x"}] * 20)
    assert twenty.call("POST", "/rest/batch/notes", [{}]).status_code == 429


def test_metadata_and_refused_keys_are_not_limited(make_twenty: Callable[..., Any]) -> None:
    twenty = limited(make_twenty, HandClock(), long_limit=(1, 60.0))
    for _ in range(5):
        assert twenty.call("GET", "/rest/metadata/objects").status_code == 200
        assert twenty.gql("{currentWorkspace{id}}", path="/metadata")["data"]
        assert requests.get(f"{twenty.base}/rest/people", timeout=30).status_code == 403
    assert statuses(twenty, 2) == [200, 429]


def test_batches_end_at_the_maximum_that_the_operator_set(make_twenty: Callable[..., Any]) -> None:
    twenty = make_twenty(batch_maximum=60)
    assert len(twenty.batch("notes", [{}] * 60)) == 60
    told = twenty.refused("POST", "batch/notes", [{}] * 61)
    assert told == "Maximum number of records to upsert is 60."
    assert twenty.batch("notes", []) == []
    wrapped = twenty.refused("POST", "batch/notes", {"data": [{}]})
    assert wrapped == "args.data.forEach is not a function"


def test_a_body_above_10_mb_is_refused_with_bare_text(twenty: Any) -> None:
    reply = twenty.call("POST", "/rest/notes", {"title": "x" * (11 * 1024 * 1024)})
    assert (reply.status_code, reply.text) == (500, "request entity too large")


def test_a_nul_is_refused_and_its_description_is_not(twenty: Any) -> None:
    reply = twenty.call("POST", "/rest/notes", {"title": "a\x00b"})
    assert (reply.status_code, reply.json()["messages"]) == (500, ["Data validation error."])
    assert twenty.create("notes", {"title": r"a\u0000b"})["title"] == r"a\u0000b"


@pytest.mark.parametrize(
    ("method", "path", "told"),
    [
        ("GET", "favorites", "object 'favorites' not found. eg: companies"),
        ("GET", "core/companies", "'companies' is not a valid UUID"),
        ("GET", "people/x", "'x' is not a valid UUID"),
        ("GET", "people?limit=abc", "limit 'abc' is invalid. Should be an integer"),
        ("GET", "people?limit=-1", "limit '-1' is invalid. Should be an integer"),
        ("GET", "people?depth=2", "'depth=2' parameter invalid. Allowed values are 0, 1"),
        ("GET", "people?order_by=name", "Cannot order by field \"name\": 'AscNullsFirst'"),
        ("GET", "people?filter=foo[eq]:1", 'Object person doesn\'t have any "foo" field.'),
    ],
)
def test_wrong_questions_are_refused(shared_twenty: Any, method: str, path: str, told: str) -> None:
    assert shared_twenty.refused(method, path) == told


def test_members_are_made_by_people_alone(twenty: Any) -> None:
    member = twenty.rows("workspaceMembers")[0]
    told = "Entity performing the request does not have permission"
    assert twenty.refused("POST", "workspaceMembers", {"userEmail": "x@y.example"}) == told
    assert twenty.refused("DELETE", f"workspaceMembers/{member['id']}") == told
    named = twenty.patch("workspaceMembers", member["id"], {"name": {"firstName": "Eve"}})
    assert named["name"] == {"firstName": "Eve", "lastName": "Admin"}


def test_invitations_wait_until_somebody_joins(twenty: Any) -> None:
    send = 'mutation{sendInvitations(emails:["x@y.example"]){success}}'
    refused = twenty.gql(send, path="/metadata")["errors"][0]
    assert (refused["message"], refused["extensions"]["code"]) == (
        "Forbidden resource",
        "FORBIDDEN",
    )
    assert twenty.control("GET", "notifications")["count"] == 0
    twenty.control("POST", "invite", {"email": "New@y.example"})
    pending = "{findWorkspaceInvitations{id email roleId expiresAt}}"
    found = twenty.gql(pending, path="/metadata")["data"]["findWorkspaceInvitations"]
    assert [i["email"] for i in found] == ["new@y.example"]
    assert twenty.get("workspaceMembers")["totalCount"] == 1
    joined = twenty.control("POST", "join", {"email": "New@y.example", "first": "N", "last": "W"})
    assert joined["userEmail"] == "new@y.example"
    assert twenty.get("workspaceMembers")["totalCount"] == 2
    assert twenty.gql(pending, path="/metadata")["data"]["findWorkspaceInvitations"] == []


def test_automations_count_what_our_writes_start(twenty: Any) -> None:
    twenty.control("POST", "automation", {"event": "person.created"})
    twenty.control("POST", "automation", {"event": "*.updated", "kind": "webhook"})
    made = twenty.control("POST", "person-made", {"object": "people", "record": {"jobTitle": "x"}})
    assert made["createdBy"] == {
        "source": "MANUAL",
        "workspaceMemberId": twenty.rows("workspaceMembers")[0]["id"],
        "name": "Ada Admin",
        "context": {},
    }
    twenty.control(
        "POST", "edit", {"object": "person", "id": made["id"], "record": {"jobTitle": "y"}}
    )
    assert twenty.control("GET", "notifications")["count"] == 0
    twenty.batch("people", [{}, {}])
    twenty.patch("people", made["id"], {"jobTitle": "z"})
    twenty.create("companies", {"name": "x"})
    told = twenty.control("GET", "notifications")
    assert told == {"count": 3, "kinds": {"workflow": 2, "webhook": 1}}
    active = twenty.rows("workflows", filter='statuses[containsAny]:["ACTIVE"]')
    assert [w["name"] for w in active] == ["On person.created"]
    assert (
        twenty.rows("workflowVersions")[0]["trigger"]["settings"]["eventName"] == "person.created"
    )
    assert twenty.gql("{webhooks{operations}}", path="/metadata")["data"]["webhooks"] == [
        {"operations": ["*.updated"]}
    ]


def test_people_may_trash_restore_and_destroy(twenty: Any) -> None:
    made = twenty.create("people", {})
    for action, live, there in (("delete", 0, 1), ("restore", 1, 1), ("destroy", 0, 0)):
        wanted = {"object": "person", "id": made["id"], "action": action}
        twenty.control("POST", "edit", wanted)
        assert twenty.get("people")["totalCount"] == live
        assert len(twenty.control("GET", "content")["person"]) == there


def test_injected_refusals_speak_the_servers_language(twenty: Any) -> None:
    twenty.control("POST", "faults", [{"kind": "429", "times": 2}, {"kind": "5xx", "skip": 2}])
    told = twenty.call("GET", "/rest/people").json()
    assert told["messages"] == ["Limit reached (100 tokens per 60000 ms)"]
    refused = twenty.gql("{people{totalCount}}")["errors"][0]
    assert refused["extensions"]["subCode"] == "LIMIT_REACHED"
    reply = twenty.call("GET", "/rest/people")
    assert (reply.status_code, reply.headers["Content-Type"][:9]) == (503, "text/html")


def test_a_client_can_be_stopped_between_commit_and_reply(twenty: Any) -> None:
    gate = {"method": "POST", "path": "/rest/batch/people", "when": "after", "skip": 1}
    twenty.control("POST", "gate", gate)
    twenty.batch("people", [{}])
    client = http.client.HTTPConnection(twenty.base.removeprefix("http://"))
    headers = {"Authorization": "Bearer emulator-key", "Content-Type": "application/json"}
    client.request("POST", "/rest/batch/people", "[{}, {}]", headers)
    twenty.wait_until_held()
    client.close()
    twenty.wait_until_held(False)
    assert twenty.get("people")["totalCount"] == 3


def test_too_much_graphql_is_refused_with_status_200(twenty: Any) -> None:
    for query, told in (
        (MANY, "Query too complex - Too many root resolvers requested: 21"),
        ("{a:people{totalCount} b:people{totalCount}}", 'Duplicate root resolver: "people"'),
        (
            "{companies{edges{node{people{edges{node{noteTargets{totalCount}}}}}}}}",
            "Query complexity is too high",
        ),
        ("{people{", "Syntax Error"),
        ("{people{edges{node{foo}}}}", 'Cannot query field "foo" on type "Person".'),
    ):
        assert twenty.gql(query)["errors"][0]["message"].startswith(told)
    twenty.session.headers["Authorization"] = "Bearer wrong"
    assert (
        twenty.gql("{people{totalCount}}")["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    )
