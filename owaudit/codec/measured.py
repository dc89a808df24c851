"""Readers for content that no model loader executes: all that is asked is where it ends.

Pictures, sound, documents and fonts are recognised so that an ordinary repository is read in
full. Their end matters: what is appended to them is claimed by nobody, and so is noticed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from owaudit.codec.reader import INERT, Head, Place, Reader, Span, Yield
from owaudit.codec.window import Window
from owaudit.errors import FormatError, LimitExceeded
from owaudit.model.artifact import Format
from owaudit.model.limits import Limits
from owaudit.model.observation import UnclaimedBytes

EndOf = Callable[[Window, Limits], int]
"""Returns the offset after the last byte of the content; raises ``FormatError`` where it breaks."""


def measured_reader(
    name: str, *, source: str, looks_like: Callable[[Head], bool], end_of: EndOf, extensions: tuple[str, ...]
) -> Reader:
    """Build the reader of a format that is inert from its first byte to ``end_of``."""

    def read(window: Window, place: Place, limits: Limits) -> Iterator[Yield]:
        end = end_of(window, limits)
        if end > window.size:
            raise FormatError(
                "size", expected=f"{end} bytes", found=f"{window.size} bytes", start=window.size
            )
        yield Span(INERT, 0, end)
        if end < window.size:
            yield UnclaimedBytes(
                locations=place.at(end, window.size),
                position="after",
                size=window.size - end,
                zeros=all(piece.count(0) == len(piece) for _, piece in window.pieces(end)),
            )

    return Reader(
        format=Format(name), source=source, looks_like=looks_like, read=read, rank=70, extensions=extensions
    )


def starts_with(*magics: bytes) -> Callable[[Head], bool]:
    """A recogniser by the first bytes."""

    def looks_like(head: Head) -> bool:
        return head.start.startswith(magics)

    return looks_like


class Steps:
    """Bounds a walk: a file made of the smallest possible pieces must not cost hours."""

    def __init__(self, limits: Limits) -> None:
        self._allowed = 10 * limits.members
        self._taken = 0

    def take(self) -> None:
        """Count one piece.

        Raises:
            LimitExceeded: more than ten pieces for each member that an archive may have.
        """
        self._taken += 1
        if self._taken > self._allowed:
            raise LimitExceeded("members", actual=self._taken, allowed=self._allowed)


def number(window: Window, at: int, size: int, order: str = "big") -> int:
    """Return the unsigned number of ``size`` bytes at ``at``; ``order`` is ``big`` or ``little``."""
    raw = window.exactly(at, size, "number")
    return int.from_bytes(raw, "little" if order == "little" else "big")
