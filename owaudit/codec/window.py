"""A bounded view of bytes: the only way any decoder reads.

A ``Window`` covers ``size`` bytes of a source that somebody else opened. There is no way to read
without a bound: one read gives at most ``READ_CEILING`` bytes, and a read past the end is short.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from owaudit.errors import FormatError

READ_CEILING = 4 * 1024 * 1024
"""The most one read returns, in bytes: larger content is walked in pieces."""


class Source(Protocol):
    """Random access to bytes; ``offset`` and ``size`` are in bytes, a read at the end is short."""

    def read_at(self, offset: int, size: int) -> bytes: ...


class BytesSource:
    """A source over bytes in memory."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def read_at(self, offset: int, size: int) -> bytes:
        return self._content[offset : offset + size]


class Window:
    """``size`` bytes of a source, from ``base`` on. Offsets given to it count from its own start."""

    __slots__ = ("base", "size", "source")

    def __init__(self, source: Source, base: int, size: int) -> None:
        self.source = source
        self.base = base
        self.size = size

    @classmethod
    def of(cls, content: bytes) -> Window:
        """A window over bytes in memory."""
        return cls(BytesSource(content), 0, len(content))

    def read(self, start: int, size: int) -> bytes:
        """Return up to ``size`` bytes from ``start``; fewer only at the end of the window.

        Raises:
            ValueError: ``size`` is over ``READ_CEILING`` or a value is negative (our own fault).
        """
        if not 0 <= size <= READ_CEILING or start < 0:
            raise ValueError(f"a read of {size} bytes at {start} has no bound")
        return self.source.read_at(self.base + start, max(0, min(size, self.size - start)))

    def exactly(self, start: int, size: int, clause: str) -> bytes:
        """Return exactly ``size`` bytes.

        Raises:
            FormatError: the window ends before; ``clause`` says what was being read.
        """
        content = self.read(start, size)
        if len(content) != size:
            raise FormatError(clause, expected=f"{size} bytes", found=f"{len(content)} bytes", start=start)
        return content

    def sub(self, start: int, end: int) -> Window:
        """The part from ``start`` to ``end`` (not included), cut to this window."""
        start = max(0, min(start, self.size))
        return Window(self.source, self.base + start, max(0, min(end, self.size) - start))

    def pieces(
        self, start: int = 0, end: int | None = None, size: int = 1024 * 1024
    ) -> Iterator[tuple[int, bytes]]:
        """Yield ``(offset, bytes)`` over a range, in pieces of at most ``size`` bytes."""
        stop = self.size if end is None else min(end, self.size)
        while start < stop:
            piece = self.read(start, min(size, stop - start))
            if not piece:
                return
            yield start, piece
            start += len(piece)
