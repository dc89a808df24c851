"""Laws of archives and compressors: any bytes give facts, never an exception, and always an end."""

from __future__ import annotations

import contextlib
import io
import struct
import tarfile
import zipfile
import zlib

from archive_maker import PLACE, Read, facts, members, patched, uncovered, yields
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.zipfiles import Entry, archive, torch_archive
from owaudit.codec.decompress import decoder_of
from owaudit.codec.lz4_frame import MAGIC, decode_block
from owaudit.codec.reader import Halt, Head, Member, Span
from owaudit.codec.unpack import Budget, open_unpacked
from owaudit.codec.window import Window
from owaudit.errors import FormatError, LimitExceeded
from owaudit.model.limits import Limits
from owaudit.readers import compressed, sevenzip, tar
from owaudit.readers import zip as zip_reader

NAMES = st.text(
    st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), min_size=1, max_size=20
)
CONTENTS = st.lists(st.tuples(NAMES, st.binary(max_size=60)), max_size=6, unique_by=lambda pair: pair[0])
PLAIN_NAMES = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=20)
HONEST = st.lists(st.tuples(PLAIN_NAMES, st.binary(max_size=60)), max_size=6, unique_by=lambda pair: pair[0])
METHODS = ["deflate", "zlib", "gzip", "bz2", "xz", "lzma", "zip-lzma", "lz4", "zstd", "stored", "other"]
LIMITS = Limits(members=50, unpacked_bytes=1 << 20)


def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    for at, new in draw(st.lists(st.tuples(st.integers(0, len(content)), st.binary(max_size=6)), max_size=5)):
        content = patched(content, at, new)[: len(content)]
    cut = draw(st.integers(0, len(content)))
    return draw(st.sampled_from([content, content[:cut], content[cut:], content * 2]))


@st.composite
def zips(draw: st.DrawFn) -> bytes:
    pairs = draw(CONTENTS)
    entries = [Entry(name=name, content=body, listed=draw(st.booleans())) for name, body in pairs]
    made = draw(st.sampled_from([archive(entries), torch_archive(pairs)]))
    return damaged(draw, made)


@st.composite
def tars(draw: st.DrawFn) -> bytes:
    stream = io.BytesIO()
    form = draw(st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]))
    with tarfile.open(fileobj=stream, mode="w", format=form) as out:
        for name, body in draw(CONTENTS):
            info = tarfile.TarInfo(name * draw(st.sampled_from([1, 20])))
            info.size = len(body)
            info.pax_headers = draw(st.sampled_from([{}, {"GNU.sparse.map": "0,4"}, {"size": "9" * 30}]))
            out.addfile(info, io.BytesIO(body))
    return damaged(draw, stream.getvalue())


class TestReaders:
    """Whatever the bytes, a reader ends with ranges inside the window and raises nothing."""

    @given(content=st.one_of(st.binary(max_size=300), zips()))
    def test_zip(self, content: bytes) -> None:
        self.check(zip_reader.READER.read, content)

    @given(content=st.one_of(st.binary(max_size=2000), tars()))
    def test_tar(self, content: bytes) -> None:
        self.check(tar.READER.read, content)

    @given(header=st.binary(max_size=80), packed=st.binary(max_size=20), kind=st.sampled_from(b"\x01\x17"))
    def test_sevenzip(self, header: bytes, packed: bytes, kind: int) -> None:
        body = bytes([kind, 4, 6]) + header
        front = struct.pack("<QQL", len(packed), len(body), zlib.crc32(body))
        with contextlib.suppress(FormatError, LimitExceeded):
            self.check(sevenzip.READER.read, b"7z\xbc\xaf\x27\x1c\0\4\0\0\0\0" + front + packed + body)

    @given(content=st.binary(max_size=200))
    def test_recognition(self, content: bytes) -> None:
        for start in (b"", b"\x1f\x8b\x08", b"BZh91AY&SY", b"]\0\0\x10\0", b"x\x9c", b"ZF0x10 ", b"PK\5\6"):
            whole = start + content
            head = Head(whole, whole, len(whole), "x", Window.of(whole))
            for reader in (zip_reader.READER, tar.READER, *compressed.READERS):
                assert reader.looks_like(head) in (True, False)

    @staticmethod
    def check(read: Read, content: bytes) -> None:
        items = yields(read, content, LIMITS)
        assert len(members(items)) <= 2 * LIMITS.members
        for item in items:
            if isinstance(item, Span | Member):
                assert 0 <= item.start <= item.end <= len(content)
        for fact in facts(items):
            if not isinstance(fact, Halt):
                assert fact.locations[0].artifact == PLACE.artifact


class TestHonestArchives:
    """What ``zipfile`` and ``tarfile`` write is read as they read it, to the last byte."""

    @given(pairs=HONEST, method=st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]))
    def test_zip(self, pairs: list[tuple[str, bytes]], method: int) -> None:
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w", method) as out:
            for name, body in pairs:
                out.writestr("d/" + name, body)
        content = stream.getvalue()
        items = yields(zip_reader.READER.read, content)
        got = []
        for member in members(items):
            packed = Window.of(content).sub(member.start, member.end)
            window, report = open_unpacked(packed, member.unpack, LIMITS, Budget(1 << 20), member.size)
            assert report.reason == ""
            assert zlib.crc32(window.read(0, 100)) == member.crc32
            got.append(window.read(0, 100))
        with zipfile.ZipFile(io.BytesIO(content)) as oracle:
            assert got == [oracle.read(info) for info in oracle.infolist()]
        assert uncovered(items, len(content)) == set()

    @given(pairs=HONEST)
    def test_tar(self, pairs: list[tuple[str, bytes]]) -> None:
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w") as out:
            for name, body in pairs:
                info = tarfile.TarInfo("d/" + name)
                info.size = len(body)
                out.addfile(info, io.BytesIO(body))
        content = stream.getvalue()
        items = yields(tar.READER.read, content)
        with tarfile.open(fileobj=io.BytesIO(content)) as oracle:
            expected = [(m.name, content[m.offset_data : m.offset_data + m.size]) for m in oracle]
        assert [(m.name, content[m.start : m.end]) for m in members(items)] == expected
        assert uncovered(items, len(content)) == set()


class TestUnpacking:
    """Any bytes unpack to a window and a report; never more than the budget comes out."""

    @settings(max_examples=200)
    @given(method=st.sampled_from(METHODS), head=st.booleans(), content=st.binary(max_size=300))
    def test_any_bytes(self, method: str, head: bool, content: bytes) -> None:
        starts = {
            "gzip": b"\x1f\x8b\x08\0",
            "bz2": b"BZh9",
            "xz": b"\xfd7zXZ\0",
            "lz4": MAGIC + b"\x60\x40\0",
        }
        packed = (starts.get(method, b"") if head else b"") + content
        budget = Budget(1000)
        window, report = open_unpacked(Window.of(packed), method, LIMITS, budget, 10)
        assert window.size == report.size
        assert 0 <= report.consumed <= report.packed == len(packed)
        assert method == "stored" or report.size == 1000 - budget.left
        assert bool(report.reason) or decoder_of(method) is not None or method == "stored"

    @given(block=st.binary(max_size=200), history=st.binary(max_size=30))
    def test_lz4_block(self, block: bytes, history: bytes) -> None:
        assert len(decode_block(block, history, 500)[0]) <= 500
