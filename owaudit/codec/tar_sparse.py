"""Sparse entries of tar archives: where the stored pieces belong in the file they make.

Four ways to write it: in the header itself (old GNU), and three in pax headers (0.0 repeated
keywords, 0.1 one list, 1.0 a list in front of the content).

Source: GNU tar manual, "Storing Sparse Files"; CPython 3.11 ``tarfile``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from owaudit.codec.window import READ_CEILING, Window
from owaudit.codec.zip_local import Lookahead

_BLOCK = 512
_MOST_PIECES = 20_000
_OLD_IN_HEADER = 4
_OLD_IN_BLOCK = 21
_LONGEST_NUMBER = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class SparseMap:
    """``pieces`` are ``(offset, size)`` in the file of ``size`` bytes, in the order they are stored."""

    size: int
    pieces: tuple[tuple[int, int], ...]

    def expanded(self, stored: Window) -> bytes:
        """The whole file, holes as zeros. The caller bounds ``size``."""
        content = bytearray(self.size)
        at = 0
        for offset, size in self.pieces:
            kept = max(0, min(size, self.size - offset))
            for start, piece in stored.pieces(at, at + kept, READ_CEILING):
                place = offset + start - at
                content[place : place + len(piece)] = piece
            at += size
        return bytes(content[: self.size])


def old_gnu_map(look: Lookahead, header: bytes, start: int) -> tuple[SparseMap, int]:
    """The map of an old GNU entry and where its content starts, behind blocks that continue it."""
    pieces = _old_pieces(header[386:], _OLD_IN_HEADER)
    is_longer = header[482] != 0
    while is_longer and len(pieces) < _MOST_PIECES:
        block = look.read(start, _BLOCK)
        start += _BLOCK
        if len(block) < _BLOCK:
            break
        pieces += _old_pieces(block, _OLD_IN_BLOCK)
        is_longer = block[504] != 0
    return SparseMap(size=_octal(header[483:495]), pieces=tuple(pieces)), start


def pax_map(
    look: Lookahead, records: Sequence[tuple[str, bytes]], start: int, size: int
) -> tuple[SparseMap, int]:
    """The map from pax records, and how many bytes of the content a map in front of it takes."""
    pax = dict(records)
    whole = _decimal(pax.get("GNU.sparse.realsize") or pax.get("GNU.sparse.size") or b"")
    skipped = 0
    if pax.get("GNU.sparse.major") == b"1" and pax.get("GNU.sparse.minor") == b"0":
        numbers, skipped = _leading_numbers(look, start, size)
    elif "GNU.sparse.map" in pax:
        numbers = [_decimal(text) for text in pax["GNU.sparse.map"].split(b",")[: 2 * _MOST_PIECES]]
    else:
        wanted = ("GNU.sparse.offset", "GNU.sparse.numbytes")
        numbers = [_decimal(text) for keyword, text in records if keyword in wanted][: 2 * _MOST_PIECES]
    pieces = tuple(zip(numbers[::2], numbers[1::2], strict=False))
    return SparseMap(size=whole, pieces=pieces), skipped


def _leading_numbers(look: Lookahead, start: int, size: int) -> tuple[list[int], int]:
    """Decimal lines at the start of the content: a count, then offsets and sizes; blocks taken."""
    content = look.read(start, min(size, 2 * _MOST_PIECES * (_LONGEST_NUMBER + 1)))
    lines = content.split(b"\n", 1)
    count = min(_decimal(lines[0]), _MOST_PIECES)
    rest = content.split(b"\n", 2 * count + 1)
    if len(rest) < 2 * count + 2:
        return [], 0
    taken = sum(len(line) + 1 for line in rest[: 2 * count + 1])
    return [_decimal(line) for line in rest[1 : 2 * count + 1]], -(-taken // _BLOCK) * _BLOCK


def _old_pieces(raw: bytes, count: int) -> list[tuple[int, int]]:
    pairs = [(raw[24 * n : 24 * n + 12], raw[24 * n + 12 : 24 * n + 24]) for n in range(count)]
    return [(_octal(offset), _octal(size)) for offset, size in pairs if size.strip(b"\0 ")]


def _octal(raw: bytes) -> int:
    digits = raw.partition(b"\0")[0].strip()
    if raw[:1] == b"\x80":
        return int.from_bytes(raw[1:], "big")
    return int(digits, 8) if digits and not digits.strip(b"01234567") else 0


def _decimal(raw: bytes) -> int:
    raw = raw.strip()
    return int(raw) if raw.isdigit() and len(raw) <= _LONGEST_NUMBER else 0
