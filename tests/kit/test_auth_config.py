"""What a connection takes: the source document's examples, and everything that could be wrong."""

import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monster.contracts import auth_config
from monster.contracts.auth_config import AuthConfig, BadAuthConfig, BadValue, Strategy

JIRA = {
    "strategy_token": {
        "1. jira_token": "API token of your Atlassian account",
        "2. jira_username": "E-mail address of your Atlassian account",
        "help": "Create a token under *Security* of your Atlassian account.",
    }
}
SLACK = {
    "strategy_token": {
        "slackbot_token": "Bot User OAuth Token",
        "signing_secret": "Signing Secret of the app",
        "help": "1. Open [your apps](https://api.slack.com/apps)\n2. Copy **both** values",
    }
}
GMAIL = {
    "strategy_oath": {
        "token_creds": "The contents of token.json",
        "client_id": "The client that made it",
    },
    "help": "Make credentials in the Google Cloud console.",
}


def names(strategy: Strategy) -> list[tuple[str, str]]:
    return [(parameter.name, parameter.type) for parameter in strategy.parameters]


def one(**definition: object) -> Strategy:
    """A strategy with the parameter `it`."""
    raw = {"strategy_token": {"it": {"description": "It", **definition}}}
    return auth_config.parse(raw).strategies[0]


# The source document


def test_jira_as_it_is_written_there() -> None:
    config = auth_config.parse(JIRA)
    strategy = config.strategy("strategy_token")
    assert names(strategy) == [("jira_token", "secret"), ("jira_username", "text")]
    assert [parameter.order for parameter in strategy.parameters] == [1, 2]
    assert strategy.parameters[0].description == "API token of your Atlassian account"
    assert (strategy.help, config.help) == (JIRA["strategy_token"]["help"], "")
    assert strategy.title == "Token"


def test_slack_as_it_is_written_there() -> None:
    (strategy,) = auth_config.parse(SLACK).strategies
    assert names(strategy) == [("slackbot_token", "secret"), ("signing_secret", "secret")]
    assert all(parameter.required for parameter in strategy.parameters)
    assert strategy.help.startswith("1. Open [your apps]")


def test_gmail_as_it_is_written_there_misspelling_included() -> None:
    config = auth_config.parse(GMAIL)
    (strategy,) = config.strategies
    assert (strategy.name, strategy.is_oauth, strategy.title) == ("strategy_oauth", True, "OAuth")
    assert [name for name, _ in names(strategy)] == ["token_creds", "client_id"]
    assert strategy.parameters[0].is_hidden
    assert not strategy.parameters[1].is_hidden
    assert config.help == GMAIL["help"]
    for name in (None, "strategy_oauth", "strategy_oath"):
        assert config.strategy(name) is strategy


def test_nobody_who_agrees_at_the_provider_fills_in_what_can_be_pasted() -> None:
    assert auth_config.parse(GMAIL).strategy(None).check({}) == {}


def test_several_strategies_stay_in_their_order() -> None:
    config = auth_config.parse(GMAIL | JIRA)
    assert [strategy.name for strategy in config.strategies] == ["strategy_oauth", "strategy_token"]
    with pytest.raises(BadValue) as error:
        config.strategy("strategy_none")
    assert error.value.field == "strategy"


def test_nothing_is_needed_without_strategies() -> None:
    assert auth_config.parse({}) == AuthConfig(strategies=())


# Positions and types


def test_positions_come_first_then_what_has_none_as_it_is_written() -> None:
    raw = {"z": "Z", "10. b": "B", "a": "A", "2.c": "C", "d": {"description": "D", "order": 3}}
    (strategy,) = auth_config.parse({"strategy_token": raw}).strategies
    assert [parameter.name for parameter in strategy.parameters] == ["c", "d", "b", "z", "a"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("api_key", "secret"),
        ("username", "text"),
        ("user", "text"),
        ("email", "text"),
        ("client_id", "text"),
        ("base_url", "url"),
        ("redirect_uri", "url"),
        ("smtp_host", "text"),
        ("curl", "secret"),
        ("password", "secret"),
        ("something", "secret"),
    ],
)
def test_a_bare_description_is_hidden_unless_its_name_is_harmless(name: str, kind: str) -> None:
    (strategy,) = auth_config.parse({"strategy_token": {name: "What it is"}}).strategies
    assert names(strategy) == [(name, kind)]


