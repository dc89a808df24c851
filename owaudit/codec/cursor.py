"""Reading numbers one after another through a buffer, so that small fields cost no read each."""

from __future__ import annotations

import struct
from typing import Final

from owaudit.codec.window import READ_CEILING, Window
from owaudit.errors import FormatError

_BUFFER: Final = 256 * 1024


class Cursor:
    """A position in a window; ``order`` is ``<`` for little-endian or ``>`` for big-endian."""

    __slots__ = ("_buffer", "_start", "_u32", "_u64", "at", "order", "window")

    def __init__(self, window: Window, at: int = 0, order: str = "<") -> None:
        self.window = window
        self.at = at
        self.order = order
        self._u32 = struct.Struct(order + "I")
        self._u64 = struct.Struct(order + "Q")
        self._start = 0
        self._buffer = b""

    @property
    def left(self) -> int:
        """Bytes between the position and the end of the window."""
        return max(0, self.window.size - self.at)

    def take(self, size: int, clause: str) -> bytes:
        """Return the next ``size`` bytes, at most ``READ_CEILING``, and step over them.

        Raises:
            FormatError: the window ends before.
        """
        offset = self.at - self._start
        if offset < 0 or offset + size > len(self._buffer):
            self._fill(size)
            offset = 0
            if len(self._buffer) < size:
                found = f"{len(self._buffer)} bytes"
                raise FormatError(clause, expected=f"{size} bytes", found=found, start=self.at)
        self.at += size
        return self._buffer[offset : offset + size]

    def u32(self, clause: str) -> int:
        """Return the next u32. Raises FormatError as ``take``."""
        value: int = self._u32.unpack(self.take(4, clause))[0]
        return value

    def u64(self, clause: str) -> int:
        """Return the next u64. Raises FormatError as ``take``."""
        value: int = self._u64.unpack(self.take(8, clause))[0]
        return value

    def buffered(self) -> tuple[bytes, int]:
        """The bytes at hand and the offset of the position in them; more are read when few are left."""
        offset = self.at - self._start
        if not 0 <= offset <= len(self._buffer) - 4096:
            self._fill(0)
            offset = 0
        return self._buffer, offset

    def _fill(self, size: int) -> None:
        self._start = self.at
        self._buffer = self.window.read(self.at, min(READ_CEILING, max(size, _BUFFER)))
