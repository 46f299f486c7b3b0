"""The model without a key: one search, then what was found, quoted and cited."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monster.engine.models.passages import excerpt, words
from monster.engine.models.protocol import Message, Reply, Request, ToolSchema
from monster.engine.models.quote import QuotingModel

SEARCH = ToolSchema("knowledge_search", "Searches.", {"type": "object"})
OTHER = ToolSchema("send", "Sends.", {"type": "object"})
QUESTION = "How do I connect a model?"
CODE = "```sh\nmonster serve\n\n# connect a model here\nmonster ask\n```"


def user(text: str) -> Message:
    return {"role": "user", "parts": [{"type": "text", "text": text}]}


def passage(
    text: str, number: int = 1, title: str = "Guide", place: str = "Models"
) -> dict[str, Any]:
    return {"source": number, "title": title, "place": place, "text": text}


async def ask(messages: list[Message], *tools: ToolSchema, heard: list[str] | None = None) -> Reply:
    on_text = (heard if heard is not None else []).append
    return await QuotingModel().reply(Request("quote", "Be kind.", messages, tools), on_text)


async def answer(*passages: dict[str, Any], failed: bool = False) -> str:
    first = await ask([user(QUESTION)], SEARCH)
    content = "the search broke" if failed else orjson.dumps(passages).decode()
    messages: list[Message] = [
        user(QUESTION),
        first.message(),
        {
            "role": "tool",
            "parts": [
                {"type": "result", "id": first.calls[0]["id"], "content": content, "failed": failed}
            ],
        },
    ]
    return (await ask(messages, SEARCH)).text


async def test_first_it_searches_for_the_last_question() -> None:
    earlier = [user("hello"), Reply("hi", (), {}, "stop").message()]

    reply = await ask([*earlier, user(QUESTION)], OTHER, SEARCH)

    assert (reply.text, len(reply.calls)) == ("", 1)
    assert reply.calls[0]["tool"] == "knowledge_search"
    assert orjson.loads(reply.calls[0]["arguments"]) == {"query": QUESTION, "limit": 4}


async def test_then_it_quotes_and_cites() -> None:
    text = await answer(
        passage("Open **Connections** and choose *Connect a model*.", 7),
        passage("To connect a model, you need its key.", 8, "Keys [draft]", ""),
        passage("Bananas are yellow.", 9, "Fruit", ""),
    )
    assert "not a language model" in text.split("\n\n")[0]
    assert text.split("\n\n")[1:] == [
        "> Open **Connections** and choose *Connect a model*.",
        "[7] Guide · Models",
        "> To connect a model, you need its key.",
        r"[8] Keys \[draft\]",
    ]  # and nothing of what has nothing to do with the question


async def test_the_first_passage_is_quoted_even_if_it_shares_no_word() -> None:
    assert "> Bananas are yellow." in await answer(passage("Bananas are yellow."))


async def test_it_says_when_there_is_nothing() -> None:
    assert "found nothing" in await answer()
    assert "failed" in await answer(failed=True)


async def test_without_knowledge_it_says_how_to_connect_a_model() -> None:
    reply = await ask([user(QUESTION)], OTHER)
    assert reply.calls == ()
    for hint in ("No language model is connected", "Connections", "Connect a model", "Model"):
        assert hint in reply.text


async def test_it_comes_word_by_word() -> None:
    heard: list[str] = []
    reply = await ask([user(QUESTION)], heard=heard)
    assert "".join(heard) == reply.text
    assert len(heard) > 20


def test_code_is_never_cut() -> None:
    assert excerpt(f"Before.\n\n{CODE}\n\nAfter.", words(QUESTION)).count("```") == 2
    assert CODE in excerpt(f"{'Other things. ' * 90}\n\n{CODE}", words(QUESTION))


def test_code_that_the_passage_cuts_off_is_closed() -> None:
    assert excerpt("Do this:\n\n~~~sh\nconnect model", words(QUESTION)).endswith("\n~~~")


def test_a_long_paragraph_is_trimmed_to_what_was_asked_for() -> None:
    filler = "Nothing of interest happens in this sentence. " * 30
    text = excerpt(f"{filler}You connect a model under Connections. {filler}", words(QUESTION))
    assert "You connect a model under Connections." in text
    assert text.endswith(" …")
    assert len(text) < 500


def test_a_sentence_without_end_is_cut_between_words() -> None:
    text = excerpt("word " * 500 + "connect " + "word " * 500, words(QUESTION))
    assert set(text.split()) == {"word", "connect", "…"}
    assert len(text) < 500


def test_references_of_the_text_are_not_citations_of_ours() -> None:
    quoted = excerpt("See [3] and [the page](x), `a[1]`.", frozenset())
    assert r"\[3\]" in quoted
    assert "[the page](x)" in quoted


@given(st.text(alphabet="ab `~\n.|#é", max_size=400), st.frozensets(st.text(max_size=3)))
def test_any_text_has_an_excerpt(text: str, asked: frozenset[str]) -> None:
    assert isinstance(excerpt(text, asked), str)


@pytest.mark.parametrize("text", ["", "\n\n", "   "])
def test_of_nothing_there_is_nothing(text: str) -> None:
    assert excerpt(text, frozenset()).strip() == ""
