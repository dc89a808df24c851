"""Marshalled Python code as names, texts and functions, never as code.

``marshal`` writes a type byte and its content; the highest bit says that the object may be meant
again by its number. Code objects have four to six numbers, the bytecode, constants, names and what
belongs to them; the order differs by version, and what stands there tells which it is.

Source: CPython, Python/marshal.c, versions 2.7 to 3.14; Lib/test/test_marshal.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from owaudit.errors import FormatError, LimitExceeded

_MAY_BE_MEANT_AGAIN: Final = 0x80
_DEEPEST: Final = 100
_MOST_OBJECTS: Final = 200_000
_EMPTY: Final = {"0": None, "N": None, "F": False, "T": True, "S": StopIteration, ".": Ellipsis}
_SHORT_TEXTS: Final = "zZ"
_LONG_TEXTS: Final = "aAu"
_BYTE_TEXTS: Final = "st"
_SIZES: Final = {"i": 4, "I": 8, "g": 8, "y": 16}
_KEPT: Final = 200
_LONGEST: Final = 300


@dataclass(slots=True)
class CodeFacts:
    """What a code object and those inside it hold, each once and in order.

    ``python`` is the version whose layout it has; ``ending`` is empty, or says in words why the
    code was not followed to its end.
    """

    names: dict[str, None] = field(default_factory=dict)
    texts: dict[str, None] = field(default_factory=dict)
    functions: dict[str, None] = field(default_factory=dict)
    python: str = ""
    ending: str = ""


def code_facts(raw: bytes) -> CodeFacts:
    """Walk marshalled bytes. Never raises: what cannot be followed is said in ``ending``."""
    facts = CodeFacts()
    walk = _Walk(raw, facts)
    try:
        walk.object(0)
    except (FormatError, LimitExceeded) as error:
        facts.ending = str(error)
    if not facts.functions and not facts.ending:
        facts.ending = "there is no code object"
    return facts


class _Walk:
    def __init__(self, raw: bytes, facts: CodeFacts) -> None:
        self._raw = raw
        self._facts = facts
        self._at = 0
        self._known: list[Any] = []
        self._count = 0

    def _take(self, size: int) -> bytes:
        part = self._raw[self._at : self._at + size]
        if size < 0 or len(part) != size:
            raise FormatError("marshal", expected=f"{size} bytes", found=f"{len(part)} bytes", start=self._at)
        self._at += size
        return part

    def _number(self, size: int = 4) -> int:
        return int.from_bytes(self._take(size), "little", signed=size > 1)

    def object(self, depth: int) -> Any:
        """One object: texts and bytes as they are, tuples of names as tuples, the rest as None."""
        self._count += 1
        if depth > _DEEPEST or self._count > _MOST_OBJECTS:
            raise LimitExceeded("fields", actual=self._count, allowed=_MOST_OBJECTS)
        head = self._take(1)[0]
        kind = chr(head & 0x7F)
        slot = -1
        if head & _MAY_BE_MEANT_AGAIN and kind not in _EMPTY:
            slot = len(self._known)
            self._known.append(None)
        value = self._value(kind, depth)
        if slot >= 0:
            self._known[slot] = value
        return value

    def _value(self, kind: str, depth: int) -> Any:
        if kind in _EMPTY:
            return _EMPTY[kind]
        if kind in _SIZES:
            self._take(_SIZES[kind])
            return None
        if kind in _SHORT_TEXTS:
            return self._take(self._number(1)).decode("latin-1")
        if kind in _LONG_TEXTS:
            return self._take(self._number()).decode("utf-8", "backslashreplace")
        if kind in _BYTE_TEXTS:
            return self._take(self._number())
        if kind in "rR":
            return self._again()
        if kind == "c":
            return self._code(depth)
        return self._container(kind, depth)

    def _again(self) -> Any:
        index = self._number()
        # "R" counts the interned texts of Python 2 alone; those that are there may be other ones.
        return self._known[index] if 0 <= index < len(self._known) else None

    def _container(self, kind: str, depth: int) -> Any:
        if kind in "()[<>":
            count = self._number(1) if kind == ")" else self._number()
            return tuple(self.object(depth + 1) for _ in range(max(0, count)))
        if kind == "{":
            while self._raw[self._at : self._at + 1] != b"0":
                self.object(depth + 1)
                self.object(depth + 1)
            self._take(1)
        elif kind == "l":
            self._take(2 * abs(self._number()))
        elif kind in "fx":
            for _ in range(2 if kind == "x" else 1):
                self._take(self._number(1))
        elif kind == ":":
            for _ in range(3):
                self.object(depth + 1)
        else:
            raise FormatError("marshal", expected="a known type", found=repr(kind), start=self._at - 1)
        return None

    # Code ---------------------------------------------------------------------------------------

    def _code(self, depth: int) -> None:
        numbers = next((count for count in (4, 5, 6) if self._is_bytes(self._at + 4 * count)), 5)
        self._take(4 * numbers)
        self.object(depth + 1)
        self._note(self._facts.texts, self.object(depth + 1))
        self._note(self._facts.names, self.object(depth + 1))
        self._note(self._facts.names, self.object(depth + 1))
        kinds = self.object(depth + 1)
        is_new = numbers == 5 and isinstance(kinds, bytes)
        if not is_new:
            self.object(depth + 1)
        self.object(depth + 1)
        name = self.object(depth + 1)
        self._note(self._facts.functions, (self.object(depth + 1),) if is_new else (name,))
        self._take(4)
        self.object(depth + 1)
        if is_new:
            self.object(depth + 1)
        layouts = {4: "2", 6: "3.8 to 3.10", 5: "3.11 or later" if is_new else "3.0 to 3.7"}
        self._facts.python = layouts[numbers]

    def _is_bytes(self, at: int) -> bool:
        """Bytecode begins here: bytes of a length that the rest can hold."""
        head = self._raw[at : at + 5]
        if len(head) < 5 or chr(head[0] & 0x7F) != "s":
            return False
        return 0 < int.from_bytes(head[1:], "little") <= len(self._raw) - at

    def _note(self, kept: dict[str, None], values: Any) -> None:
        for value in values if isinstance(values, tuple) else ():
            if isinstance(value, bytes):
                value = value.decode("latin-1")
            if isinstance(value, tuple):
                self._note(kept, value)
            elif isinstance(value, str) and len(kept) < _KEPT:
                kept[value[:_LONGEST]] = None
