"""Lines of a text of any size, one at a time and of bounded length."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from owaudit.codec.window import Window
from owaudit.errors import LimitExceeded

LONGEST: Final = 16 * 1024 * 1024
"""Bytes of one line: an array of a tree with a million leaves."""


def lines(window: Window, start: int = 0) -> Iterator[tuple[int, bytes]]:
    """Yield the offset and the bytes of each line, without its line break.

    Raises:
        LimitExceeded: a line is longer than ``LONGEST`` bytes.
    """
    rest = b""
    at = start
    for _, piece in window.pieces(start):
        parts = (rest + piece).split(b"\n")
        rest = parts.pop()
        for part in parts:
            yield at, part.removesuffix(b"\r")
            at += len(part) + 1
        if len(rest) > LONGEST:
            raise LimitExceeded("header_bytes", actual=len(rest), allowed=LONGEST)
    if rest:
        yield at, rest
