"""Reading an audit log: what may be asked of it, and how it is paged."""

import uuid
from collections.abc import Sequence
from typing import Annotated, TypeAlias, TypeVar

from pydantic import Field
from sqlalchemy import ColumnElement, Select, Text, cast, or_, select

from monster.kit import ids
from monster.kit.audit import AuditRow
from monster.kit.schemas import Input, Moment, Prose

Words: TypeAlias = Annotated[Prose, Field(max_length=200)]

Log = TypeVar("Log", bound=AuditRow)


class Filter(Input):
    """All of it must be so. `user_id` did it, or acted as somebody else; `q` is anywhere in it."""

    action: Words = ""
    resource_type: Words = ""
    resource_id: Words = ""
    user_id: uuid.UUID | None = None
    since: Moment | None = None
    until: Moment | None = None
    q: Words = ""


class Page(Filter):
    """Newest first. `after` is the last id of the page before: older ones follow. `before` is the
    first id of a page: newer ones, next to it."""

    after: uuid.UUID | None = None
    before: uuid.UUID | None = None
    limit: int = Field(default=50, ge=1, le=200)


def rows(log: type[Log], tenant_id: uuid.UUID, page: Page) -> Select[Log]:
    """In the order of reading: newest first, unless it goes back to newer ones."""
    found = select(log).where(log.tenant_id == tenant_id, *_exact(log, page), *_within(log, page))
    if page.q:
        found = found.where(_anywhere(log, page.q))
    order = log.id.asc() if goes_back(page) else log.id.desc()
    return found.order_by(order).limit(page.limit)


def goes_back(page: Page) -> bool:
    return page.before is not None and page.after is None


def newest_first(page: Page, rows: Sequence[Log]) -> Sequence[Log]:
    return rows[::-1] if goes_back(page) else rows


def _exact(log: type[Log], page: Page) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = []
    if page.action:
        wanted.append(log.action == page.action)
    if page.resource_type:
        wanted.append(log.resource_type == page.resource_type)
    if page.resource_id:
        wanted.append(log.resource_id == page.resource_id)
    if page.user_id:
        wanted.append(or_(log.user_id == page.user_id, log.impersonator_id == page.user_id))
    return wanted


def _within(log: type[Log], page: Page) -> list[ColumnElement[bool]]:
    """Times are ids, too: these have an index."""
    wanted: list[ColumnElement[bool]] = []
    if page.after:
        wanted.append(log.id < page.after)
    if page.before:
        wanted.append(log.id > page.before)
    if page.since:
        wanted.append(log.id >= ids.first_id(page.since))
    if page.until:
        wanted.append(log.id < ids.first_id(page.until))
    return wanted


def _anywhere(log: type[Log], words: str) -> ColumnElement[bool]:
    """Reads the tenant's rows one after the other, newest first, until a page is full."""
    places = (log.resource_id, log.ip_address, cast(log.details, Text))
    return or_(*(place.icontains(words, autoescape=True) for place in places))
