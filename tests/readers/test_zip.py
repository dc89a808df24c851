"""The zip reader: facts of disguise, members for everything, bytes explained to the last."""

from __future__ import annotations

import io
import struct
import zipfile

import pytest
from archive_maker import PLACE, central_at, facts, members, patched, uncovered, yields

from fixtures.zipfiles import DEFLATED, Entry, archive, torch_archive
from owaudit.codec.reader import TAIL_SIZE, Halt, Head, Member
from owaudit.codec.window import Window
from owaudit.model.limits import Limits
from owaudit.model.observation import (
    DuplicateName,
    EncryptedMember,
    MetadataEntry,
    Observation,
    RangeOverlap,
    RecordMismatch,
    SpecViolation,
    UnclaimedBytes,
    UnlistedRecord,
    UnsafeMemberName,
)
from owaudit.readers.zip import BEHIND_SOMETHING, READER

A = Entry(name="a", content=b"first")
B = Entry(name="b", content=b"second")


def observed(content: bytes) -> list[Observation | Halt]:
    return facts(yields(READER.read, content))


def looks(content: bytes) -> bool:
    window = Window.of(content)
    head = Head(content[:4096], content[-TAIL_SIZE:], len(content), "x", window)
    return READER.looks_like(head) or BEHIND_SOMETHING.looks_like(head)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (archive([A]), True),
        (b"junk" * 1000 + archive([A], prefix=b""), True),
        (archive([A]) + b"\0" * 100, True),
        (archive([A])[:-10], True),
        (b"PK\5\6" + bytes(18), True),
        (b"text that names PK\5\6 but leads nowhere, with enough bytes behind it", False),
        (b"", False),
    ],
)
def test_recognised_from_either_end(content: bytes, expected: bool) -> None:
    assert looks(content) is expected


@pytest.mark.parametrize(
    "content",
    [
        archive([A, B]),
        archive([Entry(name="a", content=b"x" * 99, method=DEFLATED)]),
        torch_archive([("v", b"3")]),
    ],
)
def test_an_honest_archive_has_no_facts_and_no_gaps(content: bytes) -> None:
    items = yields(READER.read, content)
    assert facts(items) == []
    assert uncovered(items, len(content)) == set()


def test_members_carry_what_zipfile_says() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_LZMA) as out:
        out.writestr("x/y", b"content")
    with zipfile.ZipFile(stream) as oracle:
        info = oracle.infolist()[0]
    (member,) = members(yields(READER.read, stream.getvalue()))
    assert member == Member(
        name="x/y",
        start=33,
        end=33 + info.compress_size,
        unpack="zip-lzma",
        size=7,
        crc32=info.CRC,
    )


@pytest.mark.parametrize(
    ("method", "unpack"),
    [(0, "stored"), (8, "deflate"), (9, "deflate64"), (12, "bz2"), (14, "zip-lzma"), (93, "zstd"),
     (95, "xz"), (97, "zip-method-97")],
)  # fmt: skip
def test_every_method_is_named(method: int, unpack: str) -> None:
    content = archive([A])
    for place in (8, central_at(content) + 10):
        content = patched(content, place, struct.pack("<H", method))
    assert [m.unpack for m in members(yields(READER.read, content))] == [unpack]


def test_duplicate_names_are_members_of_their_own() -> None:
    content = archive([A, Entry(name="A", content=b"other"), Entry(name="a", content=b"third")])
    items = yields(READER.read, content)
    assert facts(items) == [
        DuplicateName(
            locations=(*PLACE.at(0, 36), *PLACE.at(36, 72), *PLACE.at(72, 108)),
            count=3,
            name="a",
            spellings=("a", "A"),
        )
    ]
    assert [m.name for m in members(items)] == ["a", "A", "a (record at 72)"]


def test_unlisted_record_is_read() -> None:
    items = yields(READER.read, archive([A, Entry(name="h", content=b"hid", listed=False)]))
    assert facts(items) == [UnlistedRecord(locations=PLACE.at(36, 70), member="h")]
    assert [(m.name, m.start, m.end) for m in members(items)] == [
        ("a", 31, 36),
        ("h (unlisted record at 36)", 67, 70),
    ]


def test_mismatch_names_both_sides() -> None:
    assert observed(archive([Entry(name="a", content=b"first", local_name="b")])) == [
        RecordMismatch(locations=PLACE.at(0, 36), member="a", field="name", central="a", local="b")
    ]


