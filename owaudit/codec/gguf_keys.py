"""The key-values of a GGUF header: every type, in file order, without keeping arrays.

Layout of one: string key, u32 type, value. A string is its length and its bytes, an array its
item type, its count and its items. Lengths and counts are u64, u32 in version 1.

Source: GGUF specification, ggml docs/gguf.md; limits of its loader, ggml src/gguf.cpp.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from owaudit.codec.bounds import OutOfBounds
from owaudit.codec.breaches import Breaches
from owaudit.codec.cursor import Cursor
from owaudit.codec.reader import Place
from owaudit.errors import FormatError, LimitExceeded

BOOL, STRING, ARRAY = 7, 8, 9
_FIXED: Final = {
    0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", BOOL: "B", 10: "Q", 11: "q", 12: "d",
}  # fmt: skip
TYPE_NAMES: Final = {
    0: "u8", 1: "i8", 2: "u16", 3: "i16", 4: "u32", 5: "i32", 6: "f32", BOOL: "bool", STRING: "string",
    ARRAY: "array", 10: "u64", 11: "i64", 12: "f64",
}  # fmt: skip

LONGEST_STRING: Final = 1 << 30
"""Bytes: the loader refuses longer ones."""
LONGEST_ARRAY: Final = 1 << 30
"""Items: the loader refuses more."""
DEEPEST_ARRAY: Final = 8
"""Arrays in arrays. The loader refuses any; the specification sets no end."""
KEPT_TEXT: Final = 1000
_LONGEST_KEY: Final = 65_535


@dataclass(frozen=True, slots=True)
class KeyValue:
    """One entry. ``start`` to ``end`` is its value; for a string without its length.

    ``value`` is the number or truth, or the first bytes of a string; None for an array, which has
    ``count`` items of type ``item``.
    """

    key: str
    at: int
    type: int
    start: int
    end: int
    value: int | float | bytes | None
    item: int = -1
    count: int = 0

    def shown(self) -> str:
        """The value for a person, shortened."""
        if isinstance(self.value, bytes):
            cut = "…" if self.end - self.start > len(self.value) else ""
            return self.value.decode("utf-8", "replace") + cut
        if self.type == ARRAY:
            return f"{self.count} of {TYPE_NAMES.get(self.item, '?')}"
        return str(bool(self.value) if self.type == BOOL else self.value)


Seen = Callable[[int, int, bytes], None]
"""Told index, offset and first 16 bytes of each string of an array."""


class KeyReader:
    """Reads key-values; ``wide`` is False for the u32 lengths of version 1."""

    def __init__(self, cursor: Cursor, breaches: Breaches, place: Place, *, wide: bool) -> None:
        self._cursor = cursor
        self._breaches = breaches
        self._place = place
        self._wide = wide

    def length(self, clause: str) -> int:
        """Read a length or count."""
        return self._cursor.u64(clause) if self._wide else self._cursor.u32(clause)

    def text(self, clause: str, longest: int) -> str:
        """Read a string of at most ``longest`` bytes; bytes that are not UTF-8 are shown as ``\\xff``.

        Raises:
            OutOfBounds: it would end behind the file, or is longer.
        """
        at = self._cursor.at
        size = self.length(clause)
        self._check_string(clause, size, at, longest)
        raw = self._cursor.take(size, clause)
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            self._breaches.note(clause, "UTF-8", "other bytes", self._place.at(at, self._cursor.at))
            return raw.decode("utf-8", "backslashreplace")

    def entries(self, count: int, watched: dict[str, Seen]) -> Iterator[KeyValue]:
        """Yield ``count`` entries; strings of arrays under a key of ``watched`` are told to it.

        Raises:
            OutOfBounds: a length or count reaches beyond the file.
            FormatError: a type that does not exist, so that nothing after it can be found.
            LimitExceeded: arrays are nested too deep.
        """
        for _ in range(count):
            at = self._cursor.at
            key = self.text("key", _LONGEST_KEY)
            if not key:
                self._breaches.note(
                    "empty-key", "a name", "an empty key", self._place.at(at, self._cursor.at)
                )
            elif not key.isascii():
                found = ascii(key)
                self._breaches.note(
                    "key-characters", "a name in ASCII", found, self._place.at(at, self._cursor.at)
                )
            type_ = self._cursor.u32("value-type")
            yield self._value(key, at, type_, watched.get(key))

    def _value(self, key: str, at: int, type_: int, seen: Seen | None) -> KeyValue:
        cursor = self._cursor
        start = cursor.at
        if type_ == STRING:
            size = self.length("string-length")
            self._check_string("string-length", size, start, LONGEST_STRING)
            start = cursor.at
            value = cursor.take(min(size, KEPT_TEXT), "string")
            cursor.at = start + size
            return KeyValue(key, at, type_, start, cursor.at, value)
        if type_ == ARRAY:
            item, count = self._array(0, seen)
            return KeyValue(key, at, type_, start, cursor.at, None, item, count)
        if type_ not in _FIXED:
            raise FormatError("value-type", expected="a type from 0 to 12", found=str(type_), start=start - 4)
        code = struct.Struct(cursor.order + _FIXED[type_])
        number: int | float = code.unpack(cursor.take(code.size, "value"))[0]
        if type_ == BOOL and number not in (0, 1):
            self._breaches.note("bool", "0 or 1", str(number), self._place.at(start, cursor.at))
        return KeyValue(key, at, type_, start, cursor.at, number)

    def _array(self, depth: int, seen: Seen | None) -> tuple[int, int]:
        cursor = self._cursor
        at = cursor.at
        item = cursor.u32("array-type")
        count = self.length("array-length")
        least = 8 if self._wide else 4
        if item in _FIXED:
            least = struct.calcsize("<" + _FIXED[item])
        elif item == ARRAY:
            least += 4
        elif item != STRING:
            raise FormatError("array-type", expected="a type from 0 to 12", found=str(item), start=at)
        if count > min(LONGEST_ARRAY, cursor.left // least):
            expected = f"at most {min(LONGEST_ARRAY, cursor.left // least)} items"
            raise OutOfBounds("array-length", expected=expected, found=str(count), start=at + 4)
        if item in _FIXED:
            cursor.at += count * least
        elif item == STRING:
            self._strings(count, seen)
        else:
            where = self._place.at(at, cursor.at)
            self._breaches.note("nested-array", "items that are no arrays", "arrays", where)
            if depth >= DEEPEST_ARRAY:
                raise LimitExceeded("nesting_depth", actual=depth + 1, allowed=DEEPEST_ARRAY)
            for _ in range(count):
                self._array(depth + 1, None)
        return item, count

    def _strings(self, count: int, seen: Seen | None) -> None:
        """Step over strings through the buffer: vocabularies have hundreds of thousands."""
        cursor = self._cursor
        length = struct.Struct(cursor.order + ("Q" if self._wide else "I"))
        size_of = length.size
        index = 0
        while index < count:
            buffer, offset = cursor.buffered()
            base = cursor.at - offset
            last = len(buffer) - size_of - 16
            while index < count and offset <= last:
                (size,) = length.unpack_from(buffer, offset)
                if size > cursor.window.size - base - offset - size_of:
                    self._check_string("string-length", size, base + offset, LONGEST_STRING)
                if seen is not None:
                    first = buffer[offset + size_of : offset + size_of + min(size, 16)]
                    seen(index, base + offset, first if size <= 16 else first + b"\0")
                offset += size_of + size
                index += 1
            cursor.at = base + offset
            if index < count and cursor.left < size_of + 16:
                self._last_strings(count - index, index, seen)
                return

    def _last_strings(self, count: int, index: int, seen: Seen | None) -> None:
        """The strings in the last bytes of the file, where the buffer cannot be full."""
        cursor = self._cursor
        for number in range(index, index + count):
            at = cursor.at
            size = self.length("string-length")
            self._check_string("string-length", size, at, LONGEST_STRING)
            raw = cursor.take(min(size, 16), "string")
            cursor.at = at + (8 if self._wide else 4) + size
            if seen is not None:
                seen(number, at, raw if size <= 16 else raw + b"\0")

    def _check_string(self, clause: str, size: int, at: int, longest: int) -> None:
        room = max(0, self._cursor.window.size - at - (8 if self._wide else 4))
        if size > min(longest, room):
            expected = f"at most {min(longest, room)} bytes"
            raise OutOfBounds(clause, expected=expected, found=str(size), start=at)
