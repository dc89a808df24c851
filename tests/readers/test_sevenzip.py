"""The 7z reader: chains of coders, solid blocks, packed and encrypted headers, and lies."""

from __future__ import annotations

import bz2
import lzma
import struct
import zlib
from dataclasses import dataclass

import pytest
from archive_maker import PLACE, facts, members, patched, uncovered, yields

from owaudit.codec.reader import Halt, Member
from owaudit.codec.unpack import Budget, open_unpacked
from owaudit.codec.window import Window
from owaudit.errors import FormatError, LimitExceeded
from owaudit.model.limits import Limits
from owaudit.model.observation import (
    DuplicateName,
    EncryptedMember,
    SpecViolation,
    UnclaimedBytes,
    UnsafeMemberName,
)
from owaudit.readers.sevenzip import READER

COPY = [(b"\0", b"")]
LZMA2 = [(b"\x21", b"\x18")]
AES = [(b"\x06\xf1\x07\x01", b"")]
CONTENT = b"some content " * 20


@dataclass(frozen=True)
class Block:
    """A folder: coders in the order they unpack, packed bytes, and the files with their sizes."""

    coders: list[tuple[bytes, bytes]]
    packed: bytes
    files: list[tuple[str, int]]


def number(value: int) -> bytes:
    return b"\xff" + struct.pack("<Q", value) if value > 0x7F else bytes([value])


def folder(coders: list[tuple[bytes, bytes]]) -> bytes:
    out = number(len(coders))
    for method, properties in coders:
        out += bytes([len(method) | (0x20 if properties else 0)]) + method
        out += number(len(properties)) + properties if properties else b""
    # Each later coder takes what the one before gives.
    return out + b"".join(number(n) + number(n - 1) for n in range(1, len(coders)))


def streams(blocks: list[Block], start: int = 0) -> bytes:
    out = b"\x06" + number(start) + number(len(blocks)) + b"\x09"
    out += b"".join(number(len(b.packed)) for b in blocks) + b"\0"
    out += b"\x07\x0b" + number(len(blocks)) + b"\0" + b"".join(folder(b.coders) for b in blocks) + b"\x0c"
    for b in blocks:
        out += number(sum(size for _, size in b.files)) * len(b.coders)
    out += b"\0\x08\x0d" + b"".join(number(len(b.files)) for b in blocks) + b"\x09"
    out += b"".join(number(size) for b in blocks for _, size in b.files[:-1])
    return out + b"\0\0"


def header(blocks: list[Block], attributes: int | None = None) -> bytes:
    files = [name for b in blocks for name, _ in b.files]
    names = b"\0" + b"".join(name.encode("utf-16-le") + b"\0\0" for name in files)
    out = b"\x01\x04" + streams(blocks) + b"\x05" + number(len(files)) + b"\x11" + number(len(names)) + names
    if attributes is not None:
        raw = b"\1\0" + struct.pack("<L", attributes) * len(files)
        out += b"\x15" + number(len(raw)) + raw
    return out + b"\0\0"


def sevenzip(blocks: list[Block], head: bytes | None = None, attributes: int | None = None) -> bytes:
    body = b"".join(b.packed for b in blocks)
    head = header(blocks, attributes) if head is None else head
    where = struct.pack("<QQL", len(body), len(head), zlib.crc32(head))
    return b"7z\xbc\xaf\x27\x1c\0\4" + struct.pack("<L", zlib.crc32(where)) + where + body + head


def packed(filters: list[dict[str, int]], content: bytes = CONTENT) -> bytes:
    return lzma.compress(content, lzma.FORMAT_RAW, filters=filters)


