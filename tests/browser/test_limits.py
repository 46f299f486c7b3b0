"""What a browser sends too much of, over a real connection: it still reads the answer."""

from collections.abc import AsyncIterator

import httpx
import pytest

from monster.kit.limits import MIB
from tests.browser.conftest import Platform

HTML = {"Accept": "text/html", "Content-Type": "application/x-www-form-urlencoded"}


async def _pieces() -> AsyncIterator[bytes]:
    for _ in range(30):
        yield bytes(MIB)


@pytest.mark.parametrize("announced", [True, False])
async def test_too_large_a_form_is_told_so(platform: Platform, *, announced: bool) -> None:
    content = bytes(30 * MIB) if announced else _pieces()
    async with httpx.AsyncClient(base_url=platform.url) as http:
        answer = await http.post(
            "/sign-in",
            content=content,
            headers=HTML | {"Sec-Fetch-Site": "same-origin"},
        )
    assert answer.status_code == 413
    assert "That is too large" in answer.text
