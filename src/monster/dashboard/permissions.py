"""Roles, and what each may do: the one table that code, screens and documentation read."""

from collections.abc import Mapping
from enum import IntEnum, StrEnum
from typing import NamedTuple


class Role(IntEnum):
    """Each role may do what the ones before it may."""

    VIEWER = 1
    EDITOR = 2
    ADMIN = 3
    OWNER = 4
    SYSTEM = 5  # the platform itself; nobody has it


class Can(StrEnum):
    """What somebody does in a workspace."""

    USE = "use"
    BUILD = "build"
    KNOWLEDGE = "knowledge"
    CONNECT = "connect"
    CONTACTS = "contacts"
    CONTACTS_ERASE = "contacts_erase"
    OTHERS = "others"
    MEMBERS = "members"
    SETTINGS = "settings"
    API_KEYS = "api_keys"
    SSO = "sso"
    AUDIT = "audit"
    TRANSFER = "transfer"
    DELETE = "delete"


class Rule(NamedTuple):
    least: Role
    says: str


TABLE: Mapping[Can, Rule] = {
    Can.USE: Rule(Role.VIEWER, "Talk to shared agents, see shared knowledge and who else is here"),
    Can.BUILD: Rule(Role.EDITOR, "Create, change, publish and delete agents and folders"),
    Can.KNOWLEDGE: Rule(Role.EDITOR, "Create and delete knowledge, upload documents"),
    Can.CONNECT: Rule(Role.EDITOR, "Connect models and other systems"),
    Can.CONTACTS: Rule(
        Role.EDITOR,
        "See, create and change contacts, decide about calls on their behalf and for programs",
    ),
    Can.CONTACTS_ERASE: Rule(Role.ADMIN, "Export and erase everything about a contact"),
    Can.OTHERS: Rule(Role.ADMIN, "Decide whether what others own is private or shared"),
    Can.MEMBERS: Rule(Role.ADMIN, "Invite and remove people, change roles up to their own"),
    Can.SETTINGS: Rule(Role.ADMIN, "Change the name and settings of the workspace"),
    Can.API_KEYS: Rule(Role.ADMIN, "Create and revoke API keys"),
    Can.SSO: Rule(Role.ADMIN, "Set up single sign-on and directory sync (SCIM)"),
    Can.AUDIT: Rule(Role.ADMIN, "Read and export the audit log"),
    Can.TRANSFER: Rule(Role.OWNER, "Make another member the owner"),
    Can.DELETE: Rule(Role.OWNER, "Delete the workspace with everything in it"),
}
