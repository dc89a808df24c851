"""LZ4 frames, decoded here so that a report does not depend on an installed library.

A frame is a header, blocks of at most 64 KiB to 4 MiB, an end mark and optional checksums; a block
is a run of sequences: literals, then a copy from at most 64 KiB back. Checksums are stepped over,
not verified: a loader that ignores them reads the same bytes.

Source: lz4 ``doc/lz4_Frame_format.md`` 1.6.x and ``doc/lz4_Block_format.md``.
"""

from __future__ import annotations

from collections.abc import Generator

from owaudit.codec.window import Window
from owaudit.errors import FormatError

MAGIC = b"\x04\x22\x4d\x18"
SKIPPABLE = tuple(bytes([0x50 + n]) + b"\x2a\x4d\x18" for n in range(16))
"""Magics of frames that hold something else and are stepped over."""

_BLOCK_SIZES = {4: 1 << 16, 5: 1 << 18, 6: 1 << 20, 7: 1 << 22}
_HISTORY = 1 << 16
_INDEPENDENT = 0x20
_BLOCK_CHECKSUM = 0x10
_CONTENT_SIZE = 0x08
_CONTENT_CHECKSUM = 0x04
_DICTIONARY = 0x01
_PLAIN = 0x80000000
"""Bit of the block size that says: stored as it is."""
_LEAST_COPY = 4


def frame_pieces(window: Window, start: int) -> Generator[tuple[int, bytes], None, int]:
    """Yield ``(offset behind the block, bytes)`` of the frame at ``start``; return where it ends.

    Raises:
        FormatError: the header or a block is not as specified; bytes before the fault were yielded.
    """
    at, flags, most = _header(window, start)
    history = b""
    while True:
        size = int.from_bytes(window.exactly(at, 4, "end of the stream"), "little")
        at += 4
        if size == 0:
            return at + (4 if flags & _CONTENT_CHECKSUM else 0)
        packed = size & ~_PLAIN
        if packed > most:
            raise FormatError("size of an lz4 block", expected=f"at most {most}", found=str(packed), start=at)
        block = window.read(at, packed)
        problem = ""
        if size & _PLAIN:
            content = block
        else:
            content, problem = decode_block(block, history, most)
        if content:
            yield at + len(block), content
        if len(block) != packed:
            window.exactly(at, packed, "end of the stream")
        if problem:
            raise FormatError("lz4 block", expected="literals and copies", found=problem, start=at)
        at += packed + (4 if flags & _BLOCK_CHECKSUM else 0)
        history = b"" if flags & _INDEPENDENT else (history + content)[-_HISTORY:]


def _header(window: Window, start: int) -> tuple[int, int, int]:
    """The offset of the first block, the flags and the largest block size."""
    magic, flags, block = (
        window.exactly(start, 4, "end of the stream"),
        *window.exactly(start + 4, 2, "end of the stream"),
    )
    most = _BLOCK_SIZES.get(block >> 4 & 7)
    if magic != MAGIC or flags >> 6 != 1 or most is None:
        found = f"{magic.hex()} {flags:02x} {block:02x}"
        raise FormatError(
            "lz4 frame header", expected="magic, version 1, a block size", found=found, start=start
        )
    if flags & _DICTIONARY:
        raise FormatError("lz4 frame header", expected="no dictionary", found="one", start=start)
    return start + 7 + (8 if flags & _CONTENT_SIZE else 0), flags, most


def decode_block(block: bytes, history: bytes, most: int) -> tuple[bytes, str]:
    """Decode one block to at most ``most`` bytes; the second value says what is wrong, or is empty.

    ``history`` is what came before the block, for copies that reach back. What was decoded before
    a fault is returned.
    """
    out = bytearray(history)
    ceiling = len(history) + most
    at = 0
    try:
        while True:
            token = block[at]
            at += 1
            size = token >> 4
            if size == 15:
                size, at = _longer(block, at, size)
            if at + size > len(block) or len(out) + size > ceiling:
                return bytes(out[len(history) :]) + block[at:], "literals over the end"
            out += block[at : at + size]
            at += size
            if at == len(block):
                return bytes(out[len(history) :]), ""
            back = block[at] | block[at + 1] << 8
            at += 2
            size = token & 15
            if size == 15:
                size, at = _longer(block, at, size)
            size += _LEAST_COPY
            if not 0 < back <= len(out) or len(out) + size > ceiling:
                return bytes(out[len(history) :]), f"a copy of {size} bytes from {back} back"
            start = len(out) - back
            if size <= back:
                out += out[start : start + size]
            else:
                out += (out[start:] * (size // back + 1))[:size]
    except IndexError:
        return bytes(out[len(history) :]), "an end inside a sequence"


def _longer(block: bytes, at: int, size: int) -> tuple[int, int]:
    """Add the bytes that continue a length of 15."""
    while True:
        more = block[at]
        at += 1
        size += more
        if more != 255:
            return size, at
