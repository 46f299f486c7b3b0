"""Where one can go from everywhere: the sidebar and the command palette."""

from typing import NamedTuple


class Entry(NamedTuple):
    label: str
    href: str
    icon: str
    hint: str = ""
    key: str = ""


class Group(NamedTuple):
    title: str
    entries: tuple[Entry, ...]


_HOME = Entry("Home", "/", "home", key="home")
_CHAT = Entry("Chat", "/chat", "message-2", key="chat")
_AGENTS = Entry("Agents", "/agents", "robot", key="agents")
_KNOWLEDGE = Entry("Knowledge", "/knowledge", "books", key="knowledge")
_CONNECTIONS = Entry("Connections", "/connections", "plug-connected", key="connections")

GROUPS = (
    Group("", (_HOME, _CHAT)),
    Group("Build", (_AGENTS, _KNOWLEDGE, _CONNECTIONS)),
)

PALETTE = (
    Group(
        "Do",
        (
            Entry("New agent", "/agents/new", "plus"),
            Entry("New chat", "/chat", "message-2"),
            Entry("Add documents", "/knowledge", "upload"),
            Entry("Connect a model", "/connections", "cpu"),
        ),
    ),
    Group("Go", (_HOME, _CHAT, _AGENTS, _KNOWLEDGE, _CONNECTIONS)),
)
