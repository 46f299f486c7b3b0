"""The client that a system is called with: authenticated, guarded, and clear about what went wrong.

What is certain not to have acted is a ToolFailed. An answer that never came to something that acts
is Unclear: then a person must look.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from urllib.parse import quote

import aiohttp
import orjson
from yarl import URL

from monster.engine.toolkit.effects import ConnectionRefused, ToolFailed, Unclear
from monster.kit import outbound
from monster.kit.addresses import TooLarge, why_blocked

# Headers of every request. True: those given before were refused, so get new ones.
Authorize: TypeAlias = Callable[[bool], Awaitable[Mapping[str, str]]]
# What a system's own way of refusing means, None if it is nothing special. It did not act.
Explain: TypeAlias = Callable[["Answer"], ToolFailed | None]

LARGEST = 16 << 20  # bytes of an answer
_TIMEOUT = aiohttp.ClientTimeout(total=30, sock_connect=10)
_LONGEST_WAIT = 5.0  # seconds that are waited when a system says "too many"
_LONGEST_WORDS = 500
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def path(*segments: object) -> str:
    """Each is one segment, whatever characters it has: no value can leave its place.

    Raises ToolFailed for what would not be a segment at all.
    """
    texts = [str(segment) for segment in segments]
    for text in texts:
        if text in ("", ".", ".."):
            raise ToolFailed(f"{text!r} cannot be the name or id of anything")
    return "".join("/" + quote(text, safe="") for text in texts)


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def header(self, name: str) -> str:
        """However it is capitalised; empty if there is none."""
        return next((v for k, v in self.headers.items() if k.lower() == name.lower()), "")

    @property
    def text(self) -> str:
        return self.body.decode(errors="replace")

    def json(self, *, acted: bool = False) -> Any:  # noqa: ANN401
        """None if there is no body. Raises ToolFailed; Unclear if what was asked for `acted`."""
        if not self.body:
            return None
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            said = f"the answer is no JSON: {self.text[:_LONGEST_WORDS]}"
            raise Unclear(said) if acted else ToolFailed(said) from error


async def as_nobody(_: bool) -> Mapping[str, str]:  # noqa: FBT001 (an Authorize)
    """For addresses that are a permission by themselves, such as those of uploads."""
    return {}


def unexplained(_: Answer) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Http:
    """`name` is the system's, for people. Paths begin with a slash and follow `base_url`."""

    session: aiohttp.ClientSession
    name: str
    base_url: str
    authorize: Authorize = field(repr=False)
    explain: Explain = unexplained

    async def get(self, path: str, **request: Any) -> Any:  # noqa: ANN401
        """The parsed JSON. `request` is as aiohttp takes it: params, json, data, headers."""
        return (await self.request("GET", path, **request)).json()

    async def post(self, path: str, **request: Any) -> Any:  # noqa: ANN401
        return (await self.request("POST", path, **request)).json(acted=True)

    async def query(self, path: str, **request: Any) -> Any:  # noqa: ANN401
        """A POST that only reads, as many search interfaces want it."""
        return (await self.request("POST", path, acts=False, **request)).json()

    async def put(self, path: str, **request: Any) -> Any:  # noqa: ANN401
        return (await self.request("PUT", path, **request)).json(acted=True)

    async def patch(self, path: str, **request: Any) -> Any:  # noqa: ANN401
        return (await self.request("PATCH", path, **request)).json(acted=True)

    async def delete(self, path: str, **request: Any) -> Any:  # noqa: ANN401
        return (await self.request("DELETE", path, **request)).json(acted=True)

    async def request(
        self,
        method: str,
        path: str,
        *,
        acts: bool | None = None,
        fine: tuple[int, ...] = (),
        **request: Any,  # noqa: ANN401
    ) -> Answer:
        """Follows no redirect; `exact`: the path is sent as it stands.

        `fine` are statuses that the caller understands, such as 409 of what is there already.
        Raises ToolFailed, ConnectionRefused and, if it `acts`, Unclear. Refused once, it is asked
        again with new headers; "too many" is waited for if that is short.
        """
        acts = method not in _SAFE if acts is None else acts
        own = await self.authorize(False)  # noqa: FBT003 (an Authorize)
        answer = await self._send(method, path, request, own, acts=acts)
        if answer.status == 401:
            # The same once more could lock an account there.
            if (new := await self.authorize(True)) != own:  # noqa: FBT003
                answer = await self._send(method, path, request, new, acts=acts)
        elif answer.status == 429 and (pause := _pause(answer)) <= _LONGEST_WAIT:
            await asyncio.sleep(pause)
            answer = await self._send(method, path, request, own, acts=acts)
        if answer.status >= 300 and answer.status not in fine:
            self._refuse(answer, acts=acts)
        return answer

    async def _send(
        self,
        method: str,
        path: str,
        request: dict[str, Any],
        own: Mapping[str, str],
        *,
        acts: bool,
    ) -> Answer:
        headers = {**own, **request.get("headers", {})}
        fixed = {"headers": headers, "allow_redirects": False}
        asked: dict[str, Any] = {"timeout": _TIMEOUT, **request, **fixed}
        url = URL(self.base_url + path, encoded=asked.pop("exact", False))
        try:
            async with self.session.request(method, url, **asked) as response:
                body = await outbound.read(response, LARGEST)
                return Answer(response.status, dict(response.headers), body)
        except (aiohttp.ClientError, TimeoutError, TooLarge) as error:
            raise self._broken(error, acts=acts) from error

    def _broken(self, error: Exception, *, acts: bool) -> Exception:
        if blocked := why_blocked(error):
            return ToolFailed(f"{self.name} cannot be reached: {blocked}")
        never_sent = isinstance(error, aiohttp.ClientConnectorError | aiohttp.InvalidURL)
        if isinstance(error, TooLarge) and not acts:
            return ToolFailed(f"{self.name}: {error}")
        said = f"{self.name} cannot be reached: {error or 'it is silent'}"
        if acts and not never_sent:
            return Unclear(f"{said}; it may have acted")
        return ToolFailed(f"{said}. Try again later")

    def _refuse(self, answer: Answer, *, acts: bool) -> None:
        words = words_of(answer)
        if told := self.explain(answer):
            raise told
        if answer.status == 401:
            raise ConnectionRefused(f"{self.name} does not accept the connection: {words}")
        if answer.status == 429:
            raise ToolFailed(
                f"{self.name} is asked too often; wait {_pause(answer):.0f} s: {words}"
            )
        if answer.status >= 500 and acts:
            raise Unclear(f"{self.name} failed ({answer.status}) and may have acted: {words}")
        raise ToolFailed(f"{self.name} refused it ({answer.status}): {words}")


def _pause(answer: Answer) -> float:
    """Seconds that a system asks to wait; a minute if it does not say."""
    said = answer.header("Retry-After")
    return float(said) if said.isdecimal() else 60.0


def words_of(answer: Answer) -> str:
    """What a system says about what went wrong, wherever it puts it; cut short."""
    try:
        found: object = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        found = answer.text
    for name in ("error", "errors", "errorMessages", "message", "error_description", "detail"):
        if isinstance(found, dict) and found.get(name):  # pyright: ignore[reportUnknownMemberType]
            found = found[name]  # pyright: ignore[reportUnknownVariableType]
    text = found if isinstance(found, str) else orjson.dumps(found).decode()
    return " ".join(text.split())[:_LONGEST_WORDS]
