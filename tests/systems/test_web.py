"""Weather, web search, feeds and pages."""

import pytest

from monster.engine.toolkit.effects import ConnectionRefused, ToolFailed
from monster.engine.tools.open_meteo import OpenMeteo
from monster.engine.tools.rss import Rss
from monster.engine.tools.web_page import WebPage
from monster.engine.tools.web_search import Brave, SearXNG, Tavily
from tests.files import pdf
from tests.systems.connect import connected, do
from tests.systems.web_servers import ATOM, BOMB, KEY, PAGE, RSS, Pages, Searches, Weather


async def test_weather() -> None:
    served = Weather()
    async with served.serving(), connected(OpenMeteo, served.url) as weather:
        places = await do(weather, "find_place", name="Berlin")
        assert (places[0]["name"], places[0]["latitude"]) == ("Berlin", 52.5)
        assert await do(weather, "find_place", name="Nowhere") == []
        now = await do(weather, "weather_now", latitude=52.5, longitude=13.4)
        assert now["now"]["temperature_2m"] == 1
        days = (await do(weather, "forecast", latitude=52.5, longitude=13.4, days=3))["days"]
        assert [day["time"] for day in days] == ["2026-11-20", "2026-11-21", "2026-11-22"]
        assert days[2]["precipitation_sum"] == 2
        with pytest.raises(ToolFailed, match="latitude"):
            await do(weather, "weather_now", latitude=91, longitude=0)


@pytest.mark.parametrize("system", [Tavily, Brave, SearXNG])
async def test_web_search(system: type[Tavily | Brave | SearXNG]) -> None:
    served = Searches()
    async with served.serving():
        values = {"api_key": KEY, "base_url": served.url}
        async with connected(system, served.url, values) as search:
            await search.account()
            found = await do(search, "search", query="trains", limit=2)
    assert found == [
        {"title": f"trains {n}", "url": f"https://x.example/{n}", "text": "words"} for n in (0, 1)
    ]


async def test_a_wrong_key_is_a_dead_connection() -> None:
    served = Searches()
    async with served.serving(), connected(Tavily, served.url, {"api_key": "no"}) as search:
        with pytest.raises(ConnectionRefused, match="invalid API key"):
            await do(search, "search", query="x")


async def test_feeds() -> None:
    served = Pages()
    served.pages = {"/rss": ("text/xml", RSS.encode()), "/atom": ("text/xml", ATOM.encode())}
    async with served.serving(), connected(Rss, None) as rss:
        feed = await do(rss, "latest", url=f"{served.url}/rss", limit=1)
        assert feed == {
            "feed": "The Daily",
            "entries": [
                {
                    "title": "Bridge opens",
                    "url": "https://daily.example/1",
                    "date": "Sat, 21 Nov 2026 08:00:00 GMT",
                    "text": "It opens & stays",
                }
            ],
        }
        found = await do(rss, "search", url=f"{served.url}/rss", words="WET rain")
        assert [one["title"] for one in found["entries"]] == ["Rain"]
        atom = await do(rss, "latest", url=f"{served.url}/atom")
        assert atom["feed"] == "Notes"
        assert atom["entries"][0]["url"] == "https://n.example/1"
        assert atom["entries"][0]["text"] == "Some text"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (BOMB.encode(), "entities"),
        (b"<html></html>", "no feed"),
        (b"<rss>", "no XML"),
        (b"<a>" * 300, "too deep"),
        (b"\xff\xfe\x00", "no XML"),
    ],
)
async def test_what_is_no_feed(content: bytes, words: str) -> None:
    served = Pages(pages={"/": ("text/xml", content)})
    async with served.serving(), connected(Rss, None) as rss:
        with pytest.raises(ToolFailed, match=words):
            await do(rss, "latest", url=f"{served.url}/")


async def test_a_page_is_read_as_markdown() -> None:
    served = Pages()
    served.pages = {
        "/fees": ("text/html", PAGE.encode("latin-1")),
        "/said": ("text/html; charset=utf-8", PAGE.encode()),
        "/doc": ("application/pdf", pdf("A page about parcels")),
        "/long": ("text/plain", b"word " * 10_000),
    }
    async with served.serving(), connected(WebPage, None) as page:
        for path in ("/fees", "/said", "/moved?to=/fees"):
            read = await do(page, "read_page", url=served.url + path)
            assert "# Gebühren" in read["text"]
            assert "**parcel**" in read["text"]
            assert "5 £" in read["text"]
        assert read["url"] == f"{served.url}/fees"
        assert "parcels" in (await do(page, "read_page", url=f"{served.url}/doc"))["text"]
        first = await do(page, "read_page", url=f"{served.url}/long")
        rest = await do(page, "read_page", url=f"{served.url}/long", start=40_000)
        assert (first["next"], rest["next"]) == (20_000, None)
        assert len(rest["text"]) == first["characters"] - 40_000


@pytest.mark.parametrize(
    "url", ["ftp://x/", "file:///etc/passwd", "//x", "http://", "http://[", "http://a b/"]
)
async def test_what_is_no_address(url: str) -> None:
    async with connected(WebPage, None) as page:
        with pytest.raises(ToolFailed):
            await do(page, "read_page", url=url)


async def test_a_page_that_is_not_there_or_cannot_be_read() -> None:
    served = Pages(pages={"/zip": ("application/zip", b"PK\x03\x04" + bytes(200))})
    async with served.serving(), connected(WebPage, None) as page:
        for path in ("/none", "/zip", "/moved?to=http://127.0.0.2/"):
            with pytest.raises(ToolFailed):
                await do(page, "read_page", url=served.url + path)
