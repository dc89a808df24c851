"""Literals read as Python reads them; everything else is a typed error."""

from __future__ import annotations

import ast

import pytest

from owaudit.codec.literal import DEPTH_CEILING, DuplicateKeys, read_literal
from owaudit.errors import FormatError


@pytest.mark.parametrize(
    "text",
    [
        "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }   \n",
        "{}",
        "()",
        "(1)",
        "(1,)",
        "[1, (2,), [], {'a': None}]",
        "[-1, +2, - 3, 0x1f, 0b11, 0o17, 1_000, 0]",
        "'a' \"b\" '''c\n'''",
        "r'\\n' u'x' R'y'",
        "b'\\x80\\377'",
        "rb'\\x80'",
        "'\\x41\\u00e9\\U0001f600\\n\\'\\\"\\\\\\0\\101\\a\\b\\f\\r\\t\\v\\\n.'",
        '"\'"',
        "{'a': 1,\n # comment\n 'b': True}",
        "[1,\\\n 2]",
        " 'x'",
    ],
)
def test_reads_like_python(text: str) -> None:
    assert read_literal(text) == ast.literal_eval(text.lstrip(" "))


@pytest.mark.parametrize(
    "text",
    ["", "x", "1.5", "1j", "{1}", "{1: 2}", "[1 2]", "[,]", "(,)", "{'a'}", "{'a': }", "'a", "'a\n'", "[1",
     "1]",     "1 2",
     "Falsey", "__import__('os')", "print(1)", "f'{x}'", "'a' b'b'", "b'\u0100'", "-'a'", "007", "0x",
     "9" * 101, "[" * 10_000, "'" * 3, "1+1", "{**{}}", "...", "\x00", "lambda: 0"],
)  # fmt: skip
def test_what_is_not_such_a_literal_is_refused(text: str) -> None:
    with pytest.raises(FormatError):
        read_literal(text)


def test_integers_of_python_2_are_read() -> None:
    assert read_literal("(3L, 4l)") == (3, 4)


def test_keys_that_repeat_are_named() -> None:
    duplicates = DuplicateKeys()
    assert read_literal("{'a': 1, 'b': {'c': 1, 'c': 2}, 'a': 3}", duplicates) == {"a": 3, "b": {"c": 2}}
    assert duplicates == ["c", "a"]


def test_depth_is_bounded() -> None:
    assert read_literal("[" * DEPTH_CEILING + "]" * DEPTH_CEILING)
    with pytest.raises(FormatError, match=f"at most {DEPTH_CEILING} levels"):
        read_literal("[" * (DEPTH_CEILING + 1) + "]" * (DEPTH_CEILING + 1))