@pytest.mark.parametrize(
    ("definition", "value", "kept"),
    [
        ({"type": "text"}, "  Ada ", "Ada"),
        ({"type": "secret"}, "s3cret", "s3cret"),
        ({"type": "file"}, " -----BEGIN\n\tkey\r\n", " -----BEGIN\n\tkey\r\n"),
        ({"type": "number"}, "25", "25"),
        ({"type": "number"}, "-2.5", "-2.5"),
        ({"type": "number"}, "1e3", "1e3"),
        ({"type": "url"}, "https://acme.example/", "https://acme.example"),
        ({"type": "url"}, "http://127.0.0.1:8080/a/b", "http://127.0.0.1:8080/a/b"),
        ({"type": "url"}, "https://[::1]:8080", "https://[::1]:8080"),
        ({"type": "choice", "options": ["a", "b"]}, "b", "b"),
        ({"pattern": "[a-z]{2}"}, "ab", "ab"),
        ({"pattern": "a|b"}, "b", "b"),
        ({"default": "eu"}, "", "eu"),
        ({"default": "eu"}, "us", "us"),
    ],
)
def test_keeps_what_is_right(definition: dict[str, object], value: str, kept: str) -> None:
    assert one(**definition).check({"it": value}) == {"it": kept}


@pytest.mark.parametrize(
    ("definition", "value"),
    [
        ({"type": "text"}, "two\nlines"),
        ({"type": "secret"}, "header\r\nInjected: yes"),
        ({"type": "secret"}, "nul\0nul"),
        ({"type": "file"}, "nul\0nul"),
        ({"type": "text"}, "lone \ud800 surrogate"),
        ({"type": "text"}, "x" * 20_001),
        ({"type": "number"}, "many"),
        ({"type": "number"}, "nan"),
        ({"type": "number"}, "Infinity"),
        ({"type": "number"}, "1_000"),
        ({"type": "number"}, "٣"),
        ({"type": "url"}, "acme.example"),
        ({"type": "url"}, "ftp://acme.example"),
        ({"type": "url"}, "file:///etc/passwd"),
        ({"type": "url"}, "https://ada:pw@acme.example"),
        ({"type": "url"}, "https://acme.example/?key=s3cret"),
        ({"type": "url"}, "https://acme.example/#s3cret"),
        ({"type": "url"}, "https://acme.example/a b"),
        ({"type": "url"}, "https:///path"),
        ({"type": "url"}, r"https:\\acme.example"),
        ({"type": "url"}, r"https://acme.example\@evil.example"),
        ({"type": "choice", "options": ["a", "b"]}, "c"),
        ({"type": "choice", "options": ["a", "b"]}, "A"),
        ({"pattern": "[a-z]{2}"}, "abc"),
        ({"pattern": "[a-z]{2}"}, "1ab"),
        ({"pattern": "a|b"}, "ac"),
        ({}, "   "),
        ({}, ""),
    ],
)
def test_refuses_what_is_wrong_and_never_quotes_it(
    definition: dict[str, object], value: str
) -> None:
    with pytest.raises(BadValue) as error:
        one(**definition).check({"it": value})
    assert error.value.field == "values.it"
    assert len(value.strip()) < 4 or value.strip() not in str(error.value)


def test_names_what_is_unknown_or_missing() -> None:
    strategy = auth_config.parse(JIRA).strategy(None)
    with pytest.raises(BadValue, match="jira_username is missing") as error:
        strategy.check({"jira_token": "x"})
    assert error.value.field == "values.jira_username"
    with pytest.raises(BadValue, match="no parameter 'jira_url'") as error:
        strategy.check({"jira_token": "x", "jira_username": "y", "jira_url": "z"})
    assert error.value.field == "values.jira_url"


def test_what_is_set_already_may_be_left_out() -> None:
    strategy = auth_config.parse(JIRA).strategy(None)
    known = frozenset({"jira_token", "jira_username"})
    assert strategy.check({"jira_username": "grace"}, known) == {"jira_username": "grace"}


def test_what_is_optional_may_be_left_out() -> None:
    assert one(required=False).check({}) == {}
    assert one(required=False).check({"it": " "}) == {}


@pytest.mark.parametrize(
    ("pattern", "value"),
    [
        ("(a+)+", "a" * 5_000 + "!"),
        ("(a|aa)+", "a" * 5_000 + "!"),
        ("(.*a){12}", "a" * 5_000 + "!"),
        ("(x+x+)+y", "x" * 5_000),
        (r"([a-zA-Z]+)*\d", "a" * 5_000),
    ],
)
def test_patterns_that_would_hang_python_end_at_once(pattern: str, value: str) -> None:
    """Python's `re` needs longer than anybody lives for these: that this test ends is the proof."""
    with pytest.raises(BadValue):
        one(pattern=pattern).check({"it": value[:-1] + "\N{SNOWMAN}"})


