"""What a directory does with people, and what it must never do to those of others."""

import asyncio
import base64
from typing import Any

import httpx
import pytest

from monster.kit import logs
from monster.kit.ids import new_id
from monster.kit.testing import Statements
from tests.builders import Tenant, client
from tests.directory import USER, Directory, connect, member_id, new_address, refused, rows

Two = tuple[Tenant, Tenant]


async def test_somebody_new_is_brought(tenant: Tenant) -> None:
    directory, address = await connect(tenant), new_address()

    made = await directory.bring(
        address,
        externalId="00u1",
        name={"givenName": "Ada", "familyName": "Byron"},
        title="Countess",
    )

    assert made["userName"] == address
    assert made["displayName"] == "Ada Byron"
    assert made["emails"] == [{"value": address, "primary": True}]
    assert made["active"] is True
    assert made["externalId"] == "00u1"
    assert made["meta"]["location"].endswith(f"/scim/v2/Users/{made['id']}")
    assert "title" not in made
    stored = rows(
        tenant,
        """select row_to_json(x) from (select u.password_hash, u.is_active, u.email_verified,
            u.tenant_id = m.tenant_id as home, role from tenant_member m
            join "user" u on u.id = user_id where m.id = %s) x""",
        made["id"],
    )
    assert stored == [
        {"password_hash": None, "is_active": True, "email_verified": True, "home": True}
        | {"role": "viewer"}
    ]
    told = rows(
        tenant,
        "select principal || ' ' || action from audit_log where resource_id = %s",
        made["id"],
    )
    assert told == ["scim CREATE"]
    assert (await directory.ask("GET", f"/Users/{made['id']}")).json() == made


async def test_an_address_is_taken_once(tenant: Tenant) -> None:
    directory, address = await connect(tenant), new_address()
    body = {"schemas": [USER], "userName": address}

    answers = await asyncio.gather(*(directory.ask("POST", "/Users", body) for _ in range(2)))

    assert sorted(answer.status_code for answer in answers) == [201, 409]
    again = await directory.ask("POST", "/Users", body | {"userName": address.upper()})
    assert refused(again, 409, "uniqueness")


async def test_nobody_of_another_tenant_is_taken_over(two_tenants: Two) -> None:
    mine, theirs = two_tenants
    directory, victim = await connect(mine), (await (await connect(theirs)).bring())["userName"]
    own = await directory.bring()

    body = {"schemas": [USER], "userName": victim.upper()}
    brought = await directory.ask("POST", "/Users", body)
    renamed = await directory.patch(
        f"/Users/{own['id']}", {"op": "replace", "path": "userName", "value": victim}
    )

    assert refused(brought, 409, "uniqueness")
    assert "invite" in brought.json()["detail"]
    assert refused(renamed, 409, "uniqueness")
    assert (await directory.ask("GET", f"/Users/{own['id']}")).json() == own
    found = await directory.ask("GET", "/Users", filter=f'userName eq "{victim}"')
    assert found.json()["totalResults"] == 0


async def test_who_belongs_elsewhere_is_not_renamed_nor_deleted(two_tenants: Two) -> None:
    mine, theirs = two_tenants
    guest = new_id()
    theirs.member(user_id=guest)  # at home there
    mine.member("viewer", user_id=guest)
    directory, their_id = await connect(mine), member_id(mine, "viewer")

    for path, value in (("userName", new_address()), ("displayName", "Mallory")):
        answer = await directory.patch(
            f"/Users/{their_id}", {"op": "replace", "path": path, "value": value}
        )
        assert refused(answer, 400, "mutability")
    assert (await directory.ask("DELETE", f"/Users/{their_id}")).status_code == 204

    assert rows(mine, 'select email from "user" where id = %s', guest) == [f"{guest}@example.com"]
    assert rows(mine, "select tenant_id from tenant_member where user_id = %s", guest) == [
        theirs.id
    ]


