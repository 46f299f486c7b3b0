from collections.abc import Iterator

import pytest

from tests.systems.emulated import Emulators, emulators


@pytest.fixture(scope="session")
def emulated() -> Iterator[Emulators]:
    """One process for all; each test starts an emulator of its own in it."""
    with emulators() as started:
        yield started
