"""A custom tool at work: a `live.Live` of its definition, a credential and its secrets."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import aiohttp
import jmespath
import orjson
from jmespath.exceptions import JMESPathError

from monster.contracts.custom_tools import CustomFunction
from monster.contracts.tools import PinnedFunction
from monster.engine.custom_tools import definition as definitions
from monster.engine.custom_tools import templates
from monster.engine.custom_tools.definition import Definition
from monster.engine.custom_tools.requests import Request, build
from monster.engine.custom_tools.schemas import check_arguments
from monster.engine.toolkit import headers as headers_of
from monster.engine.toolkit.effects import ConnectionRefused, ToolFailed
from monster.engine.toolkit.factory import Connection
from monster.engine.toolkit.http import Answer, Http, words_of
from monster.engine.toolkit.live import Live, Made
from monster.kit import logs
from monster.kit.addresses import why_blocked

_LONGEST = 100_000  # characters of a result
_FIRST_PAUSE = 0.25  # seconds; twice as long each time
_PASSING = frozenset({429, 500, 502, 503, 504})


class _Passing(ToolFailed):
    """Asking again may help."""


@dataclass(frozen=True, slots=True)
class CustomTools:
    """A `live.Kind`."""

    def open(self, made: Made, connection: Connection) -> Live:
        return CustomTool(made, connection)


class CustomTool:
    def __init__(self, made: Made, connection: Connection) -> None:
        self._made = made
        self._connection = connection
        self._definition = Definition.model_validate(dict(made.config))
        # A connection cannot take the place of the tool's own secrets.
        self._values = {**connection.values, **made.environments}
        base_url = connection.values.get("base_url") or self._definition.base_url
        self._http = Http(connection.session, made.name, base_url, self._authorize)
        self._token: str | None = None

    async def account(self) -> str | None:
        wanted = self._definition
        if not wanted.account:
            return None
        found = await self.call(wanted.account, {})
        if wanted.account_result:
            found = _pick(wanted.account_result, found)
        return None if found is None else str(found)[:200]

    async def call(self, function: str, arguments: Mapping[str, Any]) -> object:
        found = self._definition.function(function)
        if found is None:
            raise ToolFailed(f"{self._made.name} has no function {function!r}")
        self._check_approved(found)
        check_arguments(definitions.schema_of(found), arguments)
        request = build(found, arguments, self._filled(self._definition.query))
        return _result(await self._repeat(found, request), found.result)

    def _check_approved(self, function: CustomFunction) -> None:
        """What changed since an agent was published is not what somebody agreed to."""
        pinned: Mapping[str, PinnedFunction] = {one.name: one for one in self._made.pinned}
        if not pinned:
            return
        now, then = definitions.out(function), pinned.get(function.name)
        same = then and (then.description, then.parameters, then.effect) == (
            now.description,
            now.parameters,
            now.effect,
        )
        if not same:
            raise ToolFailed(
                f"{function.name} is not the tool that was approved: it has changed since this "
                "agent was published. Somebody must look at it and publish the agent again"
            )

    async def _repeat(self, function: CustomFunction, request: Request) -> Answer:
        """Again only what may be repeated, and only if that may help."""
        left = 0 if definitions.effect_of(function) == "write" else function.retries
        pause = _FIRST_PAUSE
        while True:
            try:
                return await self._send(function, request)
            except ToolFailed as error:
                if left == 0 or not _may_pass(error):
                    raise
            left -= 1
            await asyncio.sleep(pause)
            pause *= 2

    async def _send(self, function: CustomFunction, request: Request) -> Answer:
        headers = dict(request.headers)
        effect = definitions.effect_of(function)
        if effect == "idempotent":
            headers.setdefault("Idempotency-Key", str(self._connection.key))
        acts = effect == "write"
        http = self._http if acts else replace(self._http, explain=self._explain)
        return await http.request(
            function.method,
            request.path,
            acts=acts,
            exact=True,
            headers=headers,
            data=request.body,
            timeout=aiohttp.ClientTimeout(total=function.timeout_seconds, sock_connect=10),
        )

    def _explain(self, answer: Answer) -> ToolFailed | None:
        if answer.status not in _PASSING:
            return None
        return _Passing(f"{self._made.name} failed ({answer.status}): {words_of(answer)}")

    async def _authorize(self, again: bool) -> Mapping[str, str]:  # noqa: FBT001 (an Authorize)
        found = self._filled(self._definition.headers)
        if basic := self._definition.basic:
            pair = [templates.fill(one, self._values) for one in basic]
            if pair[0] is not None and pair[1] is not None:
                found["Authorization"] = headers_of.basic(pair[0], pair[1])
        if source := self._connection.token:
            self._token = await source.token(refused=self._token if again else None)
            found["Authorization"] = f"Bearer {self._token}"
        for name, value in found.items():
            if not headers_of.is_value(value):
                raise ConnectionRefused(f"what the connection has for {name} cannot be sent")
        return found

    def _filled(self, texts: Mapping[str, str]) -> dict[str, str]:
        """Those whose values are set: another strategy may have others."""
        filled = {name: templates.fill(text, self._values) for name, text in texts.items()}
        return {name: text for name, text in filled.items() if text is not None}


def _may_pass(error: ToolFailed) -> bool:
    cause = error.__cause__
    lost = isinstance(cause, aiohttp.ClientError | TimeoutError)
    return isinstance(error, _Passing) or (lost and not why_blocked(cause))


def _result(answer: Answer, expression: str) -> object:
    """Without secrets, however the other side repeats them."""
    text = logs.mask(answer.text)
    try:
        found: object = orjson.loads(text) if text else {"status": answer.status}
    except orjson.JSONDecodeError:
        return text[:_LONGEST]
    if expression:
        found = _pick(expression, found)
    said = orjson.dumps(found)
    return found if len(said) <= _LONGEST else said.decode()[:_LONGEST]


def _pick(expression: str, found: object) -> object:
    try:
        return jmespath.search(expression, found)
    except JMESPathError as error:
        raise ToolFailed(f"the answer is not what `result` expects: {error}") from error
