"""Invitations: who is asked in, and who gets in."""

import asyncio
from datetime import timedelta

import bcrypt
import httpx
import psycopg
import pytest

from monster.dashboard.invitations import service
from monster.kit import passwords
from monster.kit.ids import new_id
from monster.kit.rates import Rate
from monster.kit.testing import Statements
from tests.builders import Tenant, client, owner_conninfo
from tests.members import OURS, PAGE, PASSWORD, Known, change, invite, link

URL = "/api/invitations"


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    salt = bcrypt.gensalt(4)

    def cheap(_: int) -> bytes:
        return salt

    monkeypatch.setattr(passwords.bcrypt, "gensalt", cheap)


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


async def audited(tenant: Tenant) -> list[str]:
    query = "select action || ' ' || resource_type from audit_log where tenant_id = %s order by seq"
    with psycopg.connect(owner_conninfo(tenant.dashboard)) as connection:
        return [row[0] for row in connection.execute(query, [tenant.id])]


async def accept(tenant: Tenant, token: str, /, **changes: str) -> httpx.Response:
    body = {"token": token, "name": "Grace Hopper", "password": PASSWORD} | changes
    return await client(tenant.dashboard).post(f"{URL}/accept", json=body)


async def test_somebody_without_account_is_invited_and_comes(tenant: Tenant) -> None:
    admin = tenant.member("admin")
    address = f"Grace.{new_id()}@Harbour.example"
    invited = await invite(admin, address, "viewer")
    assert invited["state"] == "pending"
    assert invited["role"] == "viewer"
    assert invited["user_name"] == "Ada"
    assert [one["id"] for one in (await admin.get(URL)).json()] == [invited["id"]]

    token = await link(tenant.dashboard, invited["id"])
    session = (await accept(tenant, token)).json()["token"]

    mine = (await client(tenant.dashboard, session).get("/api/workspaces")).json()
    assert [(one["id"], one["role"], one["is_current"]) for one in mine] == [
        (str(tenant.id), "viewer", True)
    ]
    assert (await admin.get(URL)).json() == []
    entered = {"email": address.upper(), "password": PASSWORD}
    assert (await client(tenant.dashboard).post("/api/sessions", json=entered)).status_code == 201
    assert await audited(tenant) == ["INVITE invitation", "ACCEPT invitation", "LOGIN user"]


@pytest.mark.parametrize("role", ["viewer", "editor"])
async def test_only_admins_invite(tenant: Tenant, role: str) -> None:
    invited = await invite(tenant.member("admin"))
    member = tenant.member(role)
    one = f"{URL}/{invited['id']}"
    body = {"email": "x@example.com", "role": "viewer"}
    for answer in (
        await member.post(URL, json=body),
        await member.get(URL),
        await member.delete(one),
        await member.post(f"{one}/resend"),
    ):
        assert code(answer) == (403, "forbidden")


async def test_another_tenant_reaches_nothing(two_tenants: tuple[Tenant, Tenant]) -> None:
    tenant, other = two_tenants
    invited = await invite(tenant.member("admin"))
    stranger = other.member("owner")
    assert (await stranger.get(URL)).json() == []
    one = f"{URL}/{invited['id']}"
    for answer in (await stranger.delete(one), await stranger.post(f"{one}/resend")):
        assert code(answer) == (404, "invitation_not_found")
    # The same address may be invited to both.
    assert (await invite(stranger, invited["email"]))["id"] != invited["id"]
    assert len((await tenant.member("admin").get(URL)).json()) == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"role": "owner"}, "role"),
        ({"role": "king"}, "role"),
        ({"role": None}, "role"),
        ({"email": "nobody"}, "email"),
        ({"email": "a@b\u0000"}, "email"),
        ({"email": "a" * 250 + "@b.example"}, "email"),
        ({"tenant_id": "x"}, "tenant_id"),
    ],
)
async def test_bad_invitations_are_refused(
    tenant: Tenant, changes: dict[str, str | None], field: str
) -> None:
    owner = tenant.member("owner")
    body = {"email": "x@example.com", "role": "viewer"} | changes
    answer = await owner.post(URL, json=body)
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, field)
    assert (await owner.get(URL)).json() == []


