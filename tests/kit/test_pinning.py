"""A pinned function tells a change from another way to write the same."""

from typing import Any

import pytest

from monster.contracts.pinning import digest, pin
from monster.contracts.tools import FunctionOut

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"n": {"type": "number", "maximum": 1e2, "enum": [1, 2.5, True]}},
}


def test_the_same_function_has_the_same_hash_however_it_is_written() -> None:
    other = {
        "properties": {"n": {"enum": [1.0, 2.5, True], "maximum": 100, "type": "number"}},
        "type": "object",
    }
    assert digest("add", "Adds.", SCHEMA) == digest("add", "Adds.", other)


@pytest.mark.parametrize(
    "changed",
    [
        ("sub", "Adds.", SCHEMA),
        ("add", "Adds. ", SCHEMA),
        ("add", "Adds.", SCHEMA | {"required": ["n"]}),
        ("add", "Adds.", {"type": "object", "properties": {"n": {"type": "string"}}}),
        ("add", "Adds.", SCHEMA | {"default": 1}),
        ("add", '","Adds.', SCHEMA),
    ],
)
def test_any_change_makes_another_hash(changed: tuple[str, str, dict[str, Any]]) -> None:
    assert digest(*changed) != digest("add", "Adds.", SCHEMA)


def test_true_is_not_one() -> None:
    assert digest("a", "", {"default": True}) != digest("a", "", {"default": 1})


def test_a_function_is_pinned_as_it_is() -> None:
    function = FunctionOut(name="add", description="Adds.", parameters=SCHEMA, effect="read")
    pinned = pin(function)
    assert pinned.model_dump(exclude={"hash"}) == function.model_dump()
    assert pinned.hash == digest("add", "Adds.", SCHEMA)
