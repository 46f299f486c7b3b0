"""Files of a chat through the front door: attached, told to the model, made by tools, saved."""

import re
from collections.abc import Iterator

import httpx
import orjson
import pytest

from monster.contracts.agents import AgentSpec
from monster.contracts.tokens import Permission
from monster.contracts.tools import AttachedTool
from monster.engine.runs.schemas import Limits
from monster.engine.tools.charts import Charts
from monster.kit.ids import new_id
from tests.builders import Tenant, client, create_agent, publish
from tests.dashboard.test_conversations_pages import (
    HTML,
    agent,
    ask,
    error,
    html_of,
    post,
    show,
)
from tests.talk import Script

READ, WRITE = Permission.CONVERSATIONS_READ, Permission.CONVERSATIONS_WRITE
YES: Script = [{"text": "Yes."}]
CSV = b"month,sales\nMay,40\nJune,42\n"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
PNG = b"\x89PNG\r\n\x1a\n and so on"
CHART = {
    "kind": "bar",
    "title": "Sales",
    "series": [{"name": "Sales", "values": [40, 42]}],
    "labels": ["May", "June"],
}
FILE = '; filename=""\r\nContent-Type: application/octet-stream'
DRAWS: Script = [{"calls": [["charts_draw_chart", CHART]]}, {"text": "There it is."}]


async def send(
    member: httpx.AsyncClient, agent_id: str, name: str, content: bytes = CSV, **form: str
) -> httpx.Response:
    files = {"file": (name, content)}
    return await member.post(f"/chat/{agent_id}/files", data=form, files=files)


async def attach(member: httpx.AsyncClient, agent_id: str, name: str, content: bytes = CSV) -> str:
    """The conversation that begins with it."""
    answer = await send(member, agent_id, name, content)
    assert answer.status_code == 200, answer.text
    return answer.json()["conversation_id"]


async def held(member: httpx.AsyncClient, talk: str) -> dict[str, str]:
    """Where each file is, by its name, as the page of files tells."""
    page = await show(member, f"/conversations/{talk}/files")
    links = re.findall(r'href="(/conversations/[^"]+)" title="Save ([^"]+)"', page)
    return {name: href for href, name in links}


def squeezed(html: str) -> str:
    return re.sub(r"\s+", " ", html)


async def drawer(tenant: Tenant, member: httpx.AsyncClient) -> str:
    """An agent that draws a chart."""
    agent_id = await agent(tenant, member, DRAWS)
    spec = AgentSpec(
        version=2,
        user_id=tenant.user_id,
        scope="shared",
        name="Scout",
        model="script:test",
        instruction=orjson.dumps(DRAWS).decode(),
        tools=(AttachedTool(name="charts", tool_factory_id=Charts.factory_id()),),
    )
    publisher = tenant.caller(Permission.AGENTS_PUBLISH)
    answer = await publisher.put(f"/v1/agents/{agent_id}", json=spec.model_dump(mode="json"))
    assert answer.is_success, answer.text
    return agent_id


async def test_a_viewer_attaches_files_and_the_message_names_them(tenant: Tenant) -> None:
    agent_id = await agent(tenant, tenant.member(), YES)
    member = tenant.member("viewer", tenant.user_id)

    first = await send(member, agent_id, "sales ü.csv", message="What  was\nsold?")
    talk = first.json()["conversation_id"]
    second = await send(member, agent_id, "empty.txt", b"", conversation_id=talk)
    form = {
        "message": "What was\r\nsold?",
        "conversation_id": talk,
        "attached": ["sales ü.csv", "empty.txt"],
    }
    asked = await member.post(f"/chat/{agent_id}/runs", data=form, headers=HTML, timeout=30)

    assert first.json() == {"conversation_id": talk, "name": "sales ü.csv", "size": len(CSV)}
    assert second.json()["conversation_id"] == talk
    assert asked.headers["Location"] == f"/conversations/{talk}"
    runs = await tenant.caller(READ, Permission.RUNS_READ).get(f"/v1/conversations/{talk}/runs")
    told = 'What was\nsold?\n\nAttached files: "sales ü.csv", "empty.txt"'
    assert [run["message"] for run in runs.json()] == [told]
    page = await show(member, f"/conversations/{talk}")
    assert '<p class="as-written">What was\nsold?</p>' in page
    assert "Attached files:" not in page
    files = await held(member, talk)
    for name in ("sales ü.csv", "empty.txt"):
        assert f'href="{files[name]}" download' in page
    assert "<h1>What was sold?</h1>" in page
    assert f'href="/conversations/{talk}/files"' in page


