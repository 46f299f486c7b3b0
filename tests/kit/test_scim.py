"""What directories say is either understood or refused, whatever it is."""

from collections.abc import Callable
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scim2_models import URN, Context, Required, Resource, SearchRequest
from sqlalchemy import Boolean, Column, DateTime, MetaData, String, Table, select
from sqlalchemy.dialects import postgresql

from monster.kit import scim
from monster.kit.scim import Listed, ScimRefused
from monster.kit.scim_filters import Attributes


class Person(Resource[Any]):
    __schema__ = URN("urn:example:Person")

    user_name: Annotated[str | None, Required.true] = None
    active: bool | None = None
    emails: list[str] | None = None


PEOPLE = Table(
    "people",
    MetaData(),
    Column("id", String),
    Column("name", String),
    Column("active", Boolean),
    Column("made", DateTime(timezone=True)),
)
ATTRIBUTES = Attributes(
    {
        "id": PEOPLE.c.id,
        "username": PEOPLE.c.name,
        "active": PEOPLE.c.active,
        "meta.created": PEOPLE.c.made,
    },
    {},
)
WORDS = (
    *("userName", "active", "meta.created", "id", "eq", "ne", "co", "pr", "gt", "and", "or", "not"),
    *("(", ")", "[", "]", '"x"', '"2026-01-01"', "true", "null", "5", '"\\u0000"', "'"),
)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda part: (
        st.lists(part, max_size=3) | st.dictionaries(st.text(max_size=9), part, max_size=3)
    ),
    max_leaves=8,
)
PATHS = st.sampled_from(
    ("userName", "name.givenName", 'emails[type eq "work"].value', "x", "", "[")
)
OPERATIONS = st.fixed_dictionaries(
    {"op": st.sampled_from(("add", "Replace", "remove"))}, optional={"path": PATHS, "value": JSON}
)


def _sql(filter_: str, **more: str) -> str:
    asked = Listed.model_validate({"filter": filter_, **more})
    window = scim.window(scim.search(SearchRequest[Person], asked))
    with scim.translated():
        rows = ATTRIBUTES.narrow(select(PEOPLE.c.id), window)
        rows = ATTRIBUTES.cut(rows, window, PEOPLE.c.id)
    return str(rows.compile(dialect=postgresql.dialect()))


def _refusal(attempt: Callable[[], object]) -> tuple[int, str] | None:
    try:
        attempt()
    except ScimRefused as error:
        return error.status, error.code
    return None


def test_what_is_asked_becomes_a_bound_value() -> None:
    sql = _sql('userName co "x\'; drop" and not (active eq false)', sortBy="userName")

    assert "drop" not in sql
    assert "strpos(lower(people.name), lower(%(param_1)s" in sql
    assert "NOT coalesce(people.active = %(param_2)s, false)" in sql
    assert "ORDER BY lower(people.name), people.id" in sql


@given(st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join) | st.text(max_size=40))
def test_any_filter_is_sql_or_refused(filter_: str) -> None:
    assert _refusal(lambda: _sql(filter_)) in {None, (400, "invalidFilter")}


@given(JSON, st.dictionaries(st.text(max_size=9), JSON, max_size=3))
def test_any_body_is_read_or_refused(value: object, more: dict[str, object]) -> None:
    body, context = {**more, "userName": value}, Context.RESOURCE_CREATION_REQUEST

    refusal = _refusal(lambda: scim.read(Person, body, context, {"active": True}))

    assert refusal in {None, (400, "invalidValue"), (400, "invalidSyntax")}


@given(st.lists(OPERATIONS, max_size=3) | JSON)
def test_any_patch_is_applied_or_refused(operations: object) -> None:
    person = Person(user_name="ada")

    refusal = _refusal(lambda: scim.patch(person, {"Operations": operations}, ("emails", "name")))

    assert refusal is None or (refusal[0] == 400 and refusal[1])
    assert person.user_name
    assert person.emails is None


def test_depth_and_size_are_bounded() -> None:
    deep: list[object] = []
    for _ in range(100):
        deep = [deep]
    for body in ({"x": deep}, {"x": "y" * 2000}, {"\0": 1}):
        with pytest.raises(ScimRefused):
            scim.read(Person, body, Context.RESOURCE_CREATION_REQUEST, {})
