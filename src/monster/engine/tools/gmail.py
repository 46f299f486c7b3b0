"""Gmail, by its API of version 1.

https://developers.google.com/workspace/gmail/api/reference/rest
"""

import asyncio
from collections.abc import Iterable
from typing import Annotated, ClassVar

from pydantic import Field

from monster.engine.toolkit.effects import Effect, ToolFailed
from monster.engine.toolkit.factory import ToolFactory
from monster.engine.toolkit.formats import google, mail
from monster.engine.toolkit.formats.records import Record, cut, dig, several
from monster.engine.toolkit.functions import tool
from monster.engine.toolkit.http import Answer, path

_LONGEST = 40_000  # characters of a letter
_MOST_ATTACHED = 18 << 20  # bytes; Gmail takes 25 MB, which base64 makes of them
_SHOWN = ("From", "To", "Cc", "Subject", "Date")
_SYSTEM = {"INBOX", "UNREAD", "STARRED", "IMPORTANT", "SPAM", "TRASH"}

Names = Annotated[tuple[str, ...], Field(max_length=20)]


class Gmail(ToolFactory):
    system_name = "gmail"
    name = "Gmail"
    category = "Communication"
    description = "Search, read, draft, send and label mail; attachments"
    logo = "brand-gmail"
    auth_config: ClassVar = google.AUTH
    oauth = ("google",)
    scopes = ("https://www.googleapis.com/auth/gmail.modify",)
    base_url = "https://gmail.googleapis.com"

    def explain(self, answer: Answer) -> ToolFailed | None:
        return google.explain(answer, self.scopes)

    async def account(self) -> str:
        found = await self.http.get(_api("profile"))
        return f"{found['emailAddress']} at Gmail"

    @tool(Effect.READ)
    async def search(
        self,
        query: str = "",
        limit: Annotated[int, Field(ge=1, le=50)] = 10,
        page: str = "",
    ) -> object:
        """Find mail, the newest first.

        query: As in Gmail: words, `from:grace@acme.example`, `is:unread`, `after:2026/01/31`,
            `has:attachment`; all mail without it.
        limit: How many.
        page: `next` of the answer before, for what follows.
        """
        asked = {"q": query, "maxResults": limit, "pageToken": page}
        known = {name: value for name, value in asked.items() if value}
        found = await self.http.get(_api("messages"), params=known)
        ids = [one["id"] for one in several(found, "messages")]
        letters = await asyncio.gather(*(self._headers(one) for one in ids))
        return {"messages": [_summary(one) for one in letters], "next": found.get("nextPageToken")}

    @tool(Effect.READ)
    async def read(self, message: str) -> object:
        """One message: who, when, its text, and which attachments it has.

        message: Its id, from `search`.
        """
        letter = await self.http.get(_api("messages", message), params={"format": "full"})
        attached = [
            {"name": part["filename"], "type": part["mimeType"], "size": dig(part, "body", "size")}
            for part in mail.attachments(letter)
        ]
        text = cut(mail.text(letter), _LONGEST, what="message")
        return _summary(letter) | {"text": text, "attachments": attached}

    @tool(Effect.READ)
    async def save_attachment(self, message: str, name: str) -> object:
        """Save an attachment as a file of this conversation.

        message: The id of the message.
        name: The name of the attachment, as `read` shows it.
        """
        letter = await self.http.get(_api("messages", message), params={"format": "full"})
        found = [part for part in mail.attachments(letter) if part["filename"] == name]
        if not found:
            raise ToolFailed(f"the message has no attachment {name!r}")
        body = found[0]["body"]
        if "data" not in body:
            place = _api("messages", message, "attachments", body["attachmentId"])
            body = await self.http.get(place)
        content = mail.decode(body["data"])
        saved = await self.connection.files.write(name, content, found[0]["mimeType"])
        return {"saved_as": saved.name, "size": saved.size}

    @tool(Effect.WRITE, trusted=True)
    async def draft(
        self,
        to: str,
        text: str,
        subject: str = "",
        cc: str = "",
        reply_to: str = "",
        attachments: Names = (),
    ) -> object:
        """Write a draft, which a person can look at and send.

        to: Addresses with commas between them.
        text: Plain text.
        subject: One line; that of the answered message without it.
        cc: Addresses with commas between them.
        reply_to: The id of the message that this one answers.
        attachments: Names of files of this conversation.
        """
        headers = {"To": to, "Cc": cc, "Subject": subject}
        letter = await self._letter(headers, text, attachments, reply_to)
        made = await self.http.post(_api("drafts"), json={"message": letter})
        return {"draft": made["id"]}

    @tool(Effect.WRITE, trusted=True)
    async def send(
        self,
        to: str,
        text: str,
        subject: str = "",
        cc: str = "",
        reply_to: str = "",
        attachments: Names = (),
    ) -> object:
        """Send a message at once.

        to: Addresses with commas between them.
        text: Plain text.
        subject: One line; that of the answered message without it.
        cc: Addresses with commas between them.
        reply_to: The id of the message that this one answers.
        attachments: Names of files of this conversation.
        """
        headers = {"To": to, "Cc": cc, "Subject": subject}
        letter = await self._letter(headers, text, attachments, reply_to)
        made = await self.http.post(_api("messages", "send"), json=letter)
        return {"message": made["id"]}

    @tool(Effect.READ)
    async def list_labels(self) -> object:
        """The labels that people made, and those that always are."""
        found = await self.http.get(_api("labels"))
        names = {one["name"] for one in several(found, "labels") if one.get("type") == "user"}
        return sorted(names | _SYSTEM)

    @tool(Effect.IDEMPOTENT, trusted=True)
    async def label(self, message: str, add: Names = (), remove: Names = ()) -> object:
        """Add and remove labels. Without INBOX it is archived, without UNREAD it is read.

        message: The id of the message.
        add: Names of labels.
        remove: Names of labels.
        """
        known = await self.http.get(_api("labels"))
        ids = {one["name"].casefold(): one["id"] for one in several(known, "labels")}
        change = {"addLabelIds": _ids(ids, add), "removeLabelIds": _ids(ids, remove)}
        await self.http.post(_api("messages", message, "modify"), json=change)
        return {"message": message, "added": add, "removed": remove}

    async def _headers(self, message: str) -> Record:
        names = (*_SHOWN, "Message-ID", "References")
        asked = [("format", "metadata"), *(("metadataHeaders", name) for name in names)]
        return await self.http.get(_api("messages", message), params=asked)

    async def _letter(
        self, headers: dict[str, str], text: str, attachments: Names, reply_to: str
    ) -> Record:
        for name in ("To", "Cc"):
            mail.addresses(headers[name])
        if not headers["To"].strip():
            raise ToolFailed("say whom it is to")
        thread: Record = {}
        if reply_to:
            answered = await self._headers(reply_to)
            thread = {"threadId": answered["threadId"]}
            headers |= _answering(answered, headers["Subject"])
        files = [(name, await self.connection.files.read(name)) for name in attachments]
        if sum(len(content) for _, content in files) > _MOST_ATTACHED:
            raise ToolFailed(f"the attachments are larger than {_MOST_ATTACHED >> 20} MB")
        return {"raw": mail.encode(mail.write(headers, text, files)), **thread}


def _api(*segments: str) -> str:
    return path("gmail", "v1", "users", "me", *segments)


def _summary(letter: Record) -> Record:
    return {
        "id": letter["id"],
        "thread": letter["threadId"],
        **{name.lower(): mail.header(letter, name) for name in _SHOWN},
        "labels": letter.get("labelIds", []),
        "snippet": letter.get("snippet"),
    }


def _answering(letter: Record, subject: str) -> dict[str, str]:
    before, own = mail.header(letter, "Subject"), mail.header(letter, "Message-ID")
    again = before if before.lower().startswith("re:") else f"Re: {before}"
    references = f"{mail.header(letter, 'References')} {own}".strip()
    return {"Subject": subject or again, "In-Reply-To": own, "References": references}


def _ids(ids: Record, names: Iterable[str]) -> list[str]:
    unknown = [name for name in names if name not in _SYSTEM and name.casefold() not in ids]
    if unknown:
        raise ToolFailed(f"there is no label {unknown[0]!r}; `list_labels` tells which there are")
    return [name if name in _SYSTEM else ids[name.casefold()] for name in names]
