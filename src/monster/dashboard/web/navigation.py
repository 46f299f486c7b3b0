"""Where one can go from everywhere: the sidebar and the command palette."""

from typing import NamedTuple

from monster.dashboard.permissions import Can


class Entry(NamedTuple):
    label: str
    href: str
    icon: str
    hint: str = ""
    key: str = ""
    needs: Can | None = None


class Group(NamedTuple):
    title: str
    entries: tuple[Entry, ...]


_HOME = Entry("Home", "/", "home", key="home")
_CHAT = Entry("Chat", "/chat", "message-2", key="chat")
_AGENTS = Entry("Agents", "/agents", "robot", key="agents")
_KNOWLEDGE = Entry("Knowledge", "/knowledge", "books", key="knowledge")
_CONNECTIONS = Entry("Connections", "/connections", "plug-connected", key="connections")
_CONTACTS = Entry("Contacts", "/contacts", "users", key="contacts", needs=Can.CONTACTS)
_AUDIT = Entry("Audit log", "/audit", "history", key="audit", needs=Can.AUDIT)
_SETTINGS = Entry("Settings", "/settings", "settings", key="settings")

GROUPS = (
    Group("", (_HOME, _CHAT)),
    Group("Build", (_AGENTS, _KNOWLEDGE, _CONNECTIONS)),
    Group("Run", (_CONTACTS, _AUDIT, _SETTINGS)),
)

# For platform admins, wherever they are.
ADMIN = Entry("Platform", "/admin", "server", key="admin")

# The pages of the settings, in the order of their menu.
SETTINGS = (
    Group(
        "You",
        (
            Entry("Profile", "/settings/profile", "user", key="profile"),
            Entry("Sign-in and security", "/settings/security", "shield-lock", key="security"),
            Entry("Sessions", "/settings/sessions", "devices", key="sessions"),
        ),
    ),
    Group(
        "Workspace",
        (
            Entry("General", "/settings/workspace", "building", key="workspace"),
            Entry("Members", "/settings/members", "users", key="members"),
            Entry("Roles", "/settings/roles", "user-shield", key="roles"),
            Entry("Single sign-on", "/settings/sso", "login-2", key="sso", needs=Can.SSO),
            Entry("Directory sync", "/settings/scim", "refresh", key="scim", needs=Can.SSO),
            Entry("API keys", "/settings/api-keys", "key", key="api-keys", needs=Can.API_KEYS),
        ),
    ),
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
    Group("Go", (_HOME, _CHAT, _AGENTS, _KNOWLEDGE, _CONNECTIONS, _CONTACTS, _AUDIT, _SETTINGS)),
    Group("Settings", tuple(entry for group in SETTINGS for entry in group.entries)),
)
