"""Serialized values of R, walked without building them.

Each item begins with flags: type in the low 8 bits, then marks for object (8), attributes (9) and tag
(10), and levels from bit 12. Symbols, environments and the like are numbered as they come, and later
items refer to them. Three spellings: XDR (``X``), native (``B``) and text (``A``).

Source: R Internals 4.4, 1.8 "Serialization Formats"; R 4.4, src/main/serialize.c.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from owaudit.codec.bounds import OutOfBounds
from owaudit.codec.cursor import Cursor
from owaudit.codec.window import READ_CEILING, Window
from owaudit.errors import FormatError, LimitExceeded

MOST_ITEMS: Final = 50_000_000
DEEPEST: Final = 2_000_000
"""Things still to read; each took at least four bytes to announce."""
KEPT_PLACES: Final = 3
MOST_NAMES: Final = 200
_LONGEST_NAME: Final = 100

_SYMBOL, _PAIRS, _CLOSURE, _ENVIRONMENT, _PROMISE, _CALL = 1, 2, 3, 4, 5, 6
_BUILTIN: Final = (7, 8)
_CHARACTERS, _DOTS, _BYTECODE, _POINTER, _WEAK, _S4 = 9, 17, 21, 22, 23, 25
_WIDTHS: Final = {10: 4, 13: 4, 14: 8, 15: 16, 24: 1}
"""Bytes of an element: logical, integer, real, complex, raw."""
_LISTS: Final = (16, 19, 20)
_NOTHING: Final = (241, 242, 250, 251, 252, 253, 254)
_REFERENCE, _NAMED_PLACES, _ALTERNATIVE = 255, (247, 248, 249), 238
_BC_REFERENCE, _BC_DEFINITION, _ATTRIBUTED = 243, 244, (239, 240)
_ACTIVE: Final = 1 << 15
_PURE: Final = frozenset(("~", "c", "list", "(", "+", "-", "*", "/", "^", ":", "::", "I", "cbind"))
"""Calls that make up the formula of a model."""

_ITEM, _MANY, _CODE, _CONSTANT, _LANGUAGE, _CONSTANTS = range(6)
Task = tuple[int, int]


@dataclass(slots=True)
class Seen:
    """How often a feature stood there, and its first places."""

    count: int = 0
    places: list[int] = field(default_factory=list)


class RWalker:
    """Reads one value. ``features`` counts ``(feature, name)``; ``payload`` are runs of numbers."""

    def __init__(self, window: Window, start: int) -> None:
        self.cursor = Cursor(window, start)
        self.features: dict[tuple[str, str], Seen] = {}
        self.payload: list[tuple[int, int]] = []
        self.types: Counter[int] = Counter()
        self._text = False
        self._waiting: list[tuple[str, int]] = []
        self._symbols: list[str] = []
        self._symbol_next = False

    def read(self) -> None:
        """Walk header and value.

        Raises:
            OutOfBounds: a length leads behind the end.
            FormatError: no such type, or a header of another format.
            LimitExceeded: more than ``MOST_ITEMS`` items.
        """
        self._header()
        todo: list[Task] = [(_ITEM, 0)]
        steps = 0
        while todo:
            steps += 1
            if steps > MOST_ITEMS:
                raise LimitExceeded("fields", actual=steps, allowed=MOST_ITEMS)
            if len(todo) > DEEPEST:
                raise LimitExceeded("pickle_stack", actual=len(todo), allowed=DEEPEST)
            self._step(todo)
        self._settle()

    def _header(self) -> None:
        at = self.cursor.at
        mark = self.cursor.take(2, "format")
        if mark not in (b"X\n", b"A\n", b"B\n"):
            raise FormatError("format", expected="X, A or B", found=ascii(mark), start=at)
        self._text = mark == b"A\n"
        self.cursor = Cursor(self.cursor.window, self.cursor.at, ">" if mark == b"X\n" else "<")
        version = self._integer()
        if version not in (2, 3):
            raise FormatError("version", expected="2 or 3", found=str(version), start=at)
        self._integer()
        self._integer()
        if version == 3:
            self._bytes(self._integer())

    def _step(self, todo: list[Task]) -> None:
        task, value = todo.pop()
        if task == _MANY:
            if value > 1:
                todo.append((_MANY, value - 1))
            self._item(todo)
        elif task == _ITEM:
            self._item(todo)
        elif task == _CODE:
            todo.extend(((_CONSTANTS, 0), (_ITEM, 0)))
        elif task == _CONSTANTS:
            todo.extend([(_CONSTANT, 0)] * self._count(4))
        else:
            self._language(todo, constant=task == _CONSTANT)

    def _language(self, todo: list[Task], *, constant: bool) -> None:
        """A constant of compiled code, or a call inside one."""
        kind = self._integer()
        if kind == _BYTECODE and constant:
            todo.append((_CODE, 0))
        elif kind == _BC_REFERENCE:
            self._integer()
        elif kind in (_BC_DEFINITION, _CALL, _PAIRS, *_ATTRIBUTED):
            if kind == _BC_DEFINITION:
                self._integer()
                kind = self._integer()
            todo.extend(((_LANGUAGE, 0), (_LANGUAGE, 0), (_ITEM, 0)))
            if kind in _ATTRIBUTED:
                todo.append((_ITEM, 0))
        else:
            todo.append((_ITEM, 0))

    def _item(self, todo: list[Task]) -> None:
        at = self.cursor.at
        flags = self._integer()
        kind, has_attributes, has_tag = flags & 255, flags >> 9 & 1, flags >> 10 & 1
        self.types[kind] += 1
        if kind in _NOTHING:
            return
        if kind == _REFERENCE:
            index = flags >> 8 or self._integer()
            if self._waiting and 0 < index <= len(self._symbols):
                self._named(self._symbols[index - 1])
        elif kind in (_PAIRS, _CLOSURE, _PROMISE, _CALL, _DOTS):
            self._note_pairs(kind, flags, at)
            todo.extend([(_ITEM, 0)] * (2 + has_attributes + has_tag))
        elif kind == _SYMBOL:
            self._symbol_next = True
            todo.append((_ITEM, 0))
        elif kind == _CHARACTERS:
            self._characters()
        elif kind in _WIDTHS or kind in _LISTS:
            self._vector(kind, has_attributes, todo)
        else:
            self._rare(kind, has_attributes, at, todo)

    def _note_pairs(self, kind: int, flags: int, at: int) -> None:
        if kind == _PROMISE:
            self._note("promise", at)
        elif kind == _CLOSURE:
            self._note("closure", at)
        elif kind == _CALL:
            self._note("call", at)
        elif flags >> 12 & _ACTIVE:
            self._note("active-binding", at)

    def _vector(self, kind: int, has_attributes: int, todo: list[Task]) -> None:
        if has_attributes:
            todo.append((_ITEM, 0))
        width = _WIDTHS.get(kind, 0)
        count = self._count(width or 4)
        if width:
            start = self.cursor.at
            self._numbers(count, width)
            self.payload.append((start, self.cursor.at))
        elif count:
            todo.append((_MANY, count))

    def _rare(self, kind: int, has_attributes: int, at: int, todo: list[Task]) -> None:
        if kind == _ENVIRONMENT:
            self._integer()
            self._symbols.append("")
            todo.extend([(_ITEM, 0)] * 4)
        elif kind in _NAMED_PLACES:
            self._integer()
            self._symbols.append("")
            todo.extend([(_ITEM, 0)] * self._count(4))
        elif kind in _BUILTIN:
            self._bytes(self._integer())
        elif kind == _BYTECODE:
            self._note("bytecode", at)
            self._integer()
            todo.extend([(_ITEM, 0)] * has_attributes + [(_CODE, 0)])
        elif kind in (_POINTER, _WEAK):
            if kind == _POINTER:
                self._note("external-pointer", at)
            self._symbols.append("")
            todo.extend([(_ITEM, 0)] * (has_attributes + 2 * (kind == _POINTER)))
        elif kind == _S4:
            todo.extend([(_ITEM, 0)] * has_attributes)
        elif kind == _ALTERNATIVE:
            todo.extend([(_ITEM, 0)] * 3)
        else:
            raise FormatError("type", expected="a type of R", found=str(kind), start=at)

    def _characters(self) -> None:
        text = self._bytes(self._integer()).decode("utf-8", "backslashreplace")
        if self._symbol_next:
            self._symbol_next = False
            self._symbols.append(text)
            self._named(text)

    # what was seen ---------------------------------------------------------------------------

    def _note(self, feature: str, at: int) -> None:
        """Remember a feature until the next symbol says what it is about."""
        if feature in ("promise", "call"):
            self._waiting.append((feature, at))
            if len(self._waiting) > 64:
                self._settle()
        else:
            self._add(feature, "", at)

    def _named(self, name: str) -> None:
        for feature, at in self._waiting:
            if feature != "call" or name not in _PURE:
                self._add(feature, name[:_LONGEST_NAME], at)
        self._waiting.clear()

    def _settle(self) -> None:
        for feature, at in self._waiting:
            self._add(feature, "", at)
        self._waiting.clear()

    def settle(self) -> None:
        """Note what still waits for its name, where reading broke off."""
        self._settle()

    def _add(self, feature: str, name: str, at: int) -> None:
        key = (feature, name)
        if key not in self.features and len(self.features) >= MOST_NAMES:
            key = (feature, "")
        seen = self.features.setdefault(key, Seen())
        seen.count += 1
        if len(seen.places) < KEPT_PLACES:
            seen.places.append(at)

    # numbers ---------------------------------------------------------------------------------

    def _integer(self) -> int:
        if not self._text:
            value = self.cursor.u32("integer")
            return value - (1 << 32) if value >> 31 else value
        word = self._word()
        if word == b"NA":
            return -(1 << 31)
        try:
            return int(word)
        except ValueError:
            raise FormatError(
                "integer", expected="a number", found=ascii(word), start=self.cursor.at
            ) from None

    def _word(self) -> bytes:
        taken = bytearray()
        while True:
            byte = self.cursor.take(1, "word")
            if byte in (b" ", b"\n", b"\t", b"\r"):
                if taken:
                    return bytes(taken)
                continue
            taken += byte
            if len(taken) > 64:
                raise FormatError("word", expected="a short word", found="more", start=self.cursor.at)

    def _count(self, width: int) -> int:
        at = self.cursor.at
        count = self._integer()
        if count == -1:
            count = (self._integer() << 32) + (self._integer() & 0xFFFF_FFFF)
        least = 2 if self._text else width
        if not 0 <= count * least <= self.cursor.left + least * self._text:
            expected = f"what fits the {self.cursor.left} bytes left"
            raise OutOfBounds("length", expected=expected, found=str(count), start=at)
        return count

    def _numbers(self, count: int, width: int) -> None:
        if not self._text:
            self.cursor.at += count * width
            return
        for _ in range(count * (2 if width == 16 else 1)):
            self._word()

    def _bytes(self, size: int) -> bytes:
        if size == -1:
            return b""
        if not 0 <= size <= self.cursor.left:
            expected = f"at most the {self.cursor.left} bytes left"
            raise OutOfBounds("length", expected=expected, found=str(size), start=self.cursor.at)
        if self._text:
            return self._escaped(size)
        kept = self.cursor.take(min(size, 4096, READ_CEILING), "text")
        self.cursor.at += size - len(kept)
        return kept

    def _escaped(self, size: int) -> bytes:
        """Text in the spelling of C, ``size`` characters after their escapes are resolved."""
        taken = bytearray()
        while len(taken) < size:
            byte = self.cursor.take(1, "text")
            if byte == b"\\":
                byte = self.cursor.take(1, "text")
                if byte.isdigit():
                    digits = byte + self.cursor.take(2, "text")
                    byte = (
                        bytes([int(digits, 8) & 255])
                        if digits.isdigit() and b"8" not in digits and b"9" not in digits
                        else b"?"
                    )
            elif not taken and byte in (b"\n", b" "):
                continue
            taken += byte
        return bytes(taken[:4096])


def places(seen: dict[tuple[str, str], Seen]) -> Iterator[tuple[str, str, Seen]]:
    """Yield feature, name and places, in order of feature and name."""
    for (feature, name), found in sorted(seen.items(), key=lambda item: item[0]):
        yield feature, name, found
