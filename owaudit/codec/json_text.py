"""JSON with its repeated keys, byte offsets and bounds: a pull scanner for headers and configs.

``json.loads`` keeps the last of several equal keys in silence and needs ten times the memory of a
large header. Here an object is walked member by member: only one value of bounded size is held at
a time, keys that repeat are reported, and nesting ends at a fixed depth. Refused as in the
grammar: NaN and Infinity, a byte order mark, bytes that are not UTF-8, lone surrogates (they have
no UTF-8 form) and numbers no double can hold.

Source: RFC 8259; RFC 6901 for pointers.
"""

from __future__ import annotations

import codecs
import itertools
import json
import math
import re
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, NoReturn

from owaudit.codec.window import Window
from owaudit.errors import FormatError, LimitExceeded

DEPTH_CEILING = 127
"""Arrays and objects inside one another; the JSON reader of Rust programs (serde) stops here too."""

VALUE_CEILING = 1024 * 1024
"""Characters of one value that is built whole: ten times that in memory at the worst."""

_PIECE = 1024 * 1024
_LONGEST_NUMBER = 400
"""Digits: the largest double has 309, and Python itself refuses integers over 4300."""

_SPACE = re.compile(r"[ \t\n\r]*")
_STRUCTURE = re.compile(r'"(?:[^"\\]++|\\.)*+"|[\[\]{}]', re.DOTALL)
_PLAIN_TEXT = re.compile(r'[^"\\\x00-\x1f]{1,65536}')
_ESCAPE = re.compile(
    r"""\\(?: ["\\/bfnrt]
      | u[dD][89abAB][0-9a-fA-F]{2} \\u[dD][c-fC-F][0-9a-fA-F]{2}  # a pair for one character
      | u[0-9a-fA-F]{4} )""",
    re.VERBOSE,
)
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Text:
    """The first characters of a string, its whole size in bytes as written, and whether more follows."""

    start: str
    size: int
    cut: bool


class RepeatingObject(dict[str, Any]):
    """An object some of whose keys stood there several times: the last value of each is kept."""

    repeated: tuple[str, ...] = ()


