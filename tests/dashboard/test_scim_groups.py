"""Groups of a directory, the roles they give, and how both users and groups are searched."""

import asyncio
from typing import Any

import pytest

from monster.kit.ids import new_id
from tests.builders import Tenant
from tests.directory import (
    GROUP,
    Directory,
    connect,
    member_id,
    new_address,
    refused,
    rows,
)

Two = tuple[Tenant, Tenant]


async def _gives(tenant: Tenant, group: dict[str, Any], role: str | None) -> None:
    admin = tenant.member("admin")
    answer = await admin.patch(f"/api/groups/{group['id']}", json={"role": role})
    assert answer.status_code == 200, answer.text


def _role(tenant: Tenant, user: dict[str, Any]) -> str:
    return rows(tenant, "select role from tenant_member where id = %s", user["id"])[0]


async def test_the_highest_role_among_the_groups_counts(tenant: Tenant) -> None:
    directory = await connect(tenant)
    ada = await directory.bring()
    editors, admins = await directory.group(ada["id"]), await directory.group()
    path = f"/Groups/{admins['id']}"
    assert _role(tenant, ada) == "viewer"

    await _gives(tenant, editors, "editor")
    assert _role(tenant, ada) == "editor"
    await _gives(tenant, admins, "admin")
    assert _role(tenant, ada) == "editor"

    add = {"op": "add", "path": "members", "value": [{"value": ada["id"]}]}
    assert (await directory.patch(path, add)).status_code == 200
    assert _role(tenant, ada) == "admin"
    remove = {"op": "remove", "path": f'members[value eq "{ada["id"]}"]'}
    assert (await directory.patch(path, remove)).status_code == 200
    assert _role(tenant, ada) == "editor"

    # No group gives a role any more: they keep what they have.
    assert (await directory.ask("DELETE", f"/Groups/{editors['id']}")).status_code == 204
    assert _role(tenant, ada) == "editor"
    told = rows(
        tenant,
        "select details->'after'->>'role' from audit_log "
        "where resource_type = 'member' and resource_id = %s and action = 'UPDATE' order by seq",
        ada["id"],
    )
    assert told == ["editor", "admin", "editor"]


async def test_two_groups_at_once_agree_on_the_role(tenant: Tenant) -> None:
    directory = await connect(tenant)
    ada = await directory.bring()
    groups = [await directory.group() for _ in range(2)]
    for group, role in zip(groups, ("editor", "admin"), strict=True):
        await _gives(tenant, group, role)
    add = {"op": "add", "path": "members", "value": [{"value": ada["id"]}]}

    answers = await asyncio.gather(
        *(directory.patch(f"/Groups/{group['id']}", add) for group in groups)
    )

    assert [answer.status_code for answer in answers] == [200, 200]
    assert _role(tenant, ada) == "admin"


async def test_groups_never_touch_the_owner(tenant: Tenant) -> None:
    tenant.member("owner")
    owner = member_id(tenant, "owner")
    directory = await connect(tenant)

    await _gives(tenant, await directory.group(owner), "viewer")

    assert rows(tenant, "select role from tenant_member where id = %s", owner) == ["owner"]


async def test_no_group_makes_an_owner(tenant: Tenant) -> None:
    group, admin = await (await connect(tenant)).group(), tenant.member("admin")

    for role in ("owner", "system", "", 3):
        answer = await admin.patch(f"/api/groups/{group['id']}", json={"role": role})
        assert answer.status_code == 422
        assert answer.json()["error"]["field"] == "role"


