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


def shown(text: str, limit: int) -> list[tuple[tuple[str, ...], str]]:
    return [(passage.headings, passage.text) for passage in chunk(text, words, limit)]


def test_sections_stand_alone_under_their_path() -> None:
    text = "# Pay\n\n## When ##\n\nWeekly.\n\n## How\n\nIn cash.\n# Leave\nNone."
    assert shown(text, 50) == [
        (("Pay", "When"), "# Pay\n\n## When ##\n\nWeekly."),
        (("Pay", "How"), "## How\n\nIn cash."),
        (("Leave",), "# Leave\nNone."),
    ]


def test_a_heading_is_never_left_behind() -> None:
    text = "# Pay\n\n" + "One two three four. " * 3
    assert [passage for _, passage in shown(text, 12)] == [
        "# Pay\n\nOne two three four. One two three four.",
        "One two three four.",
    ]


def test_code_and_tables_stay_whole() -> None:
    code = "```py\n# not a heading\n\nx = 1\n```"
    table = "| a | b |\n|---|---|\n| 1 | 2 |"
    text = f"Some words before.\n\n{code}\nAnd some after.\n\n# T\n\n{table}\n"
    found = [passage for _, passage in shown(text, 12)]
    assert any(table in passage for passage in found)
    assert any(code in passage for passage in found)


def test_code_that_does_not_fit_is_cut_at_lines() -> None:
    code = "\n".join(["```", *(f"line {n}" for n in range(9)), "```"])
    for _, passage in shown(code, 5):
        assert all(line.startswith(("```", "line ")) for line in passage.splitlines())


def test_the_page_is_where_a_passage_begins() -> None:
    pages = [passage.page for passage in chunk("a\n\nb\n\nc", words, 1, (0, 3, 6))]
    assert pages == [1, 2, 3]
