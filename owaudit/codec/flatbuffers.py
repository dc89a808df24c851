"""Flatbuffers, walked by a schema with every offset checked.

A table begins with the distance back to its vtable; the vtable holds its own size, the size of the
table, and for each field the place inside the table, 0 where the field is absent. Texts, vectors and
tables are reached by u32 distances forward. All numbers are little-endian.

A schema is text, one table a line: ``Name = number field kind, …``. Kinds: a table name; scalars
``8``, ``16``, ``32``, ``64`` (their bits; ``s32`` and ``s8`` are signed); ``text``; ``[16]`` or ``[Name]``, a
vector; ``data``, a vector of bytes that are numbers of a tensor; ``union:Name``, a table whose kind is
told by the field before it, through a table of unions. A field called ``-`` is explained and not kept.

Source: FlatBuffers documentation, "FlatBuffer Internals".
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from owaudit.codec.bounds import OutOfBounds
from owaudit.codec.spans import Ranges
from owaudit.codec.window import Window
from owaudit.errors import LimitExceeded
from owaudit.model.limits import Limits

_SCALARS: Final = {"8": 1, "s8": 1, "16": 2, "32": 4, "s32": 4, "64": 8}
_PAGE: Final = 64 * 1024
KEPT_TEXT: Final = 4096
KEPT_VECTOR: Final = 64 * 1024
"""Numbers kept of one vector; a node has a few inputs, a shape a few sizes."""
PLAIN: Final = "Plain"
"""The kind of a table that holds scalars only."""

Fields = Mapping[int, tuple[str, str]]
Unions = Mapping[str, Mapping[int, str]]


def schema(text: str) -> Mapping[str, Fields]:
    """Read a schema; it must spell every kind it uses."""
    tables: dict[str, Fields] = {PLAIN: {}}
    for line in re.sub(r"\n\s+", " ", text.strip()).splitlines():
        name, _, fields = line.partition(" =")
        rows = [entry.split() for entry in fields.split(",") if entry.strip()]
        tables[name] = {int(number): (label, kind) for number, label, kind in rows}
    return tables


@dataclass(slots=True)
class Table:
    """A table whose fields have been read; ``label`` is the field that led to it in ``parent``."""

    kind: str
    label: str
    at: int
    parent: Table | None
    numbers: dict[str, int] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    vectors: dict[str, array[int]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    places: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Start and end of ``data`` vectors."""


