"""The screens about knowledge, as a browser sees them, with the real engine behind."""

import re

import httpx
import pytest
from fastapi import FastAPI

from monster.kit.embedded import Embedded
from monster.kit.ids import new_id
from tests.builders import Tenant, client
from tests.knowledge import work

HTMX = {"HX-Request": "true", "HX-Request-Type": "partial", "Accept": "text/html"}
POLLS = 'hx-trigger="every 2s"'
GUIDE = b"# Guide\n\n## Holidays\n\nEmployees have thirty days of paid leave a year.\n"

OPERATIONS = [
    ("GET", ""),
    ("GET", "/documents"),
    ("GET", "?q=leave"),
    ("POST", "/documents"),
    ("POST", "/delete"),
]


async def make_index(member: httpx.AsyncClient, **changes: str) -> str:
    """The address of its page."""
    form = {"name": "Handbook", "description": "Rules", "scope": "shared"} | changes
    answer = await member.post("/knowledge", data=form)
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"]


async def add(member: httpx.AsyncClient, page: str, *files: tuple[str, bytes]) -> httpx.Response:
    return await member.post(f"{page}/documents", files=[("documents", file) for file in files])


async def only_document(member: httpx.AsyncClient, page: str) -> str:
    """The address of the one document of an index."""
    found = set(re.findall(r'id="document-([\w-]+)"', (await member.get(page)).text))
    assert len(found) == 1
    return f"{page}/documents/{found.pop()}"


async def test_an_empty_list_says_what_to_do(tenant: Tenant) -> None:
    editor = await tenant.member().get("/knowledge")
    viewer = await tenant.member("viewer").get("/knowledge")

    assert "No knowledge yet" in editor.text
    assert "Make the first index" in editor.text
    assert "No knowledge yet" in viewer.text
    assert "Make the first index" not in viewer.text


async def test_make_an_index(tenant: Tenant) -> None:
    member = tenant.member()
    page = await make_index(member)

    assert "No documents yet" in (await member.get(page)).text
    assert "Handbook" in (await member.get("/knowledge")).text


@pytest.mark.parametrize("name", ["", "  ", "x" * 201, "a\0b"])
async def test_a_bad_name_is_shown_at_the_field(tenant: Tenant, name: str) -> None:
    form = {"name": name, "description": "What I typed", "scope": "private"}

    for headers in ({}, HTMX):
        answer = await tenant.member().post("/knowledge", data=form, headers=headers)
        assert answer.status_code == 422
        assert "Give it a name" in answer.text
        assert "What I typed" in answer.text
        assert ("<html" in answer.text) == (not headers)


async def test_a_name_that_is_taken_is_shown_at_the_field(tenant: Tenant) -> None:
    member = tenant.member()
    await make_index(member)

    answer = await member.post("/knowledge", data={"name": "Handbook"})

    assert answer.status_code == 422
    assert 'id="name-error"' in answer.text


async def test_private_is_private(tenant: Tenant) -> None:
    page = await make_index(tenant.member(), scope="private")
    assert (await tenant.member().get(page)).status_code == 404


async def test_progress_is_followed_until_there_is_none(
    tenant: Tenant, engine: FastAPI, postgres: Embedded
) -> None:
    member = tenant.member()
    page = await make_index(member)

    answer = await add(member, page, ("guide.md", GUIDE))
    assert (answer.status_code, answer.headers["Location"]) == (303, page)
    assert POLLS in (await member.get(page)).text

    await work(postgres, engine)
    state = await member.get(f"{page}/documents", headers=HTMX)
    assert "Ready" in state.text
    assert POLLS not in state.text
    assert "<html" not in state.text


async def test_a_bad_file_does_not_take_the_good_ones_with_it(tenant: Tenant) -> None:
    member = tenant.member()
    page = await make_index(member)

    answer = await add(member, page, ("guide.md", GUIDE), ("nothing.md", b""), ("b.md", GUIDE))

    assert answer.status_code == 422
    assert "2 of 3 were added" in answer.text
    assert "<strong>nothing.md</strong>: The file is empty." in answer.text
    assert "guide.md" in (await member.get(page)).text


async def test_too_large_a_file_is_named(tenant: Tenant) -> None:
    member = tenant.member()
    page = await make_index(member)
    limit: int = tenant.engine.state.upload_limit

    answer = await add(member, page, ("huge.txt", b"x" * (limit + 1)), ("guide.md", GUIDE))

    assert answer.status_code == 422
    assert "<strong>huge.txt</strong>" in answer.text
    assert "1 of 2 were added" in answer.text


async def test_no_file_at_all(tenant: Tenant) -> None:
    member = tenant.member()
    page = await make_index(member)
    # As a browser sends a field where nothing was chosen; httpx would leave out the name.
    part = b'Content-Disposition: form-data; name="documents"; filename=""'
    body = b"--x\r\n" + part + b"\r\n\r\n\r\n--x--\r\n"
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    empty = await member.post(f"{page}/documents", content=body, headers=headers)
    text = await member.post(f"{page}/documents", data={"documents": "not a file"})

    assert empty.status_code == 422
    assert "Choose at least one file." in empty.text
    assert text.status_code == 422