async def test_without_scripts_one_form_brings_message_and_files(tenant: Tenant) -> None:
    member = tenant.member()
    agent_id = await agent(tenant, member, YES)
    files = [("files", ("a.csv", CSV)), ("files", ("b.csv", CSV))]

    form = {"message": "", "conversation_id": ""}
    asked = await member.post(
        f"/chat/{agent_id}/runs", data=form, files=files, headers=HTML, timeout=30
    )

    assert asked.status_code == 303, asked.text
    talk = asked.headers["Location"].rsplit("/", 1)[1]
    page = await show(member, f"/conversations/{talk}")
    assert "<h1>a.csv</h1>" in page
    assert page.count(" download>") == 2
    assert (await held(member, talk)).keys() == {"a.csv", "b.csv"}


async def test_a_browser_sends_an_empty_part_when_no_file_is_chosen(tenant: Tenant) -> None:
    member = tenant.member()
    agent_id = await agent(tenant, member, YES)
    parts = {"message": "Look.", "files": ""}
    body = "".join(
        f'--x\r\nContent-Disposition: form-data; name="{name}"'
        f"{FILE if name == 'files' else ''}\r\n\r\n{text}\r\n"
        for name, text in parts.items()
    )
    media_type = {"Content-Type": "multipart/form-data; boundary=x"}

    asked = await member.post(
        f"/chat/{agent_id}/runs", content=f"{body}--x--\r\n", headers=HTML | media_type, timeout=30
    )

    assert asked.status_code == 303, asked.text
    assert "Look." in await show(member, asked.headers["Location"])


async def test_what_a_tool_made_is_shown_live_and_later(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tenant.engine.state.runs, "limits", Limits())  # drawing takes a while
    member = tenant.member()
    agent_id = await drawer(tenant, member)

    events = await ask(member, agent_id, "Draw it.")

    talk = events[0].data["conversation"]
    (returned,) = [event for event in events if event.type == "tool.result"]
    shown = re.findall(r'<div class="files" id="made-.*?</div>', returned.data["html"], re.DOTALL)
    page = await show(member, f"/conversations/{talk}")
    files = await held(member, talk)
    assert squeezed(shown[0]) in squeezed(page)
    assert shown[0].count("<img") == 1  # of the same picture in two formats
    assert f'<img src="{files["chart.png"]}" alt="chart.png, made by' in page
    assert f'href="{files["chart.svg"]}" download' in page
    picture = await member.get(files["chart.png"])
    assert picture.content.startswith(b"\x89PNG")
    assert picture.headers["Content-Type"] == "image/png"


@pytest.mark.parametrize(
    ("name", "content", "media_type"),
    [
        ("a.svg", SVG, "image/svg+xml"),
        ("a.PNG", PNG, "image/png"),
        ("a.webp", PNG, "image/webp"),
        ("a.html", b"<script>alert(1)</script>", "application/octet-stream"),
        ("a.xhtml", b"<html/>", "application/octet-stream"),
        ("empty", b"", "application/octet-stream"),
    ],
)
async def test_a_file_is_saved_and_never_opened(
    tenant: Tenant, name: str, content: bytes, media_type: str
) -> None:
    member = tenant.member()
    talk = await attach(member, await agent(tenant, member, YES), name, content)

    answer = await member.get((await held(member, talk))[name], headers=HTML)

    assert (answer.status_code, answer.content) == (200, content)
    assert answer.headers["Content-Type"].split(";")[0] == media_type
    assert answer.headers["Content-Disposition"] == f"attachment; filename*=UTF-8''{name}"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Content-Security-Policy"].endswith("; sandbox")