def raw_deflate(content: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(content) + packer.flush()


def content_of(member: Member, archive: bytes) -> tuple[bytes, str]:
    if member.content is not None:
        return member.content, ""
    window, report = open_unpacked(
        Window.of(archive).sub(member.start, member.end),
        member.unpack,
        Limits(),
        Budget(1 << 20),
        member.size,
    )
    return window.read(0, 1 << 20), report.reason


@pytest.mark.parametrize(
    ("coders", "stored"),
    [
        (COPY, CONTENT),
        (LZMA2, packed([{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 24}])),
        (
            [(b"\3\1\1", b"\x5d" + struct.pack("<L", 1 << 20))],
            packed([{"id": lzma.FILTER_LZMA1, "dict_size": 1 << 20}]),
        ),
        (
            [*LZMA2, (b"\3\3\1\3", b"")],
            packed([{"id": lzma.FILTER_X86}, {"id": lzma.FILTER_LZMA2, "dict_size": 1 << 24}]),
        ),
        (
            [*LZMA2, (b"\3", b"\3")],
            packed([{"id": lzma.FILTER_DELTA, "dist": 4}, {"id": lzma.FILTER_LZMA2, "dict_size": 1 << 24}]),
        ),
        ([(b"\4\1\x08", b"")], raw_deflate(CONTENT)),
        ([(b"\4\2\2", b"")], bz2.compress(CONTENT)),
    ],
)
def test_every_chain_unpacks(coders: list[tuple[bytes, bytes]], stored: bytes) -> None:
    block = Block(coders, stored, [("m.pkl", len(CONTENT))])
    archive = sevenzip([block])
    items = yields(READER.read, archive)
    (member,) = members(items)
    assert content_of(member, archive) == (CONTENT, "")
    assert (member.name, member.start, member.end) == ("m.pkl", 32, 32 + len(stored))
    assert facts(items) == []
    assert uncovered(items, len(archive)) == set()


def test_a_solid_block_is_cut_into_its_files() -> None:
    stored = packed([{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 24}], b"onetwothree")
    archive = sevenzip([Block(LZMA2, stored, [("a", 3), ("b", 3), ("c", 5)])])
    assert [(m.name, m.content) for m in members(yields(READER.read, archive))] == [
        ("a", b"one"),
        ("b", b"two"),
        ("c", b"three"),
    ]


def test_a_long_solid_block_stays_whole_and_says_so() -> None:
    archive = sevenzip([Block(COPY, b"x" * 1000, [("a", 500), ("b", 500)])])
    items = yields(READER.read, archive, Limits(spool_memory_bytes=999))
    assert [(m.name, m.start, m.end, m.content) for m in members(items)] == [("a", 32, 1032, None)]
    assert facts(items) == [
        Halt("limit:spool_memory_bytes", "a solid block of 2 files is too long to be cut into them")
    ]


def test_a_truncated_solid_block_keeps_what_came_out() -> None:
    block = Block(COPY, b"onetwo", [("a", 3), ("b", 30), ("c", 3)])
    items = yields(READER.read, sevenzip([block]))
    assert [(m.name, m.content) for m in members(items)] == [("a", b"one"), ("b", b"two")]


def test_unknown_coders_leave_members_that_cannot_be_unpacked() -> None:
    block = Block([(b"\3\4\1", b"\6\0\0\0\1")], b"xxxx", [("a", 3), ("b", 3)])
    archive = sevenzip([block])
    found = members(yields(READER.read, archive))
    assert [(m.name, content_of(m, archive)) for m in found] == [
        ("a", (b"", "unsupported-compression")),
        ("b", (b"", "unsupported-compression")),
    ]


def test_encrypted_members_are_sealed() -> None:
    items = yields(READER.read, sevenzip([Block(AES, b"x" * 16, [("a", 3)])]))
    assert facts(items) == [EncryptedMember(locations=PLACE.at(32, 48), member="a")]
    assert [m.sealed for m in members(items)] == [True]


@pytest.mark.parametrize("coders", [COPY, LZMA2])
def test_packed_header(coders: list[tuple[bytes, bytes]]) -> None:
    block = Block(COPY, b"one", [("a", 3)])
    inner = header([block])
    stored = inner if coders == COPY else packed([{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 24}], inner)
    outer = b"\x17" + streams([Block(coders, stored, [("", len(inner))])], start=3)
    archive = sevenzip([Block(COPY, b"one" + stored, [])], outer)
    items = yields(READER.read, archive)
    assert [(m.name, m.start, m.end) for m in members(items)] == [("a", 32, 35)]
    assert facts(items) == []
    assert uncovered(items, len(archive)) == set()


def test_encrypted_header() -> None:
    outer = b"\x17" + streams([Block(AES, b"x" * 16, [("", 16)])])
    items = yields(READER.read, sevenzip([Block(AES, b"x" * 16, [])], outer))
    assert Halt("encrypted", "the header is encrypted") in items
    assert [o.member for o in items if isinstance(o, EncryptedMember)] == ["(names)"]


@pytest.mark.parametrize(
    ("name", "attributes", "problems"),
    [
        ("../x", None, ["parent"]),
        ("/x", None, ["absolute"]),
        ("x", 0x8000 | 0o120777 << 16, ["link"]),
        ("x", 0x8000 | 0o100644 << 16, []),
        ("x", 0o120777 << 16, []),
    ],
)
def test_what_leaves_the_folder(name: str, attributes: int | None, problems: list[str]) -> None:
    items = yields(READER.read, sevenzip([Block(COPY, b"one", [(name, 3)])], attributes=attributes))
    assert [o.problem for o in items if isinstance(o, UnsafeMemberName)] == problems


def test_duplicates_trailing_bytes_and_checksum() -> None:
    blocks = [Block(COPY, b"one", [("a", 3)]), Block(COPY, b"two", [("a", 3)])]
    archive = sevenzip(blocks)
    items = yields(READER.read, patched(archive, 28, b"\0\0\0\0") + b"tail")
    assert [m.name for m in members(items)] == ["a", "a (block at 35)"]
    found = facts(items)
    assert [type(o) for o in found] == [SpecViolation, UnclaimedBytes, DuplicateName]
    assert [o.locations for o in found if isinstance(o, UnclaimedBytes)] == [
        PLACE.at(len(archive), len(archive) + 4)
    ]


@pytest.mark.parametrize(
    "head",
    [
        b"\x02",
        b"\x01\x04\x06",
        b"\x01\x04\x07\x0b\x01\0\0",
        b"\x01\x04\x07\x0b\x01\0\x11",
        b"\x01\x05\x01\x11\x50",
        b"\x01\x09",
        b"\x17\0",
    ],
)
def test_broken_headers_are_format_errors(head: bytes) -> None:
    with pytest.raises(FormatError):
        yields(READER.read, sevenzip([], head))


def test_a_packed_stream_outside_the_file_is_a_fault() -> None:
    archive = sevenzip([Block(COPY, b"one", [("a", 3)])])
    at = archive.rfind(b"\x06\0\x01\x09\x03") + 1
    items = yields(READER.read, patched(archive, at, b"\x7f"))
    assert [(m.start, m.end) for m in members(items)] == [(len(archive), len(archive))]
    clauses = [o.clause for o in facts(items) if isinstance(o, SpecViolation)]
    assert clauses == ["packed stream", "checksum of the header"]


def test_counts_are_bounded() -> None:
    with pytest.raises(LimitExceeded):
        yields(READER.read, sevenzip([], b"\x01\x05" + number(1 << 40)))
