"""What directories say is either understood or refused, whatever it is."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scim2_models import Context, SearchRequest, User
from sqlalchemy import Boolean, Column, DateTime, MetaData, String, Table, select
from sqlalchemy.dialects import postgresql

from monster.kit import scim
from monster.kit.scim import Listed, ScimRefused
from monster.kit.scim_filters import Attributes

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
WORDS = ("userName", "active", "meta.created", "id", "eq", "ne", "co", "pr", "gt", "and", "or")
WORDS += ("not", "(", ")", "[", "]", '"x"', '"2026-01-01"', "true", "null", "5", '"\\u0000"', "'")
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


def _sql(filter_: str, **more: Any) -> str:
    asked = Listed.model_validate({"filter": filter_, **more})
    window = scim.window(scim.search(SearchRequest[User], asked))
    with scim.translated():
        rows = ATTRIBUTES.narrow(select(PEOPLE.c.id), window)
        rows = ATTRIBUTES.cut(rows, window, PEOPLE.c.id)
    return str(rows.compile(dialect=postgresql.dialect()))


def test_what_is_asked_becomes_a_bound_value() -> None:
    sql = _sql('userName co "x\'; drop" and not (active eq false)', sortBy="userName")

    assert "drop" not in sql
    assert "strpos(lower(people.name), lower(%(param_1)s)) > " in sql
    assert "NOT coalesce(people.active = %(param_2)s, false)" in sql
    assert "ORDER BY lower(people.name), people.id" in sql


@given(st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join) | st.text(max_size=40))
def test_any_filter_is_sql_or_refused(filter_: str) -> None:
    try:
        assert "SELECT people.id" in _sql(filter_)
    except ScimRefused as error:
        assert (error.status, error.code) == (400, "invalidFilter")


@given(JSON, st.dictionaries(st.text(max_size=9), JSON, max_size=3))
def test_any_body_is_read_or_refused(value: Any, more: dict[str, Any]) -> None:
    body = {**more, "userName": value}
    try:
        user = scim.read(User, body, Context.RESOURCE_CREATION_REQUEST, {"active": True})
        assert isinstance(user.user_name, str)
    except ScimRefused as error:
        assert (error.status, error.code) in {(400, "invalidValue"), (400, "invalidSyntax")}


@given(st.lists(OPERATIONS, max_size=3) | JSON)
def test_any_patch_is_applied_or_refused(operations: Any) -> None:
    user = User(user_name="ada")
    try:
        scim.patch(user, {"Operations": operations}, ("emails", "name"))
        assert user.user_name
    except ScimRefused as error:
        assert error.status == 400
        assert error.code
    assert user.emails is None


def test_depth_and_size_are_bounded() -> None:
    deep: list[Any] = []
    for _ in range(100):
        deep = [deep]
    for body in ({"x": deep}, {"x": "y" * 2000}, {"\0": 1}):
        with pytest.raises(ScimRefused):
            scim.read(User, body, Context.RESOURCE_CREATION_REQUEST, {})