class JsonScanner:
    """Walks one JSON text in a window, from ``start`` to ``end`` (not included).

    Take an object with ``members`` and, for each name it yields, exactly one value with
    ``value``, ``text`` or ``members``; then ``finish``. Offsets are bytes in the window.

    All methods raise:
        FormatError: not JSON, or nested deeper than ``DEPTH_CEILING``.
        LimitExceeded: a name or value is longer than ``ceiling`` characters.
    """

    def __init__(
        self,
        window: Window,
        start: int = 0,
        end: int | None = None,
        *,
        ceiling: int = VALUE_CEILING,
        constants: bool = False,
    ) -> None:
        self._window = window
        self._next = start
        self._end = window.size if end is None else min(end, window.size)
        self._ceiling = ceiling
        self._utf8 = codecs.getincrementaldecoder("utf-8")()
        self._json = json.JSONDecoder(
            object_pairs_hook=self._object,
            parse_int=_integer,
            parse_float=_float,
            parse_constant=float if constants else _constant,
        )
        self._text = ""
        self._at = 0
        self._known_offset = start
        self._known_at = 0
        self._complete = self._next >= self._end
        self._depth = 0
        self._repeats = False

    @property
    def offset(self) -> int:
        """Bytes of the window before the next character."""
        self._known_offset = self._offset_of(self._at)
        self._known_at = self._at
        return self._known_offset

    def peek(self) -> str:
        """Return the next character that is not white space, or nothing at the end."""
        self._skip_space()
        return self._text[self._at : self._at + 1]

    def members(self) -> Iterator[tuple[str, int]]:
        """Yield the name of each member of an object and the offset of its opening quote, in order.

        The value of a member is taken before the next name is asked for.
        """
        self._take("{")
        self._depth += 1
        if self._depth > DEPTH_CEILING:
            self._too_deep()
        if self.peek() == "}":
            self._at += 1
        else:
            while True:
                if self.peek() != '"':
                    self._wrong("a name in double quotes")
                start = self.offset
                name = self._decode()
                self._take(":")
                self._skip_space()
                yield name, start
                if self.peek() != ",":
                    break
                self._at += 1
            self._take("}")
        self._depth -= 1

    def elements(self) -> Iterator[int]:
        """Yield the offset of each element of an array, in order.

        The element is taken before the next one is asked for.
        """
        self._take("[")
        self._depth += 1
        if self._depth > DEPTH_CEILING:
            self._too_deep()
        if self.peek() == "]":
            self._at += 1
        else:
            while True:
                self._skip_space()
                yield self.offset
                if self.peek() != ",":
                    break
                self._at += 1
            self._take("]")
        self._depth -= 1

    def value(self) -> tuple[Any, tuple[str, ...]]:
        """Return one value, and JSON pointers to the members in it whose names repeat."""
        self.peek()
        self._repeats = False
        value = self._decode()
        return value, tuple(_pointers(value)) if self._repeats else ()

    def text(self, kept: int) -> Text | None:
        """Take a string of any length and keep its first ``kept`` characters.

        Returns None, and takes nothing, if the value is not a string.
        """
        if self.peek() != '"':
            return None
        self._at += 1
        before = self.offset
        parts: list[str] = []
        held = 0
        while True:
            self._fill()
            part = _PLAIN_TEXT.match(self._text, self._at) or _ESCAPE.match(self._text, self._at)
            if part is None:
                break
            self._at = part.end()
            if held <= kept:
                parts.append(self._unescaped(part.group()))
                held += len(parts[-1])
            elif part.group()[0] == "\\":
                self._unescaped(part.group())
        if self._text[self._at : self._at + 1] != '"':
            self._wrong("the end of a string")
        size = self.offset - before
        self._at += 1
        start = "".join(parts)
        return Text(start[:kept], size, cut=len(start) > kept)

    def finish(self) -> None:
        """Check that nothing but white space follows."""
        if self.peek():
            self._wrong("the end of the text")

    # the buffer ------------------------------------------------------------------------------

    def _fill(self) -> None:
        """Hold at least ``ceiling`` characters from here on, or all that are left."""
        if self._complete or len(self._text) - self._at > self._ceiling:
            return
        rest = self._offset_of(self._at)
        parts = [self._text[self._at :]]
        held = len(parts[0])
        while held <= self._ceiling and not self._complete:
            piece = self._window.read(self._next, min(_PIECE, self._end - self._next))
            before = self._next - len(self._utf8.getstate()[0])
            self._next += len(piece)
            self._complete = not piece or self._next >= self._end
            try:
                parts.append(self._utf8.decode(piece, final=self._complete))
            except UnicodeDecodeError as error:
                found = error.object[error.start : error.start + 4].hex(" ")
                raise FormatError(
                    "utf-8", expected="UTF-8 text", found=f"bytes {found}", start=before + error.start
                ) from error
            held += len(parts[-1])
        self._text = "".join(parts)
        self._known_offset, self._known_at, self._at = rest, 0, 0

    def _offset_of(self, at: int) -> int:
        if self._text.isascii():
            return self._known_offset + at - self._known_at
        return self._known_offset + len(self._text[self._known_at : at].encode())

    def _skip_space(self) -> None:
        while True:
            self._fill()
            match = _SPACE.match(self._text, self._at)
            assert match is not None
            self._at = match.end()
            if self._at < len(self._text) or self._complete:
                return

    def _take(self, character: str) -> None:
        if self.peek() != character:
            self._wrong(f"{character!r}")
        self._at += 1

    # one value -------------------------------------------------------------------------------

    def _decode(self) -> Any:
        """Take one value at a character that is not white space."""
        start = self._at
        try:
            value, end = self._json.raw_decode(self._text, start)
        except RecursionError:
            self._too_deep()
        except json.JSONDecodeError:
            self._measure(start)
            self._wrong("a JSON value")
        if end - start > self._ceiling:
            self._too_long(end - start)
        nested = self._text.count("[", start, end) + self._text.count("{", start, end)
        if self._depth + nested > DEPTH_CEILING:
            self._measure(start)
        if self._text.find("\\u", start, end) >= 0 and _has_surrogate(value):
            self._wrong("text without lone surrogates")
        self._at = end
        return value

    def _measure(self, start: int) -> None:
        """Raise if the value at ``start`` is too deep, or does not end in what is held."""
        if self._text[start : start + 1] not in ('"', "[", "{"):
            return
        depth = self._depth
        for token in _STRUCTURE.finditer(self._text, start):
            if token.group() in ("[", "{"):
                depth += 1
                if depth > DEPTH_CEILING:
                    self._too_deep()
            elif token.group() in ("]", "}"):
                depth -= 1
            if depth <= self._depth:
                return
        if not self._complete:
            self._too_long(len(self._text) - start)

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        built = dict(pairs)
        if len(built) == len(pairs):
            return built
        self._repeats = True
        repeating = RepeatingObject(built)
        seen: set[str] = set()
        again = {name: None for name, _ in pairs if name in seen or seen.add(name)}  # type: ignore[func-returns-value]
        repeating.repeated = tuple(again)
        return repeating

    def _unescaped(self, part: str) -> str:
        if part[0] != "\\":
            return part
        text: str = json.loads(f'"{part}"')
        if _SURROGATE.search(text):
            self._wrong("text without lone surrogates")
        return text

    def _wrong(self, expected: str) -> NoReturn:
        found = ascii(self._text[self._at : self._at + 20]) if self._at < len(self._text) else "the end"
        raise FormatError("json", expected=expected, found=found, start=self.offset)

    def _too_deep(self) -> NoReturn:
        raise FormatError(
            "json-depth", expected=f"at most {DEPTH_CEILING} levels", found="more", start=self.offset
        )

    def _too_long(self, actual: int) -> NoReturn:
        raise LimitExceeded("header_bytes", actual=actual, allowed=self._ceiling)


