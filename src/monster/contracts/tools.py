"""What both services call the kinds of tools, and what becomes of their calls."""

from typing import Literal, TypeAlias

# Whether a person is asked before a call that acts; one that only reads never asks. `untrusted`:
# once something that an outsider wrote is in the conversation.
Approval: TypeAlias = Literal["never", "always", "untrusted"]

# Where the content of a result comes from; `operator`: this platform itself.
Origin: TypeAlias = Literal["operator", "user", "tool", "document", "web", "agent"]

Effect: TypeAlias = Literal["read", "idempotent", "write"]

# What a call that has not ended waits for; `unknown`: nobody can say whether it acted.
WaitsFor: TypeAlias = Literal["approval", "connection", "unknown"]

# `confirm` is for calls of which it was unknown whether they acted: they did.
Decision: TypeAlias = Literal["approve", "deny", "confirm"]
