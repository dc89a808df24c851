"""The texts in a FlexBuffer: what a Flex operator of TFLite carries as its options.

A FlexBuffer is read from its end: the last byte is the width of the root, the byte before it the
root's type and width, before that the root itself. Only a vector of texts and blobs is read.

Source: FlatBuffers documentation, "FlexBuffers".
"""

from __future__ import annotations

from typing import Final

_TEXT, _VECTOR, _BLOB = 5, 10, 25
_MOST: Final = 16


def texts_in_vector(content: bytes) -> tuple[bytes, ...]:
    """The texts and blobs of the root vector, up to 16; empty where the content is no such thing."""
    if len(content) < 3 or content[-1] not in (1, 2, 4, 8) or content[-2] >> 2 != _VECTOR:
        return ()
    width = content[-1]
    start = _followed(content, len(content) - 2 - width, width)
    item = 1 << (content[-2] & 3)
    count = _number(content, start - item, item)
    types = start + count * item
    if start < item or count > _MOST or types + count > len(content):
        return ()
    found = []
    for index in range(count):
        kind = content[types + index]
        if kind >> 2 in (_TEXT, _BLOB):
            place = _followed(content, start + index * item, item)
            size_width = 1 << (kind & 3)
            size = _number(content, place - size_width, size_width)
            if place >= size_width and place + size <= len(content):
                found.append(content[place : place + size])
    return tuple(found)


def _followed(content: bytes, at: int, width: int) -> int:
    """Where the offset at ``at`` leads: backwards from itself; 0 where that is outside."""
    return max(0, at - _number(content, at, width)) if at >= 0 else 0


def _number(content: bytes, at: int, width: int) -> int:
    return int.from_bytes(content[at : at + width], "little") if at >= 0 else 0