async def test_nobody_is_invited_twice_nor_as_a_member(tenant: Tenant) -> None:
    admin, known = tenant.member("admin"), Known(tenant)
    known.browser()
    body = {"email": known.email.upper(), "role": "viewer"}
    assert code(await admin.post(URL, json=body)) == (409, "already_member")
    invited = await invite(admin)
    again = {"email": invited["email"].upper(), "role": "viewer"}
    answers = await asyncio.gather(*(admin.post(URL, json=again) for _ in range(2)))
    assert [code(answer) for answer in answers] == [(409, "already_invited")] * 2


async def test_an_invitation_that_ran_out_is_made_anew(tenant: Tenant) -> None:
    admin = tenant.member("admin")
    invited = await invite(admin)
    old = await link(tenant.dashboard, invited["id"])
    gone = "update invitation set expires_at = now() - interval '1 s' where id = %s"
    change(tenant.dashboard, gone, invited["id"])
    assert (await admin.get(URL)).json()[0]["state"] == "expired"
    assert code(await accept(tenant, old)) == (422, "token_worthless")

    again = await invite(admin, invited["email"], "viewer")

    assert (again["id"], again["role"], again["state"]) == (invited["id"], "viewer", "pending")
    assert code(await accept(tenant, old)) == (422, "token_worthless")
    fresh = await link(tenant.dashboard, again["id"])
    assert (await accept(tenant, fresh)).status_code == 201


async def test_a_link_sent_again_ends_the_one_before(tenant: Tenant) -> None:
    admin = tenant.member("admin")
    invited = await invite(admin)
    old = await link(tenant.dashboard, invited["id"])
    assert (await admin.post(f"{URL}/{invited['id']}/resend")).status_code == 200
    assert code(await accept(tenant, old)) == (422, "token_worthless")
    fresh = await link(tenant.dashboard, invited["id"])
    assert (await admin.delete(f"{URL}/{invited['id']}")).status_code == 204
    assert code(await accept(tenant, fresh)) == (422, "token_worthless")
    assert code(await admin.delete(f"{URL}/{invited['id']}")) == (404, "invitation_not_found")


async def test_two_who_accept_at_once_make_one_account(tenant: Tenant) -> None:
    admin = tenant.member("admin")
    invited = await invite(admin)
    token = await link(tenant.dashboard, invited["id"])
    answers = await asyncio.gather(*(accept(tenant, token) for _ in range(3)))
    assert [answer.status_code for answer in answers].count(201) == 1
    found = (await admin.get("/api/members", params={"q": invited["email"]})).json()
    assert len(found) == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"password": "too short"}, "password"), ({"name": " "}, "name"), ({"token": ""}, "token")],
)
async def test_bad_answers_to_an_invitation_are_refused(
    tenant: Tenant, changes: dict[str, str], field: str
) -> None:
    invited = await invite(tenant.member("admin"))
    token = await link(tenant.dashboard, invited["id"])
    answer = await accept(tenant, token, **changes)
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, field)
    assert (await accept(tenant, token)).status_code == 201


async def test_who_has_an_account_joins_with_it(tenant: Tenant, other: Tenant) -> None:
    known, thief = Known(other), Known(other)
    http = known.browser()
    invited = await invite(tenant.member("owner"), known.email.upper(), "admin")
    token = await link(tenant.dashboard, invited["id"])

    assert code(await accept(tenant, token)) == (409, "email_taken")
    refused = await thief.browser().post(f"{URL}/join", json={"token": token})
    assert code(refused) == (403, "invitation_not_yours")
    joined = await http.post(f"{URL}/join", json={"token": token})
    assert joined.json() == {"tenant_id": str(tenant.id), "name": "Acme", "role": "admin"}

    assert (await http.get(URL)).status_code == 200  # as an admin there
    again = await http.post(f"{URL}/join", json={"token": token})
    assert code(again) == (422, "token_worthless")


async def test_joining_twice_at_once_uses_one_link_once(tenant: Tenant, other: Tenant) -> None:
    known = Known(other)
    invited = await invite(tenant.member("owner"), known.email)
    token = await link(tenant.dashboard, invited["id"])
    http = known.browser()
    asked = [http.post(f"{URL}/join", json={"token": token}) for _ in range(2)]
    answers = await asyncio.gather(*asked)
    assert sorted(answer.status_code for answer in answers) == [200, 422]