async def test_who_is_at_home_here_but_works_elsewhere_too_is_not_renamed(
    two_tenants: Two,
) -> None:
    mine, theirs = two_tenants
    person = new_id()
    mine.member("viewer", user_id=person)
    theirs.member(user_id=person)
    directory, their_id = await connect(mine), member_id(mine, "viewer")

    answer = await directory.patch(
        f"/Users/{their_id}", {"op": "replace", "path": "userName", "value": new_address()}
    )
    assert refused(answer, 400, "mutability")
    assert (await directory.ask("DELETE", f"/Users/{their_id}")).status_code == 204
    assert len(rows(mine, 'select id from "user" where id = %s', person)) == 1


async def test_the_owner_is_protected(tenant: Tenant) -> None:
    owner = tenant.member("owner")
    directory, path = await connect(tenant), f"/Users/{member_id(tenant, 'owner')}"

    barred = await directory.patch(path, {"op": "replace", "path": "active", "value": False})
    renamed = await directory.patch(path, {"op": "replace", "value": {"userName": new_address()}})

    assert refused(barred, 403)
    assert refused(renamed, 403)
    assert refused(await directory.ask("DELETE", path), 403)
    assert (await owner.get("/api/agents")).status_code == 200


async def test_an_admin_of_the_platform_keeps_their_address(tenant: Tenant) -> None:
    """Whose address it is can ask for a new password."""
    tenant.member("viewer")
    their_id = member_id(tenant, "viewer")
    rows(
        tenant,
        'update "user" set is_admin = true '
        "where id = (select user_id from tenant_member where id = %s)",
        their_id,
    )
    directory = await connect(tenant)
    operation = {"op": "replace", "path": "userName", "value": new_address()}

    assert refused(await directory.patch(f"/Users/{their_id}", operation), 403)


async def test_deactivation_acts_on_the_next_request(tenant: Tenant) -> None:
    person = tenant.member("editor")
    directory, path = await connect(tenant), f"/Users/{member_id(tenant, 'editor')}"
    assert (await person.get("/api/agents")).status_code == 200

    # As Microsoft Entra ID writes it.
    barred = await directory.patch(path, {"op": "Replace", "path": "active", "value": "False"})

    assert barred.json()["active"] is False
    assert (await person.get("/api/agents")).status_code == 403
    await directory.patch(path, {"op": "replace", "value": {"active": True}})
    assert (await person.get("/api/agents")).status_code == 200


async def test_removal_takes_who_came_by_the_directory(tenant: Tenant) -> None:
    directory = await connect(tenant)
    made = await directory.bring()

    assert (await directory.ask("DELETE", f"/Users/{made['id']}")).status_code == 204

    assert refused(await directory.ask("GET", f"/Users/{made['id']}"), 404)
    assert rows(tenant, 'select id from "user" where email = %s', made["userName"]) == []


async def test_removal_leaves_an_account_with_a_password(tenant: Tenant) -> None:
    directory = await connect(tenant)
    made = await directory.bring()
    rows(tenant, "update \"user\" set password_hash = 'x' where email = %s", made["userName"])

    assert (await directory.ask("DELETE", f"/Users/{made['id']}")).status_code == 204

    assert len(rows(tenant, 'select id from "user" where email = %s', made["userName"])) == 1
    assert refused(await directory.ask("GET", f"/Users/{made['id']}"), 404)


async def test_put_changes_what_is_sent_and_keeps_the_rest(tenant: Tenant) -> None:
    directory, address = await connect(tenant), new_address()
    made = await directory.bring(displayName="Ada", externalId="x1", active=False)
    path = f"/Users/{made['id']}"

    answer = await directory.ask("PUT", path, {"schemas": [USER], "userName": address})

    changed = answer.json()
    assert answer.status_code == 200
    assert (changed["userName"], changed["displayName"]) == (address, "Ada")
    assert (changed["externalId"], changed["active"]) == ("x1", False)


