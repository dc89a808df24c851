"""R objects: ``.rds`` (one value) and ``.RData`` (a pair list of values), here without their compression.

Source: R Internals 4.4, 1.8 "Serialization Formats"; CVE-2024-27322.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from owaudit.codec.bounds import reported
from owaudit.codec.breaches import Breaches
from owaudit.codec.r_values import RWalker, places
from owaudit.codec.reader import PARSED, PAYLOAD, Head, Place, Reader, Span, Yield
from owaudit.codec.spans import Ranges
from owaudit.codec.window import Window
from owaudit.errors import ReadError
from owaudit.model.artifact import Format
from owaudit.model.format_facts import FormatFeature
from owaudit.model.limits import Limits
from owaudit.model.observation import UnclaimedBytes

_FORMAT = Format("r-serialized")
_START: Final = re.compile(
    rb"(?P<image>RD[XAB][23]\n)?(?:X\n\0\0\0[\x02\x03]\0|A\n[23]\n\d|B\n[\x02\x03]\0\0\0)", re.DOTALL
)


def looks_like(head: Head) -> bool:
    return _START.match(head.start) is not None


def read(window: Window, place: Place, _limits: Limits) -> Iterator[Yield]:
    """Yield functions, promises and calls, numbers as payload, and lengths that lie."""
    breaches = Breaches(_FORMAT)
    yield from reported(_walk(window, place), _FORMAT, place, breaches)


def _walk(window: Window, place: Place) -> Iterator[Yield]:
    match = _START.match(window.read(0, 16))
    walker = RWalker(window, 5 if match and match["image"] else 0)
    stopped: ReadError | None = None
    try:
        walker.read()
    except ReadError as error:
        walker.settle()
        stopped = error
    for feature, name, seen in places(walker.features):
        yield FormatFeature(
            locations=tuple(where for at in seen.places for where in place.at(at)),
            count=seen.count,
            format=_FORMAT,
            feature=feature,
            name=name,
        )
    reached = min(walker.cursor.at, window.size)
    payload = Ranges(walker.payload)
    for start, end in payload.gaps(reached):
        yield Span(PARSED, start, end)
    for start, end in payload:
        yield Span(PAYLOAD, start, min(end, window.size))
    if stopped is not None:
        raise stopped
    if reached < window.size and window.read(reached, 2).strip():
        where = place.at(reached, window.size)
        yield UnclaimedBytes(locations=where, position="after", size=window.size - reached)
    elif reached < window.size:
        yield Span(PARSED, reached, window.size)


READER = Reader(
    format=_FORMAT,
    source="R Internals 4.4, 1.8",
    looks_like=looks_like,
    read=read,
    rank=40,
    hides=("pickle", "text", "source-code"),
)