@pytest.mark.parametrize(
    ("name", "problems"),
    [
        ("/etc/x", ["absolute"]),
        ("C:\\x", ["absolute"]),
        ("a/../../x", ["parent"]),
        ("..\\x", ["parent"]),
        ("a\0b", ["nul"]),
        ("..a/b..", []),
        ("a:b", ["absolute"]),
    ],
)
def test_unsafe_names(name: str, problems: list[str]) -> None:
    content = archive([Entry(name=name, content=b"1")])
    end = 30 + len(name) + 1
    assert observed(content) == [
        UnsafeMemberName(locations=PLACE.at(0, end), member=name, problem=p) for p in problems
    ]


@pytest.mark.parametrize(
    ("system", "mode", "problems"),
    [(3, 0o120777, ["link"]), (3, 0o020666, ["device"]), (3, 0o100644, []), (0, 0o120777, [])],
)
def test_links_and_devices(system: int, mode: int, problems: list[str]) -> None:
    content = archive([Entry(name="l", content=b"t", external=mode << 16, system=system)])
    assert [o.problem for o in observed(content) if isinstance(o, UnsafeMemberName)] == problems


def test_encrypted_flag_on_plain_bytes_is_read_all_the_same() -> None:
    items = yields(READER.read, archive([Entry(name="a", content=b"first", flags=1)]))
    assert facts(items) == [EncryptedMember(locations=PLACE.at(0, 36), member="a")]
    assert [(m.unpack, m.sealed) for m in members(items)] == [("stored", False)]


def test_bytes_around_the_archive() -> None:
    content = archive([A], prefix=b"front", gap=b"mid", suffix=b"\0\0")
    assert [(o.position, o.size, o.zeros) for o in observed(content) if isinstance(o, UnclaimedBytes)] == [
        ("before", 5, False),
        ("between", 3, False),
        ("after", 2, True),
    ]


def test_comment_is_a_text_of_the_file() -> None:
    assert observed(archive([A], comment=b"hello")) == [
        MetadataEntry(locations=PLACE.at(105, 110), key="comment", value="hello", size=5)
    ]


def test_entries_that_share_a_record_are_read_once() -> None:
    content = archive([A, Entry(name="b", content=b"first", recorded=False, at=0)])
    items = yields(READER.read, content)
    assert [m.name for m in members(items)] == ["a"]
    assert [type(o) for o in facts(items)] == [RecordMismatch, RangeOverlap]


def test_overlap_bomb_is_stopped_by_shared_bytes() -> None:
    size = 1_000_000
    body = b"PK" * (size // 2)
    entries = [Entry(name=f"{i:03}", content=body, listed=i == 0, recorded=i == 0) for i in range(1)]
    base = archive(entries)
    at = central_at(base)
    central = base[at:-22]
    local = base[:33]
    # Every later header stands inside the content of the one before and claims the rest.
    content = bytearray(base[:at])
    directory = bytearray()
    for number in range(150):
        start = number * 33
        content[start : start + 33] = patched(local, 18, struct.pack("<2L", size - start, size - start))
        entry = patched(central, 20, struct.pack("<2L", size - start, size - start))
        directory += patched(entry, 42, struct.pack("<L", start))
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 150, 150, len(directory), len(content), 0)
    items = yields(READER.read, bytes(content) + bytes(directory) + end)
    halts = [item for item in items if isinstance(item, Halt)]
    assert halts == [Halt("limit:unpacked_bytes", "members share more bytes than the archive has")]
    assert sum(m.end - m.start for m in members(items)) < 66 * 1024 * 1024 + 2 * size


def test_broken_archive_gives_its_records_and_says_so() -> None:
    items = yields(READER.read, archive([A, B])[:-40])
    assert [m.name for m in members(items)] == ["a", "b"]
    assert [type(o) for o in facts(items)] == [SpecViolation, UnclaimedBytes, Halt]
    assert facts(items)[-1] == Halt("malformed", "the archive has no whole central directory")


def test_members_limit() -> None:
    content = archive([Entry(name=f"n{i}", content=b"x") for i in range(9)])
    items = yields(READER.read, content, Limits(members=4))
    assert len(members(items)) == 4
    assert Halt("limit:members", "the archive has more records than the limit") in items
