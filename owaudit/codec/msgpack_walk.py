"""MessagePack, walked without building it: containers are counted, bytes and texts stepped over.

Source: MessagePack specification (msgpack/spec.md), "Formats".
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from owaudit.codec.bounds import OutOfBounds
from owaudit.codec.window import Window
from owaudit.errors import FormatError, LimitExceeded

DEEPEST: Final = 200
"""Containers in containers; the usual parsers stop at 512 or at their stack."""
MOST_VALUES: Final = 50_000_000
KEPT_TEXT: Final = 1024
_BUFFER: Final = 64 * 1024
_FIXED: Final = {0xCA: 4, 0xCB: 8, 0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8, 0xD0: 1, 0xD1: 2, 0xD2: 4, 0xD3: 8}
_LENGTH: Final = {0xC4: 1, 0xC5: 2, 0xC6: 4, 0xC7: 1, 0xC8: 2, 0xC9: 4, 0xD9: 1, 0xDA: 2, 0xDB: 4,
                  0xDC: 2, 0xDD: 4, 0xDE: 2, 0xDF: 4}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Item:
    """One value. ``kind`` is ``nil bool int float str bin ext array map``; ``start`` to ``end`` is its
    content (of containers: empty); ``count`` is their entries; ``code`` the type of an extension.
    ``key`` says that it is the key of a map; ``text`` holds the first characters of a text."""

    kind: str
    at: int
    start: int
    end: int
    depth: int
    count: int = 0
    code: int = 0
    key: bool = False
    text: str = ""
    number: int = 0


class Walker:
    """Reads one value and all below it; ``end`` is the offset after what was read."""

    def __init__(self, window: Window, start: int = 0, end: int | None = None) -> None:
        self._window = window
        self.end = start
        self._stop = window.size if end is None else end
        self._buffer = b""
        self._base = 0

    def items(self) -> Iterator[Item]:
        """Yield every value in file order.

        Raises:
            OutOfBounds: a length or count reaches behind the end.
            FormatError: the byte 0xc1, or containers too deep.
            LimitExceeded: more than ``MOST_VALUES`` values.
        """
        left = [1]
        keyed = [False]
        seen = 0
        while left:
            if left[-1] == 0:
                left.pop()
                keyed.pop()
                continue
            seen += 1
            if seen > MOST_VALUES:
                raise LimitExceeded("fields", actual=seen, allowed=MOST_VALUES)
            is_key = keyed[-1] and left[-1] % 2 == 0
            left[-1] -= 1
            item = self._item(len(left) - 1, key=is_key)
            yield item
            if item.kind in ("array", "map"):
                if len(left) > DEEPEST:
                    expected = f"at most {DEEPEST} levels"
                    raise FormatError("depth", expected=expected, found="more", start=item.at)
                left.append(item.count * (2 if item.kind == "map" else 1))
                keyed.append(item.kind == "map")

    def _take(self, size: int) -> bytes:
        offset = self.end - self._base
        if offset < 0 or offset + size > len(self._buffer):
            self._base, self._buffer = self.end, self._window.read(self.end, max(size, _BUFFER))
            offset = 0
        if self.end + size > self._stop or len(self._buffer) < offset + size:
            expected = f"{size} bytes"
            raise FormatError("end", expected=expected, found="the end of the file", start=self.end)
        self.end += size
        return self._buffer[offset : offset + size]

    def _item(self, depth: int, *, key: bool) -> Item:
        at = self.end
        byte = self._take(1)[0]
        if byte < 0x80 or byte >= 0xE0:
            return Item(
                "int", at, self.end, self.end, depth, key=key, number=byte if byte < 0x80 else byte - 256
            )
        if byte < 0xC0:
            kind, size = (
                ("map", byte & 15)
                if byte < 0x90
                else ("array", byte & 15)
                if byte < 0xA0
                else ("str", byte & 31)
            )
            return self._sized(kind, size, at, depth, key=key)
        if byte in (0xC0, 0xC2, 0xC3):
            return Item("nil" if byte == 0xC0 else "bool", at, self.end, self.end, depth, key=key)
        if byte in _FIXED:
            start = self.end
            raw = self._take(_FIXED[byte])
            kind = "float" if byte in (0xCA, 0xCB) else "int"
            number = 0 if kind == "float" else int.from_bytes(raw, "big", signed=byte >= 0xD0)
            return Item(kind, at, start, self.end, depth, key=key, number=number)
        if byte == 0xC1:
            raise FormatError("type", expected="a type", found="the byte c1", start=at)
        if 0xD4 <= byte <= 0xD8:
            code = struct.unpack(">b", self._take(1))[0]
            return self._sized("ext", 1 << (byte - 0xD4), at, depth, key=key, code=code)
        size = int.from_bytes(self._take(_LENGTH[byte]), "big")
        if byte >= 0xDC:
            return self._sized("array" if byte < 0xDE else "map", size, at, depth, key=key)
        code = struct.unpack(">b", self._take(1))[0] if 0xC7 <= byte <= 0xC9 else 0
        kind = "ext" if 0xC7 <= byte <= 0xC9 else "str" if byte >= 0xD9 else "bin"
        return self._sized(kind, size, at, depth, key=key, code=code)

    def _sized(self, kind: str, size: int, at: int, depth: int, *, key: bool, code: int = 0) -> Item:
        start = self.end
        room = self._stop - start
        if kind in ("array", "map"):
            least = size * (2 if kind == "map" else 1)
            if least > room:
                raise OutOfBounds("count", expected=f"at most {room} values", found=str(size), start=at)
            return Item(kind, at, start, start, depth, count=size, key=key)
        if size > room:
            raise OutOfBounds("length", expected=f"at most the {room} bytes left", found=str(size), start=at)
        text = ""
        if kind == "str":
            text = self._window.read(start, min(size, KEPT_TEXT)).decode("utf-8", "backslashreplace")
        self.end = start + size
        return Item(kind, at, start, self.end, depth, code=code, key=key, text=text)
