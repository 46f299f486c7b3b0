"""Files become text, or a sentence that says why not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monster.engine.parsing import extract as module
from monster.engine.parsing.errors import ParseError
from monster.engine.parsing.extract import extract
from tests.files import docx, encrypted_pdf, pdf

HTML = (
    b"<!doctype html><html><head><title>Pay: 2026</title></head><body><h1>Pay</h1>"
    b"<p>Weekly.</p><script>steal()</script></body></html>"
)


def test_pages_of_a_pdf_begin_where_it_says() -> None:
    found = extract(pdf("First things", "Second thoughts"), "anything.bin")
    assert found.mime_type == "application/pdf"
    assert [found.text[start:].split()[0] for start in found.pages] == ["First", "Second"]


def test_word_keeps_its_headings() -> None:
    found = extract(docx("Leave", "Thirty days."), "rules.docx")
    assert "# Leave" in found.text
    assert "Thirty days." in found.text
    assert found.title == "Leave"


def test_html_is_read_without_scripts() -> None:
    found = extract(HTML, "page.html")
    assert found.text.startswith("# Pay\n")
    assert "steal" not in found.text
    assert found.title == "Pay: 2026"


def test_tables_become_tables() -> None:
    assert "| Ann | 3 |" in extract(b"name,days\nAnn,3\n", "days.csv").text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_text_is_taken_as_it_stands(encoding: str) -> None:
    text = "# Grüße *aus* Köln\n\n  indented\n"
    found = extract(text.replace("\n", "\r\n").encode(encoding), "greeting.md")
    assert found == (text, "Grüße *aus* Köln", "text/markdown", ())


@pytest.mark.parametrize(
    ("content", "name", "sentence"),
    [
        (b"", "a.txt", "empty"),
        (b" \n\t ", "a.txt", "empty"),
        (b"%PDF-1.4\nrubbish", "a.pdf", "damaged"),
        (b"PK\x03\x04" + bytes(60), "a.docx", "cannot be read"),
        (b"just text", "a.pdf", "called .pdf"),
        (b"\x7fELF\x00\x01", "a", "cannot be read"),
        (b"\x89PNG\r\n\x1a\n" + bytes(60), "a.txt", "cannot be read"),
        (pdf(""), "scan.pdf", "no text"),
        (encrypted_pdf(), "a.pdf", "password"),
    ],
)
def test_what_cannot_be_read_is_explained(content: bytes, name: str, sentence: str) -> None:
    with pytest.raises(ParseError, match=sentence):
        extract(content, name)


def test_too_much_text_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_CHARACTERS", 10)
    with pytest.raises(ParseError, match="longer than 10"):
        extract(b"eleven char", "a.txt")


@given(
    st.binary(max_size=300), st.sampled_from(["a", "a.md", "a.html", "a.csv", "a.pdf", "a.json"])
)
def test_anything_is_text_that_can_be_stored_or_a_parse_error(content: bytes, name: str) -> None:
    try:
        found = extract(content, name)
    except ParseError:
        return
    assert "\0" not in found.text
    assert found.text.encode()
    assert found.title