class KeyLedger:
    """Finds names that repeat among many, in 8 bytes and an offset each.

    Names are told apart by a 64-bit digest. Two names with one digest cost their author some 2**32
    attempts and make only their own file look worse.
    """

    __slots__ = ("_digests", "offsets")

    def __init__(self) -> None:
        self._digests = array("Q")
        self.offsets = array("Q")

    def add(self, name: str, offset: int) -> None:
        """Note a name and where it stands."""
        digest = blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        self._digests.append(int.from_bytes(digest, "little"))
        self.offsets.append(offset)

    def __len__(self) -> int:
        return len(self.offsets)

    def repeated(self) -> list[int]:
        """Return the offsets of names that stood there before, in the order they were added."""
        in_order = sorted(self._digests)
        several = {b for a, b in itertools.pairwise(in_order) if a == b}
        del in_order
        if not several:
            return []
        seen: set[int] = set()
        found = []
        for digest, offset in zip(self._digests, self.offsets, strict=True):
            if digest in several:
                if digest in seen:
                    found.append(offset)
                seen.add(digest)
        return found


def document(
    window: Window, *, ceiling: int = 8 * VALUE_CEILING, constants: bool = False
) -> tuple[Any, tuple[str, ...]]:
    """Return the value of a whole JSON text, and JSON pointers to members whose names repeat.

    With ``constants``, NaN and Infinity are numbers, as Python's ``json`` writes and reads them.

    Raises:
        FormatError: not JSON, or nested deeper than ``DEPTH_CEILING``.
        LimitExceeded: longer than ``ceiling`` characters.
    """
    scanner = JsonScanner(window, ceiling=ceiling, constants=constants)
    value, repeated = scanner.value()
    scanner.finish()
    return value, repeated


class _NumberError(json.JSONDecodeError):
    pass


def _integer(digits: str) -> int | float:
    # "-0" is a floating point number to readers that tell the two apart.
    if digits == "-0":
        return -0.0
    if len(digits) > _LONGEST_NUMBER or (len(digits) > 300 and math.isinf(float(digits))):
        raise _NumberError("number", digits[:20], 0)
    return int(digits)


def _float(digits: str) -> float:
    number = float(digits) if len(digits) <= _PIECE else math.inf
    if math.isinf(number):
        raise _NumberError("number", digits[:20], 0)
    return number


def _constant(name: str) -> NoReturn:
    raise _NumberError("number", name, 0)


def _children(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield str(index), item


def _pointers(value: Any) -> Iterator[str]:
    todo = [("", value)]
    while todo:
        path, item = todo.pop()
        if isinstance(item, RepeatingObject):
            for name in item.repeated:
                yield path + "/" + _token(name)
        if isinstance(item, dict | list):
            below = [(f"{path}/{_token(name)}", child) for name, child in _children(item)]
            todo.extend(reversed(below))


def _token(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _has_surrogate(value: Any) -> bool:
    todo = [value]
    while todo:
        item = todo.pop()
        if isinstance(item, str):
            if not item.isascii() and _SURROGATE.search(item):
                return True
        elif isinstance(item, dict | list):
            for name, child in _children(item):
                if not name.isascii() and _SURROGATE.search(name):
                    return True
                todo.append(child)
    return False
