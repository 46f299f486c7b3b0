"""Slack, by its Web API: https://docs.slack.dev/reference/methods"""

import asyncio
import re
from collections.abc import Mapping
from typing import Annotated, ClassVar

import orjson
from pydantic import Field

from monster.engine.toolkit.effects import ConnectionRefused, Effect, ToolFailed
from monster.engine.toolkit.factory import ToolFactory
from monster.engine.toolkit.formats import mrkdwn
from monster.engine.toolkit.formats import slack as records
from monster.engine.toolkit.formats.records import Record, dig
from monster.engine.toolkit.functions import tool
from monster.engine.toolkit.http import Http, as_nobody, path

_ID = re.compile(r"[CDGUW][A-Z0-9]{6,}")
_SCOPES = """chat:write channels:read channels:history groups:read groups:history users:read
files:write reactions:write"""
_SEARCH = "User token (xoxp-) with search:read, only to search messages"
_MOST_PAGES = 5  # of 1,000 channels, while a name is looked for


def _optional(description: str) -> Record:
    return {"description": description, "type": "secret", "required": False}


class Slack(ToolFactory):
    system_name = "slack"
    name = "Slack"
    category = "Communication"
    description = "Post, reply, search, read channels, upload files, react"
    logo = "brand-slack"
    help = "The app sees the channels it is invited to: write `/invite @its-name` there."
    auth_config: ClassVar = {
        "strategy_token": {
            "1. slackbot_token": "Bot token; it begins with xoxb-",
            "2. signing_secret": _optional("Signing secret: proves that events come from Slack"),
            "3. user_token": _optional(_SEARCH),
            "help": f"""\
1. Open [your apps](https://api.slack.com/apps) and create one.
2. Under **OAuth & Permissions** add the bot scopes `{_SCOPES}` and install the app.
3. Copy the **Bot User OAuth Token** there, and the **Signing Secret** in **Basic Information**.
""",
        },
        "strategy_oauth": {"1. user_token": _optional(_SEARCH), "help": "You are sent to Slack."},
    }
    oauth = ("slack",)
    scopes = tuple(_SCOPES.split())
    base_url = "https://slack.com/api"

    def authorization(self) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self.values['slackbot_token']}"}

    async def account(self) -> str:
        found = await self._ask("auth.test")
        return f"{found['user']} at {found['url'].rstrip('/')} ({found['team']})"

    @tool(Effect.WRITE, trusted=True)
    async def post(self, channel: str, text: Annotated[str, Field(min_length=1)]) -> object:
        """Write a message in a channel. Returns its id, which replies and reactions take.

        channel: Its name or id; the id of a person is a direct message.
        text: In Markdown; `<@U0123ABCD>` names a person by id.
        """
        return await self._say(channel, text)

    @tool(Effect.WRITE, trusted=True)
    async def reply(
        self, channel: str, message: str, text: Annotated[str, Field(min_length=1)]
    ) -> object:
        """Answer in the thread of a message.

        channel: Its name or id.
        message: The id of the message that the thread begins with.
        text: In Markdown.
        """
        return await self._say(channel, text, thread_ts=message)

    @tool(Effect.READ)
    async def search(
        self,
        query: Annotated[str, Field(min_length=1)],
        limit: Annotated[int, Field(ge=1, le=100)] = 20,
        page: Annotated[int, Field(ge=1, le=100)] = 1,
    ) -> object:
        """Find messages that a person may see, the best first.

        query: Words; `in:#channel`, `from:@person`, `after:2026-01-31` narrow it.
        limit: How many.
        page: `next` of the answer before, for what follows.
        """
        asked = {"query": query, "count": limit, "page": page}
        own = self.values.get("user_token")
        headers = {"Authorization": f"Bearer {own}"} if own else None
        found = await self._call("search.messages", asked, acts=False, headers=headers)
        more = page < dig(found, "messages", "paging", "pages")
        matches = [records.match(one) for one in found["messages"]["matches"]]
        return {"messages": matches, "next": page + 1 if more else None}

    @tool(Effect.READ)
    async def list_channels(self, query: str = "", page: str = "") -> object:
        """The channels that the app can see.

        query: Part of a name; all without it.
        page: `next` of the answer before, for what follows.
        """
        found = await self._channels(200, page)
        wanted = query.strip("#").casefold()
        named = [one for one in found["channels"] if wanted in one["name"].casefold()]
        return {"channels": [records.channel(one) for one in named], "next": records.next(found)}

    @tool(Effect.READ)
    async def list_users(self, query: str = "", page: str = "") -> object:
        """The people of the workspace; without those that left, and apps.

        query: Part of a name; all without it.
        page: `next` of the answer before, for what follows.
        """
        found = await self._ask("users.list", limit=200, cursor=page)
        people = [records.person(one) for one in found["members"] if records.is_here(one)]
        wanted = query.strip("@").casefold()
        named = [p for p in people if wanted in f"{p['name']} {p['real_name']}".casefold()]
        return {"people": named, "next": records.next(found)}

    @tool(Effect.READ)
    async def read_history(
        self,
        channel: str,
        limit: Annotated[int, Field(ge=1, le=100)] = 20,
        thread: str = "",
        page: str = "",
    ) -> object:
        """What was said in a channel, the newest first, or in one thread, from its beginning.

        channel: Its name or id.
        limit: How many messages.
        thread: The id of the message that the thread begins with.
        page: `next` of the answer before, for what follows.
        """
        place = await self._channel(channel)
        method = "conversations.replies" if thread else "conversations.history"
        found = await self._ask(method, channel=place, ts=thread, limit=limit, cursor=page)
        names = await self._names({one.get("user") for one in found["messages"]} - {None})
        said = [records.message(one, names) for one in found["messages"]]
        return {"messages": said, "next": records.next(found)}

    @tool(Effect.WRITE, trusted=True)
    async def upload_file(
        self, channel: str, file: str, comment: str = "", thread: str = ""
    ) -> object:
        """Share a file of this conversation in a channel.

        channel: Its name or id.
        file: The name of the file.
        comment: What is said with it.
        thread: The id of the message whose thread it goes to.
        """
        content = await self.connection.files.read(file)
        place = await self._channel(channel)
        method = "files.getUploadURLExternal"
        ticket = await self._ask(method, filename=file, length=len(content))
        target = Http(self.connection.session, self.name, ticket["upload_url"], as_nobody)
        await target.request("POST", "", acts=False, data=content)  # shared only by what follows
        shared = {
            "files": orjson.dumps([{"id": ticket["file_id"], "title": file}]).decode(),
            "channel_id": place,
            "initial_comment": mrkdwn.from_markdown(comment),
            "thread_ts": thread,
        }
        await self._act("files.completeUploadExternal", **shared)
        return {"id": ticket["file_id"], "channel": place}

    @tool(Effect.IDEMPOTENT, trusted=True)
    async def react(self, channel: str, message: str, emoji: str) -> object:
        """Add an emoji to a message.

        channel: Its name or id.
        message: The id of the message.
        emoji: Its name, such as eyes or white_check_mark.
        """
        asked = {"channel": await self._channel(channel), "timestamp": message}
        await self._act("reactions.add", **asked, name=emoji.strip(":"), fine="already_reacted")
        return {"message": message, "emoji": emoji.strip(":")}

    async def _say(self, channel: str, text: str, **more: str) -> object:
        asked = {"channel": await self._channel(channel), "text": mrkdwn.from_markdown(text)}
        made = await self._act("chat.postMessage", **asked, **more)
        return {"message": made["ts"], "channel": made["channel"]}

    async def _channel(self, name: str) -> str:
        """Most methods take ids alone."""
        if _ID.fullmatch(name):
            return name
        page = ""
        for _ in range(_MOST_PAGES):
            found = await self._channels(1000, page)
            for one in found["channels"]:
                if one["name"] == name.strip("#"):
                    return one["id"]
            page = records.next(found)
            if not page:
                break
        raise ToolFailed(f"there is no channel {name!r} that the app can see")

    async def _channels(self, limit: int, page: str) -> Record:
        kinds = "public_channel,private_channel"
        asked: Record = {"types": kinds, "exclude_archived": "true"}
        return await self._ask("conversations.list", **asked, limit=limit, cursor=page)

    async def _names(self, ids: set[str]) -> Mapping[str, str]:
        return dict(zip(ids, await asyncio.gather(*map(self._name, ids)), strict=True))

    async def _name(self, person: str) -> str:
        try:
            return records.real_name((await self._ask("users.info", user=person))["user"])
        except ToolFailed:  # then the id must do
            return person

    async def _ask(self, method: str, **arguments: object) -> Record:
        return await self._call(method, arguments, acts=False)

    async def _act(self, method: str, *, fine: str = "", **arguments: object) -> Record:
        """`fine` is an error that means that all is as it should be."""
        return await self._call(method, arguments, acts=True, fine=fine)

    async def _call(
        self,
        method: str,
        arguments: Mapping[str, object],
        *,
        acts: bool,
        fine: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> Record:
        """Refusals come with status 200. A form is what every method understands."""
        form = {name: str(value) for name, value in arguments.items() if value != ""}
        how: Record = {"data": form, "headers": headers or {}}
        for may_renew in (self.connection.token is not None, False):
            answer = await self.http.request("POST", path(method), acts=acts, **how)
            found: Record = answer.json(acted=acts)
            if found["ok"] or found["error"] == fine:
                return found
            problem = records.refusal(found, acts=acts)
            if not (may_renew and isinstance(problem, ConnectionRefused)):
                raise problem
            await self._authorize(again=True)
        raise AssertionError
