"""Protocol buffers on the wire, walked by a schema and never built in memory.

A message is a run of fields: a varint ``number << 3 | wire type``, then a varint (0), 8 bytes (1), a
length and its bytes (2) or 4 bytes (5). Groups (3 and 4) are refused: no schema here has them.

A schema is text, one message a line: ``Name = number field kind, …``. Kinds: a message name;
``int`` (varint, also packed), ``ints`` (the same, as numbers of a tensor), ``f32`` and ``f64`` (fixed
width, also packed), ``text``, ``place`` (bytes of which only start and end are kept, as two numbers),
``skip`` (bytes that nobody asks for) and ``data`` (bytes that are numbers of a tensor). A field called
``-`` is walked and not kept.

Source: Protocol Buffers documentation, "Encoding".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from owaudit.codec.spans import Ranges
from owaudit.codec.window import Window
from owaudit.errors import FormatError, LimitExceeded
from owaudit.model.limits import Limits

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
DEEPEST: Final = 100
"""Messages in messages: the default of the common parsers, which refuse more."""
KEPT_TEXT: Final = 16 * 1024
"""Bytes kept of one text."""
KEPT_VALUES: Final = 10_000
"""Values kept of one field of one message; the count goes on."""
_MOST_KEPT: Final = 64 * 1024 * 1024
"""Bytes kept of all messages that have not ended."""
_CHECKED: Final = 1024
"""Fields between two looks at what is kept."""
_BUFFER: Final = 256 * 1024
_WIRES: Final = {
    **dict.fromkeys(("int", "ints"), VARINT),
    **dict.fromkeys(("text", "skip", "data", "place"), LENGTH),
    "f32": FIXED32,
    "f64": FIXED64,
}
_PACKED: Final = frozenset(("int", "ints", "f32", "f64"))
_SIZES: Final = {FIXED32: 4, FIXED64: 8}


class Entry(NamedTuple):
    """A field of a schema: its name and kind, and what follows from the kind."""

    label: str
    kind: str
    wire: int
    packed: bool
    """May it also come packed, as a run of bytes?"""
    nested: bool


Schema = Mapping[str, Mapping[int, Entry]]


def schema(text: str) -> Schema:
    """Read a schema. Raises ValueError where a kind is none and no message (our own fault)."""
    messages: dict[str, dict[int, Entry]] = {}
    for line in re.sub(r"\n\s+", " ", text.strip()).splitlines():
        name, _, fields = line.partition(" =")
        rows = [entry.split() for entry in fields.split(",") if entry.strip()]
        messages[name] = {
            int(number): Entry(label, kind, _WIRES.get(kind, LENGTH), kind in _PACKED, kind not in _WIRES)
            for number, label, kind in rows
        }
    kinds = {entry.kind for fields_ in messages.values() for entry in fields_.values()}
    if missing := kinds - messages.keys() - _WIRES.keys():
        raise ValueError(f"no message {sorted(missing)}")
    return messages


class Message:
    """A message whose fields have been read.

    ``numbers`` and ``texts`` hold values by field, in order; ``sizes`` the bytes of ``data``, ``skip``
    and packed fields; ``nested`` the messages that were attached. ``label`` is the field that held it
    in ``parent``.
    """

    __slots__ = ("end", "kind", "label", "nested", "numbers", "parent", "sizes", "start", "texts", "weight")

    def __init__(self, kind: str, label: str, start: int, end: int, parent: Message | None) -> None:
        self.kind = kind
        self.label = label
        self.start = start
        self.end = end
        self.parent = parent
        self.numbers: dict[str, list[int]] = {}
        self.texts: dict[str, list[str]] = {}
        self.sizes: dict[str, int] = {}
        self.nested: dict[str, list[Message]] = {}
        self.weight = 0
        """Bytes kept, about."""

    def text(self, label: str) -> str:
        """The text of a field that stands once: the last wins, as in parsers."""
        return self.texts[label][-1] if label in self.texts else ""

    def number(self, label: str, default: int = 0) -> int:
        """The number of a field that stands once."""
        return self.numbers[label][-1] if label in self.numbers else default

    def attach(self) -> None:
        """Keep this message in its parent, for when that one ends."""
        if self.parent is not None:
            self.parent.nested.setdefault(self.label, []).append(self)
            self.parent.weight += self.weight + 500


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its tag at ``at``, its bytes from ``start`` to ``end``; ``value`` of a varint."""

    number: int
    wire: int
    at: int
    start: int
    end: int
    value: int


