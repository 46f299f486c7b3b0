"""A system that is connected through the front door: by its form, tested, and put right."""

from typing import Any

import pytest

from monster.contracts.tokens import Permission
from monster.kit.ids import new_id
from tests.builders import Tenant
from tests.systems.jira_server import USERNAME, JiraServer, jira_server
from tests.upstream import reply_json, upstream

URL = "/v1/credentials"


def form(server: JiraServer, token: str) -> dict[str, Any]:
    values = {"jira_token": token, "jira_username": USERNAME, "jira_url": f"{server.url}/"}
    return {"system_name": "jira", "strategy": "strategy_token", "name": "Ours", "values": values}


async def test_jira_is_connected_tested_and_put_right(tenant: Tenant) -> None:
    caller = tenant.caller(Permission.CREDENTIALS_READ, Permission.CREDENTIALS_WRITE)
    wrong, right = f"ATATT-{new_id().hex}", f"ATATT-{new_id().hex}"
    async with jira_server(right) as server:
        made = (await caller.post(URL, json=form(server, wrong))).json()
        place = f"{URL}/{made['id']}"
        failed = await caller.post(f"{place}/test")
        asked = len(server.requests)
        await caller.patch(place, json={"values": {"jira_token": right}})
        tested = await caller.post(f"{place}/test")

    assert asked == 1  # the same wrong token twice could lock the account
    assert failed.json()["status"] == "failing"
    assert "JIRA does not accept the connection" in failed.json()["last_error"]
    assert (tested.json()["status"], tested.json()["last_error"]) == ("active", None)
    assert tested.json()["account"] == f"Ada Lovelace at {server.url}"
    assert tested.json()["config"]["jira_url"] == server.url
    assert sorted(tested.json()["secrets"]) == ["jira_token", "jira_username"]
    for answer in (failed, tested, await caller.get(place)):
        assert not [token for token in (wrong, right) if token in answer.text]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"jira_url": None}, "values.jira_url"),
        ({"jira_url": "https://ada:pw@acme.example"}, "values.jira_url"),
        ({"jira_token": "two\nlines"}, "values.jira_token"),
        ({"slackbot_token": "xoxb-1"}, "values.slackbot_token"),
    ],
)
async def test_what_cannot_be_a_connection_is_refused_with_its_field(
    tenant: Tenant, change: dict[str, str | None], field: str
) -> None:
    caller = tenant.caller(Permission.CREDENTIALS_READ, Permission.CREDENTIALS_WRITE)
    sent = form(JiraServer(url="http://127.0.0.1:1"), "ATATT-1")
    values = sent["values"] | change
    sent["values"] = {name: value for name, value in values.items() if value is not None}
    answer = await caller.post(URL, json=sent)
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert (error["code"], error["field"]) == ("bad_value", field)
    assert (await caller.get(URL)).json() == []


@pytest.mark.parametrize("body", [[], {}, 5, "<html>", None, [{"displayName": 1}]])
async def test_something_else_at_the_address_is_said(tenant: Tenant, body: object) -> None:
    caller = tenant.caller(Permission.CREDENTIALS_READ, Permission.CREDENTIALS_WRITE)
    async with upstream(reply_json(body)) as served:
        sent = form(JiraServer(url=served.url), "ATATT-1")
        made = (await caller.post(URL, json=sent)).json()
        tested = await caller.post(f"{URL}/{made['id']}/test")
    assert (tested.status_code, tested.json()["status"]) == (200, "failing"), tested.text
    assert tested.json()["last_error"]
