"""Folders: a tree that each sees their part of, and agents that lie in it."""

import asyncio
from typing import Any

import httpx
import pytest

from monster.kit.ids import new_id
from monster.kit.testing import Statements
from tests.builders import Tenant, client, create_agent
from tests.members import PAGE

URL = "/api/folders"
HTMX = PAGE | {"HX-Request": "true", "HX-Request-Type": "partial"}


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


async def make(
    http: httpx.AsyncClient, name: str = "Sales", **changes: str | None
) -> dict[str, Any]:
    answer = await http.post(URL, json={"name": name, "scope": "shared"} | changes)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def names(http: httpx.AsyncClient) -> list[str]:
    return [one["name"] for one in (await http.get(URL)).json()]


async def test_a_tree_is_listed_each_after_the_one_it_lies_in(tenant: Tenant) -> None:
    http = tenant.member()
    sales = await make(http, "sales")
    await make(http, "Archive")
    north = await make(http, "North", parent_id=sales["id"])
    await make(http, "Oslo", parent_id=north["id"])
    await make(http, "East", parent_id=sales["id"])
    assert await names(http) == ["Archive", "sales", "East", "North", "Oslo"]
    assert await names(tenant.member("viewer")) == await names(http)
    assert (await http.get(f"{URL}/{north['id']}")).json() == north


async def test_another_tenant_sees_and_reaches_nothing(two_tenants: tuple[Tenant, Tenant]) -> None:
    tenant, other = two_tenants
    folder = await make(tenant.member())
    stranger = other.member("owner")
    path = f"{URL}/{folder['id']}"
    inside = {"name": "In", "parent_id": folder["id"]}
    agent = await create_agent(stranger)
    for answer in (
        await stranger.get(path),
        await stranger.patch(path, json={"name": "Mine"}),
        await stranger.delete(path),
        await stranger.post(URL, json=inside),
        await stranger.get(f"/api/agents?folder_id={folder['id']}"),
        await stranger.patch(f"/api/agents/{agent['id']}", json={"folder_id": folder["id"]}),
        await stranger.post(
            "/api/agents", json={"name": "A", "model": "m", "folder_id": folder["id"]}
        ),
    ):
        assert code(answer) == (404, "folder_not_found")
    assert await names(stranger) == []
    assert (await tenant.member().get(path)).json() == folder


async def test_a_private_folder_and_what_is_in_it_is_its_owners(tenant: Tenant) -> None:
    owner, colleague = tenant.member(), tenant.member("owner")
    drafts = await make(owner, "Drafts", scope="private")
    await make(owner, "Inner", parent_id=drafts["id"], scope="shared")
    agent = await create_agent(owner, name="Shown", folder_id=drafts["id"])
    assert await names(owner) == ["Drafts", "Inner"]
    assert await names(colleague) == []
    for answer in (
        await colleague.get(f"{URL}/{drafts['id']}"),
        await colleague.delete(f"{URL}/{drafts['id']}"),
        await colleague.patch(f"{URL}/{drafts['id']}", json={"scope": "shared"}),
        await colleague.get(f"/api/agents?folder_id={drafts['id']}"),
    ):
        assert code(answer) == (404, "folder_not_found")
    # The agent's own scope decides on the agent.
    assert (await colleague.get(f"/api/agents/{agent['id']}")).status_code == 200
    # What others keep for themselves takes no name away, and nobody learns of it.
    await make(colleague, "Drafts", scope="private")
    await make(colleague, "Drafts")


async def test_a_viewer_changes_nothing(tenant: Tenant) -> None:
    folder = await make(tenant.member())
    viewer = tenant.member("viewer")
    for answer in (
        await viewer.post(URL, json={"name": "Mine"}),
        await viewer.patch(f"{URL}/{folder['id']}", json={"name": "Mine"}),
        await viewer.delete(f"{URL}/{folder['id']}"),
    ):
        assert code(answer) == (403, "forbidden")
    assert (await client(tenant.dashboard).get(URL)).status_code == 401


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "a\u0000"}, "name"),
        ({"scope": "public"}, "scope"),
        ({"parent_id": "top"}, "parent_id"),
        ({"user_id": "x"}, "user_id"),
    ],
)
async def test_bad_folders_are_refused(tenant: Tenant, changes: dict[str, str], field: str) -> None:
    http = tenant.member()
    answer = await http.post(URL, json={"name": "Sales"} | changes)
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, field)
    assert await names(http) == []


