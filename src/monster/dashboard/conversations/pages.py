"""Chat: choose an agent, talk, read again, open what an answer cites."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import HTMLResponse
from markupsafe import Markup

from monster.dashboard.conversations import service
from monster.dashboard.conversations.schemas import Before
from monster.dashboard.engine_client import HttpEngine
from monster.dashboard.files import service as files
from monster.dashboard.identity.scope import CurrentEngine, CurrentScope, Scope
from monster.dashboard.transcript import turns
from monster.dashboard.transcript.blocks import whole
from monster.dashboard.web import pages
from monster.dashboard.web.pages import Crumb

router = APIRouter(tags=["pages"], default_response_class=HTMLResponse)

_CHAT = Crumb("Chat", "/chat")


async def _chat(
    request: Request, scope: Scope, engine: HttpEngine, title: str, **talk: object
) -> Response:
    return pages.page(
        request,
        scope.shell,
        "chat",
        section="chat",
        crumbs=[_CHAT, Crumb(title)],
        title=title,
        gone=service.GONE,
        upload_limit=request.app.state.upload_limit,
        threads=await service.threads(engine, request.app.state.sessions, scope),
        **talk,  # pyright: ignore[reportArgumentType]
    )


@router.get("/chat")
async def choose_agent(request: Request, scope: CurrentScope, engine: CurrentEngine) -> Response:
    sessions = request.app.state.sessions
    return pages.page(
        request,
        scope.shell,
        "chats",
        section="chat",
        crumbs=[Crumb("Chat")],
        agents=await service.published(sessions, scope),
        conversation=None,
        threads=await service.threads(engine, sessions, scope),
    )


@router.get("/chat/threads")
async def list_threads(
    request: Request, scope: CurrentScope, engine: CurrentEngine, current: uuid.UUID
) -> Response:
    """What changes around a conversation when it begins: the list, and its own head."""
    sessions = request.app.state.sessions
    begun = await service.conversation(engine, scope.caller, current)
    return pages.fragment(
        request,
        scope.shell,
        "thread_begun",
        threads=await service.threads(engine, sessions, scope),
        conversation=begun,
        title=begun.title,
        gone=service.GONE,
        files=len(await files.listed(engine, scope.caller, current)),
        agent=await service.agent_if_any(sessions, scope, begun.agent_id),
    )


@router.get("/chat/{agent_id}")
async def new_chat(
    request: Request, scope: CurrentScope, engine: CurrentEngine, agent_id: uuid.UUID
) -> Response:
    agent, live = await service.agent_and_spec(request.app.state.sessions, scope, agent_id)
    nothing = {
        "files": 0,
        "conversation": None,
        "turns": (),
        "active": None,
        "older": None,
        "latest": True,
    }
    return await _chat(request, scope, engine, agent.name, agent=agent, live=live, **nothing)


@router.get("/conversations/{conversation_id}")
async def read_conversation(
    request: Request,
    scope: CurrentScope,
    engine: CurrentEngine,
    conversation_id: uuid.UUID,
    seq: Annotated[int | None, Query(ge=1, lt=2**31)] = None,
    run: uuid.UUID | None = None,
) -> Response:
    """`seq` and `run`, together: the page of what was said before."""
    before = Before(seq, run) if seq and run else None
    found = await service.page(engine, scope.caller, conversation_id, before)
    talk = found.conversation
    held = await files.listed(engine, scope.caller, conversation_id)
    agent = await service.agent_if_any(request.app.state.sessions, scope, talk.agent_id)
    name = agent.name if agent else service.GONE
    return await _chat(
        request,
        scope,
        engine,
        talk.title,
        agent=agent,
        conversation=talk,
        turns=turns.stored(
            found.runs, found.messages, name, scope.shell.user_initials, scope.shell.csrf, held
        ),
        active=found.active,
        older=found.older,
        files=len(held),
        latest=before is None,
    )


@router.post("/conversations/{conversation_id}/rename")
async def rename_conversation(
    request: Request,
    scope: CurrentScope,
    engine: CurrentEngine,
    conversation_id: uuid.UUID,
    title: Annotated[str, Form()] = "",
) -> Response:
    await service.rename(engine, scope.caller, conversation_id, title)
    return pages.go(request, f"/conversations/{conversation_id}", "The chat has a new name.")


@router.post("/conversations/{conversation_id}/delete")
async def delete_conversation(
    request: Request, scope: CurrentScope, engine: CurrentEngine, conversation_id: uuid.UUID
) -> Response:
    await service.delete(engine, scope.caller, conversation_id)
    return pages.go(request, "/chat", "The chat is deleted.")


@router.get("/passages/{chunk_id}")
async def read_passage(
    request: Request, scope: CurrentScope, engine: CurrentEngine, chunk_id: uuid.UUID
) -> Response:
    found = await service.passage(engine, scope.caller, chunk_id)
    return pages.page(
        request,
        scope.shell,
        "passage",
        section="knowledge",
        crumbs=[
            Crumb("Knowledge", "/knowledge"),
            Crumb(found.index_name, f"/knowledge/{found.index_id}"),
            Crumb(found.title),
        ],
        passage=found,
        before=_prose(found.before),
        text=_prose(found.text),
        after=_prose(found.after),
    )


def _prose(text: str) -> Markup:
    return Markup(whole(text, {}, set()))  # noqa: S704 (cleaned by the allow-list of `markdown`)
