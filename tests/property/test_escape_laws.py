"""What escaping promises for every string."""

from __future__ import annotations

import re
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from owaudit.render import escape

ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()))
HOSTILE = st.text(
    st.sampled_from([*map(chr, range(0x20)), *map(chr, range(0x7F, 0xA1)), *"\u202e\u2066\u200b\ud800:#<&\\"])
)
CHIP = re.compile(r'<span class="esc">([A-Z0-9+]+|\\x[0-9a-f]{2})</span>')


def is_hidden(character: str) -> bool:
    """Is this a control, format, surrogate, private or unassigned character, or an odd space?"""
    category = unicodedata.category(character)
    return category[0] == "C" or (category[0] == "Z" and character != " ")


class TestALine:
    """A line shows every character, holds no control or bidi character and no CI command."""

    @given(ANY_TEXT | HOSTILE)
    def test_nothing_hidden_is_left(self, text: str) -> None:
        line = escape.visible(text)
        assert not [c for c in line if is_hidden(c)]
        assert "::" not in line
        assert "##" not in line
        line.encode("utf-8")

    @given(ANY_TEXT)
    def test_a_second_escape_changes_nothing(self, text: str) -> None:
        assert escape.visible(escape.visible(text)) == escape.visible(text)

    @given(ANY_TEXT | HOSTILE)
    def test_every_character_is_in_exactly_one_piece(self, text: str) -> None:
        assert "".join(piece.text for piece in escape.pieces(text)) == text


class TestAPage:
    """Markup holds chips and text, never a tag, an attribute or a hidden character of the string."""

    @given(ANY_TEXT | HOSTILE)
    def test_only_chips_are_tags(self, text: str) -> None:
        for shown in (escape.markup(text), escape.path_markup(text)):
            assert not [c for c in shown if is_hidden(c)]
            rest = CHIP.sub("", shown)
            assert not re.search("[<>\"']", rest)


class TestShortening:
    """A shortened text keeps its ends and counts what is between them."""

    @given(st.text(max_size=400))
    def test_no_character_is_lost_from_the_count(self, text: str) -> None:
        short = escape.shorten(text)
        assert len(short.head) + short.left_out + len(short.tail) == len(text)
        assert text.startswith(short.head)
        assert text.endswith(short.tail)
        assert len(short.head) + len(short.tail) <= escape.PATH_LIMIT