async def test_delete(tenant: Tenant) -> None:
    member = tenant.member()
    agent_id = await agent(tenant, member, YES)
    talk = await attach(member, agent_id, "a.csv")
    await post(member, agent_id, 'Look.\n\nAttached files: "a.csv"', conversation_id=talk)
    url = (await held(member, talk))["a.csv"]

    gone = await member.post(f"{url}/delete")

    assert (gone.status_code, gone.headers["Location"]) == (303, f"/conversations/{talk}/files")
    assert "No files yet" in await show(member, f"/conversations/{talk}/files")
    assert (await member.get(url)).status_code == 404
    assert (await member.post(f"{url}/delete")).status_code == 404
    page = await show(member, f"/conversations/{talk}")
    assert '<span class="file-name">a.csv</span>' in page  # it was there, and cannot be opened
    assert url not in page


@pytest.mark.parametrize("name", [".env", "a:b.csv", "x" * 201])
async def test_a_bad_name_begins_no_chat(tenant: Tenant, name: str) -> None:
    member = tenant.member()
    agent_id = await agent(tenant, member, YES)

    refused = await send(member, agent_id, name)
    plain = await member.post(
        f"/chat/{agent_id}/runs", data={"message": "Look."}, files={"files": (name, CSV)}
    )

    for answer in (refused, plain):
        assert (answer.status_code, error(answer)["code"]) == (422, "bad_file_name")
        assert "cannot be attached" in error(answer)["message"]
    assert "/conversations/" not in await show(member, "/chat")


@pytest.fixture
def small(tenant: Tenant) -> Iterator[None]:
    """The dashboard takes files of up to 20 bytes."""
    state = tenant.dashboard.state
    usual, state.upload_limit = state.upload_limit, 20
    yield
    state.upload_limit = usual


@pytest.mark.usefixtures("small")
async def test_a_large_file_is_refused_before_anything_is_stored(tenant: Tenant) -> None:
    member = tenant.member()
    agent_id = await agent(tenant, member, YES)

    large = await send(member, agent_id, "a.csv")

    assert (large.status_code, error(large)["code"]) == (413, "file_too_large")
    assert error(large)["message"] == "“a.csv” is larger than the 20 B allowed"
    assert "/conversations/" not in await show(member, "/chat")


