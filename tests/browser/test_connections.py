"""Connecting a system in a real browser: found, refused, put right, and used; and how it looks."""

from urllib.parse import urlsplit

import httpx
import pytest
from playwright.async_api import Browser, expect

from monster.contracts.tokens import Permission
from monster.dashboard.identity.scope import COOKIE
from tests.browser.conftest import Platform
from tests.browser.look import ROOT, SIZES, Size, Theme, Visitor, out_of_reach, too_wide, violations
from tests.builders import Tenant, create_agent
from tests.connecting import SYSTEMS, connect, factory
from tests.upstream import OpenAI, refuse, upstream

PICTURES = ROOT / "tests" / "browser" / "pictures"
PROVIDER = {"system_name": "github", "name": "Our GitHub app", "client_id": "Iv1.0123456789"}


@pytest.fixture(scope="module")
async def company(platform: Platform) -> Tenant:
    """With something of everything."""
    tenant = Tenant(platform.tenant.dashboard, platform.tenant.engine)
    owner = tenant.member("owner", tenant.user_id)
    engine = tenant.caller(*Permission)
    async with upstream(OpenAI.names, refuse(401, "the key was revoked")) as provider:
        made = await connect(owner, provider.url, name="Models of the house")
        await connect(owner, provider.url, name="The old key of the year before last")
    where = urlsplit(made.headers["Location"]).path
    agent = await create_agent(owner, name="Harbour desk")
    config = {"type": "llm", "credential_id": where[-36:]}
    await owner.patch(f"/api/agents/{agent['id']}", json={"config": config})
    registered = await engine.post("/v1/oauth_providers", json=PROVIDER)
    grant = {
        "system_name": "github",
        "strategy": "strategy_oauth",
        "name": "GitHub of everyone",
        "scope": "shared",
        "oauth_provider_id": registered.json()["id"],
    }
    assert (await engine.post("/v1/credentials", json=grant)).status_code == 201
    return tenant


def _visitor(browser: Browser, platform: Platform, tenant: Tenant, role: str = "owner") -> Visitor:
    member = tenant.member(role, tenant.user_id if role == "owner" else None)
    return Visitor(browser, platform.url, member.cookies[COOKIE])


async def test_a_system_is_found_connected_and_put_right(
    browser: Browser, platform: Platform
) -> None:
    tenant = Tenant(platform.tenant.dashboard, platform.tenant.engine)
    visitor = _visitor(browser, platform, tenant)
    async with (
        upstream(refuse(401, "this key is unknown"), OpenAI.names) as provider,
        visitor.at("/connections", refusal=422) as page,
    ):
        await page.get_by_role("link", name="See all systems").click()
        await page.get_by_label("Search systems").press_sequentially("ollama")
        await expect(page.locator("#systems .agent-card")).to_have_count(1)
        await page.get_by_role("link", name="OpenAI-compatible").click()

        await page.get_by_label("Name of this connection").fill("Models")
        await page.get_by_label("Base URL").fill("https://user:password@host.example")
        await page.locator("[id='values.api_key']").fill("sk-wrong")
        await page.get_by_role("button", name="Connect and test").click()
        await expect(page.locator("[id='values.base_url-error']")).to_be_visible()
        assert not await violations(page)

        await page.get_by_label("Base URL").fill(provider.url)
        await page.locator("[id='values.api_key']").fill("sk-wrong")
        await page.get_by_role("button", name="Connect and test").click()
        await expect(page.get_by_role("alert")).to_contain_text("this key is unknown")
        assert not await violations(page)

        key = page.locator("[id='values.api_key']")
        await key.fill("sk-right")
        await page.get_by_role("button", name="Show API key").click()
        await expect(key).to_have_attribute("type", "text")
        await page.get_by_role("button", name="Save and test").click()
        await expect(page.locator("#toasts")).to_contain_text("Models works. You are acme.")
        assert provider.asked[-1].headers["authorization"] == "Bearer sk-right"
        assert "sk-right" not in await page.content()


