"""The tar reader: Python's own archives, long names of every kind, and what stands where none looks."""

from __future__ import annotations

import io
import struct
import tarfile

import pytest
from archive_maker import PLACE, facts, members, patched, uncovered, yields

from owaudit.codec.reader import TAIL_SIZE, Halt, Head
from owaudit.codec.window import Window
from owaudit.model.limits import Limits
from owaudit.model.observation import (
    DuplicateName,
    SpecViolation,
    UnclaimedBytes,
    UnlistedRecord,
    UnsafeMemberName,
)
from owaudit.readers.tar import READER

BLOCK = 512
LONG = "folder/" * 40 + "ümlaut.bin"


def tar(entries: list[tuple[tarfile.TarInfo, bytes]], form: int = tarfile.PAX_FORMAT) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=form) as out:
        for info, content in entries:
            info.size = len(content) if info.isreg() else 0
            out.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def entry(
    name: str, content: bytes = b"", kind: bytes = tarfile.REGTYPE, target: str = ""
) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type = kind
    info.linkname = target
    return info, content


def resummed(header: bytes) -> bytes:
    """A header with the checksum it should have."""
    blank = header[:148] + b" " * 8 + header[156:]
    return patched(blank, 148, b"%06o\0 " % sum(blank))


def looks(content: bytes) -> bool:
    return READER.looks_like(
        Head(content[:4096], content[-TAIL_SIZE:], len(content), "x", Window.of(content))
    )


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_members_are_those_of_tarfile(form: int) -> None:
    name = LONG if form != tarfile.USTAR_FORMAT else "p/" * 60 + "plain.bin"
    content = tar(
        [entry("a.txt", b"hello"), entry(name, b"x" * 1000), entry("dir", kind=tarfile.DIRTYPE), entry("e")],
        form,
    )
    items = yields(READER.read, content)
    with tarfile.open(fileobj=io.BytesIO(content)) as oracle:
        expected = [(m.name, m.offset_data, m.offset_data + m.size) for m in oracle if m.isreg()]
    assert [(m.name, m.start, m.end) for m in members(items)] == expected
    assert facts(items) == []
    assert uncovered(items, len(content)) == set()
    assert looks(content)


def test_pax_names_and_sizes_override_the_header() -> None:
    info, content = entry("short", b"12345")
    info.pax_headers = {"path": "really/long", "comment": "x"}
    (member,) = members(yields(READER.read, tar([(info, content)])))
    assert (member.name, member.size) == ("really/long", 5)


def test_old_format_without_magic_is_known_by_its_checksum() -> None:
    header = bytearray(tar([entry("old", b"abc")])[:BLOCK])
    header[257:265] = bytes(8)
    content = resummed(bytes(header)) + b"abc".ljust(BLOCK, b"\0")
    assert looks(content)
    assert [m.name for m in members(yields(READER.read, content))] == ["old"]
    assert not looks(patched(content, 0, b"x"))
    assert not looks(bytes(1024))
    assert not looks(b"text " * 300)


def test_signed_checksums_are_accepted() -> None:
    header = tar([entry("caf\u00e9", b"")], tarfile.GNU_FORMAT)[:BLOCK]
    signed: int = sum(struct.unpack("148b8x356b", header)) + 256
    content = patched(header, 148, b"%06o\0 " % (signed & 0o777777))
    assert [m.name for m in members(yields(READER.read, content))] == ["caf\u00e9"]


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (entry("l", kind=tarfile.SYMTYPE, target="../../etc"), ("l -> ../../etc", "link")),
        (entry("h", kind=tarfile.LNKTYPE, target="a"), ("h -> a", "link")),
        (entry("c", kind=tarfile.CHRTYPE), ("c", "device")),
        (entry("b", kind=tarfile.BLKTYPE), ("b", "device")),
        (entry("f", kind=tarfile.FIFOTYPE), ("f", "device")),
        (entry("../x"), ("../x", "parent")),
        (entry("/x"), ("/x", "absolute")),
    ],
)
def test_what_leaves_the_folder(made: tuple[tarfile.TarInfo, bytes], expected: tuple[str, str]) -> None:
    found = facts(yields(READER.read, tar([made], tarfile.GNU_FORMAT)))
    assert [(f.member, f.problem) for f in found if isinstance(f, UnsafeMemberName)] == [expected]
    assert len(found) == 1


