"""What the home page says: how far the first steps are, and what was talked about last."""

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from typing import get_args

from pydantic import TypeAdapter

from monster.contracts.credentials import CredentialOut, ModelSystem
from monster.contracts.knowledge import IndexOut
from monster.contracts.runs import ConversationOut
from monster.dashboard.engine_client import Caller, EngineUnavailable, HttpEngine
from monster.dashboard.home.schemas import Elsewhere, Step, Talk

_MODELS = get_args(ModelSystem)
_CONVERSATIONS = TypeAdapter(list[ConversationOut])
_CREDENTIALS = TypeAdapter(list[CredentialOut])
_INDEXES = TypeAdapter(list[IndexOut])


async def look_elsewhere(engine: HttpEngine, caller: Caller) -> Elsewhere | None:
    """None if the engine does not answer: the rest of the page is useful without."""
    try:
        conversations, credentials, indexes = await asyncio.gather(
            engine.call(caller, "GET", "/v1/conversations", params={"limit": 5}),
            engine.call(caller, "GET", "/v1/credentials", params={"limit": 200}),
            engine.call(caller, "GET", "/v1/indexes"),
        )
    except EngineUnavailable:
        return None
    connections = _CREDENTIALS.validate_python(credentials)
    return Elsewhere(
        conversations=_CONVERSATIONS.validate_python(conversations),
        troubled=[one for one in connections if one.status != "active"],
        has_model=any(one.system_name in _MODELS for one in connections),
        has_knowledge=any(index.ready for index in _INDEXES.validate_python(indexes)),
    )


def first_steps(found: Elsewhere, *, has_agent: bool, has_company: bool | None) -> Sequence[Step]:
    """`has_company` is None for who may invite nobody: that step is not theirs."""
    steps = _until_an_answer(found, has_agent=has_agent)
    if has_company is None:
        return steps
    invite = Step(
        "Invite people",
        "Colleagues who talk to it, or build with you.",
        "Invite",
        "/settings/members",
        has_company,
    )
    return (*steps, invite)


def _until_an_answer(found: Elsewhere, *, has_agent: bool) -> Sequence[Step]:
    return (
        Step(
            "Connect a model",
            "A provider's key, or any server that speaks the OpenAI format.",
            "Connect",
            "/connections/systems?category=Models",
            found.has_model,
        ),
        Step(
            "Create an agent",
            "One job, said in plain words.",
            "New agent",
            "/agents/new",
            has_agent,
        ),
        Step(
            "Add knowledge",
            "Documents that it quotes, so that answers can be checked.",
            "Add documents",
            "/knowledge",
            found.has_knowledge,
        ),
        Step(
            "Talk to it",
            "Ask something that you know the answer to.",
            "Chat",
            "/chat",
            bool(found.conversations),
        ),
    )


def talks(found: Elsewhere, names: Mapping[uuid.UUID, str]) -> Sequence[Talk]:
    return [
        Talk(
            id=conversation.id,
            title=conversation.title or "New conversation",
            agent=names.get(conversation.agent_id, ""),
            running=conversation.active_run is not None,
            updated_at=conversation.updated_at,
        )
        for conversation in found.conversations
    ]