async def test_without_scripts_it_is_the_same(browser: Browser, platform: Platform) -> None:
    tenant = Tenant(platform.tenant.dashboard, platform.tenant.engine)
    session = tenant.member("owner", tenant.user_id).cookies[COOKIE]
    context = await browser.new_context(base_url=platform.url, java_script_enabled=False)
    await context.add_cookies([{"name": COOKIE, "value": session, "url": platform.url}])
    page = await context.new_page()
    async with upstream(OpenAI.names) as provider:
        await page.goto(f"/connections/new?factory={factory('openai')}")
        await page.get_by_label("Base URL").fill(provider.url)
        await page.locator("[id='values.api_key']").fill("sk-right")
        await page.get_by_role("button", name="Connect and test").click()
        await expect(page.locator("#toasts")).to_contain_text("works")
    await page.get_by_role("link", name="Delete").click()
    await page.get_by_role("button", name="Delete the connection").click()
    await expect(page.get_by_text("Nothing is connected")).to_be_visible()
    await context.close()


async def _pages(tenant: Tenant) -> dict[str, str]:
    engine = tenant.caller(*Permission)
    found = {one["name"]: one["id"] for one in (await engine.get("/v1/credentials")).json()}
    provider = (await engine.get("/v1/oauth_providers")).json()[0]["id"]
    server = await _server(engine)
    form = f"/connections/new?factory={factory('jira')}"
    nothing_to_connect = next(one for one in SYSTEMS.values() if not one.auth().strategies)
    return {
        "list": "/connections",
        "none-found": "/connections?q=nothing+like+this",
        "systems": "/connections/systems",
        "system": f"/connections/new?factory={nothing_to_connect.factory_id()}",
        "form": form,
        "form-oauth": f"{form}&strategy=strategy_oauth",
        "one": f"/connections/{found['Models of the house']}",
        "one-broken": f"/connections/{found['The old key of the year before last']}",
        "one-oauth": f"/connections/{found['GitHub of everyone']}",
        "delete": f"/connections/{found['Models of the house']}/delete",
        "oauth-providers": "/settings/oauth-providers",
        "oauth-kinds": "/settings/oauth-providers/new",
        "oauth-new": "/settings/oauth-providers/new?system=custom",
        "oauth-one": f"/settings/oauth-providers/{provider}",
        "oauth-delete": f"/settings/oauth-providers/{provider}/delete",
        "mcp": "/settings/mcp",
        "mcp-new": "/settings/mcp/new",
        "mcp-one": f"/settings/mcp/{server}",
        "mcp-delete": f"/settings/mcp/{server}/delete",
        "tools": "/settings/custom-tools",
        "tools-new": "/settings/custom-tools/new",
        "tools-import": "/settings/custom-tools/import",
        "home": "/",
    }


async def _server(engine: httpx.AsyncClient) -> str:
    known = (await engine.get("/v1/mcp_servers")).json()
    if not known:
        server = {"name": "Weather of the harbour", "url": "http://127.0.0.1:9/mcp"}
        known = [(await engine.post("/v1/mcp_servers", json=server | {"auth": "token"})).json()]
    return known[0]["id"]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_its_pages_are_sound(
    browser: Browser, platform: Platform, company: Tenant, size: Size, theme: Theme
) -> None:
    PICTURES.mkdir(exist_ok=True)
    visitor = _visitor(browser, platform, company)
    problems = list[str]()
    async with visitor.at("/connections", size, theme) as page:
        for name, path in (await _pages(company)).items():
            await page.goto(path, wait_until="load")
            picture = PICTURES / f"connections-{name}-{size}-{theme}.png"
            await page.screenshot(path=picture, full_page=True)
            problems += [f"{path}: {one}" for one in await violations(page)]
            if over := await too_wide(page):
                problems.append(f"{path}: {over} px too wide")
            if size == "wide" and theme == "light" and (lost := await out_of_reach(page)):
                problems.append(f"{path}: Tab does not reach {lost} controls")
    assert not problems, "\n".join(problems)