class Flatbuffer:
    """One buffer in a window, which begins with the distance to its root table."""

    def __init__(
        self,
        window: Window,
        known: Mapping[str, Fields],
        unions: Unions,
        limits: Limits,
        *,
        per_parent: frozenset[str] = frozenset(),
    ) -> None:
        """``per_parent`` are the kinds that are yielded once for each table that leads to them."""
        self._per_parent = per_parent
        self.explained = Ranges()
        self.payload = Ranges()
        self._window = window
        self._schema = known
        self._unions = unions
        self._left = limits.fields
        self._allowed = limits.fields
        self._most_tables = limits.tensors
        self._seen: set[tuple[int, str]] = set()
        self._page = b""
        self._base = 0

    def tables(self, root: str) -> Iterator[Table]:
        """Yield every table that the root leads to, inner ones first; a shared table comes once,
        unless its kind is one of ``per_parent``.

        Raises:
            OutOfBounds: an offset, size or count leads out of the file.
            LimitExceeded: over ``limits.fields`` entries or ``limits.tensors`` tables.
        """
        self.explained.add(0, min(8, self._window.size))
        stack: list[tuple[Table, list[tuple[str, str, int]]]] = []
        first = self._open(root, "", self._target(0, "root"), None)
        if first is not None:
            stack.append(first)
        while stack:
            table, inner = stack[-1]
            if not inner:
                yield stack.pop()[0]
                continue
            kind, label, at = inner.pop()
            opened = self._open(kind, label, at, table)
            if opened is not None:
                stack.append(opened)

    def _open(
        self, kind: str, label: str, at: int, parent: Table | None
    ) -> tuple[Table, list[tuple[str, str, int]]] | None:
        """Read the scalars, texts and vectors of a table, and list the tables it leads to."""
        # Who holds an operator decides which tensors its numbers mean, so it counts for each.
        key = (at, f"{kind} of {parent.at}" if parent is not None and kind in self._per_parent else kind)
        if key in self._seen:
            return None
        if len(self._seen) >= self._most_tables:
            raise LimitExceeded("tensors", actual=self._most_tables + 1, allowed=self._most_tables)
        self._seen.add(key)
        table = Table(kind, label, at, parent)
        offsets = self._fields(at)
        inner: list[tuple[str, str, int]] = []
        for number, (name, spelled) in self._schema[kind].items():
            offset = offsets[number] if number < len(offsets) else 0
            if offset:
                self._count(1)
                self._field(table, name, spelled, at + offset, inner)
        inner.reverse()
        return table, inner

    def _fields(self, at: int) -> array[int]:
        """The places of the fields of a table, relative to it, each inside it."""
        back = int.from_bytes(self._bytes(at, 4, "table"), "little", signed=True)
        vtable = at - back
        if not 0 <= vtable <= self._window.size - 4:
            raise OutOfBounds("vtable", expected="a place in the file", found=str(vtable), start=at)
        head = self._bytes(vtable, 4, "vtable")
        size, inside = int.from_bytes(head[:2], "little"), int.from_bytes(head[2:], "little")
        if size < 4 or size % 2 or inside < 4 or inside > self._window.size - at:
            raise OutOfBounds("vtable", expected="sizes that fit", found=f"{size} and {inside}", start=vtable)
        offsets = array("H", self._bytes(vtable + 4, size - 4, "vtable"))
        if offsets and max(offsets) >= inside:
            found = str(max(offsets))
            raise OutOfBounds("field-offset", expected=f"less than {inside}", found=found, start=vtable)
        self.explained.add(vtable, vtable + size)
        self.explained.add(at, at + inside)
        return offsets

    def _field(self, table: Table, label: str, kind: str, at: int, inner: list[tuple[str, str, int]]) -> None:
        if kind in _SCALARS:
            raw = self._bytes(at, _SCALARS[kind], "scalar")
            table.numbers[label] = int.from_bytes(raw, "little", signed=kind.startswith("s"))
        elif kind == "text":
            table.texts[label] = self._text(self._target(at, "text"))
        elif kind == "data" or kind.startswith("["):
            self._vector(table, label, kind, self._target(at, "vector"), inner)
        elif kind.startswith("union:"):
            chosen = table.numbers.get(f"{label}_type", 0)
            if chosen:
                known = self._unions[kind.removeprefix("union:")].get(chosen, PLAIN)
                inner.append((known, label, self._target(at, "table")))
        else:
            inner.append((kind, label, self._target(at, "table")))

    def _vector(
        self, table: Table, label: str, kind: str, at: int, inner: list[tuple[str, str, int]]
    ) -> None:
        item = "8" if kind == "data" else kind[1:-1]
        width = _SCALARS.get(item, 4)
        count = int.from_bytes(self._bytes(at, 4, "vector"), "little")
        start = at + 4
        if count > (self._window.size - start) // width:
            expected = f"at most {(self._window.size - start) // width} items"
            raise OutOfBounds("vector-length", expected=expected, found=str(count), start=at)
        end = start + count * width
        table.counts[label] = count
        if kind == "data":
            self.explained.add(at, start)
            self.payload.add(start, end)
            table.places[label] = (start, end)
            return
        self.explained.add(at, end)
        if item == "text" or item not in _SCALARS:
            self._count(count)
            for number in range(count):
                target = self._target(start + 4 * number, "item")
                if item == "text":
                    self._text(target)
                else:
                    inner.append((item, label, target))
        elif label != "-":
            self._count(count)
            kept = self._window.read(start, min(count, KEPT_VECTOR) * width)
            code = {1: "B", 2: "H", 4: "i" if item == "s32" else "I", 8: "Q"}[width]
            table.vectors[label] = array(code, kept[: len(kept) // width * width])

    def _text(self, at: int) -> str:
        size = int.from_bytes(self._bytes(at, 4, "text"), "little")
        if size > self._window.size - at - 4:
            expected = f"at most {self._window.size - at - 4} bytes"
            raise OutOfBounds("text-length", expected=expected, found=str(size), start=at)
        # The NUL byte behind a text is not part of its length.
        self.explained.add(at, min(at + 4 + size + 1, self._window.size))
        return self._window.read(at + 4, min(size, KEPT_TEXT)).decode("utf-8", "backslashreplace")

    def _target(self, at: int, clause: str) -> int:
        distance = int.from_bytes(self._bytes(at, 4, clause), "little")
        if distance < 4 or distance > self._window.size - at - 4:
            expected = f"4 to {self._window.size - at - 4}"
            raise OutOfBounds(f"{clause}-offset", expected=expected, found=str(distance), start=at)
        return at + distance

    def _bytes(self, at: int, size: int, clause: str) -> bytes:
        offset = at - self._base
        if not 0 <= offset <= len(self._page) - size:
            self._base = max(0, at - _PAGE // 2)
            self._page = self._window.read(self._base, max(_PAGE, size + _PAGE // 2))
            offset = at - self._base
        content = self._page[offset : offset + size]
        if len(content) < size:
            raise OutOfBounds(clause, expected=f"{size} bytes", found=f"{len(content)}", start=at)
        return content

    def _count(self, entries: int) -> None:
        self._left -= entries
        if self._left < 0:
            raise LimitExceeded("fields", actual=self._allowed + 1, allowed=self._allowed)