async def test_names_are_unique_beside_each_other(tenant: Tenant) -> None:
    http = tenant.member()
    sales = await make(http)
    taken = await http.post(URL, json={"name": "SALES", "scope": "shared"})
    assert (code(taken), taken.json()["error"]["field"]) == ((409, "folder_name_taken"), "name")
    inner = await make(http, parent_id=sales["id"])
    up = await http.patch(f"{URL}/{inner['id']}", json={"parent_id": None})
    assert code(up) == (409, "folder_name_taken")
    above = await http.delete(f"{URL}/{sales['id']}")
    assert above.status_code == 204  # the name is free by then
    await make(http, "Other", parent_id=inner["id"])
    await make(http, "Other")
    assert code(await http.delete(f"{URL}/{inner['id']}")) == (409, "folder_name_taken")
    asked = [http.post(URL, json={"name": "Twin", "scope": "shared"}) for _ in range(3)]
    answers = await asyncio.gather(*asked)
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409]


async def test_a_folder_does_not_get_into_itself(tenant: Tenant) -> None:
    http = tenant.member()
    top = await make(http)
    inner = await make(http, "In", parent_id=top["id"])
    for target in (top, inner):
        answer = await http.patch(f"{URL}/{top['id']}", json={"parent_id": target["id"]})
        assert code(answer) == (422, "folder_too_deep")
    other = await make(http, "Other")
    answers = await asyncio.gather(
        http.patch(f"{URL}/{top['id']}", json={"parent_id": other["id"]}),
        http.patch(f"{URL}/{other['id']}", json={"parent_id": top["id"]}),
    )
    assert sorted(answer.status_code for answer in answers) == [200, 422]
    assert len(await names(http)) == 3


async def test_ten_levels_are_enough(tenant: Tenant) -> None:
    http = tenant.member()
    chain = [await make(http, "1")]
    for level in range(2, 11):
        chain.append(await make(http, str(level), parent_id=chain[-1]["id"]))
    deeper = await http.post(URL, json={"name": "11", "parent_id": chain[-1]["id"]})
    assert code(deeper) == (422, "folder_too_deep")
    top = await make(http, "Top")
    moved = await http.patch(f"{URL}/{chain[0]['id']}", json={"parent_id": top["id"]})
    assert code(moved) == (422, "folder_too_deep")
    assert len(await names(http)) == 11


async def test_what_lies_in_a_deleted_folder_goes_up(tenant: Tenant) -> None:
    http, colleague = tenant.member(), tenant.member()
    top = await make(http)
    middle = await make(http, "Middle", parent_id=top["id"])
    inner = await make(colleague, "Hidden", parent_id=middle["id"], scope="private")
    secret = await create_agent(colleague, scope="private", folder_id=middle["id"])
    assert (await http.delete(f"{URL}/{middle['id']}")).status_code == 204
    assert (await colleague.get(f"{URL}/{inner['id']}")).json()["parent_id"] == top["id"]
    path = f"/api/agents/{secret['id']}"
    assert (await colleague.get(path)).json()["folder_id"] == top["id"]
    assert (await http.delete(f"{URL}/{top['id']}")).status_code == 204
    assert (await colleague.get(path)).json()["folder_id"] is None
    assert await names(colleague) == ["Hidden"]


async def test_who_may_hide_a_folder(tenant: Tenant) -> None:
    owner, colleague, admin = tenant.member(), tenant.member(), tenant.member("admin")
    folder = await make(owner)
    path = f"{URL}/{folder['id']}"
    assert code(await colleague.patch(path, json={"scope": "private"})) == (403, "forbidden")
    inner = await make(colleague, "Theirs", parent_id=folder["id"])
    assert code(await owner.patch(path, json={"scope": "private"})) == (409, "folder_in_use")
    assert (await colleague.delete(f"{URL}/{inner['id']}")).status_code == 204
    assert (await admin.patch(path, json={"scope": "private"})).status_code == 200
    assert await names(colleague) == []
    assert await names(owner) == ["Sales"]