# Bad definitions


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        ({"token": {"a": "A"}}, "auth_config.token"),
        ({"strategy_token": "A"}, "auth_config.strategy_token"),
        ({"strategy_token": ["a"]}, "auth_config.strategy_token"),
        ({"strategy_token": {"a": 1}}, "auth_config.strategy_token.a"),
        ({"strategy_token": {"a": ["A"]}}, "auth_config.strategy_token.a"),
        ({"strategy_token": {"a": None}}, "auth_config.strategy_token.a"),
        ({"strategy_token": {"a": {}}}, "auth_config.strategy_token.a.description"),
        ({"strategy_token": {"a b": "A"}}, "auth_config.strategy_token.a b.name"),
        ({"strategy_token": {"": "A"}}, "auth_config.strategy_token..name"),
        ({"strategy_token": {"1.": "A"}}, "auth_config.strategy_token.1..name"),
        ({"strategy_token": {"a": "A", "1. a": "A"}}, "auth_config.strategy_token"),
        ({"strategy_token": {"help": 1}}, "auth_config.strategy_token.help"),
        ({"help": {"text": "x"}}, "auth_config.help"),
        ({"strategy_oath": {}, "strategy_oauth": {}}, "auth_config"),
        ({"strategy_token": {f"{'9' * 5_000}. a": "A"}}, None),
    ],
)
def test_bad_definitions_are_refused_with_their_place(
    raw: dict[str, Any], field: str | None
) -> None:
    with pytest.raises(BadAuthConfig) as error:
        auth_config.parse(raw)
    assert field is None or error.value.field == field


@pytest.mark.parametrize(
    "definition",
    [
        {"type": "password"},
        {"colour": "red"},
        {"order": -1},
        {"order": "first"},
        {"options": "a"},
        {"type": "choice"},
        {"type": "choice", "options": []},
        {"type": "choice", "options": ["a"], "default": "b"},
        {"type": "number", "default": "many"},
        {"type": "url", "default": "acme.example"},
        {"pattern": "("},
        {"pattern": "a)|(b"},
        {"pattern": "(?=a)a"},
        {"pattern": r"(a)\1"},
        {"pattern": "(?x)a # "},
        {"pattern": "((a{100}){100}){100}"},
        {"pattern": "a", "default": "b"},
        {"default": "two\nlines"},
    ],
)
def test_a_parameter_that_nobody_could_fill_in_is_refused(definition: dict[str, object]) -> None:
    with pytest.raises(BadAuthConfig) as error:
        one(**definition)
    assert error.value.field
    assert error.value.field.startswith("auth_config.strategy_token.it")


# Whatever anybody writes

_WORDS = st.text(max_size=20)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_WORDS, inner, max_size=3),
    max_leaves=8,
)
_FIELDS = st.sampled_from(
    ["description", "type", "required", "default", "pattern", "options", "order", "help"]
)
_PARAMETERS = st.dictionaries(_WORDS | _FIELDS, _JSON, max_size=4)
_KEYS = st.sampled_from(["strategy_token", "strategy_oath", "help"]) | _WORDS
_NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,20}", fullmatch=True).filter(lambda n: n != "help")


@given(st.dictionaries(_KEYS, _JSON | st.dictionaries(_WORDS, _JSON | _PARAMETERS), max_size=3))
def test_any_definition_is_parsed_or_refused_with_a_place(raw: dict[str, Any]) -> None:
    place = ""
    try:
        config = auth_config.parse(raw)
    except BadAuthConfig as error:
        place = error.field or "nowhere"
    else:
        assert len(config.strategies) == len(raw.keys() - {"help"})
    assert not place or place.startswith("auth_config")


@given(st.dictionaries(_NAMES, st.text(max_size=50), max_size=8), st.randoms())
def test_numbers_before_names_make_the_order(given: dict[str, str], chance: Any) -> None:  # noqa: ANN401
    numbered = list(enumerate(given.items(), 1))
    chance.shuffle(numbered)
    raw = {f"{number}. {name}": description for number, (name, description) in numbered}
    (strategy,) = auth_config.parse({"strategy_token": raw}).strategies
    shown = [(parameter.name, parameter.description) for parameter in strategy.parameters]
    assert shown == list(given.items())


@given(
    st.sampled_from(["text", "secret", "file", "number", "url"]),
    st.text(max_size=40) | st.text(string.printable, max_size=40),
)
def test_any_value_is_kept_or_refused_and_what_is_kept_is_stable(kind: str, value: str) -> None:
    strategy = one(type=kind, required=False)
    place = "values.it"
    try:
        kept = strategy.check({"it": value})
    except BadValue as error:
        place = error.field or "nowhere"
    else:
        assert strategy.check(kept) == kept
        assert kind == "file" or not any(set(text) & set("\r\n\0") for text in kept.values())
    assert place == "values.it"