async def test_what_follows_from_other_attributes_is_passed_over(tenant: Tenant) -> None:
    """Directories set e-mails and parts of names all the same."""
    directory = await connect(tenant)
    made = await directory.bring()

    answer = await directory.patch(
        f"/Users/{made['id']}",
        {"op": "Add", "path": 'emails[type eq "work"].value', "value": "x@example.com"},
        {"op": "Replace", "value": {"name.givenName": "Ada", "title": "Dr", "displayName": "Ada"}},
    )

    assert answer.status_code == 200, answer.text
    assert answer.json()["displayName"] == "Ada"
    assert answer.json()["emails"][0]["value"] == made["userName"]


async def test_others_people_do_not_exist(two_tenants: Two) -> None:
    mine, theirs = two_tenants
    directory, other = await connect(mine), await connect(theirs)
    foreign, group = await other.bring(), await other.group()
    user, body = f"/Users/{foreign['id']}", {"schemas": [USER], "userName": new_address()}
    operation = {"op": "replace", "path": "displayName", "value": "Mallory"}

    for path in (user, f"/Groups/{group['id']}", f"/Users/{new_id()}", "/Users/x", "/Groups/x"):
        assert refused(await directory.ask("GET", path), 404)
        assert refused(await directory.ask("PUT", path, body | {"displayName": "Mallory"}), 404)
        assert refused(await directory.patch(path, operation), 404)
        assert refused(await directory.ask("DELETE", path), 404)
    ids = [one["id"] for one in (await directory.ask("GET", "/Users")).json()["Resources"]]
    assert ids
    assert foreign["id"] not in ids
    assert (await directory.ask("GET", "/Groups")).json()["totalResults"] == 0
    assert (await other.ask("GET", user)).json() == foreign


# Who asks


async def _status(tenant: Tenant, token: str) -> int:
    answer = await client(tenant.dashboard, token).get("/scim/v2/Users")
    assert answer.status_code == 200 or refused(answer, 401)
    return answer.status_code


async def test_only_the_whole_token_opens(two_tenants: Two) -> None:
    mine, theirs = two_tenants
    token = (await connect(mine)).token
    home = base64.urlsafe_b64encode(theirs.id.bytes).decode().rstrip("=")
    swapped = f"scim_{home}_{token[28:]}"
    assert len(swapped) == len(token)

    assert await _status(mine, token) == 200
    for wrong in (swapped, token[:-1], token + "x", token.upper(), "scim_", "x", f"{token}\x7f"):
        assert await _status(mine, wrong) == 401
    assert refused(await client(mine.dashboard).get("/scim/v2/Nowhere"), 404)


async def test_a_token_is_not_a_persons_and_a_person_is_no_token(tenant: Tenant) -> None:
    directory = await connect(tenant)

    assert (await directory.http.get("/api/agents")).status_code == 401
    assert refused(await tenant.member("owner").get("/scim/v2/Users"), 401)


async def test_a_revoked_token_opens_nothing(tenant: Tenant) -> None:
    directory = await connect(tenant)
    await tenant.member("admin").delete(f"/api/scim-tokens/{directory.token_id}")

    assert await _status(tenant, directory.token) == 401


async def test_a_suspended_workspace_is_closed(tenant: Tenant) -> None:
    directory = await connect(tenant)
    rows(tenant, "update tenant set suspended_at = now() where id = %s", tenant.id)

    assert refused(await directory.ask("GET", "/Users"), 403)


async def test_a_token_is_in_no_log(tenant: Tenant) -> None:
    directory = await connect(tenant)
    await directory.ask("GET", "/Users")

    assert directory.token not in logs.mask(f"Bearer {directory.token}")