def test_duplicates_are_all_read() -> None:
    items = yields(READER.read, tar([entry("a", b"1"), entry("a", b"2")]))
    assert [m.name for m in members(items)] == ["a", "a (entry at 1024)"]
    assert facts(items) == [
        DuplicateName(
            locations=(*PLACE.at(0, 513), *PLACE.at(1024, 1537)), count=2, name="a", spellings=("a",)
        )
    ]


def test_a_second_archive_behind_the_end_is_read_and_said() -> None:
    first, second = tar([entry("a", b"1")]), tar([entry("b", b"2")])
    items = yields(READER.read, first + second)
    assert [m.name for m in members(items)] == ["a", "b"]
    start = len(first)
    assert facts(items) == [UnlistedRecord(locations=PLACE.at(start, start + 513), member="b")]


def test_bytes_behind_the_end_and_in_the_padding() -> None:
    content = tar([entry("a", b"1")])
    found = facts(yields(READER.read, patched(content, 600, b"hidden") + b"more"))
    assert [(f.position, f.size) for f in found if isinstance(f, UnclaimedBytes)] == [
        ("between", 511),
        ("after", 4),
    ]


def test_a_broken_header_is_stepped_over() -> None:
    content = tar([entry("a", b"1"), entry("b", b"2"), entry("c", b"3")])
    items = yields(READER.read, patched(content, 1024 + 148, b"7777777"))
    assert [m.name for m in members(items)] == ["a", "c"]
    assert [type(f) for f in facts(items)] == [SpecViolation, UnclaimedBytes, UnlistedRecord]


def test_truncated_content() -> None:
    items = yields(READER.read, tar([entry("a", b"x" * 5000)])[:2000])
    assert [(m.start, m.end, m.size) for m in members(items)] == [(512, 2000, 5000)]
    assert [type(f) for f in facts(items)] == [SpecViolation, Halt]
    assert facts(items)[-1] == Halt("truncated", "an entry of 5000 bytes, 1488 are there")


def test_negative_size() -> None:
    header = patched(tar([entry("a")], tarfile.GNU_FORMAT)[:BLOCK], 124, b"\xff" * 12)
    items = yields(READER.read, resummed(header) + tar([entry("b", b"2")]))
    assert [(m.name, m.end - m.start) for m in members(items)] == [("a", 0), ("b", 1)]
    assert [type(f) for f in facts(items)] == [SpecViolation, Halt]


def sparse_old() -> bytes:
    header = bytearray(tar([entry("s")], tarfile.GNU_FORMAT)[:BLOCK])
    header[156:157] = b"S"
    header[124:136] = b"%011o\0" % 6
    for at, (offset, size) in zip((386, 410), ((2, 3), (7, 3)), strict=True):
        header[at : at + 24] = b"%011o\0%011o\0" % (offset, size)
    header[483:495] = b"%011o\0" % 10
    return resummed(bytes(header)) + b"abcdef".ljust(BLOCK, b"\0") + bytes(1024)


def sparse_pax(headers: dict[str, str], front: bytes = b"") -> bytes:
    info, _ = entry("s")
    info.pax_headers = headers
    return tar([(info, front + b"abcdef")])


@pytest.mark.parametrize(
    "content",
    [
        sparse_old(),
        sparse_pax({"GNU.sparse.size": "10", "GNU.sparse.map": "2,3,7,3"}),
        sparse_pax(
            {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "10"},
            b"2\n2\n3\n7\n3\n".ljust(BLOCK, b"\0"),
        ),
    ],
)
def test_sparse_files_are_put_together_as_tarfile_does(content: bytes) -> None:
    with tarfile.open(fileobj=io.BytesIO(content)) as oracle:
        (info,) = oracle.getmembers()
        taken = oracle.extractfile(info)
        assert taken is not None
        expected: bytes = taken.read()
    (member,) = members(yields(READER.read, content))
    assert member.content == expected == b"\0\0abc\0\0def"


def test_a_sparse_file_of_a_terabyte_stays_as_it_is_stored() -> None:
    content = sparse_pax({"GNU.sparse.size": str(1 << 40), "GNU.sparse.map": "0,6"})
    items = yields(READER.read, content)
    assert [(m.content, m.end - m.start) for m in members(items)] == [(None, 6)]
    assert Halt("limit:spool_memory_bytes", "s is sparse and too long to put together") in items


def test_members_limit() -> None:
    items = yields(READER.read, tar([entry(f"n{i}") for i in range(9)]), Limits(members=4))
    assert len(members(items)) == 4
    assert Halt("limit:members", "more than 4 entries") in items
