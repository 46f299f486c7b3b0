"""What the chat page talks to: questions, streams of events, stop."""

import uuid
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Annotated, TypeVar

from fastapi import APIRouter, Depends, File, Form, Header, Request, Response, UploadFile
from fastapi.responses import JSONResponse, StreamingResponse

from monster.contracts.files import FileName
from monster.dashboard.approvals import service as approvals
from monster.dashboard.approvals.schemas import AnswerForm
from monster.dashboard.conversations import service, streams
from monster.dashboard.conversations.errors import AgentNotPublished
from monster.dashboard.conversations.schemas import Asked, Question, Reader
from monster.dashboard.engine_client import Event, HttpEngine
from monster.dashboard.files import service as attachments
from monster.dashboard.files.schemas import Place
from monster.dashboard.identity.scope import CurrentEngine, CurrentScope, Scope
from monster.dashboard.web import pages
from monster.kit.limits import takes_files

router = APIRouter(prefix="/chat", tags=["chat"])

_EVENTS = "text/event-stream"

T = TypeVar("T")


def _asked(
    message: Annotated[str, Form()] = "",
    conversation_id: Annotated[uuid.UUID | None, Form()] = None,
    attached: Annotated[list[FileName] | None, Form()] = None,
    files: Annotated[list[UploadFile] | None, File()] = None,
) -> Asked:
    chosen = [file for file in files or () if file.filename]
    return Asked(message, conversation_id, attached or [], chosen)


@router.post("/{agent_id}/runs")
@takes_files
async def ask(
    request: Request,
    scope: CurrentScope,
    engine: CurrentEngine,
    agent_id: uuid.UUID,
    asked: Annotated[Asked, Depends(_asked)],
) -> Response:
    """A stream for scripts; without them, the conversation when it is answered."""
    agent = await service.agent(request.app.state.sessions, scope, agent_id)
    if agent.published_version is None:
        raise AgentNotPublished(f"publish {agent.name} first: only then can it answer")
    question = await _question(request, scope, engine, agent_id, asked)
    events = streams.ask(engine, scope.caller, question)
    if _EVENTS not in request.headers.get("Accept", ""):
        return pages.go(request, f"/conversations/{await _answered(events)}")
    reader = Reader(scope.shell.user_initials, scope.shell.csrf)
    started = await _started(events)
    return _stream(streams.shown(engine, scope.caller, started, agent.name, reader))


async def _question(
    request: Request, scope: Scope, engine: HttpEngine, agent_id: uuid.UUID, asked: Asked
) -> Question:
    """Files that a browser without scripts sends along go before the message."""
    names = [*asked.attached, *(file.filename or "" for file in asked.files)]
    message = service.read_message(asked.message, names)
    attachments.check(asked.files, request.app.state.upload_limit)
    talk = asked.conversation_id
    for file in asked.files:
        place = Place(agent_id, talk, asked.message or names[0])
        talk = (await attachments.bring(engine, scope.caller, place, file)).conversation_id
    return Question(agent_id, message, talk)


@router.get("/runs/{run_id}/events")
async def follow(
    request: Request,
    scope: CurrentScope,
    engine: CurrentEngine,
    run_id: uuid.UUID,
    last_event_id: Annotated[str, Header(pattern=r"^\d{1,9}(\.\d{1,9})?$")] = "0",
) -> Response:
    run = await service.run(engine, scope.caller, run_id)
    talk = await service.conversation(engine, scope.caller, run.conversation_id)
    agent = await service.agent_if_any(request.app.state.sessions, scope, talk.agent_id)
    events = await _started(streams.follow(engine, scope.caller, run_id))
    reader = Reader(scope.shell.user_initials, scope.shell.csrf, last_event_id)
    name = agent.name if agent else service.GONE
    return _stream(streams.shown(engine, scope.caller, events, name, reader))


@router.post("/runs/{run_id}/answers")
async def answer(
    request: Request,
    scope: CurrentScope,
    engine: CurrentEngine,
    run_id: uuid.UUID,
    data: Annotated[AnswerForm, Form()],
) -> Response:
    """What the run waits for. To scripts: whether it goes on, else the turn as it stands."""
    answered = await approvals.answer(engine, scope.caller, run_id, data)
    if not _is_script(request):
        return pages.go(request, f"/conversations/{answered.conversation_id}")
    if answered.status == "running":
        return JSONResponse({"html": ""})
    talk = await service.conversation(engine, scope.caller, answered.conversation_id)
    agent = await service.agent_if_any(request.app.state.sessions, scope, talk.agent_id)
    reader = Reader(scope.shell.user_initials, scope.shell.csrf)
    name = agent.name if agent else service.GONE
    turn = await streams.turn(engine, scope.caller, run_id, name, reader)
    return JSONResponse({"html": pages.render("pages/_answer.html", turn=turn)})


@router.post("/runs/{run_id}/cancel", status_code=202)
async def cancel(
    request: Request, scope: CurrentScope, engine: CurrentEngine, run_id: uuid.UUID
) -> Response:
    await service.cancel(engine, scope.caller, run_id)
    if _is_script(request):
        return Response(status_code=202)
    run = await service.run(engine, scope.caller, run_id)
    return pages.go(request, f"/conversations/{run.conversation_id}")


def _is_script(request: Request) -> bool:
    """A form that is sent without one asks for a page."""
    return "text/html" not in request.headers.get("Accept", "")


async def _started(events: AsyncGenerator[T]) -> AsyncIterator[T]:
    """What is wrong is raised here, while there is still a status to say it with."""
    first = await anext(events)

    async def all_of_them() -> AsyncGenerator[T]:
        yield first
        async for event in events:
            yield event

    return all_of_them()


async def _answered(events: AsyncIterator[Event | None]) -> str:
    """The conversation, when the run has ended."""
    conversation = ""
    async for event in events:
        if event and "conversation_id" in event.data:
            conversation = event.data["conversation_id"]
    return conversation


def _stream(events: AsyncGenerator[bytes]) -> StreamingResponse:
    headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    return StreamingResponse(events, media_type=_EVENTS, headers=headers)