async def test_too_many_requests_wait(tenant: Tenant) -> None:
    directory = await connect(tenant)
    rows(
        tenant,
        "insert into rate_bucket select sha256(convert_to('scim', 'utf8') || '\\x00'::bytea "
        "|| convert_to(%s, 'utf8')), -1, now() + interval '1 minute'",
        directory.token_id,
    )

    answer = await directory.ask("GET", "/Users")

    assert refused(answer, 429)
    assert int(answer.headers["Retry-After"]) >= 1


# Bad input


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"schemas": [USER]},
        {"schemas": [USER], "userName": ""},
        {"schemas": [USER], "userName": "  "},
        {"schemas": [USER], "userName": "a\0b"},
        {"schemas": [USER], "userName": "\ud800"},
        {"schemas": [USER], "userName": "x" * 300},
        {"schemas": [USER], "userName": ["x"]},
        {"schemas": [USER], "userName": "ok@example.com", "active": "perhaps"},
        {"schemas": [USER], "userName": "ok@example.com", "externalId": "\0"},
        {"schemas": ["urn:nothing"], "userName": 5},
    ],
)
async def test_nonsense_is_refused_and_nobody_comes(tenant: Tenant, body: dict[str, Any]) -> None:
    directory = await connect(tenant)
    before = rows(tenant, "select count(*) from tenant_member where tenant_id = %s", tenant.id)

    answer = await directory.ask("POST", "/Users", body)

    assert refused(answer, 400, answer.json().get("scimType"))
    assert answer.json()["scimType"] in {"invalidValue", "invalidSyntax"}
    count = "select count(*) from tenant_member where tenant_id = %s"
    assert rows(tenant, count, tenant.id) == before


async def _send(directory: Directory, content: bytes) -> httpx.Response:
    headers = {"Content-Type": "application/scim+json"}
    return await directory.http.post("/scim/v2/Users", content=content, headers=headers)


async def test_bodies_that_are_no_message(tenant: Tenant) -> None:
    directory = await connect(tenant)
    deep = b'{"userName": ' + b"[" * 5000 + b"]" * 5000 + b"}"

    assert refused(await _send(directory, b"{"), 400, "invalidSyntax")
    assert refused(await _send(directory, b"[]"), 400, "invalidSyntax")
    assert (await _send(directory, deep)).status_code == 400
    assert refused(await _send(directory, b'"' + b"x" * 2**20 + b'"'), 413)


@pytest.mark.parametrize(
    "operations",
    [
        None,
        [],
        "x",
        [5],
        [{}],
        [{"op": "move", "path": "active", "value": True}],
        [{"op": "remove"}],
        [{"op": "remove", "path": "userName"}],
        [{"op": "replace", "path": "id", "value": "x"}],
        [{"op": "replace", "path": "groups", "value": []}],
        [{"op": "replace", "path": "userName[", "value": "x"}],
        [{"op": "replace", "path": "userName", "value": "\0"}],
        [{"op": "replace", "path": "active", "value": {"a": 1}}],
        [{"op": "replace", "value": "x"}],
    ],
)
async def test_odd_patches_are_refused(tenant: Tenant, operations: object) -> None:
    directory = await connect(tenant)
    made = await directory.bring()

    answer = await directory.ask("PATCH", f"/Users/{made['id']}", {"Operations": operations})

    assert answer.status_code == 400, answer.text
    assert refused(answer, 400, answer.json()["scimType"])
    assert (await directory.ask("GET", f"/Users/{made['id']}")).json() == made


# Lists


async def test_a_list_takes_the_same_statements_however_long(
    tenant: Tenant, statements: Statements
) -> None:
    directory = await connect(tenant)
    for _ in range(2):
        one, two = await directory.bring(), await directory.bring()
        await directory.group(one["id"], two["id"])
        with statements.exactly(7):  # three to know who asks
            await directory.ask("GET", "/Users")
        with statements.exactly(7):
            await directory.ask("GET", "/Groups")
        with statements.exactly(6):
            await directory.ask("GET", "/Groups", excludedAttributes="members")
