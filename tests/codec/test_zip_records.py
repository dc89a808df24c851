"""Zip records: what the real writers write is no difference, and every lie is one."""

from __future__ import annotations

import io
import struct
import time
import zipfile
import zlib

import pytest
from archive_maker import central_at, end_record, patched

from fixtures.zipfiles import DEFLATED, Entry, archive, torch_archive
from owaudit.codec.window import Window
from owaudit.codec.zip_records import read_archive
from owaudit.codec.zip_values import LOCAL_VIEW, PRIMARY, UNLISTED, Archive, Difference
from owaudit.model.limits import Limits

TWO = (Entry(name="m/a.bin", content=b"first"), Entry(name="m/b.bin", content=b"second"))


def read(content: bytes, limits: Limits | None = None) -> Archive:
    return read_archive(Window.of(content), limits or Limits())


def written(method: int, *, force_zip64: bool = False, seekable: bool = True) -> bytes:
    class Unseekable(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def seek(self, *_: int) -> int:
            raise OSError("no")

        def tell(self) -> int:
            raise OSError("no")

    stream = io.BytesIO() if seekable else Unseekable()
    with zipfile.ZipFile(stream, "w", method) as out:
        for name, content in (("a.txt", b"one" * 50), ("dir/", b""), ("dir/ü.bin", bytes(range(256)))):
            with out.open(zipfile.ZipInfo(name), "w", force_zip64=force_zip64) as member:
                member.write(content)
        out.comment = b"a comment"
    return stream.getvalue()


class TestWritersAgree:
    """What honest writers write has no fault, no difference and no unclaimed byte."""

    @pytest.mark.parametrize(
        "method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
    )
    @pytest.mark.parametrize("force_zip64", [False, True])
    @pytest.mark.parametrize("seekable", [False, True])
    def test_zipfile(self, method: int, force_zip64: bool, seekable: bool) -> None:
        content = written(method, force_zip64=force_zip64, seekable=seekable)
        found = read(content)
        with zipfile.ZipFile(io.BytesIO(content)) as oracle:
            expected = [(i.filename, i.file_size, i.compress_size, i.CRC) for i in oracle.infolist()]
        assert [(e.name, e.size, e.compressed_size, e.crc32) for e in found.entries] == expected
        assert (found.faults, found.hidden, found.unclaimed) == ((), (), ())
        assert all(not entry.differences for entry in found.entries)
        assert (found.comment, found.is_whole, found.limit) == (b"a comment", True, "")

    def test_torch(self) -> None:
        content = torch_archive([("data.pkl", b"\x80\x02."), ("data/0", b"\1" * 100), ("version", b"3\n")])
        found = read(content)
        assert [e.name for e in found.entries] == ["archive/data.pkl", "archive/data/0", "archive/version"]
        assert [content[e.data_start : e.data_end] for e in found.entries] == [
            b"\x80\x02.", b"\1" * 100, b"3\n",
        ]  # fmt: skip
        assert [e.record_end - e.data_end for e in found.entries] == [16, 16, 16]
        assert (found.faults, found.hidden, found.unclaimed) == ((), (), ())
        assert all(not entry.differences for entry in found.entries)

    def test_bytes_in_front_are_counted(self) -> None:
        content = b"#!/bin/sh\n" + archive(TWO)
        found = read(content)
        with zipfile.ZipFile(io.BytesIO(content)) as oracle:
            assert [i.header_offset for i in oracle.infolist()] == [e.header_offset for e in found.entries]
        assert found.directories[0].shift == 10
        assert [(u.position, u.start, u.end) for u in found.unclaimed] == [("before", 0, 10)]
        assert found.faults == ()

    def test_empty(self) -> None:
        found = read(end_record(0, 0, 0))
        assert (found.entries, found.faults, found.is_whole) == ((), (), True)


@pytest.mark.parametrize(
    ("lie", "expected"),
    [
        ({"local_name": "m/A.bin"}, ("name", "m/a.bin", "m/A.bin")),
        ({"local_crc": 1}, ("crc32", f"{zlib.crc32(b'first'):08x}", "00000001")),
        ({"local_flags": 1}, ("flags", "0x0000", "0x0001")),
        ({"flags": 1, "local_flags": 0}, ("flags", "0x0001", "0x0000")),
    ],
)
def test_local_header_differs(lie: dict[str, object], expected: tuple[str, str, str]) -> None:
    found = read(archive([Entry(name="m/a.bin", content=b"first", **lie)]))  # type: ignore[arg-type]
    field, central, local = expected
    assert found.entries[0].differences == (Difference(field=field, central=central, local=local),)


def test_local_method_differs_gives_both_views() -> None:
    content = patched(archive(TWO), 8, struct.pack("<H", 8))
    found = read(content)
    assert found.entries[0].differences == (Difference(field="method", central="0", local="8"),)
    assert [(v.directory, v.name, v.unpack) for v in found.hidden] == [(LOCAL_VIEW, "m/a.bin", "deflate")]


def test_local_size_that_reaches_further_is_read_too() -> None:
    entry = Entry(name="m/a.bin", content=b"first", central_size=0)
    found = read(archive([entry]))
    assert (found.entries[0].data_start, found.entries[0].data_end) == (37, 37)
    assert [(v.directory, v.data_start, v.data_end) for v in found.hidden] == [(LOCAL_VIEW, 37, 42)]
    assert found.unclaimed == ()


def test_descriptor_that_lies() -> None:
    stored = b"\1" * 100
    content = torch_archive([("data/0", stored)])
    at = content.find(b"PK\x07\x08")
    assert read(patched(content, at + 4, b"\0\0\0\0")).entries[0].differences == (
        Difference(field="crc32 (descriptor)", central=f"{zlib.crc32(stored):08x}", local="00000000"),
    )
    assert read(patched(content, at + 8, b"\5\0\0\0")).entries[0].differences == (
        Difference(field="compressed size (descriptor)", central="100", local="5"),
    )


def test_unlisted_record_between_listed_ones() -> None:
    hidden = Entry(name="m/hidden.pkl", content=b"\x80\x02.", listed=False)
    found = read(archive([TWO[0], hidden, TWO[1]]))
    assert [(e.name, e.directory) for e in found.entries] == [("m/a.bin", 0), ("m/b.bin", 0)]
    (record,) = found.hidden
    assert (record.name, record.directory, record.data_end - record.data_start) == (
        "m/hidden.pkl",
        UNLISTED,
        3,
    )
    assert found.unclaimed == ()


def test_unlisted_record_of_unknown_size_ends_at_the_descriptor_that_counts_it() -> None:
    header = struct.pack("<4s5H3L2H", b"PK\3\4", 20, 8, 0, 0, 0, 0, 0, 0, 1, 0) + b"x"
    wrong = struct.pack("<4s3L", b"PK\7\x08", 1, 99, 99)
    right = struct.pack("<4s3L", b"PK\7\x08", 1, 20, 20)
    found = read(archive(TWO, gap=header + b"abcd" + wrong + right))
    assert [
        (h.name, h.data_end - h.data_start, h.record_end - h.data_end, h.sized) for h in found.hidden
    ] == [("x", 20, 16, False)]
    assert found.unclaimed == ()


def test_two_archives_in_a_row() -> None:
    first = archive([Entry(name="one", content=b"1")])
    content = first + archive([Entry(name="two", content=b"2")])
    found = read(content)
    assert [(e.name, e.directory) for e in found.entries] == [("two", PRIMARY), ("one", 1)]
    assert sorted(((f.clause, f.found) for f in found.faults), reverse=True) == [
        ("end record", f"another at {len(first) - 22}"),
        ("central directory", f"another at {central_at(first)}"),
    ]
    assert found.unclaimed == ()


def test_a_stored_archive_inside_is_no_second_one() -> None:
    inner = archive([Entry(name="one", content=b"1")])
    found = read(archive([Entry(name="inner.zip", content=inner)]))
    assert [(e.name, e.directory) for e in found.entries] == [("inner.zip", 0)]
    assert found.faults == ()


def test_end_record_inside_a_comment() -> None:
    fake = end_record(0, 10, 5)
    found = read(archive(TWO, comment=fake))
    assert [e.name for e in found.entries] == ["m/a.bin", "m/b.bin"]
    assert [(f.clause, f.found) for f in found.faults] == [("comment", "one")]


def test_a_directory_that_only_the_written_offset_finds() -> None:
    """Python looks right before the end record, others where its offset says."""
    shown = archive([Entry(name="shown", content=b"1")])
    start = shown.find(b"PK\x01\x02")
    other = archive([Entry(name="other", content=b"2")], prefix=shown[:start])
    body = shown[:start] + other[start : other.find(b"PK\x01\x02")]
    other_directory = other[other.find(b"PK\x01\x02") : -22]
    shown_directory = shown[start:-22]
    content = body + other_directory + shown_directory
    content += end_record(1, len(shown_directory), len(body))
    found = read(content)
    assert [(e.name, e.directory) for e in found.entries] == [("shown", PRIMARY), ("other", 1)]


@pytest.mark.parametrize(
    ("content", "clauses"),
    [
        (archive(TWO, count=1), ["entries of the central directory"]),
        (archive(TWO)[:-22] + end_record(2, 50, 85), ["size of the central directory"]),
        (archive(TWO)[:-30], ["end record"]),
        (archive(TWO)[:-22] + end_record(2, 10, 9999), ["end record"]),
        (archive([Entry(name="x", recorded=False, at=9999)]), ["local record of an entry"]),
        (archive(TWO)[:-22] + end_record(2, 106, 85, b"abc")[:-1], ["length of the comment"]),
        (patched(archive(TWO), central_at(archive(TWO)) + 24, b"\6"), ["sizes of a stored entry"]),
        (patched(archive(TWO), central_at(archive(TWO)) + 8, b"\x20"), ["flag of patched content"]),
    ],
)
def test_lies_of_the_directory_are_faults(content: bytes, clauses: list[str]) -> None:
    assert sorted({fault.clause for fault in read(content).faults}) == clauses


def test_zip64_end_record_that_disagrees() -> None:
    content = torch_archive([("data.pkl", b"."), ("version", b"3\n")])
    found = read(patched(content, len(content) - 10, struct.pack("<L", 7)))
    assert [(f.clause, f.expected) for f in found.faults] == [("directory size in the zip64 end record", "7")]
    assert [e.name for e in found.entries] == ["archive/data.pkl", "archive/version"]


def test_zip64_locator_that_leads_elsewhere() -> None:
    content = torch_archive([("data.pkl", b".")])
    locator = content.find(b"PK\x06\x07")
    away = patched(content, locator + 8, struct.pack("<Q", 1 << 60))
    assert [e.name for e in read(away).entries] == ["archive/data.pkl"]


def test_zip64_field_too_short() -> None:
    name = b"x"
    central = struct.pack("<4s6H3L5H2L", b"PK\1\2", 45, 45, 0, 0, 0, 0, 0, 0xFFFFFFFF, 1, 1, 4, 0, 0, 0, 0, 0)
    content = struct.pack("<4s5H3L2H", b"PK\3\4", 20, 0, 0, 0, 0, 0, 1, 1, 1, 0) + name + b"1"
    directory = central + name + struct.pack("<2H", 1, 0)
    found = read(content + directory + end_record(1, len(directory), len(content)))
    assert "zip64 field of an entry" in {fault.clause for fault in found.faults}


def test_unicode_path_field_names_another_member() -> None:
    field = struct.pack("<BL", 1, zlib.crc32(b"x")) + b"y"
    extra = struct.pack("<2H", 0x7075, len(field)) + field
    local = struct.pack("<4s5H3L2H", b"PK\3\4", 20, 0, 0, 0, 0, 0, 0, 0, 1, 0) + b"x"
    directory = struct.pack(
        "<4s6H3L5H2L", b"PK\1\2", 20, 20, 0, 0, 0, 0, 0, 0, 0, 1, len(extra), 0, 0, 0, 0, 0
    )
    directory += b"x" + extra
    found = read(local + directory + end_record(1, len(directory), len(local)))
    assert [(e.name, e.alias) for e in found.entries] == [("x", "y")]


@pytest.mark.parametrize(
    ("method", "stored", "size", "sealed"),
    [
        (0, b"plain", 5, False),
        (0, b"twelve bytes" + b"plain", 5, True),
        (DEFLATED, zlib.compress(b"plain")[2:-4], 5, False),
        (DEFLATED, b"\xff" * 20, 5, True),
        (99, b"\xff" * 20, 5, True),
    ],
)
def test_encrypted_flag_is_believed_when_bytes_are_not_plain(
    method: int, stored: bytes, size: int, sealed: bool
) -> None:
    content = archive([Entry(name="x", content=stored, flags=1)])
    at = central_at(content)
    for place in (8, at + 10):
        content = patched(content, place, struct.pack("<H", method))
    for place in (22, at + 24):
        content = patched(content, place, struct.pack("<L", size))
    assert [entry.is_sealed for entry in read(content).entries] == [sealed]


def test_members_limit_stops_with_its_name() -> None:
    found = read(archive([Entry(name=f"n{i}") for i in range(20)]), Limits(members=5))
    assert (len(found.entries), found.limit, found.unclaimed) == (5, "members", ())


def test_many_members_cost_little() -> None:
    """100,000 torch members in well under two seconds; a fifth of them here, with room for a slow machine."""
    content = torch_archive([(f"data/{i}", b"x") for i in range(20_000)])
    began = time.process_time()
    assert len(read(content).entries) == 20_000
    assert time.process_time() - began < 2


def test_signatures_everywhere_cost_linear_time() -> None:
    content = archive(TWO, gap=b"PK\x03\x04" * 200_000)
    began = time.process_time()
    assert read(content).hidden == ()
    assert time.process_time() - began < 10