async def test_members_are_of_this_workspace(two_tenants: Two) -> None:
    mine, theirs = two_tenants
    directory = await connect(mine)
    foreign, own = await (await connect(theirs)).bring(), await directory.bring()
    group = await directory.group(own["id"])

    for wrong in (foreign["id"], str(new_id()), "x", ""):
        body = {"schemas": [GROUP], "displayName": "Thieves", "members": [{"value": wrong}]}
        add = {"op": "add", "path": "members", "value": [{"value": wrong}]}
        made = await directory.ask("POST", "/Groups", body)
        assert refused(made, 400, "invalidValue")
        changed = await directory.patch(f"/Groups/{group['id']}", add)
        assert refused(changed, 400, "invalidValue")

    assert (await directory.ask("GET", "/Groups")).json()["totalResults"] == 1
    shown = (await directory.ask("GET", f"/Groups/{group['id']}")).json()
    assert [one["value"] for one in shown["members"]] == [own["id"]]


async def test_names_of_groups_are_taken_once(tenant: Tenant) -> None:
    directory = await connect(tenant)
    await directory.group(name="Staff")
    other = await directory.group()
    body = {"schemas": [GROUP], "displayName": "Staff"}

    assert refused(await directory.ask("POST", "/Groups", body), 409, "uniqueness")
    changed = await directory.ask("PUT", f"/Groups/{other['id']}", body)
    assert refused(changed, 409, "uniqueness")


async def test_a_user_shows_their_groups(tenant: Tenant) -> None:
    directory = await connect(tenant)
    ada = await directory.bring()
    group = await directory.group(ada["id"], name="Analysts")

    shown = (await directory.ask("GET", f"/Users/{ada['id']}")).json()["groups"]

    assert shown == [
        {"value": group["id"], "$ref": group["meta"]["location"], "display": "Analysts"}
    ]
    # Renamed, without a word about its members: they stay.
    body = {"schemas": [GROUP], "displayName": "Mathematicians"}
    renamed = await directory.ask("PUT", f"/Groups/{group['id']}", body)
    assert [one["value"] for one in renamed.json()["members"]] == [ada["id"]]
    emptied = await directory.ask("PUT", f"/Groups/{group['id']}", body | {"members": []})
    assert "members" not in emptied.json()


async def test_the_log_tells_who_joined_and_left(tenant: Tenant) -> None:
    directory = await connect(tenant)
    ada, ben = await directory.bring(), await directory.bring()
    group = await directory.group(ada["id"], name="Staff")
    path = f"/Groups/{group['id']}"
    swap = {"op": "replace", "path": "members", "value": [{"value": ben["id"]}]}

    await directory.patch(path, swap)
    await directory.patch(path, swap)  # changes nothing
    await directory.ask("DELETE", path)

    query = "select row_to_json(a) from audit_log a where resource_id = %s order by seq"
    told = rows(tenant, query, group["id"])
    assert [(one["principal"], one["action"], one["details"]) for one in told] == [
        (
            "scim",
            "CREATE",
            {"after": {"name": "Staff", "external_id": None}, "joined": [ada["id"]]},
        ),
        ("scim", "UPDATE", {"before": {}, "after": {}, "joined": [ben["id"]], "left": [ada["id"]]}),
        (
            "scim",
            "DELETE",
            {"before": {"name": "Staff", "external_id": None}, "left": [ben["id"]]},
        ),
    ]


async def test_who_is_removed_while_they_join_a_group(tenant: Tenant) -> None:
    """Whoever is first: no half of either is left, and nobody waits in a circle."""
    directory = await connect(tenant)
    for _ in range(5):
        ada, group = await directory.bring(), await directory.group()
        add = {"op": "add", "path": "members", "value": [{"value": ada["id"]}]}

        joined, removed = await asyncio.gather(
            directory.patch(f"/Groups/{group['id']}", add),
            directory.ask("DELETE", f"/Users/{ada['id']}"),
        )

        assert removed.status_code == 204
        assert joined.status_code == 200 or refused(joined, 400, "invalidValue")
        assert "members" not in (await directory.ask("GET", f"/Groups/{group['id']}")).json()


async def test_as_entra_removes_members(tenant: Tenant) -> None:
    directory = await connect(tenant)
    ada, ben = await directory.bring(), await directory.bring()
    group = await directory.group(ada["id"], ben["id"])

    answer = await directory.patch(
        f"/Groups/{group['id']}",
        {"op": "Remove", "path": "members", "value": [{"value": ada["id"]}]},
    )

    assert [one["value"] for one in answer.json()["members"]] == [ben["id"]]


