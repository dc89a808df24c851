"""What a walk over a protocol buffer explains of its bytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from owaudit.codec.payload import payload_start
from owaudit.codec.protobuf import Walk
from owaudit.codec.reader import PARSED, PAYLOAD, Member, Place, Span, Yield
from owaudit.codec.spans import Ranges
from owaudit.codec.window import Window
from owaudit.model.observation import KEPT_LOCATIONS, UnclaimedBytes

MOST_PROBED = 100_000
"""Ranges of numbers whose first bytes are looked at."""


def account(walk: Walk, window: Window, place: Place, members: Sequence[Member] = ()) -> Iterator[Yield]:
    """Yield the spans of what was walked, its ``members``, and fields that the schema does not know.

    Parsers keep or skip such fields without a word, so they may hold anything.
    """
    apart = Ranges(walk.payload)
    apart.update(walk.unknown)
    for member in members:
        apart.add(member.start, member.end)
        yield member
    for start, end in apart.gaps(walk.reached):
        yield Span(PARSED, start, end)
    for number, (start, end) in enumerate(walk.payload):
        yield Span(PAYLOAD, start, end)
        if number < MOST_PROBED:
            yield from payload_start(window, place, start, end)
    unknown = list(walk.unknown)
    if unknown:
        kept = unknown[:KEPT_LOCATIONS]
        yield UnclaimedBytes(
            locations=tuple(where for start, end in kept for where in place.at(start, end)),
            count=len(unknown),
            position="between",
            size=sum(end - start for start, end in unknown),
        )
