"""Archives for tests: bytes by hand where they lie, and the readers' answers in short."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

from owaudit.codec.reader import Halt, Member, Place, Span, Yield
from owaudit.codec.window import Window
from owaudit.model.limits import Limits
from owaudit.model.observation import Observation

PLACE = Place("a")
Read = Callable[[Window, Place, Limits], Iterator[Yield]]


def patched(content: bytes, at: int, new: bytes) -> bytes:
    """The same bytes with ``new`` in the place of what stood at ``at``."""
    return content[:at] + new + content[at + len(new) :]


def central_at(content: bytes, number: int = 0) -> int:
    """Where the central entry of that number stands."""
    at = content.find(b"PK\x01\x02")
    for _ in range(number):
        at = content.find(b"PK\x01\x02", at + 4)
    return at


def end_record(entries: int, size: int, offset: int, comment: bytes = b"") -> bytes:
    """An end record that says what it is told."""
    return struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, entries, entries, size, offset, len(comment)) + comment


def yields(read: Read, content: bytes, limits: Limits | None = None) -> list[Yield]:
    """Everything a reader yields."""
    return list(read(Window.of(content), PLACE, limits or Limits()))


def facts(items: list[Yield]) -> list[Observation | Halt]:
    """The observations and halts."""
    return [item for item in items if isinstance(item, Observation | Halt)]


def members(items: list[Yield]) -> list[Member]:
    """The members."""
    return [item for item in items if isinstance(item, Member)]


def uncovered(items: list[Yield], size: int) -> set[int]:
    """The offsets that neither a span nor a member covers."""
    left = set(range(size))
    for item in items:
        if isinstance(item, Span | Member):
            left -= set(range(item.start, item.end))
    return left