class Wire:
    """Reads fields from a window through one buffer."""

    __slots__ = ("_base", "_buffer", "window")

    def __init__(self, window: Window) -> None:
        self.window = window
        self._buffer = b""
        self._base = 0

    def fields(self, start: int, end: int) -> Iterator[Field]:
        """Yield the fields between ``start`` and ``end`` (not included).

        Raises:
            FormatError: a field ends behind ``end``, or is of no known wire type.
        """
        at = start
        while at < end:
            field_ = self.field(at, end)
            yield field_
            at = field_.end

    def field(self, at: int, end: int) -> Field:
        """The field at ``at``. Raises FormatError as ``fields``."""
        tag, place = self.varint(at, end)
        number, wire = tag >> 3, tag & 7
        if not 0 < number < 1 << 29:
            raise FormatError("field-number", expected="1 to 2**29 - 1", found=str(number), start=at)
        if wire == VARINT:
            value, after = self.varint(place, end)
            return Field(number, wire, at, place, after, value)
        if wire == LENGTH:
            size, place = self.varint(place, end)
        elif wire in (FIXED32, FIXED64):
            size = 4 if wire == FIXED32 else 8
        else:
            raise FormatError("wire-type", expected="0, 1, 2 or 5", found=str(wire), start=at)
        if size > end - place:
            expected = f"at most the {end - place} bytes left"
            raise FormatError("field-length", expected=expected, found=str(size), start=at)
        return Field(number, wire, at, place, place + size, 0)

    def varint(self, at: int, end: int) -> tuple[int, int]:
        """The number at ``at`` and the offset after it. Raises FormatError."""
        offset = at - self._base
        if not 0 <= offset <= len(self._buffer) - 10:
            self._base = at
            self._buffer = self.window.read(at, _BUFFER)
            offset = 0
        buffer = self._buffer
        first = buffer[offset] if offset < len(buffer) and at < end else 128
        if first < 128:
            return first, at + 1
        value = 0
        for index in range(min(10, end - at, len(buffer) - offset)):
            byte = buffer[offset + index]
            value |= (byte & 127) << 7 * index
            if byte < 128:
                return value & 0xFFFF_FFFF_FFFF_FFFF, at + index + 1
        raise FormatError("varint", expected="at most 10 bytes inside the message", found="more", start=at)

    def text(self, start: int, end: int) -> str:
        """The text between two offsets, its first ``KEPT_TEXT`` bytes; others are shown as ``\\xff``."""
        size = min(end - start, KEPT_TEXT)
        offset = start - self._base
        if 0 <= offset <= len(self._buffer) - size:
            return self._buffer[offset : offset + size].decode("utf-8", "backslashreplace")
        return self.window.read(start, size).decode("utf-8", "backslashreplace")


