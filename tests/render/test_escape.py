"""Hostile strings, character by character and whole."""

from __future__ import annotations

import pytest

from owaudit.render import escape


@pytest.mark.parametrize(
    ("text", "line", "page"),
    [
        ("model.pt", "model.pt", "model.pt"),
        ("", "", ""),
        ("a b", "a b", "a b"),
        ("\x1b[31m", "\\x1b[31m", '<span class="esc">ESC</span>[31m'),
        ("\x9b31m", "\\x9b31m", '<span class="esc">U+009B</span>31m'),
        ("a\r\nb\tc", "a\\r\\nb\\tc", None),
        ("\x00\x07\x7f", "\\x00\\x07\\x7f", None),
        ("banner\u202egnp", "banner<U+202E>gnp", 'banner<span class="esc">U+202E</span>gnp'),
        ("\u200b\u2060\ufeff", "<U+200B><U+2060><U+FEFF>", None),
        ("a\u2028b\u2029", "a<U+2028>b<U+2029>", None),
        ("a\u00a0b\u3000", "a<U+00A0>b<U+3000>", None),
        ("\u3164\u115f\ufe0f\U000e0101", "<U+3164><U+115F><U+FE0F><U+E0101>", None),
        ("\ue000\U0010ffff\u0378", "<U+E000><U+10FFFF><U+0378>", None),
        ("\udcff\ud800", "\\xff<U+D800>", '<span class="esc">\\xff</span><span class="esc">U+D800</span>'),
        ("模型é", "模型é", "模型é"),
        ("<b onclick='x'>&\"", "<b onclick='x'>&\"", "&lt;b onclick=&#x27;x&#x27;&gt;&amp;&quot;"),
        ("::error::x", ":\\x3aerror:\\x3ax", "::error::x"),
        ("##vso[task]###", "#\\x23vso[task]#\\x23#", None),
    ],
)
def test_a_string_in_a_line_and_on_a_page(text: str, line: str, page: str | None) -> None:
    assert escape.visible(text) == line
    if page is not None:
        assert escape.markup(text) == page


def test_bytes_that_are_not_utf_8_are_chips_in_paths_only() -> None:
    assert escape.path_markup("caf\\xe9.npy") == 'caf<span class="esc">\\xe9</span>.npy'
    assert escape.path_markup("a\\x41\\xeg") == "a\\x41\\xeg"
    assert escape.markup("caf\\xe9.npy") == "caf\\xe9.npy"


def test_a_long_path_keeps_both_ends() -> None:
    path = "a" * 100 + "b" * 50 + "c" * 50
    short = escape.shorten(path)
    assert (short.head, short.left_out, short.tail) == ("a" * 96, 56, "b" * 0 + "c" * 48)
    assert escape.shorten("a" * 160) == escape.Shortened("a" * 160)


def test_a_long_value_says_how_much_is_left_out() -> None:
    value = "v" * 4000 + "\x00" * 812
    assert escape.visible_short(value) == "v" * 112 + " (4,652 characters left out) " + "\\x00" * 48