async def test_a_failed_document_says_why_and_can_be_tried_again(
    tenant: Tenant, engine: FastAPI, postgres: Embedded
) -> None:
    member = tenant.member()
    page = await make_index(member)
    await add(member, page, ("broken.pdf", b"%PDF-1.7 this is no document"))
    await work(postgres, engine)

    shown = (await member.get(page)).text
    assert "Failed" in shown
    assert "Try again: broken.pdf" in shown
    assert "Try again:" not in (await tenant.member("viewer").get(page)).text

    answer = await member.post(f"{await only_document(member, page)}/retry")
    assert (answer.status_code, answer.headers["Location"]) == (303, page)
    assert POLLS in (await member.get(page)).text


async def test_search(tenant: Tenant, engine: FastAPI, postgres: Embedded) -> None:
    member = tenant.member()
    page = await make_index(member)
    await add(member, page, ("guide.md", GUIDE))
    await work(postgres, engine)

    for headers in ({}, HTMX):
        found = await member.get(page, params={"q": "paid leave"}, headers=headers)
        assert found.status_code == 200
        assert "<mark>paid</mark>" in found.text
        assert "by words" in found.text
        assert re.search(r'href="/passages/[\w-]{36}"', found.text)
        assert ("<html" in found.text) == (not headers)


async def test_a_question_that_cannot_be_asked(tenant: Tenant) -> None:
    member = tenant.member()
    page = await make_index(member)
    for question in ("a\0b", "x" * 4001):
        answer = await member.get(page, params={"q": question}, headers=HTMX)
        assert answer.status_code == 422
        assert "Ask in up to 4,000" in answer.text


async def test_delete_a_document(tenant: Tenant) -> None:
    member = tenant.member()
    page = await make_index(member)
    await add(member, page, ("guide.md", GUIDE))

    answer = await member.post(f"{await only_document(member, page)}/delete")

    assert answer.status_code == 303
    assert "No documents yet" in (await member.get(page)).text


async def test_delete_an_index(tenant: Tenant) -> None:
    member = tenant.member()
    page = await make_index(member)

    answer = await member.post(f"{page}/delete", headers=HTMX)

    assert answer.headers["HX-Redirect"] == "/knowledge"
    assert (await member.get(page)).status_code == 404


async def test_more_documents_than_a_page_shows(tenant: Tenant) -> None:
    member = tenant.member()
    page = await make_index(member)
    await add(member, page, *((f"{n}.md", GUIDE) for n in range(27)))

    first = await member.get(page)
    after = re.search(r'\?after=([\w-]{36})"', first.text)
    assert after
    rest = await member.get(page, params={"after": after[1]})

    ids = [set(re.findall(r'id="document-([\w-]+)"', part.text)) for part in (first, rest)]
    assert [len(part) for part in ids] == [25, 2]
    assert not ids[0] & ids[1]


async def test_more_indexes_than_a_page_shows(tenant: Tenant) -> None:
    member = tenant.member()
    for n in range(26):
        await make_index(member, name=f"Index {n}")

    first = await member.get("/knowledge")
    after = re.search(r'/knowledge\?after=([\w-]{36})"', first.text)
    assert after
    rest = await member.get("/knowledge", params={"after": after[1]})

    pages = [set(re.findall(r'href="/knowledge/([\w-]{36})"', part.text)) for part in (first, rest)]
    assert [len(part) for part in pages] == [25, 1]
    assert not pages[0] & pages[1]


async def test_a_viewer_changes_nothing(tenant: Tenant) -> None:
    page = await make_index(tenant.member())
    viewer = tenant.member("viewer")

    assert 'data-open="add-documents"' not in (await viewer.get(page)).text
    assert (await viewer.get("/knowledge/new")).status_code == 403
    assert (await viewer.post("/knowledge", data={"name": "Mine"})).status_code == 403
    assert (await add(viewer, page, ("guide.md", GUIDE))).status_code == 403
    assert (await viewer.post(f"{page}/delete")).status_code == 403


async def test_what_is_another_tenants_does_not_exist(
    two_tenants: tuple[Tenant, Tenant],
) -> None:
    tenant, other = two_tenants
    member, page = tenant.member(), await make_index(tenant.member())
    await add(member, page, ("guide.md", GUIDE))
    document = await only_document(member, page)
    stranger, own = other.member(), await make_index(other.member())

    paths = [
        *OPERATIONS,
        *(("POST", f"/documents/{document[-36:]}{do}") for do in ("/retry", "/delete")),
    ]
    for method, path in paths:
        files = {"documents": ("guide.md", GUIDE)} if path == "/documents" else None
        for base in (page, f"/knowledge/{new_id()}"):
            answer = await stranger.request(method, base + path, files=files)
            assert answer.status_code == 404, (method, base + path)
    answer = await stranger.post(f"{own}/documents/{document[-36:]}/delete")
    assert answer.status_code == 404
    assert "guide.md" in (await member.get(page)).text


async def test_an_id_that_is_none(tenant: Tenant) -> None:
    member = tenant.member()
    for method, path in OPERATIONS:
        answer = await member.request(method, f"/knowledge/none{path}")
        assert answer.status_code == 422


async def test_a_stranger_is_led_to_the_door(dashboard: FastAPI) -> None:
    stranger = client(dashboard)
    addresses = [(method, f"/knowledge/{new_id()}{path}") for method, path in OPERATIONS]
    for method, address in [("GET", "/knowledge"), ("GET", "/knowledge/new"), *addresses]:
        answer = await stranger.request(method, address)
        assert answer.status_code == 401
        answer = await stranger.request(method, address, headers={"Accept": "text/html"})
        assert answer.headers["Location"].startswith("/sign-in")
