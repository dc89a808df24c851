"""Unpacking: the oracles' bytes, every way to end early, every limit."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import struct
import sys
import zipfile
import zlib
from collections.abc import Callable

import pytest

from owaudit.codec import lz4_frame
from owaudit.codec.reader import Place
from owaudit.codec.unpack import Budget, UnpackReport, open_unpacked, unpack_facts
from owaudit.codec.window import Window
from owaudit.codec.zip_records import read_archive
from owaudit.model.limits import MIB, Limits
from owaudit.model.observation import UnclaimedBytes

CONTENT = random.Random(5).randbytes(40_000) + b"abc" * 30_000


def raw_deflate(content: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(content) + packer.flush()


def lzma_alone(content: bytes) -> bytes:
    return lzma.compress(content, lzma.FORMAT_ALONE)


def lz4_stored(content: bytes) -> bytes:
    """One frame of plain blocks of 64 KiB, with content size and checksums left empty."""
    blocks = [content[at : at + 65_536] for at in range(0, len(content), 65_536)]
    body = b"".join(struct.pack("<L", len(block) | 0x80000000) + block for block in blocks)
    return lz4_frame.MAGIC + b"\x60\x40\x82" + body + bytes(4)


def wrong_xz_check(packed: bytes) -> bytes:
    """Turn the checksum of the last block around; index and footer stand behind it."""
    index = 4 * (struct.unpack("<L", packed[-8:-4])[0] + 1)
    end = len(packed) - 12 - index
    return packed[: end - 8] + packed[end - 8 : end][::-1] + packed[end:]


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "deflate": raw_deflate,
    "zlib": zlib.compress,
    "gzip": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "lzma": lzma_alone,
    "lz4": lz4_stored,
}
IN_A_ROW = ("gzip", "bz2", "xz", "lzma", "lz4")


def unpacked(
    packed: bytes, method: str, limits: Limits | None = None, size: int | None = None
) -> tuple[bytes, UnpackReport]:
    limits = limits or Limits()
    window, report = open_unpacked(Window.of(packed), method, limits, Budget(limits.unpacked_bytes), size)
    assert window.size == report.size
    return b"".join(piece for _, piece in window.pieces()), report


@pytest.mark.parametrize("method", PACKERS)
class TestEveryMethod:
    """The bytes that went in come out, and the report says how far that holds."""

    def test_whole(self, method: str) -> None:
        packed = PACKERS[method](CONTENT)
        content, report = unpacked(packed, method)
        assert content == CONTENT
        assert report == UnpackReport(
            method=method,
            packed=len(packed),
            consumed=len(packed),
            size=len(CONTENT),
            crc32=zlib.crc32(CONTENT),
        )

    def test_empty_content(self, method: str) -> None:
        content, report = unpacked(PACKERS[method](b""), method)
        assert (content, report.reason, report.trailing) == (b"", "", 0)

    def test_trailing_bytes(self, method: str) -> None:
        content, report = unpacked(PACKERS[method](CONTENT) + b"tail!", method)
        assert (content == CONTENT, report.reason, report.trailing) == (True, "", 5)

    def test_truncated_keeps_what_came_out(self, method: str) -> None:
        packed = PACKERS[method](CONTENT)
        content, report = unpacked(packed[: len(packed) - 1], method)
        assert CONTENT.startswith(content)
        assert report.reason == "truncated"

    def test_no_bytes_at_all(self, method: str) -> None:
        assert unpacked(b"", method)[1].reason == "truncated"
        assert unpacked(b"", method, size=0)[1].reason == ""

    def test_second_stream(self, method: str) -> None:
        first, second = PACKERS[method](b"one "), PACKERS[method](b"two")
        content, report = unpacked(first + second, method)
        if method in IN_A_ROW:
            assert (content, report.trailing) == (b"one two", 0)
        else:
            assert (content, report.trailing) == (b"one ", len(second))

    def test_budget(self, method: str) -> None:
        limits = Limits(unpacked_bytes=1000)
        content, report = unpacked(PACKERS[method](CONTENT), method, limits)
        assert (content, report.reason) == (CONTENT[:1000], "limit:unpacked_bytes")

    def test_spooled_to_a_file(self, method: str) -> None:
        content, report = unpacked(PACKERS[method](CONTENT), method, Limits(spool_memory_bytes=100))
        assert (content == CONTENT, report.reason) == (True, "")


@pytest.mark.parametrize(
    ("method", "packed"),
    [
        ("gzip", gzip.compress(CONTENT)[:-8] + bytes(8)),
        ("zlib", zlib.compress(CONTENT)[:-4] + bytes(4)),
        ("bz2", bz2.compress(CONTENT)[:-2] + b"\xff\xff"),
        ("xz", wrong_xz_check(lzma.compress(CONTENT))),
    ],
)
def test_a_wrong_checksum_costs_at_most_the_last_byte(method: str, packed: bytes) -> None:
    """A loader that reads in small pieces has used all content before it meets the checksum."""
    content, report = unpacked(packed, method)
    assert content in (CONTENT, CONTENT[:-1])
    assert report.reason == "malformed"


def test_a_fault_in_the_middle_keeps_what_came_before() -> None:
    lines = b"".join(b"line %d\n" % number for number in range(40_000))
    packed = bytearray(raw_deflate(lines))
    middle = len(packed) // 2
    packed[middle : middle + 400] = b"\xff" * 400
    content, report = unpacked(bytes(packed), "deflate")
    assert content[:200_000] == lines[:200_000]
    assert report.reason == "malformed"


def test_gzip_is_as_lenient_as_python() -> None:
    """Reserved flags and the header checksum are not looked at; zeros between members are skipped."""
    body = raw_deflate(b"inside") + struct.pack("<2L", zlib.crc32(b"inside"), 6)
    odd = b"\x1f\x8b\x08" + bytes([0x02 | 0x04 | 0x08 | 0x10 | 0x20]) + bytes(6)
    odd += struct.pack("<H", 3) + b"ext" + b"name\0" + b"comment\0" + b"\xde\xad" + body
    packed = odd + bytes(100) + gzip.compress(b" and on")
    with gzip.open(io.BytesIO(packed)) as oracle:
        expected = oracle.read()
    assert unpacked(packed, "gzip")[0] == expected == b"inside and on"


def test_ratio_is_a_limit_above_the_free_bytes() -> None:
    packed = raw_deflate(bytes(65 * MIB))
    content, report = unpacked(packed, "deflate", Limits(unpack_ratio=10))
    assert report.reason == "limit:unpack_ratio"
    assert 64 * MIB < len(content) <= 65 * MIB
    assert unpacked(packed, "deflate", Limits(unpack_ratio=2000))[1].reason == ""


def test_budget_is_shared() -> None:
    budget = Budget(10)
    window = Window.of(zlib.compress(b"123456"))
    assert open_unpacked(window, "zlib", Limits(), budget)[1].reason == ""
    assert open_unpacked(window, "zlib", Limits(), budget)[1].size == 4
    assert open_unpacked(window, "zlib", Limits(), budget)[1].size == 0


def test_stored_content_is_the_window_itself() -> None:
    window = Window.of(b"as it is")
    budget = Budget(0)
    assert open_unpacked(window, "stored", Limits(), budget) == (
        window,
        UnpackReport(method="stored", packed=8, consumed=8, size=8),
    )


ZSTD_RAW = b"\x28\xb5\x2f\xfd\x20\x03" + struct.pack("<L", 3 << 3 | 1)[:3] + b"abc"
"""One frame of three bytes that says its size, one raw block, the last."""
SKIPPED = b"\x50\x2a\x4d\x18\x02\0\0\0.."


@pytest.mark.parametrize(
    ("packed", "content", "trailing", "reason"),
    [
        (ZSTD_RAW, b"abc", 0, ""),
        (ZSTD_RAW + SKIPPED + ZSTD_RAW + b"tail", b"abcabc", 4, ""),
        (ZSTD_RAW[:-1], b"ab", 0, "truncated"),
        (ZSTD_RAW[:6] + b"\x1f\0\0abc", b"", 0, "malformed"),
        (b"\x28\xb5\x2f\xfd\0\xf8" + ZSTD_RAW[6:], b"", 0, "limit:decoder_memory"),
    ],
)
def test_zstd(packed: bytes, content: bytes, trailing: int, reason: str) -> None:
    found, report = unpacked(packed, "zstd")
    assert (found, report.trailing, report.reason) == (content, trailing, reason)


def test_zstd_without_a_library_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("compression.zstd", "backports.zstd"):
        monkeypatch.setitem(sys.modules, name, None)
    report = unpacked(ZSTD_RAW, "zstd")[1]
    assert (report.reason, report.detail) == (
        "unsupported-compression",
        "zstd needs Python 3.14 or the package backports.zstd",
    )


@pytest.mark.parametrize("method", ["deflate64", "zip-method-97", "nonsense"])
def test_unknown_methods_say_so(method: str) -> None:
    assert unpacked(b"bytes", method) == (
        b"",
        UnpackReport(
            method=method,
            packed=5,
            consumed=0,
            size=0,
            reason="unsupported-compression",
            detail=f"no decoder for {method}",
        ),
    )


def test_zip_lzma_without_an_end_mark_is_whole_by_its_size() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_LZMA) as out:
        out.writestr("x", CONTENT)
    packed = stream.getvalue()
    (entry,) = read_archive(Window.of(packed), Limits()).entries
    member = packed[entry.data_start : entry.data_end]
    assert unpacked(member, "zip-lzma", size=entry.size)[0] == CONTENT
    # The same stream in the older form, which zipfile reads: sizes decide, no end mark.
    raw = lzma.compress(b"abc" * 9, lzma.FORMAT_ALONE)
    props = raw[:5]
    unmarked = lzma.compress(
        b"abc" * 9, lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA1, "dict_size": 1 << 23}]
    )
    content, report = unpacked(b"\x09\x04\x05\x00" + props + unmarked, "zip-lzma", size=27)
    assert (content, report.reason) == (b"abc" * 9, "")


def test_a_dictionary_that_asks_for_much_memory_is_refused() -> None:
    packed = bytearray(lzma_alone(b"x" * 100))
    packed[1:5] = struct.pack("<L", 3 << 30)
    content, report = unpacked(bytes(packed), "lzma")
    assert (content, report.reason) == (b"", "limit:decoder_memory")


def test_trailing_bytes_are_a_fact_of_the_container() -> None:
    report = unpacked(zlib.compress(b"x") + b"tail", "zlib")[1]
    at = 100 + len(zlib.compress(b"x"))
    assert list(unpack_facts(report, Place("a"), 100)) == [
        UnclaimedBytes(locations=Place("a").at(at, at + 4), position="after", size=4)
    ]
