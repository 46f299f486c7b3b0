"""What the screens of one agent send, and what they show."""

import uuid
from collections.abc import Mapping
from difflib import SequenceMatcher
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, StringConstraints

from monster.contracts.agents import QUOTING, AgentSpec, Sharing
from monster.contracts.tools import AttachedTool
from monster.dashboard.web.filters import model_name
from monster.kit.schemas import Input, Line, Name, Prose

Tab: TypeAlias = Literal[
    "instructions", "model", "knowledge", "versions"
]  # tools have their own pages

# Browsers end lines with CRLF; a prompt that was only opened and saved has not changed.
_Typed: TypeAlias = Annotated[Prose, AfterValidator(lambda text: text.replace("\r\n", "\n"))]


class Instructions(Input):
    name: Name
    description: Line = ""
    instruction: _Typed = ""
    scope: Sharing


class ModelChoice(Input):
    """`source`: the id of a connection, `builtin`, or `kept` for a model that came by the API."""

    source: Literal["builtin", "kept"] | uuid.UUID
    model_name: Annotated[
        str, StringConstraints(strip_whitespace=True, max_length=150, pattern=r"^[^\x00]*$")
    ] = ""


class IndexChoice(Input):
    index_id: uuid.UUID


def differences(
    before: AgentSpec | None, after: AgentSpec, names: Mapping[uuid.UUID, str]
) -> list[tuple[str, str]]:
    """Rows of (sign, text); none if publishing would change nothing."""
    old = _lines(before, names) if before else []
    new = _lines(after, names)
    rows = list[tuple[str, str]]()
    for group in SequenceMatcher(a=old, b=new, autojunk=False).get_grouped_opcodes(2):
        for kind, old_from, old_to, new_from, new_to in group:
            if kind == "equal":
                rows += [(" ", line) for line in old[old_from:old_to]]
                continue
            rows += [("-", line) for line in old[old_from:old_to]]
            rows += [("+", line) for line in new[new_from:new_to]]
    return rows


def _lines(spec: AgentSpec, names: Mapping[uuid.UUID, str]) -> list[str]:
    connection = spec.credential_id
    return [
        f"Name: {spec.name}",
        f"What it is for: {spec.description}",
        f"Shared: {'with everyone' if spec.scope == 'shared' else 'no'}",
        f"Model: {model_name(spec.model) if spec.model == QUOTING else spec.model}",
        *([f"Connection: {names.get(connection, connection)}"] if connection else []),
        *(f"Knowledge: {names.get(index, index)}" for index in spec.knowledge.indexes),
        *(_tool(tool, names) for tool in spec.tools),
        "Instructions:",
        *spec.instruction.splitlines(),
    ]


def _tool(tool: AttachedTool, names: Mapping[uuid.UUID, str]) -> str:
    """The functions in order: which of them was chosen first says nothing."""
    connection = tool.credential_id
    parts = [
        ", ".join(sorted(tool.functions)) or "everything",
        f"approval: {tool.approval}",
        *([f"connection: {names.get(connection, connection)}"] if connection else []),
        *(f"{name}: {value}" for name, value in sorted(tool.config.items())),
    ]
    return f"Tool {tool.name}: {'; '.join(parts)}"
