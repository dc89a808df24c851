"""UBJSON as xgboost writes it: typed, big-endian, arrays of one type with their count in front.

A value is a marker and what it announces: ``Z`` nothing, ``T`` and ``F``, ``i U I l L`` integers,
``d D`` floating point, ``C`` a character, ``S`` and ``H`` a length and text, ``[`` and ``{`` containers,
which may state the type (``$``) and count (``#``) of their elements. Keys are a length and text.

Source: UBJSON draft 12, "Type Reference" and "Container Types".
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from typing import Any, Final

from owaudit.codec.bounds import OutOfBounds
from owaudit.codec.cursor import Cursor
from owaudit.codec.window import READ_CEILING
from owaudit.errors import FormatError, LimitExceeded

DEEPEST: Final = 64
_SIZES: Final = {"i": 1, "U": 1, "I": 2, "l": 4, "L": 8, "d": 4, "D": 8, "C": 1}
_CODES: Final = {"i": "b", "U": "B", "I": "h", "l": "i", "L": "q", "d": "f", "D": "d", "C": "B"}
_EMPTY: Final = {"Z": None, "T": True, "F": False, "N": None}
KEPT_TEXT: Final = 4096
MOST_ELEMENTS: Final = 100_000_000

Path = tuple[str, ...]


class Ubjson:
    """Walks one value; ``wanted`` says which arrays are built, by their path, others are stepped over."""

    def __init__(self, cursor: Cursor, wanted: Callable[[Path], bool]) -> None:
        self._cursor = cursor
        self._wanted = wanted
        self._elements = 0

    def events(self, path: Path = (), depth: int = 0) -> Iterator[tuple[Path, int, Any]]:
        """Yield path, offset and value of every leaf, and an object's path with None when it ends.

        Raises:
            OutOfBounds: a length or count reaches behind the end of the file.
            FormatError: no such marker, or too deep.
            LimitExceeded: more than ``MOST_ELEMENTS`` values.
        """
        yield from self._value(self._marker(), path, depth)

    def _marker(self) -> str:
        marker = "N"
        while marker == "N":
            marker = self._cursor.take(1, "marker").decode("latin1")
        return marker

    def _value(self, marker: str, path: Path, depth: int) -> Iterator[tuple[Path, int, Any]]:
        at = self._cursor.at
        self._count(1)
        if depth > DEEPEST:
            raise FormatError("depth", expected=f"at most {DEEPEST} levels", found="more", start=at)
        if marker == "{":
            yield from self._object(path, depth)
        elif marker == "[":
            yield from self._array(path, depth)
        else:
            yield path, at, self._scalar(marker)

    def _scalar(self, marker: str) -> Any:
        if marker in _EMPTY:
            return _EMPTY[marker]
        if marker in ("S", "H"):
            return self._text(self._length())
        if marker not in _SIZES:
            raise FormatError("marker", expected="a type", found=ascii(marker), start=self._cursor.at - 1)
        return self._numbers(marker, 1)[0]

    def _numbers(self, marker: str, count: int) -> array[Any]:
        size = _SIZES[marker] * count
        values = array(_CODES[marker])
        while size:
            piece = self._cursor.take(min(size, READ_CEILING), "number")
            values.frombytes(piece)
            size -= len(piece)
        values.byteswap()
        return values

    def _length(self) -> int:
        at = self._cursor.at
        marker = self._marker()
        if marker not in "iUIlL":
            raise FormatError("length", expected="an integer", found=ascii(marker), start=at)
        length = int(self._numbers(marker, 1)[0])
        if not 0 <= length <= self._cursor.left and not 0 <= length <= MOST_ELEMENTS:
            raise OutOfBounds(
                "length", expected=f"at most the {self._cursor.left} bytes left", found=str(length), start=at
            )
        return length

    def _text(self, length: int) -> str:
        if length > self._cursor.left:
            raise OutOfBounds(
                "length",
                expected=f"at most the {self._cursor.left} bytes left",
                found=str(length),
                start=self._cursor.at,
            )
        kept = self._cursor.take(min(length, KEPT_TEXT), "text")
        self._cursor.at += length - len(kept)
        return kept.decode("utf-8", "backslashreplace")

    def _typed(self) -> tuple[str, int | None, str]:
        """The type and count that a container states, and the first marker if it states no count."""
        marker = self._marker()
        kind = ""
        if marker == "$":
            kind = self._cursor.take(1, "type").decode("latin1")
            marker = self._marker()
            if marker != "#":
                raise FormatError("count", expected="#", found=ascii(marker), start=self._cursor.at - 1)
        if marker == "#":
            return kind, self._length(), ""
        return "", None, marker

    def _object(self, path: Path, depth: int) -> Iterator[tuple[Path, int, Any]]:
        start = self._cursor.at
        kind, count, marker = self._typed()
        if count is not None:
            self._count(count)
        index = 0
        while index != count and marker != "}":
            if not marker:
                marker = self._marker()
                if marker == "}":
                    break
            self._cursor.at -= 1
            key = self._text(self._length())
            yield from self._value(kind or self._marker(), (*path, key), depth + 1)
            marker = ""
            index += 1
        yield (*path, "}"), start, None

    def _array(self, path: Path, depth: int) -> Iterator[tuple[Path, int, Any]]:
        at = self._cursor.at
        kind, count, marker = self._typed()
        if count is not None and kind in _SIZES:
            yield path, at, self._run(kind, count, path, at)
            return
        if count is not None:
            if kind in _EMPTY:
                yield path, at, range(count)  # such elements take no bytes
                return
            self._count(count)
        index = 0
        values: list[Any] = []
        keep = self._wanted(path)
        while index != count:
            if count is None:
                marker = marker or self._marker()
                if marker == "]":
                    break
            for inner, where, value in self._value(
                kind or marker or self._marker(), (*path, "[]"), depth + 1
            ):
                if keep and inner == (*path, "[]"):
                    values.append(value)
                else:
                    yield inner, where, value
            marker = ""
            index += 1
        yield path, at, values if keep else range(index)

    def _run(self, kind: str, count: int, path: Path, at: int) -> array[Any] | range:
        size = count * _SIZES[kind]
        if size > self._cursor.left:
            expected = f"at most the {self._cursor.left} bytes left"
            raise OutOfBounds("count", expected=expected, found=f"{count} elements", start=at)
        if self._wanted(path):
            return self._numbers(kind, count)
        self._cursor.at += size
        return range(count)

    def _count(self, more: int) -> None:
        self._elements += more
        if self._elements > MOST_ELEMENTS:
            raise LimitExceeded("fields", actual=self._elements, allowed=MOST_ELEMENTS)
