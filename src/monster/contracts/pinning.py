"""What a function was when somebody looked at it, so that a change behind their back is seen."""

import hashlib
import json
from typing import Any

from monster.contracts.tools import FunctionOut, PinnedFunction


def digest(name: str, description: str, parameters: dict[str, Any]) -> str:
    """SHA-256 of the three as canonical JSON: 64 hexadecimal digits.

    Neither the order of members counts, nor whether a whole number is written as 1 or as 1.0.
    """
    text = json.dumps([name, description, _whole(parameters)], sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def pin(function: FunctionOut) -> PinnedFunction:
    """As it is now, for the version of an agent that is being published."""
    return PinnedFunction(
        name=function.name,
        description=function.description,
        parameters=function.parameters,
        effect=function.effect,
        hash=digest(function.name, function.description, function.parameters),
    )


def _whole(value: Any) -> Any:  # noqa: ANN401
    """The database writes 1e2 as 100, and would make another hash of the same."""
    if isinstance(value, dict):
        return {name: _whole(part) for name, part in value.items()}  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, list):
        return [_whole(part) for part in value]  # pyright: ignore[reportUnknownVariableType]
    return int(value) if isinstance(value, float) and value.is_integer() else value
