"""Text as part of a file name."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cas.errors import InvalidInputError
from cas.filename import CUT, escape, folder, shorten, unescape, unfolder


@given(st.text(st.characters()))
def test_escaped_text_reads_back(text: str) -> None:
    """Any text, lone surrogates included, comes back from its escaped form."""
    assert unescape(escape(text)) == text
    assert unfolder(folder(text[:20])) == text[:20]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("con", "%63on"),
        ("NUL.txt", "%4EUL.txt"),
        ("com1", "%63om1"),
        ("console", "console"),
        (".", "%2E"),
        ("..", "%2E%2E"),
        (".hidden", "%2Ehidden"),
        ("dots.", "dots%2E"),
        ("space ", "space%20"),
        (" ", "%20"),
        ("", "%"),
        ("a/b\\c", "a%2Fb%5Cc"),
        ("f.<locals>.<lambda>", "f.%3Clocals%3E.%3Clambda%3E"),
        ("~", "%7E"),
        ("naïve", "naïve"),
        ("\N{ANGSTROM SIGN}", "%E2%84%AB"),
    ],
)
def test_folder_is_safe(name: str, text: str) -> None:
    """A folder's name is not empty, hidden, reserved by Windows or a path, and reads back."""
    assert folder(name) == text
    assert unfolder(text) == name


@given(st.text(st.characters(), min_size=1), st.integers(10, 40))
@example("a\N{GRINNING FACE}" * 9, 21)
@example("\x80" * 9, 20)
def test_shortened_text_is_whole_up_to_the_cut(text: str, limit: int) -> None:
    """A cut never leaves half a character, plain or escaped, and stays within its bytes."""
    short = shorten(escape(text, lambda character: character != "~"), limit)
    assert len(short.encode()) <= limit
    if short.endswith(CUT):
        assert text.startswith(unescape(short.removesuffix(CUT)))
        assert len(short.encode()) > limit - 12
    else:
        assert unescape(short) == text


def test_wrong_escapes_are_refused() -> None:
    """Escapes that are not UTF-8 were not written here."""
    with pytest.raises(InvalidInputError, match="UTF-8"):
        unescape("a%FF")
