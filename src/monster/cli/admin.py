"""`monster admin`: who is a platform admin. Whoever has the machine decides that, and nobody else:
the application's role cannot, only the owner of the database."""

import asyncio
import json
import secrets
import sys
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from typing import TypeVar

import psycopg
from pydantic import TypeAdapter, ValidationError
from rich.console import Console
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from monster.cli import preparation
from monster.cli.installation import Installation
from monster.cli.preparation import NotReady
from monster.cli.settings import Platform
from monster.dashboard import database
from monster.dashboard.identity.schemas import Email
from monster.kit import audit, db, passwords, tenancy
from monster.kit.audit import PLATFORM, Action, Actor, Entry
from monster.kit.ids import new_id

Result = TypeVar("Result")

_LIST = text("""
    select email, name, is_active from "user" where is_admin order by lower(email)
""")
# All of them are locked: of two who revoke at once, the second sees what the first left.
_LOCK = text('select id, lower(email) from "user" where is_admin order by id for update')
_FIND = text('select id, is_admin from "user" where lower(email) = lower(:email)')
_SET = text('update "user" set is_admin = :admin, updated_at = now() where id = :id')
_CREATE = text("""
    insert into "user" (id, email, name, password_hash, is_active, email_verified, is_admin)
    values (:id, :email, :name, :password_hash, true, true, true)
    on conflict do nothing returning id
""")


class Refused(Exception):
    """A sentence that says why nothing was changed."""


@dataclass(frozen=True, slots=True)
class Admin:
    email: str
    name: str
    is_active: bool


@dataclass(frozen=True, slots=True)
class Done:
    """`said` is for people; `password` is there if it was made up here."""

    said: str
    admins: list[Admin] = field(default_factory=list[Admin])
    password: str | None = None


def run(settings: Platform, *, action: str, email: str, stdin: bool, as_json: bool) -> int:
    installation = Installation(settings)
    installation.check()
    given = sys.stdin.readline().rstrip("\r\n") if stdin else ""
    try:
        with preparation.reached(installation):
            done = asyncio.run(_do(installation, action, email, given, stdin=stdin))
    except (Refused, NotReady, psycopg.Error, SQLAlchemyError) as problem:
        said = preparation.reason(problem) if isinstance(problem, SQLAlchemyError) else str(problem)
        Console(stderr=True).print(said, style="red", markup=False, highlight=False)
        return 1
    _print(done, action, as_json=as_json)
    return 0


def _print(done: Done, action: str, *, as_json: bool) -> None:
    if as_json:
        rows = [asdict(admin) for admin in done.admins]
        told = {"admins": rows} if action == "list" else {"password": done.password}
        print(json.dumps(told))  # noqa: T201
        return
    console = Console(highlight=False)
    for admin in done.admins:
        state = "" if admin.is_active else " (inactive)"
        console.print(f"{admin.email}  {admin.name}{state}", markup=False)
    if done.said:
        console.print(done.said, markup=False)
    if done.password:
        console.print(f"Their password, shown this once: [bold]{done.password}[/bold]")


async def _do(
    installation: Installation, action: str, email: str, given: str, *, stdin: bool
) -> Done:
    if action == "list":
        return await _transaction(installation, _list)
    if action == "grant":
        return await _transaction(installation, lambda session: grant(session, email))
    if action == "revoke":
        return await _transaction(installation, lambda session: revoke(session, email))
    password = given if stdin else secrets.token_urlsafe(12)
    if not password:
        raise Refused("The password on standard input is empty.")
    hashed = await passwords.hash_password(password)
    done = await _transaction(installation, lambda session: create(session, email, hashed))
    return done if stdin else Done(done.said, password=password)


async def first(installation: Installation, email: str) -> None:
    """The person made at installation."""
    await _transaction(installation, lambda session: grant(session, email))


async def _transaction(
    installation: Installation, act: Callable[[AsyncSession], Awaitable[Result]]
) -> Result:
    """As the owner of the tables, in the platform's log."""
    engine = db.make_engine(installation.owner_url(database.NAME), pool_size=1)
    try:
        async with tenancy.transaction(db.make_sessions(engine), PLATFORM) as session:
            return await act(session)
    finally:
        await engine.dispose()


async def _list(session: AsyncSession) -> Done:
    admins = [Admin(*row) for row in await session.execute(_LIST)]
    return Done("" if admins else "There is no platform admin.", admins)


async def grant(session: AsyncSession, email: str) -> Done:
    row = (await session.execute(_FIND, {"email": email})).one_or_none()
    if row is None:
        raise Refused(f"Nobody has the address {email}. `monster admin create` makes an account.")
    if row.is_admin:
        return Done(f"{email} is a platform admin already.")
    await _set(session, row.id, admin=True)
    return Done(f"{email} is a platform admin now.")


async def revoke(session: AsyncSession, email: str) -> Done:
    """Acts on their next request, also on one in which they act as somebody else."""
    admins = {address: user_id for user_id, address in await session.execute(_LOCK)}
    user_id = admins.get(email.lower())
    if user_id is None:
        raise Refused(f"{email} is no platform admin.")
    if len(admins) == 1:
        raise Refused(f"{email} is the only platform admin. Grant it to somebody else first.")
    await _set(session, user_id, admin=False)
    return Done(f"{email} is no platform admin any more.")


async def create(session: AsyncSession, email: str, password_hash: str) -> Done:
    """An account of no tenant."""
    try:
        address = TypeAdapter[str](Email).validate_python(email)
    except ValidationError as error:
        raise Refused(f"{email} is no e-mail address.") from error
    row = {
        "id": new_id(),
        "email": address,
        "name": address.partition("@")[0],
        "password_hash": password_hash,
    }
    made = await session.scalar(_CREATE, row)
    if made is None:
        raise Refused(f"Somebody has the address {address}. `monster admin grant` makes them one.")
    after = {"email": address, "is_admin": True}
    await audit.record(
        session, Actor.system(PLATFORM), Entry(Action.CREATE, "user", made, after=after)
    )
    return Done(f"{address} is a platform admin now, in no workspace.")


async def _set(session: AsyncSession, user_id: uuid.UUID, *, admin: bool) -> None:
    await session.execute(_SET, {"admin": admin, "id": user_id})
    changed = Entry(
        Action.UPDATE, "user", user_id, before={"is_admin": not admin}, after={"is_admin": admin}
    )
    await audit.record(session, Actor.system(PLATFORM), changed)
