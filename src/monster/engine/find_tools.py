"""What an agent may call: tools that the engine has itself, and those that are attached to it."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from monster.contracts.tools import AttachedTool, PinnedFunction
from monster.engine.access.scope import Scope
from monster.engine.credentials.connections import Connections, Use
from monster.engine.files.service import ConversationFiles
from monster.engine.models.protocol import ToolSchema
from monster.engine.runs.calling import LONGEST, preview
from monster.engine.runs.tools import CallContext, Tool, Toolbox, ToolOutput, offered
from monster.engine.tool_factories.errors import ToolFactoryNotFound
from monster.engine.toolkit.effects import (
    ConnectionMissing,
    ConnectionRefused,
    Effect,
    ToolFailed,
)
from monster.engine.toolkit.factory import ToolFactory
from monster.kit import logs
from monster.kit.db import SessionMaker

_LONGEST_NAME = 64  # that every provider takes
_PATIENCE = 120.0  # seconds, for what tenants made: it may set a shorter time itself


@dataclass(frozen=True, slots=True)
class FindTools:
    """A `runs.tools.FindTools`. `inside` are the engine's own; an agent without attached tools
    costs nothing more. Nothing is looked up before a call: what a model is shown is code, or
    pinned by the agent's version."""

    inside: Toolbox
    sessions: SessionMaker
    connections: Connections

    async def __call__(self, _: Scope, spec: Mapping[str, Any]) -> Toolbox:
        own = offered(self.inside, spec)
        attached = spec.get("tools")
        if not attached:
            return own
        tools = [tool for one in attached for tool in self._of(AttachedTool.model_validate(one))]
        return {**{tool.schema.name: tool for tool in tools}, **own}

    def _of(self, attached: AttachedTool) -> list[Tool]:
        system = self.connections.store.catalogue.by_id(attached.tool_factory_id)
        if system:
            return self._of_system(attached, system)
        return [self._pinned(attached, one) for one in attached.pinned]

    def _of_system(self, attached: AttachedTool, system: type[ToolFactory]) -> list[Tool]:
        functions = system.functions()
        names = attached.functions or tuple(functions)
        return [
            Tool(
                ToolSchema(
                    _named(attached, name), _told(attached, found.description), found.parameters
                ),
                found.mark.effect,
                self._call(attached, name),
                found.mark.seconds,
                attached.approval,
                trusted=found.mark.trusted,
                origin=system.origin,
            )
            for name in names
            if (found := functions.get(name))  # a release may take one away
        ]

    def _pinned(self, attached: AttachedTool, pinned: PinnedFunction) -> Tool:
        return Tool(
            ToolSchema(
                _named(attached, pinned.name),
                _told(attached, pinned.description),
                pinned.parameters,
            ),
            Effect(pinned.effect),
            self._call(attached, pinned.name),
            _PATIENCE,
            attached.approval,
        )

    def _call(self, attached: AttachedTool, function: str) -> Callable[..., Any]:
        async def call(arguments: dict[str, Any], context: CallContext) -> ToolOutput:
            return ToolOutput(_text(await self._use(attached, function, arguments, context)))

        return call

    async def _use(
        self,
        attached: AttachedTool,
        function: str,
        arguments: Mapping[str, Any],
        context: CallContext,
    ) -> object:
        scope, factory_id = context.scope, attached.tool_factory_id
        use = Use(self._files(context), context.key, attached.config, attached.pinned)
        try:
            found = await self.connections.find(scope, factory_id, attached.credential_id, use)
        except ToolFactoryNotFound as error:
            raise ToolFailed("this tool was removed by the people who look after it") from error
        try:
            return await found.live.call(function, arguments)
        except ConnectionRefused as error:
            if found.credential_id is None:
                raise
            await self.connections.refused(scope, found.credential_id, str(error))
            raise ConnectionMissing(self._name(attached), factory_id) from error

    def _files(self, context: CallContext) -> ConversationFiles:
        return ConversationFiles(
            self.sessions, context.scope, context.conversation_id, context.run_id
        )

    def _name(self, attached: AttachedTool) -> str:
        system = self.connections.store.catalogue.by_id(attached.tool_factory_id)
        return system.name if system else attached.name

    async def shorten(self, context: CallContext, content: str) -> str:
        """A result that is too long for a model: all of it is a file, and this is its beginning."""
        name, masked = f"result-{context.key.hex[-12:]}.txt", logs.mask(content)
        try:
            stored = await self._files(context).write(name, masked.encode(), "text/plain")
        except ToolFailed:  # there are too many files already
            return await preview(context, content)
        more = f"{len(content) - LONGEST:,} more characters are in the file {stored.name!r}"
        return f"{content[:LONGEST]}\n\n[{more} of this conversation.]"


def _told(attached: AttachedTool, description: str) -> str:
    """With what whoever built the agent says about this tool of it."""
    return "\n\n".join(filter(None, [description, attached.description]))


def _named(attached: AttachedTool, function: str) -> str:
    """As a model is shown it: letters, digits, _ and -, and not too many."""
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "_-") else "_" for c in function)
    name = f"{attached.name}_{plain}"
    if len(name) > _LONGEST_NAME or plain != function:
        mark = uuid.uuid5(attached.tool_factory_id, function).hex[:6]
        name = f"{name[: _LONGEST_NAME - 7]}_{mark}"
    return name


def _text(result: object) -> str:
    return result if isinstance(result, str) else orjson.dumps(result, default=str).decode()
