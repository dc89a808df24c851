"""lz4 blocks and frames: every kind of sequence, history over blocks, every fault."""

from __future__ import annotations

import struct

import pytest

from owaudit.codec.lz4_frame import MAGIC, decode_block, frame_pieces
from owaudit.codec.window import Window
from owaudit.errors import FormatError


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        (b"\x30abc", b"abc"),
        (b"\x31abc\x03\x00\x10d", b"abc" + b"abcab" + b"d"),
        (b"\x1fa\x01\x00\x05\x10z", b"a" * 25 + b"z"),
        (b"\xf0\x02" + b"x" * 17, b"x" * 17),
        (b"\xf0\xff\x00" + b"x" * 270, b"x" * 270),
        (b"\x00", b""),
    ],
)
def test_sequences(block: bytes, expected: bytes) -> None:
    assert decode_block(block, b"", 1 << 16) == (expected, "")


def test_copies_reach_into_history() -> None:
    assert decode_block(b"\x00\x04\x00\x10!", b"0123", 1 << 16) == (b"0123!", "")


@pytest.mark.parametrize(
    ("block", "kept", "problem"),
    [
        (b"\x50abc", b"abc", "literals over the end"),
        (b"\x31abc\x04\x00\x10d", b"abc", "a copy of 5 bytes from 4 back"),
        (b"\x31abc\x00\x00\x10d", b"abc", "a copy of 5 bytes from 0 back"),
        (b"\x31abc\x03", b"abc", "an end inside a sequence"),
        (b"", b"", "an end inside a sequence"),
        (b"\x1fa\x01\x00\xff\xff\xff\xff\x00", b"a", "a copy of 1039 bytes from 1 back"),
    ],
)
def test_faults_keep_what_came_before(block: bytes, kept: bytes, problem: str) -> None:
    assert decode_block(block, b"", 100) == (kept, problem)


def frame(flags: int, blocks: list[bytes], tail: bytes = b"") -> bytes:
    return MAGIC + bytes([flags, 0x40, 0]) + b"".join(blocks) + bytes(4) + tail


def block(content: bytes, plain: bool = False) -> bytes:
    return struct.pack("<L", len(content) | (0x80000000 if plain else 0)) + content


def whole(content: bytes) -> tuple[bytes, int]:
    pieces = frame_pieces(Window.of(content), 0)
    out = b""
    while True:
        try:
            out += next(pieces)[1]
        except StopIteration as stop:
            return out, stop.value


def test_linked_blocks_share_history_and_independent_ones_do_not() -> None:
    blocks = [block(b"wxyz", plain=True), block(b"\x00\x04\x00\x10!")]
    assert whole(frame(0x40, blocks)) == (b"wxyzwxyz!", 7 + 8 + 9 + 4)
    with pytest.raises(FormatError, match="a copy of 4 bytes from 4 back"):
        whole(frame(0x60, blocks))


def test_checksums_and_sizes_are_stepped_over() -> None:
    content = MAGIC + bytes([0x60 | 0x10 | 0x08 | 0x04, 0x40]) + bytes(8) + b"\0"
    content += block(b"ab", plain=True) + b"sum1" + bytes(4) + b"sum2"
    assert whole(content) == (b"ab", len(content))


@pytest.mark.parametrize(
    "content",
    [
        MAGIC,
        MAGIC + b"\x20\x40\0" + bytes(4),
        MAGIC + b"\x60\x30\0" + bytes(4),
        MAGIC + b"\x61\x40\0" + bytes(4),
        b"abcd\x60\x40\0" + bytes(4),
        frame(0x60, [struct.pack("<L", 1 << 20)]),
        frame(0x60, [block(b"\x50abc")]),
        frame(0x60, [block(b"ab", plain=True)])[:-3],
        frame(0x60, [])[:7] + struct.pack("<L", 100) + b"short",
    ],
)
def test_broken_frames(content: bytes) -> None:
    with pytest.raises(FormatError):
        whole(content)
