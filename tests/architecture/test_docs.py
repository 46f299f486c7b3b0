"""Rules about the documentation: what it names exists."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [*sorted(ROOT.glob("*.md")), *sorted(DOCS.rglob("*.md"))]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
SETTING = re.compile(r"\bMONSTER_[A-Z_]*[A-Z]\b")
TARGET = re.compile(r"\bmake ((?:[a-z]+ ?)+)")
REGISTRY = re.compile(r"\b(pypi|npmjs|pythonhosted|registry\.\w+)\.(org|com)\b")


def _name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def _anchors(page: Path) -> set[str]:
    """As GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def _commands(page: Path) -> list[str]:
    """Code: what stands between backticks or is indented."""
    text = page.read_text()
    return [*re.findall(r"`([^`\n]+)`", text), *re.findall(r"^    (.+)$", text, re.MULTILINE)]


def test_there_is_something_to_check() -> None:
    assert len(PAGES) > 15


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in LINK.findall(page.read_text()):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.is_file(), link
        assert not anchor or anchor in _anchors(target), link


def test_every_page_is_listed() -> None:
    index = DOCS / "README.md"
    listed = {(DOCS / link.partition("#")[0]).resolve() for link in LINK.findall(index.read_text())}
    assert set(DOCS.rglob("*.md")) - {index} == listed


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_settings_are_in_the_table(page: Path) -> None:
    table = set(
        re.findall(r"^\| `(MONSTER_\w+)`", (DOCS / "settings.md").read_text(), re.MULTILINE)
    )
    assert set(SETTING.findall(page.read_text())) <= table


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_make_targets_exist(page: Path) -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    used = {
        word for code in _commands(page) for run in TARGET.findall(code) for word in run.split()
    }
    assert used <= targets


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_no_page_names_a_registry(page: Path) -> None:
    assert not REGISTRY.findall(page.read_text())
