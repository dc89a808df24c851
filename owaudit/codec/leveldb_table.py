"""Sorted tables as LevelDB writes them, of which TensorFlow makes the index of a checkpoint.

A footer of 48 bytes at the end holds the places of the metaindex block and of the index block; the
index block holds the places of the data blocks. A block is entries, then u32 restart offsets and
their count, then a byte for the compression and a CRC-32C. Entries share the beginning of their
key with the one before.

Source: leveldb doc/table_format.md; TensorFlow 2.21, tsl/lib/io/format.cc.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from owaudit.codec.bounds import OutOfBounds
from owaudit.codec.spans import Ranges
from owaudit.codec.window import Window
from owaudit.errors import FormatError, LimitExceeded
from owaudit.model.limits import Limits

MAGIC: Final = bytes.fromhex("57fb808b247547db")
FOOTER: Final = 48
_TRAILER: Final = 5
LARGEST_BLOCK: Final = 4 * 1024 * 1024
"""Bytes of a block that is read; writers close one at 256 KiB, but one entry may be larger."""
_NOT_COMPRESSED: Final = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """A key and its value, which stands at ``start`` to ``end`` (not included) of the window."""

    key: bytes
    value: bytes
    start: int
    end: int


class Table:
    """A table in a window; ``explained`` is what was read of it."""

    def __init__(self, window: Window, limits: Limits) -> None:
        self.explained = Ranges()
        self._window = window
        self._allowed = limits.tensors
        self._left = limits.tensors

    def entries(self) -> Iterator[Entry]:
        """Yield the entries of all data blocks, in the order of the index.

        Raises:
            FormatError: no footer, or a block that is none or is compressed.
            OutOfBounds: a block or entry lies beyond what holds it.
            LimitExceeded: a block over ``LARGEST_BLOCK``, or more entries than ``limits.tensors``.
        """
        start = self._window.size - FOOTER
        footer = self._window.exactly(max(0, start), FOOTER, "footer")
        if start < 0 or footer[-8:] != MAGIC:
            raise FormatError("footer", expected="a footer with its magic", found="none", start=max(0, start))
        at, metaindex = _handle(footer, 0, start)
        _, index = _handle(footer, at, start)
        self.explained.add(start, self._window.size)
        for _ in self._block(*metaindex):
            pass
        for entry in self._block(*index):
            _, (offset, size) = _handle(entry.value, 0, entry.start)
            yield from self._block(offset, size)

    def _block(self, offset: int, size: int) -> Iterator[Entry]:
        room = self._window.size - FOOTER - _TRAILER
        if offset > room or size > room - offset:
            expected = f"an end within {room} bytes"
            raise OutOfBounds("block", expected=expected, found=f"{offset} + {size}", start=offset)
        if size > LARGEST_BLOCK:
            raise LimitExceeded("header_bytes", actual=size, allowed=LARGEST_BLOCK)
        raw = self._window.exactly(offset, size, "block")
        compression = self._window.exactly(offset + size, 1, "block")[0]
        if compression != _NOT_COMPRESSED:
            raise FormatError("compression", expected="none", found=str(compression), start=offset + size)
        restarts = int.from_bytes(raw[-4:], "little")
        end = size - 4 - 4 * restarts
        if size < 4 or end < 0:
            raise OutOfBounds("restarts", expected="a count that fits", found=str(restarts), start=offset)
        self.explained.add(offset, offset + size + _TRAILER)
        yield from self._entries(raw, end, offset)

    def _entries(self, raw: bytes, end: int, offset: int) -> Iterator[Entry]:
        key = b""
        at = 0
        while at < end:
            self._left -= 1
            if self._left < 0:
                raise LimitExceeded("tensors", actual=self._allowed + 1, allowed=self._allowed)
            begin = at
            shared, at = _varint(raw, at, offset)
            own, at = _varint(raw, at, offset)
            length, at = _varint(raw, at, offset)
            if shared > len(key) or at + own + length > end:
                found = f"{shared} + {own} + {length}"
                expected = "an entry inside its block"
                raise OutOfBounds("entry", expected=expected, found=found, start=offset + begin)
            key = key[:shared] + raw[at : at + own]
            value_at = at + own
            at = value_at + length
            yield Entry(key, raw[value_at:at], offset + value_at, offset + at)


def _handle(raw: bytes, at: int, start: int) -> tuple[int, tuple[int, int]]:
    offset, at = _varint(raw, at, start)
    size, at = _varint(raw, at, start)
    return at, (offset, size)


def _varint(raw: bytes, at: int, start: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 64, 7):
        if at >= len(raw):
            break
        byte = raw[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
    raise FormatError("varint", expected="a number of at most 64 bits", found="more", start=start + at)
