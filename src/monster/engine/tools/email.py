"""Mail by SMTP and IMAP: send, search, read."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from monster.engine.toolkit.effects import Effect, ToolFailed
from monster.engine.toolkit.factory import ToolFactory
from monster.engine.toolkit.functions import tool
from monster.engine.toolkit.mail import Account, Letter, Place, send
from monster.engine.toolkit.mailbox import Mailbox

Security = Literal["tls", "starttls", "none"]
_SECURITY = ["tls", "starttls", "none"]
_HOST = r"[A-Za-z0-9.:_-]{1,253}"
_TEXT = r"[^\r\n]{1,500}"

Addresses = Annotated[list[str], Field(min_length=1, max_length=50)]
Limit = Annotated[int, Field(ge=1, le=50)]


def _server(kind: str, port: str, security: str, n: int) -> dict[str, object]:
    return {
        f"{n}. {kind}_host": {
            "description": f"{kind.upper()} server; without one there is no such function",
            "required": False,
            "pattern": _HOST,
        },
        f"{n + 1}. {kind}_port": {"description": "Its port", "type": "number", "default": port},
        f"{n + 2}. {kind}_security": {
            "description": "none sends the password in the clear",
            "type": "choice",
            "options": _SECURITY,
            "default": security,
        },
    }


class Email(ToolFactory):
    system_name = "email"
    name = "E-mail (SMTP, IMAP)"
    category = "Communication"
    description = "Sends, searches and reads mail of any provider"
    logo = "mail"
    help = """\
Many providers want a password for programs (“app password”) instead of your own. Name the SMTP
server to send, the IMAP server to search and read, or both.
"""
    auth_config: ClassVar = {
        "strategy_password": {
            "1. username": {"description": "User name, mostly the address", "pattern": _TEXT},
            "2. password": {"description": "Password", "type": "secret", "pattern": _TEXT},
            "3. email": {
                "description": "Address that mail comes from, if it is not the user name",
                "required": False,
                "pattern": _TEXT,
            },
            **_server("smtp", "465", "tls", 4),
            **_server("imap", "993", "tls", 7),
        }
    }

    async def account(self) -> str | None:
        """Both servers let us in."""
        if not self.values.get("smtp_host") and not self.values.get("imap_host"):
            raise ToolFailed("name an SMTP server, an IMAP server, or both")
        if self.values.get("smtp_host"):
            await send(self._account, self._place("smtp"), None)
        if self.values.get("imap_host"):
            await self._box().run(lambda box: box.check())
        return self._account.address

    @tool(Effect.WRITE, trusted=True)
    async def send_mail(
        self, to: Addresses, subject: str, text: str, cc: list[str] | None = None
    ) -> object:
        """Send a mail.

        to: Addresses, such as ada@example.com.
        subject: One line.
        text: Plain text.
        cc: Addresses of those who get it, too.
        """
        letter = Letter(to, cc or [], subject, text)
        return {"message_id": await send(self._account, self._place("smtp"), letter)}

    @tool(Effect.READ)
    async def search_mail(
        self,
        folder: str = "INBOX",
        words: str = "",
        sender: str = "",
        since: Annotated[str, Field(pattern=r"^(\d{4}-\d{2}-\d{2})?$")] = "",
        unread: bool = False,
        limit: Limit = 20,
    ) -> object:
        """Find mails, the newest first. Reading them leaves them unread.

        folder: Where to look, from list_folders.
        words: What must be in it, as it is written there.
        sender: Part of the sender's name or address.
        since: A day, such as 2026-11-22.
        unread: Whether to leave out those that are read.
        limit: How many.
        """
        wanted = (words, sender, since, unread)
        return await self._box().run(lambda box: box.search(folder, wanted, limit))

    @tool(Effect.READ)
    async def read_mail(self, uid: Annotated[int, Field(ge=1)], folder: str = "INBOX") -> object:
        """Read a mail that was found.

        uid: Its number, from search_mail.
        folder: Where it was found.
        """
        return await self._box().run(lambda box: box.read(folder, uid))

    @tool(Effect.READ)
    async def list_folders(self) -> object:
        """The folders of the mailbox."""
        return await self._box().run(lambda box: box.folders())

    @property
    def _account(self) -> Account:
        values = self.values
        address = values.get("email") or values["username"]
        return Account(values["username"], values["password"], address)

    def _place(self, kind: str) -> Place:
        host = self.values.get(f"{kind}_host")
        if not host:
            raise ToolFailed(f"this connection names no {kind.upper()} server")
        port = int(float(self.values[f"{kind}_port"]))
        return Place(self.connection.guard, host, port, self.values[f"{kind}_security"])

    def _box(self) -> Mailbox:
        return Mailbox(self._account, self._place("imap"))
