"""Does a range of numbers begin as something else: a pickle, an archive or a program?

Only the first bytes of a declared range are looked at. Inside it, bytes of every kind occur by
chance, and nothing that reads numbers begins there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from owaudit.codec.embedded import embedded
from owaudit.codec.reader import Place
from owaudit.codec.window import Window
from owaudit.model.observation import EmbeddedContent

_STARTS: Final = (b"\x80", b"c", b"(", b"PK", b"\x7fELF", b"MZ", b"\xce\xfa", b"\xcf\xfa", b"\xfe\xed", b"7z")
_SEARCHED: Final = 256 * 1024


def payload_start(window: Window, place: Place, start: int, end: int) -> Iterator[EmbeddedContent]:
    """Yield what the numbers from ``start`` to ``end`` (not included) begin with, if it is not numbers."""
    if not window.read(start, min(8, max(0, end - start))).startswith(_STARTS):
        return
    stop = min(end, start + _SEARCHED)
    for find in embedded(window, start, stop):
        if find.start == start:
            yield EmbeddedContent(locations=place.at(start, end), format=find.format, position="payload")
        return