async def test_what_the_engine_refuses_is_told(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    member = tenant.member()
    agent_id = await agent(tenant, member, YES)
    talk = await attach(member, agent_id, "a.csv")
    large = bytes(tenant.engine.state.upload_limit + 1)
    monkeypatch.setattr("monster.engine.files.service.MOST", 1)

    larger = await send(member, agent_id, "a.csv", large, conversation_id=talk)
    many = await send(member, agent_id, "b.csv", conversation_id=talk)
    again = await send(member, agent_id, "a.csv", b"new", conversation_id=talk)

    assert (await send(member, agent_id, "a.csv", large)).status_code == 413
    assert set(re.findall(r"/conversations/([^\"/]+)", await show(member, "/chat"))) == {talk}
    assert larger.status_code == 413
    assert "too large" in error(larger)["message"]
    assert (many.status_code, error(many)["code"]) == (409, "too_many_files")
    assert again.status_code == 200
    assert (await member.get((await held(member, talk))["a.csv"])).content == b"new"


async def test_an_agent_on_its_way_takes_no_files_yet(tenant: Tenant) -> None:
    member = tenant.member()
    agent_id = (await create_agent(member, model="script:test", instruction="[]"))["id"]
    await publish(member, agent_id)

    underway = await send(member, agent_id, "a.csv")

    assert (underway.status_code, error(underway)["code"]) == (409, "agent_on_its_way")


async def test_nothing_chosen_and_bad_ids_are_told(tenant: Tenant) -> None:
    member = tenant.member()
    agent_id = await agent(tenant, member, YES)
    talk = await attach(member, agent_id, "a.csv")

    nothing = await member.post(f"/chat/{agent_id}/files", data={"message": "x"})
    assert (nothing.status_code, error(nothing)["code"]) == (422, "no_file")
    assert (await send(member, str(new_id()), "a.csv")).status_code == 404
    unknown = await send(member, agent_id, "a.csv", conversation_id=str(new_id()))
    assert error(unknown)["code"] == "conversation_not_found"
    named = await post(member, agent_id, conversation_id=talk, attached='a"b')
    assert named.status_code == 422
    await show(member, f"/conversations/{new_id()}/files", status=404)
    await show(member, f"/conversations/{talk}/files/{new_id()}", status=404)
    await show(member, f"/conversations/{talk}/files/x", status=422)


@pytest.mark.parametrize("person", ["other tenant", "colleague"])
async def test_files_are_their_persons_alone(
    two_tenants: tuple[Tenant, Tenant], person: str
) -> None:
    tenant, other = two_tenants
    member = tenant.member()
    agent_id = await agent(tenant, member, YES)
    talk = await attach(member, agent_id, "a.csv")
    url = (await held(member, talk))["a.csv"]
    stranger = (other if person == "other tenant" else tenant).member("owner")
    theirs = other if person == "other tenant" else tenant
    own_agent = await agent(theirs, stranger, YES)
    own = await attach(stranger, own_agent, "own.csv")
    file_id = url.rsplit("/", 1)[1]

    for method, path in (
        ("GET", f"/conversations/{talk}/files"),
        ("GET", url),
        ("POST", f"{url}/delete"),
        ("GET", f"/conversations/{own}/files/{file_id}"),
        ("POST", f"/conversations/{own}/files/{file_id}/delete"),
    ):
        assert (await stranger.request(method, path)).status_code == 404, path
    assert (await send(stranger, own_agent, "b.csv", conversation_id=talk)).status_code == 404
    assert (await member.get(url)).content == CSV


async def test_a_stranger_is_sent_to_sign_in(tenant: Tenant) -> None:
    stranger = client(tenant.dashboard)
    assert (await send(stranger, str(new_id()), "a.csv")).status_code == 401
    assert (await stranger.get(f"/conversations/{new_id()}/files/{new_id()}")).status_code == 401
    member = tenant.member()
    del member.headers["X-CSRF-Token"]
    assert (await send(member, str(new_id()), "a.csv")).status_code == 403


async def test_a_plain_run_asks_for_no_files(
    tenant: Tenant, caplog: pytest.LogCaptureFixture
) -> None:
    """Only what has calls or names files costs another request."""
    member = tenant.member()
    agent_id = await agent(tenant, member, YES)
    with caplog.at_level("INFO", "httpx"):
        events = await ask(member, agent_id)

    assert "/runs" in caplog.text
    assert "/files" not in caplog.text
    assert "made-" in html_of(events)


async def test_a_page_asks_for_its_files_once(
    tenant: Tenant, caplog: pytest.LogCaptureFixture
) -> None:
    """However many there are, and however many messages name them."""
    member = tenant.member()
    agent_id = await agent(tenant, member, YES)
    talk = await attach(member, agent_id, "0.csv")
    for n in range(1, 12):
        await send(member, agent_id, f"{n}.csv", conversation_id=talk)
        await post(member, agent_id, conversation_id=talk, attached=f"{n}.csv")

    with caplog.at_level("INFO", "httpx"):
        page = await show(member, f"/conversations/{talk}")

    assert page.count(" download>") == 11
    assert caplog.text.count(f"/v1/conversations/{talk}/files") == 1
