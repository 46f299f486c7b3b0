"""SCIM's filters and orders (RFC 7644, section 3.4.2) as SQL over the columns that are named.

What is asked for becomes bound values and columns of a table given here, never text of a statement.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeAlias

from scim2_models import InvalidFilterException, InvalidPathException
from scim2_models.path import (
    AttrPath,
    CompareOperator,
    Comparison,
    FilterNode,
    FilterVisitor,
    LogicalExpr,
    LogicalOperator,
    Not,
    Present,
    ValuePath,
)
from sqlalchemy import (
    Boolean,
    ColumnElement,
    DateTime,
    Select,
    String,
    and_,
    false,
    func,
    literal,
    not_,
    or_,
)

Column: TypeAlias = ColumnElement[Any]
Condition: TypeAlias = ColumnElement[bool]
Rows: TypeAlias = Select[*tuple[Any, ...]]

# Attributes that have many values: whether one of them is this one, or whether there is any.
Has: TypeAlias = Callable[[str | None], Condition]


class Window(NamedTuple):
    """Which of all there are, in which order."""

    filter: FilterNode | None
    sort_by: AttrPath | None
    descending: bool
    offset: int
    limit: int


@dataclass(frozen=True, slots=True)
class Attributes:
    """By their names in lower case, with that of the attribute they are part of: `meta.created`."""

    columns: Mapping[str, Column]
    several: Mapping[str, Has]
    exact: frozenset[str] = frozenset({"id", "externalid"})

    def narrow(self, rows: Rows, window: Window) -> Rows:
        """Raises InvalidFilterException."""
        if window.filter is None:
            return rows
        return rows.where(_Sql(self).visit(window.filter))

    def cut(self, rows: Rows, window: Window, key: Column) -> Rows:
        """`key` decides among equals, so that no page repeats another. Raises
        InvalidPathException."""
        if window.sort_by:
            name = _name(window.sort_by)
            column = self.columns.get(name)
            if column is None:
                raise InvalidPathException(detail=f"there is no order by {window.sort_by}")
            by = self._comparable(name, column)
            rows = rows.order_by(by.desc() if window.descending else by)
        return rows.order_by(key).offset(window.offset).limit(window.limit)

    def _comparable(self, name: str, column: Column) -> Column:
        textual = isinstance(column.type, String) and name not in self.exact
        return func.lower(column) if textual else column

    def compare(self, name: str, op: CompareOperator, value: object) -> Condition:
        column = self.columns.get(name)
        if column is None:
            raise _refused(f"there is no filter by {name!r}")
        if value is None:
            return _nothing(column, op)
        bound = literal(_read(column, op, value))
        if isinstance(column.type, String) and name not in self.exact:
            column, bound = func.lower(column), func.lower(bound)
        return _compared(column, op, bound)


def _nothing(column: Column, op: CompareOperator) -> Condition:
    if op not in {CompareOperator.eq, CompareOperator.ne}:
        raise _refused("null is equal to something or not, nothing else")
    return column.is_(None) if op is CompareOperator.eq else column.is_not(None)


def _compared(column: Column, op: CompareOperator, bound: Column) -> Condition:
    match op:
        case CompareOperator.eq:
            return column == bound
        case CompareOperator.ne:
            return column.is_distinct_from(bound)
        case CompareOperator.co:
            return func.strpos(column, bound) > 0
        case CompareOperator.sw:
            return func.starts_with(column, bound)
        case CompareOperator.ew:
            return func.right(column, func.length(bound)) == bound
        case _:
            return _ordered(column, op, bound)


def _ordered(column: Column, op: CompareOperator, bound: Column) -> Condition:
    by_name = {
        CompareOperator.gt: column > bound,
        CompareOperator.ge: column >= bound,
        CompareOperator.lt: column < bound,
        CompareOperator.le: column <= bound,
    }
    return by_name[op]


def _read(column: Column, op: CompareOperator, value: object) -> object:
    """As the column has it."""
    if isinstance(column.type, Boolean):
        if not isinstance(value, bool) or op not in {CompareOperator.eq, CompareOperator.ne}:
            raise _refused("this is true or false, nothing else")
        return value
    if not isinstance(value, str):
        raise _refused("this is compared with text")
    if isinstance(column.type, DateTime):
        return _moment(value, op)
    return text(value)


def text(value: str) -> str:
    """PostgreSQL has neither NUL nor a lone surrogate."""
    if "\0" in value or any("\ud800" <= sign <= "\udfff" for sign in value):
        raise _refused("there are signs in it that cannot be searched for")
    return value


def _moment(value: str, op: CompareOperator) -> datetime:
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        raise _refused("this is compared with a time such as 2026-05-13T04:42:34Z") from None
    if op in {CompareOperator.co, CompareOperator.sw, CompareOperator.ew}:
        raise _refused("a time has no parts to look for")
    return at if at.tzinfo else at.replace(tzinfo=UTC)


class _Sql(FilterVisitor[Condition]):
    """`within`: the attribute whose values are looked at, in `groups[value eq "…"]`."""

    def __init__(self, attributes: Attributes, within: str = "") -> None:
        self._attributes = attributes
        self._within = within

    def visit_comparison(self, node: Comparison) -> Condition:
        name = self._within + _name(node.attr_path)
        has = self._attributes.several.get(name)
        if has is None:
            return self._attributes.compare(name, node.op, node.value)
        if node.op is not CompareOperator.eq or not isinstance(node.value, str):
            raise _refused(f"of {name} it can be asked whether one equals an id")
        return has(text(node.value))

    def visit_present(self, node: Present) -> Condition:
        name = self._within + _name(node.attr_path)
        if name in self._attributes.several:
            return self._attributes.several[name](None)
        column = self._attributes.columns.get(name)
        if column is None:
            raise _refused(f"there is no filter by {name!r}")
        there = column.is_not(None)
        return and_(there, column != "") if isinstance(column.type, String) else there

    def visit_not(self, node: Not) -> Condition:
        return not_(func.coalesce(self.visit(node.expr), false()))  # unknown is no, too

    def visit_logical_expr(self, node: LogicalExpr) -> Condition:
        terms = [self.visit(term) for term in node.terms]
        return and_(*terms) if node.op is LogicalOperator.and_ else or_(*terms)

    def visit_value_path(self, node: ValuePath) -> Condition:
        if self._within:
            raise _refused("one selection stands in another")
        return _Sql(self._attributes, f"{_name(node.attr_path)}.").visit(node.val_filter)


def _name(path: AttrPath) -> str:
    return f"{path.attr}.{path.sub_attr}".lower() if path.sub_attr else path.attr.lower()


def _refused(why: str) -> InvalidFilterException:
    return InvalidFilterException(detail=why)
