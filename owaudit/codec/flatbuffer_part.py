"""A Flatbuffer that is one part of a file: its tables, and which of the file's bytes they explain.

Source: FlatBuffers documentation, "FlatBuffer Internals".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from owaudit.codec.bounds import OutOfBounds
from owaudit.codec.flatbuffers import Fields, Flatbuffer, Table
from owaudit.codec.payload import payload_start
from owaudit.codec.reader import INERT, PARSED, PAYLOAD, Place, Span, Yield
from owaudit.codec.spans import Ranges
from owaudit.codec.window import Window
from owaudit.model.limits import Limits

_LONGEST_PADDING: Final = 63
"""Parts of a buffer are aligned to 64 bytes at most."""


class Part:
    """The bytes ``start`` to ``end`` (not included) of a window, as one buffer."""

    def __init__(
        self,
        window: Window,
        start: int,
        end: int,
        known: Mapping[str, Fields],
        limits: Limits,
        unions: Mapping[str, Mapping[int, str]] | None = None,
    ) -> None:
        self._window = window
        self._start = start
        self._inner = window.sub(start, end)
        self._buffer = Flatbuffer(self._inner, known, unions or {}, limits)

    def explain(self, start: int, end: int) -> None:
        """Count bytes of the part, from its own start, as read by somebody else."""
        self._buffer.explained.add(start, end)

    def tables(self, root: str) -> Iterator[Table]:
        """Yield the tables as ``Flatbuffer.tables``; places in errors count from the window's start.

        Raises:
            OutOfBounds: an offset, size or count leads out of the part.
            LimitExceeded: more tables or entries than the limits allow.
        """
        try:
            yield from self._buffer.tables(root)
        except OutOfBounds as error:
            raise OutOfBounds(
                error.clause,
                expected=error.expected,
                found=error.found,
                start=self._start + (error.start or 0),
            ) from None

    def spans(self, place: Place) -> Iterator[Yield]:
        """Yield what the tables explained so far, their data, and the zeros that align them."""
        known = Ranges(self._buffer.explained)
        for start, end in self._buffer.payload:
            known.add(start, end)
            yield Span(PAYLOAD, self._start + start, self._start + end)
            yield from payload_start(self._window, place, self._start + start, self._start + end)
        for start, end in self._buffer.explained:
            yield Span(PARSED, self._start + start, self._start + end)
        for start, end in known.gaps(self._inner.size):
            if end - start <= _LONGEST_PADDING and not any(self._inner.read(start, end - start)):
                yield Span(INERT, self._start + start, self._start + end)