async def test_the_page_shows_and_uses_nothing_up(tenant: Tenant, other: Tenant) -> None:
    invited = await invite(tenant.member("admin"), role="viewer")
    token = await link(tenant.dashboard, invited["id"])
    path = f"/invitations/accept?token={token}"
    stranger = client(tenant.dashboard)
    for _ in range(2):
        page = (await stranger.get(path, headers=PAGE)).text
        assert "Join Acme" in page
        assert "as viewer" in page
        assert "Ada" in page
        assert 'name="password"' in page
    wrong = await stranger.get("/invitations/accept?token=nothing", headers=PAGE)
    assert (wrong.status_code, "cannot be used" in wrong.text) == (422, True)
    signed_in = Known(other)
    foreign = (await signed_in.browser().get(path, headers=PAGE)).text
    assert f"You are signed in as {signed_in.email}" in foreign
    assert 'name="password"' not in foreign

    theirs = await invite(tenant.member("admin"), signed_in.email)
    path = f"/invitations/accept?token={await link(tenant.dashboard, theirs['id'])}"
    door = (await stranger.get(path, headers=PAGE)).text
    assert "/sign-in?next=%2Finvitations%2Faccept%3Ftoken%3D" in door
    assert 'name="password"' not in door
    assert "/invitations/accept/join" in (await signed_in.browser().get(path, headers=PAGE)).text


async def test_the_form_makes_an_account_and_lets_in(tenant: Tenant) -> None:
    invited = await invite(tenant.member("admin"))
    form = {"token": await link(tenant.dashboard, invited["id"]), "name": "Grace", "password": "x"}
    stranger = client(tenant.dashboard)
    path = "/invitations/accept"
    assert (await stranger.post(path, data=form, headers=PAGE)).status_code == 403  # not our page
    short = await stranger.post(path, data=form, headers=OURS)
    assert short.status_code == 422
    assert "At least 10 characters." in short.text
    assert 'value="Grace"' in short.text
    done = await stranger.post(path, data=form | {"password": PASSWORD}, headers=OURS)
    assert (done.status_code, done.headers["Location"]) == (303, "/")
    assert "Grace" in (await stranger.get("/", headers=PAGE)).text
    gone = await stranger.post(path, data=form | {"password": PASSWORD}, headers=OURS)
    assert gone.status_code == 422


async def test_a_suspended_workspace_lets_nobody_in(tenant: Tenant) -> None:
    invited = await invite(tenant.member("admin"))
    token = await link(tenant.dashboard, invited["id"])
    change(tenant.dashboard, "update tenant set suspended_at = now() where id = %s", tenant.id)
    assert code(await accept(tenant, token)) == (403, "workspace_suspended")
    change(tenant.dashboard, "update tenant set suspended_at = null where id = %s", tenant.id)
    assert (await accept(tenant, token)).status_code == 201


async def test_a_deactivated_account_stays_so_and_an_unverified_one_is_taken_over(
    tenant: Tenant, other: Tenant
) -> None:
    for verified, status in ((True, 409), (False, 201)):
        known = Known(other)
        known.browser()
        off = 'update "user" set is_active = false, email_verified = %s where id = %s'
        change(tenant.dashboard, off, verified, known.user_id)
        invited = await invite(tenant.member("admin"), known.email)
        token = await link(tenant.dashboard, invited["id"])
        assert (await accept(tenant, token)).status_code == status


async def test_mails_of_a_workspace_are_rationed(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "_OFTEN", Rate(2, timedelta(hours=1)))
    admin = tenant.member("admin")
    first = await invite(admin)
    await invite(admin)
    body = {"email": "one-more@example.com", "role": "viewer"}
    refused = await admin.post(URL, json=body)
    assert code(refused) == (429, "too_many_requests")
    assert int(refused.headers["Retry-After"]) > 0
    assert (await admin.post(f"{URL}/{first['id']}/resend")).status_code == 429
    assert len((await admin.get(URL)).json()) == 2


async def test_lists_take_the_same_statements_however_long(
    tenant: Tenant, statements: Statements
) -> None:
    admin = tenant.member("admin")
    for _ in range(3):
        await invite(admin)
    with statements.exactly(4):
        first = (await admin.get(f"{URL}?limit=2")).json()
    rest = (await admin.get(f"{URL}?limit=2&after={first[-1]['id']}")).json()
    assert (len(first), len(rest)) == (2, 1)