class Walk:
    """Walks one message by a schema; ``messages`` yields every message inside when it ends."""

    def __init__(self, window: Window, known: Schema, limits: Limits) -> None:
        self.unknown = Ranges()
        """Fields that the schema does not know, or knows with another wire type."""
        self.payload = Ranges()
        """``data`` fields, and packed ``ints``, ``f32`` and ``f64``."""
        self.reached = 0
        """Everything before was walked."""
        self._wire = Wire(window)
        self._schema = known
        self._left = limits.fields
        self._allowed = limits.fields

    def messages(self, root: str, start: int, end: int) -> Iterator[Message]:
        """Yield the messages inside ``root``, inner ones first, ``root`` last.

        Raises:
            FormatError: a field is broken, or messages are nested deeper than ``DEEPEST``.
            LimitExceeded: more than ``limits.fields`` fields, or too many values to keep.
        """
        stack = [Message(root, "", start, end, None)]
        at = start
        while stack:
            message = stack[-1]
            while at < message.end:
                inner, at = self._field(message, at)
                if not self._left % _CHECKED:
                    self._check_kept(stack)
                if inner is not None:
                    stack.append(inner)
                    message = inner
                    if len(stack) > DEEPEST:
                        expected = f"at most {DEEPEST} messages in one another"
                        raise FormatError("nesting", expected=expected, found="more", start=at)
            self.reached = at
            yield stack.pop()

    def _check_kept(self, stack: list[Message]) -> None:
        kept = sum(message.weight for message in stack)
        if kept > _MOST_KEPT:
            raise LimitExceeded("header_bytes", actual=kept, allowed=_MOST_KEPT)

    def _field(self, message: Message, at: int) -> tuple[Message | None, int]:
        """Take the field at ``at``; a graph has millions, so a tag of one byte takes a short way."""
        self.reached = at
        self._left -= 1
        if self._left < 0:
            raise LimitExceeded("fields", actual=self._allowed + 1, allowed=self._allowed)
        wire = self._wire
        end = message.end
        tag, place = wire.varint(at, end)
        entry = self._schema[message.kind].get(tag >> 3)
        kind = tag & 7
        if entry is None or (kind != entry.wire and not (kind == LENGTH and entry.packed)):
            field_ = wire.field(at, end)
            self.unknown.add(at, field_.end)
            return None, field_.end
        if kind == VARINT:
            value, place = wire.varint(place, end)
            if entry.kind == "int" and entry.label != "-":
                self._number(message, entry.label, value)
            return None, place
        if kind == LENGTH:
            size, place = wire.varint(place, end)
        else:
            size = _SIZES[kind]
        if size > end - place:
            expected = f"at most the {end - place} bytes left"
            raise FormatError("field-length", expected=expected, found=str(size), start=at)
        if entry.nested:
            return Message(entry.kind, entry.label, place, place + size, message), place
        self._keep(message, entry, kind, place, place + size)
        return None, place + size

    def _keep(self, message: Message, entry: Entry, wire: int, start: int, end: int) -> None:
        label, kind = entry.label, entry.kind
        if kind == "data" or (wire == LENGTH and entry.packed and kind != "int"):
            self.payload.add(start, end)
        elif label == "-":
            return
        elif kind == "text":
            texts = message.texts.setdefault(label, [])
            if len(texts) < KEPT_VALUES:
                text = self._wire.text(start, end)
                texts.append(text)
                message.weight += len(text) + 64
            return
        elif kind == "place":
            message.numbers[label] = [start, end]
            return
        elif kind == "int":
            self._unpack(message, label, start, end)
            return
        message.sizes[label] = message.sizes.get(label, 0) + end - start

    def _number(self, message: Message, label: str, value: int) -> None:
        values = message.numbers.setdefault(label, [])
        if len(values) < KEPT_VALUES:
            values.append(value)
            message.weight += 40

    def _unpack(self, message: Message, label: str, start: int, end: int) -> None:
        values = message.numbers.setdefault(label, [])
        at = start
        while at < end and len(values) < KEPT_VALUES:
            value, at = self._wire.varint(at, end)
            values.append(value)
            message.weight += 40


def signed(value: int) -> int:
    """The number that a varint of an ``int64`` field means."""
    return value - (1 << 64) if value >> 63 else value


def fits(
    wire: Wire, known: Schema, kind: str, start: int, end: int, *, most: int = 64, tolerant: bool = False
) -> frozenset[int] | None:
    """The numbers of the first ``most`` fields between two offsets, or None if they are not of ``kind``.

    A last field that would end behind ``end`` counts: the file may be cut. ``tolerant`` passes over
    fields that the schema does not know, as parsers do.
    """
    seen = set()
    at = start
    for _ in range(most):
        if at >= end:
            break
        try:
            tag, _ = wire.varint(at, end)
        except FormatError:
            return None
        entry = known[kind].get(tag >> 3)
        if entry is None and not tolerant:
            return None
        if entry is not None:
            if tag & 7 != entry.wire and not (tag & 7 == LENGTH and entry.packed):
                return None
            seen.add(tag >> 3)
        try:
            at = wire.field(at, end).end
        except FormatError:
            break
    return frozenset(seen)
