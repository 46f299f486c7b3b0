"""What tests of accounts start from."""

import bcrypt
import pytest
from fastapi import FastAPI

from monster.kit import passwords
from monster.kit.db import SessionMaker
from monster.kit.embedded import Embedded
from tests.people import Person, Post, settle


@pytest.fixture
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """bcrypt at its least cost."""
    salt = bcrypt.gensalt
    monkeypatch.setattr(bcrypt, "gensalt", lambda _: salt(4))
    monkeypatch.setattr(passwords, "NOBODYS", bcrypt.hashpw(b"", salt(4)).decode())


@pytest.fixture
async def ada(sessions: SessionMaker) -> Person:
    return await settle(sessions, Person())


@pytest.fixture
def post(postgres: Embedded, sessions: SessionMaker, engine: FastAPI) -> Post:
    return Post(postgres, sessions, engine)