# Searches


async def _found(directory: Directory, kind: str, filter_: str, **more: str) -> list[str]:
    answer = await directory.ask("GET", f"/{kind}", filter=filter_, **more)
    assert answer.status_code == 200, answer.text
    shown = answer.json()
    searched = await directory.ask("POST", f"/{kind}/.search", {"filter": filter_, **more})
    assert searched.json() == shown
    return [one["id"] for one in shown.get("Resources", ())]


async def test_filters_of_users(tenant: Tenant) -> None:
    directory = await connect(tenant)
    address = new_address()
    ada = await directory.bring(address, displayName="Ada B_ron", externalId="x%1")
    ben = await directory.bring(displayName="Ben", active=False)
    group = await directory.group(ada["id"])
    both = [ada["id"], ben["id"]]
    expected = {
        f'userName eq "{address.upper()}"': [ada["id"]],
        f'id eq "{ben["id"]}"': [ben["id"]],
        'externalId eq "x%1"': [ada["id"]],
        'externalId eq "X%1"': [],
        'externalId sw "x%"': [ada["id"]],
        'displayName co "B_R"': [ada["id"]],
        'displayName co "b%r"': [],
        'displayName ew "RON"': [ada["id"]],
        "displayName pr and not (active eq true)": [ben["id"]],
        "active eq false": [ben["id"]],
        'displayName eq "ada b_ron" or displayName eq "ben"': both,
        'displayName sw "a" and (active eq true or externalId pr)': [ada["id"]],
        "displayName pr and externalId eq null": [ben["id"]],
        'displayName pr and externalId ne "x%1"': [ben["id"]],
        f'emails[value eq "{address}"]': [ada["id"]],
        f'emails.value eq "{address}"': [ada["id"]],
        f'groups[value eq "{group["id"]}"]': [ada["id"]],
        "groups pr": [ada["id"]],
        'displayName pr and meta.created gt "2020-01-01T00:00:00Z"': both,
        'displayName pr and meta.created lt "2020-01-01T00:00:00Z"': [],
        'urn:ietf:params:scim:schemas:core:2.0:User:displayName eq "ben"': [ben["id"]],
        'userName eq "x\' or 1=1 --"': [],
    }
    for filter_, ids in expected.items():
        assert sorted(await _found(directory, "Users", filter_)) == sorted(ids), filter_


async def test_filters_of_groups(tenant: Tenant) -> None:
    directory = await connect(tenant)
    ada = await directory.bring()
    staff, board = (
        await directory.group(ada["id"], name="Staff"),
        await directory.group(name="Board"),
    )

    assert await _found(directory, "Groups", 'displayName eq "staff"') == [staff["id"]]
    assert await _found(directory, "Groups", f'members.value eq "{ada["id"]}"') == [staff["id"]]
    assert await _found(directory, "Groups", "not (members pr)") == [board["id"]]
    in_order = await _found(directory, "Groups", "displayName pr", sortBy="displayName")
    assert in_order == [board["id"], staff["id"]]


@pytest.mark.parametrize(
    "filter_",
    [
        "userName",
        "userName eq",
        "userName eq x",
        'userName xx "x"',
        'userName eq "x" and',
        '(userName eq "x"',
        "userName eq 5",
        "active eq 5",
        'active co "t"',
        "active gt true",
        'nickName eq "x"',
        'password eq "x"',
        'meta.created gt "yesterday"',
        "userName co null",
        'userName eq "\\u0000"',
        'userName eq "\\ud800"',
        'groups ne "x"',
        "1=1; drop table tenant",
        "not (" * 40 + "active eq true" + ")" * 40,
        "active eq true or " * 600 + "active eq true",
    ],
)
async def test_odd_filters_are_refused(tenant: Tenant, filter_: str) -> None:
    directory = await connect(tenant)

    assert refused(await directory.ask("GET", "/Users", filter=filter_), 400, "invalidFilter")
    searched = await directory.ask("POST", "/Users/.search", {"filter": filter_})
    assert refused(searched, 400, "invalidFilter")


