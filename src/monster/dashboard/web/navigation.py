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
    of_platform: bool = False  # only for platform admins


_HOME = Entry("Home", "/", "home", key="home", needs=Can.USE)
_CHAT = Entry("Chat", "/chat", "message-2", key="chat", needs=Can.USE)
_APPROVALS = Entry("Approvals", "/approvals", "hand-stop", key="approvals", needs=Can.USE)
_AGENTS = Entry("Agents", "/agents", "robot", key="agents", needs=Can.USE)
_KNOWLEDGE = Entry("Knowledge", "/knowledge", "books", key="knowledge", needs=Can.USE)
_CONNECTIONS = Entry(
    "Connections", "/connections", "plug-connected", key="connections", needs=Can.USE
)
_CONTACTS = Entry("Contacts", "/contacts", "users", key="contacts", needs=Can.CONTACTS)
_AUDIT = Entry("Audit log", "/audit", "history", key="audit", needs=Can.AUDIT)
_SETTINGS = Entry("Settings", "/settings", "settings", key="settings")

_PLATFORM = Entry("Platform", "/admin", "server", key="admin")

GROUPS = (
    Group("", (_HOME, _CHAT, _APPROVALS)),
    Group("Build", (_AGENTS, _KNOWLEDGE, _CONNECTIONS)),
    Group("Run", (_CONTACTS, _AUDIT)),
    Group("", (_SETTINGS,)),
    Group("", (_PLATFORM,), of_platform=True),
)

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
            Entry("General", "/settings/workspace", "building", key="workspace", needs=Can.USE),
            Entry("Members", "/settings/members", "users", key="members", needs=Can.USE),
            Entry("Roles", "/settings/roles", "user-shield", key="roles", needs=Can.USE),
            Entry("Single sign-on", "/settings/sso", "login-2", key="sso", needs=Can.SSO),
            Entry("Directory sync", "/settings/scim", "refresh", key="scim", needs=Can.SSO),
            Entry("API keys", "/settings/api-keys", "key", key="api-keys", needs=Can.API_KEYS),
        ),
    ),
    Group(
        "Tools",
        (
            Entry(
                "Custom tools", "/settings/custom-tools", "tools", "", "custom-tools", Can.CONNECT
            ),
            Entry("MCP servers", "/settings/mcp", "server-2", key="mcp", needs=Can.CONNECT),
            Entry(
                "OAuth providers",
                "/settings/oauth-providers",
                "shield-lock",
                key="oauth-providers",
                needs=Can.CONNECT,
            ),
        ),
    ),
)

PALETTE = (
    Group(
        "Do",
        (
            Entry("New chat", "/chat", "message-2", needs=Can.USE),
            Entry("New agent", "/agents/new", "plus", needs=Can.BUILD),
            Entry("Add documents", "/knowledge", "upload", needs=Can.KNOWLEDGE),
            Entry("Connect a system", "/connections/systems", "plug-connected", needs=Can.CONNECT),
            Entry("Invite people", "/settings/members", "mail-forward", needs=Can.MEMBERS),
            Entry("New API key", "/settings/api-keys/new", "key", needs=Can.API_KEYS),
            Entry("Choose a workspace", "/workspaces", "building"),
        ),
    ),
    Group(
        "Go",
        (
            _HOME,
            _CHAT,
            _APPROVALS,
            _AGENTS,
            _KNOWLEDGE,
            _CONNECTIONS,
            _CONTACTS,
            _AUDIT,
            _SETTINGS,
        ),
    ),
    Group("Settings", tuple(entry for group in SETTINGS for entry in group.entries)),
    Group(
        "Platform",
        (
            Entry("Workspaces", "/admin", "building"),
            Entry("Users", "/admin/users", "users"),
            Entry("System", "/admin/system", "server"),
        ),
        of_platform=True,
    ),
)
