"""Rules about templates: what none may contain, and that all they name exists."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from jinja2 import nodes

from monster.dashboard.web import assets, navigation, pages

ROOT = Path(__file__).parents[2]
DASHBOARD = ROOT / "src" / "monster" / "dashboard"
FOLDER = DASHBOARD / "web" / "templates"
NAMES = sorted(file.relative_to(FOLDER).as_posix() for file in FOLDER.rglob("*.html"))
TREES = {name: pages.ENVIRONMENT.parse((FOLDER / name).read_text()) for name in NAMES}
CODE = "\n".join(file.read_text() for file in DASHBOARD.rglob("*.py"))
ICONS = set((ROOT / "icons.txt").read_text().split())

FORBIDDEN = {
    "an inline style": r"\sstyle=|<style",
    "an inline script": r"<script(?![^>]*\ssrc=)",
    "an inline handler": r"\son[a-z]+=|hx-on|js:",
    "a filter that needs eval": r'hx-trigger="[^"]*\[',
    "unescaped text": r"\|\s*safe\b|autoescape",
    "another host": r"(?:src|href)=\"https?://",
}

each_template = pytest.mark.parametrize("name", NAMES)
MACROS = {
    file: {str(node.name): node for node in TREES[file].find_all(nodes.Macro)} for file in NAMES
}


def _known_macros(name: str) -> dict[str, nodes.Macro]:
    """What a template can call: its own macros, and those it imports by name."""
    known = dict(MACROS[name])
    for node in TREES[name].find_all(nodes.FromImport):
        assert isinstance(node.template, nodes.Const)
        for item in node.names:
            source, alias = item if isinstance(item, tuple) else (item, item)
            assert source in MACROS[node.template.value], f"{node.template.value} has no {source}"
            known[alias] = MACROS[node.template.value][source]
    return known


def _calls(name: str) -> Iterator[tuple[nodes.Macro, dict[str, nodes.Expr]]]:
    """Every call of a macro, with its arguments by their names."""
    known = _known_macros(name)
    for call in TREES[name].find_all(nodes.Call):
        if isinstance(call.node, nodes.Name) and call.node.name in known:
            macro = known[call.node.name]
            parameters = [str(argument.name) for argument in macro.args]
            assert len(call.args) <= len(parameters), f"{macro.name} takes fewer arguments"
            given = dict(zip(parameters, call.args, strict=False))
            for keyword in call.kwargs:
                assert keyword.key in parameters, f"{macro.name} has no {keyword.key}"
                assert keyword.key not in given, f"{macro.name} gets {keyword.key} twice"
                given[str(keyword.key)] = keyword.value
            yield macro, given


def _icons(name: str) -> Iterator[str]:
    for macro, given in _calls(name):
        for parameter, value in given.items():
            if parameter == "icon_name" or (macro.name == "icon" and parameter == "name"):
                yield from _texts(value)
    for pair in TREES[name].find_all(nodes.Pair):
        if isinstance(pair.key, nodes.Const) and pair.key.value == "icon":
            yield from _texts(pair.value)


def _texts(value: nodes.Node) -> Iterator[str]:
    """The texts that an expression may come to, where they are written down."""
    if isinstance(value, nodes.Const):
        yield value.value
    elif isinstance(value, nodes.CondExpr):
        yield from _texts(value.expr1)
        yield from _texts(value.expr2) if value.expr2 else ()
    elif isinstance(value, nodes.Getitem) and isinstance(value.node, nodes.Dict):
        for pair in value.node.items:
            yield from _texts(pair.value)


def test_there_is_something_to_check() -> None:
    assert len(NAMES) > 10
    assert len(ICONS) > 50
    assert sum(1 for name in NAMES for _ in _calls(name)) > 50


@each_template
@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_template_contains(name: str, what: str) -> None:
    assert not re.search(FORBIDDEN[what], (FOLDER / name).read_text())


@each_template
def test_no_template_outgrows_a_reader(name: str) -> None:
    assert len((FOLDER / name).read_text().splitlines()) <= 80


@each_template
def test_macros_are_called_as_they_are_written(name: str) -> None:
    for macro, given in _calls(name):
        required = macro.args[: len(macro.args) - len(macro.defaults)]
        missing = {str(argument.name) for argument in required} - set(given)
        assert not missing, f"{macro.name} needs {missing}"


@each_template
def test_icons_are_in_the_sprite(name: str) -> None:
    assert set(_icons(name)) - {""} <= ICONS


def test_icons_of_the_navigation_are_in_the_sprite() -> None:
    groups = (*navigation.GROUPS, *navigation.PALETTE)
    assert {entry.icon for group in groups for entry in group.entries} <= ICONS


@each_template
def test_assets_exist(name: str) -> None:
    for call in TREES[name].find_all(nodes.Call):
        if isinstance(call.node, nodes.Name) and call.node.name == "asset":
            assert isinstance(call.args[0], nodes.Const)
            assert assets.url(call.args[0].value)


@each_template
def test_forms_that_post_carry_the_token(name: str) -> None:
    """Except where nobody is signed in, so that there is no session to protect."""
    text = (FOLDER / name).read_text()
    nobody = "{% extends 'bare.html' %}" in text
    for form in re.findall(r"<form\b.*?</form>", text, re.DOTALL):
        assert 'method="post"' not in form or "csrf(" in form or nobody


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("pages/_")])
def test_fragments_are_parts_of_a_page_or_sent_by_name(name: str) -> None:
    included = {
        node.template.value
        for other in NAMES
        for node in TREES[other].find_all(nodes.Include)
        if isinstance(node.template, nodes.Const)
    }
    short = Path(name).stem.removeprefix("_")
    assert name in included or f'"{name}"' in CODE or f'"{short}"' in CODE