async def test_pages(tenant: Tenant) -> None:
    directory = await connect(tenant)
    made = [(await directory.bring(displayName=f"P{number}"))["id"] for number in range(5)]
    asked = {"filter": "displayName pr", "sortBy": "displayName"}

    async def page(**query: str) -> tuple[list[str], dict[str, Any]]:
        answer = await directory.ask("GET", "/Users", **asked, **query)
        shown = answer.json()
        return [one["id"] for one in shown.get("Resources", ())], shown

    ids, shown = await page(startIndex="2", count="2")
    assert ids == made[1:3]
    assert (shown["totalResults"], shown["startIndex"], shown["itemsPerPage"]) == (5, 2, 2)
    assert (await page(startIndex="-3", count="900"))[0] == made
    assert (await page(sortOrder="descending", count="1"))[0] == made[-1:]
    assert (await page(count="0"))[0] == []
    assert (await page(startIndex=str(10**30)))[0] == []
    for wrong in ({"startIndex": "x"}, {"count": "1.5"}, {"sortOrder": "up"}):
        answer = await directory.ask("GET", "/Users", **wrong)
        assert refused(answer, 400, "invalidValue")
    assert refused(await directory.ask("GET", "/Users", sortBy="groups"), 400, "invalidPath")


async def test_attributes_are_chosen(tenant: Tenant) -> None:
    directory = await connect(tenant)
    ada = await directory.bring(displayName="Ada")
    path = f"/Users/{ada['id']}"

    few = (await directory.ask("GET", path, attributes="userName")).json()
    assert few.keys() == {"schemas", "id", "userName"}
    rest = (await directory.ask("GET", path, excludedAttributes="userName,meta")).json()
    assert not {"userName", "meta"} & rest.keys()
    assert rest["displayName"] == "Ada"
    both = await directory.ask("GET", path, attributes="id", excludedAttributes="meta")
    assert refused(both, 400, "invalidValue")


async def test_what_is_not_offered_says_so(tenant: Tenant) -> None:
    directory = await connect(tenant)

    assert refused(await directory.ask("GET", "/Me"), 501)
    assert refused(await directory.ask("POST", "/.search", {}), 501)
    assert refused(await directory.ask("POST", "/Bulk", {}), 404)
    config = (await directory.ask("GET", "/ServiceProviderConfig")).json()
    assert config["bulk"]["supported"] is False
    put = await directory.ask("PUT", "/ServiceProviderConfig", {})
    assert refused(put, 405)
    assert put.headers["Allow"] == "GET"


async def test_a_crowd_gets_its_role_at_once(tenant: Tenant) -> None:
    """Of thousands; the log has one row for all of them."""
    directory = await connect(tenant)
    everybody = rows(
        tenant,
        """with u as (
            insert into "user" (id, email, name) select gen_random_uuid(), i || '@' || %s, 'P'
            from generate_series(1, 3000) i returning id
        )
        insert into tenant_member (tenant_id, id, user_id, role)
        select %s, gen_random_uuid(), id, 'viewer' from u returning id""",
        str(tenant.id),
        tenant.id,
    )
    group = await directory.group(*(str(one) for one in everybody))

    await _gives(tenant, group, "editor")

    query = "select role from tenant_member where tenant_id = %s and role = 'editor'"
    assert len(rows(tenant, query, tenant.id)) == 3000
    query = "select details from audit_log where tenant_id = %s and resource_type = 'member'"
    told = rows(tenant, query, tenant.id)
    assert len(told) == 30
    for row in told:
        assert (row["before"], row["after"]) == ({"role": "viewer"}, {"role": "editor"})
    named = [one for row in told for one in row["members"]]
    assert sorted(named) == sorted(str(one) for one in everybody)
