"""The gallery of systems, and the form of each: made from its `auth_config` alone."""

import re
from html import unescape

import httpx
import pytest

from monster.contracts.auth_config import Parameter, Strategy
from monster.dashboard.web import assets
from monster.engine.toolkit.factory import ToolFactory
from monster.kit.ids import new_id
from tests.builders import Tenant
from tests.connecting import HTMX, NEW, SYSTEMS, factory

FORMS = [
    pytest.param(system, strategy, id=f"{system.system_name} {strategy.name}")
    for system in SYSTEMS.values()
    for strategy in system.auth().strategies
]


def test_logos_are_in_the_sprite() -> None:
    assert not {one.logo for one in SYSTEMS.values() if not assets.has_icon(one.logo)}
    assert not assets.has_icon("no-such-icon")


async def test_the_gallery_has_every_system_and_finds_it(tenant: Tenant) -> None:
    member = tenant.member()
    shown = unescape((await member.get("/connections/systems")).text)
    for system in SYSTEMS.values():
        assert f'href="{NEW}?factory={system.factory_id()}"' in shown
        found = await member.get("/connections/systems", params={"q": system.name}, headers=HTMX)
        assert f"factory={system.factory_id()}" in unescape(found.text)
        assert "<html" not in found.text


async def test_the_gallery_is_filtered(tenant: Tenant) -> None:
    member = tenant.member()

    async def found(**asked: str) -> int:
        answer = await member.get("/connections/systems", params=asked, headers=HTMX)
        return answer.text.count(f'href="{NEW}')

    models = [one for one in SYSTEMS.values() if one.category == "Models"]
    assert await found(category="Models") == len(models)
    assert await found(q="gEmInI") == 1
    assert await found(q="no such system") == 0
    assert await found(category="No such category") == 0


async def test_a_viewer_sees_what_there_is_and_connects_nothing(tenant: Tenant) -> None:
    shown = (await tenant.member("viewer").get("/connections/systems")).text
    assert "Anthropic" in shown
    assert NEW not in shown


@pytest.mark.parametrize(("system", "strategy"), FORMS)
async def test_each_form_asks_for_every_parameter(
    tenant: Tenant, system: type[ToolFactory], strategy: Strategy
) -> None:
    shown = await _form(tenant.member(), system, strategy)

    places = [shown.index(f'name="values.{one.name}"') for one in strategy.parameters]
    assert places == sorted(places)  # in order
    for one in strategy.parameters:
        control = re.search(rf'<(\w+)[^>]*name="values\.{one.name}"[^>]*>', shown)
        assert control
        said = one.description.strip().split("\n")[0]
        is_label = said.replace(" ", "").casefold() == one.name.replace("_", "")
        assert (
            (f'id="values.{one.name}-help"' not in shown) if is_label else said in unescape(shown)
        )
        assert ("required" in control[0]) == (one.required and one.type != "file")
        if one.type == "secret":
            assert 'type="password"' in control[0]
        elif one.type in ("url", "number"):
            assert f'type="{one.type}"' in control[0]
        elif one.type in ("choice", "file"):
            assert control[1] == {"choice": "select", "file": "textarea"}[one.type]


async def _form(member: httpx.AsyncClient, system: type[ToolFactory], strategy: Strategy) -> str:
    asked = {"factory": str(system.factory_id()), "strategy": strategy.name}
    answer = await member.get(NEW, params=asked)
    assert answer.status_code == 200, answer.text
    return answer.text


@pytest.mark.parametrize(("system", "strategy"), FORMS)
async def test_each_form_says_what_is_wrong_at_the_field(
    tenant: Tenant, system: type[ToolFactory], strategy: Strategy
) -> None:
    member = tenant.member()
    asked = {"factory": str(system.factory_id()), "strategy": strategy.name}
    bad = {f"values.{one.name}": _bad(one) for one in strategy.parameters}

    answer = await member.post(NEW, params=asked, data={"name": "Typed", **bad}, headers=HTMX)

    assert answer.status_code == 422 or not strategy.parameters
    for one in strategy.parameters:
        assert f'id="values.{one.name}-error"' in answer.text
        assert not one.is_hidden or bad[f"values.{one.name}"] not in answer.text

    answer = await member.post(NEW, params=asked, data={"name": "Typed"})

    for one in strategy.parameters:
        missing = one.required and not one.default
        assert (f'id="values.{one.name}-error"' in answer.text) == missing


def _bad(parameter: Parameter) -> str:
    return "x" * 20_001 if parameter.type == "file" else f"typed {parameter.name}\x07"


async def test_a_strategy_that_nobody_knows_is_the_first(tenant: Tenant) -> None:
    asked = {"factory": factory("openai"), "strategy": "strategy_none"}
    answer = await tenant.member().get(NEW, params=asked)
    assert answer.status_code == 200
    assert 'name="values.base_url"' in answer.text


async def test_presets_are_at_hand(tenant: Tenant) -> None:
    shown = (await tenant.member().get(NEW, params={"factory": factory("openai")})).text
    assert 'list="values.base_url-presets"' in shown
    assert 'value="http://127.0.0.1:11434/v1"' in shown


async def test_without_a_system_one_chooses(tenant: Tenant) -> None:
    answer = await tenant.member().get(NEW)
    assert answer.headers["Location"] == "/connections/systems"


async def test_a_system_that_nobody_knows(tenant: Tenant) -> None:
    member = tenant.member()
    for asked, status in (({"factory": "acme"}, 422), ({"factory": str(new_id())}, 404)):
        assert (await member.get(NEW, params=asked)).status_code == status
        assert (await member.post(NEW, params=asked, data={})).status_code == status
