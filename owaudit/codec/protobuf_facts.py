"""What a walk over a protocol buffer explains of its bytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from owaudit.codec.payload import payload_start
from owaudit.codec.protobuf import Schema, Walk, Wire
from owaudit.codec.reader import PARSED, PAYLOAD, Member, Place, Span, Yield
from owaudit.codec.spans import Ranges
from owaudit.codec.window import Window
from owaudit.errors import FormatError
from owaudit.model.observation import KEPT_LOCATIONS, UnclaimedBytes

MOST_FIELDS = 10_000_000
"""Fields of one message that are walked for where it ends."""
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


def top_level(window: Window, place: Place, known: Schema, kind: str) -> Iterator[Yield]:
    """Yield the span of a file whose schema spells only some of its messages.

    Fields of ``kind`` itself must be among those of the schema: where one is not, the file goes on
    as something that was not read.
    """
    wire = Wire(window)
    at = 0
    try:
        for _ in range(MOST_FIELDS):
            if at >= window.size:
                break
            field = wire.field(at, window.size)
            if field.number not in known[kind]:
                break
            at = field.end
    except FormatError:
        pass  # the walk of the reader says what is wrong
    yield Span(PARSED, 0, at)
    if at < window.size:
        yield UnclaimedBytes(locations=place.at(at, window.size), position="after", size=window.size - at)
