"""Passages: they cover the text, fit, and say truly where they stand."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from monster.engine.parsing.chunk import Count, chunk

LINES = st.one_of(
    st.text(max_size=60),
    st.sampled_from(
        ["# One", "## Two", "### Three ###", "```", "~~~", "````", "| a | b |", "", "  ", "- item"]
    ),
)
TEXTS = st.lists(LINES, max_size=30).map("\n".join)


def words(texts: Sequence[str]) -> list[int]:
    return [len(text.split()) for text in texts]


def characters(texts: Sequence[str]) -> list[int]:
    return [len(text) for text in texts]


@given(TEXTS, st.integers(1, 40), st.sampled_from([words, characters]))
def test_passages_cover_the_text_and_fit_and_offsets_are_true(
    text: str, limit: int, count: Count
) -> None:
    passages = chunk(text, count, limit)

    rest: list[str] = []
    at = 0
    for seq, passage in enumerate(passages):
        assert passage.seq == seq
        assert passage.text == text[passage.start : passage.end]
        assert passage.text == passage.text.strip() != ""
        assert count([passage.text])[0] <= limit
        assert len(passage.text) <= 8 * limit
        rest.append(text[at : passage.start])
        at = passage.end
    assert not "".join([*rest, text[at:]]).strip()