async def test_agents_lie_in_folders_and_are_listed_by_them(tenant: Tenant) -> None:
    http = tenant.member()
    sales = await make(http)
    inner = await make(http, "Inner", parent_id=sales["id"])
    inside = await create_agent(http, name="In", folder_id=sales["id"])
    outside = await create_agent(http, name="Out")
    assert (inside["folder_id"], outside["folder_id"]) == (sales["id"], None)

    async def listed(folder: dict[str, Any]) -> list[str]:
        rows = (await http.get(f"/api/agents?folder_id={folder['id']}")).json()
        return [one["name"] for one in rows]

    assert (await listed(sales), await listed(inner)) == (["In"], [])
    moved = await http.patch(f"/api/agents/{inside['id']}", json={"folder_id": inner["id"]})
    assert moved.json()["folder_id"] == inner["id"]
    assert (await listed(sales), await listed(inner)) == ([], ["In"])
    out = await http.patch(f"/api/agents/{inside['id']}", json={"folder_id": None})
    assert out.json()["folder_id"] is None
    nowhere = await http.patch(f"/api/agents/{inside['id']}", json={"folder_id": str(new_id())})
    assert code(nowhere) == (404, "folder_not_found")


async def test_the_tree_takes_one_statement(tenant: Tenant, statements: Statements) -> None:
    http = tenant.member()
    parent: dict[str, Any] = {"id": None}
    for number in range(5):
        parent = await make(http, str(number), parent_id=parent["id"])
    with statements.exactly(4):
        assert len(await names(http)) == 5


async def test_the_pages(tenant: Tenant) -> None:
    http, viewer = tenant.member(), tenant.member("viewer")
    assert (await http.get("/folders/new", headers=PAGE)).status_code == 200
    form = {"name": "Sales", "parent_id": "", "scope": "shared"}
    made = await http.post("/folders", data=form, headers=PAGE)
    where = made.headers["Location"]
    folder_id = where.removeprefix("/agents?folder=")
    assert "Nothing lies in this folder" in (await http.get(where, headers=PAGE)).text
    for headers in (PAGE, HTMX):
        twice = await http.post("/folders", data=form, headers=headers)
        assert (twice.status_code, "there is a folder" in twice.text.lower()) == (422, True)
    new = await http.post(
        "/agents",
        data={"name": "Scout", "description": "", "scope": "shared", "folder_id": folder_id},
        headers=PAGE,
    )
    assert "Scout" in (await http.get(where, headers=PAGE)).text
    assert "Scout" in (await http.get(f"{where}&q=sco", headers=HTMX)).text

    path = f"/folders/{folder_id}"
    assert 'value="Sales"' in (await http.get(path, headers=PAGE)).text
    wrong = await http.post(path, data=form | {"name": " "}, headers=PAGE)
    assert (wrong.status_code, "Give it a name" in wrong.text) == (422, True)
    inside = await http.post(path, data=form | {"parent_id": folder_id}, headers=PAGE)
    assert (inside.status_code, "cannot lie in itself" in inside.text) == (422, True)
    saved = await http.post(path, data=form | {"name": "Sales 2"}, headers=PAGE)
    assert saved.headers["Location"] == where
    assert "Sales 2" in (await viewer.get("/agents", headers=PAGE)).text

    agent = new.headers["Location"]
    assert "Sales 2" in (await http.get(f"{agent}/move", headers=PAGE)).text
    moved = await http.post(f"{agent}/move", data={"folder_id": ""}, headers=PAGE)
    assert moved.headers["Location"] == "/agents"
    nowhere = await http.post(f"{agent}/move", data={"folder_id": "x"}, headers=PAGE)
    assert nowhere.status_code == 404
    for answer in (
        await viewer.get("/folders/new", headers=PAGE),
        await viewer.post("/folders", data=form, headers=PAGE),
        await viewer.get(path, headers=PAGE),
        await viewer.post(f"{path}/delete", headers=PAGE),
        await viewer.get(f"{agent}/move", headers=PAGE),
        await viewer.post(f"{agent}/move", data={"folder_id": folder_id}, headers=PAGE),
    ):
        assert answer.status_code == 403
    assert "/folders/" not in (await viewer.get(where, headers=PAGE)).text
    gone = await http.post(f"{path}/delete", headers=PAGE)
    assert gone.headers["Location"] == "/agents"
    assert (await http.get(where, headers=PAGE)).status_code == 404
