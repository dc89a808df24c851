"""Whole-file compressors: recognised by content, one member each, never by accident."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib

import pytest
from archive_maker import yields

from owaudit.codec.reader import PARSED, TAIL_SIZE, Head, Member, Place, Span
from owaudit.codec.window import Window
from owaudit.model.limits import Limits
from owaudit.readers.compressed import READERS

BY_FORMAT = {str(reader.format): reader for reader in READERS}
CONTENT = b"some content, " * 40
PACKED = {
    "gzip": gzip.compress(CONTENT),
    "bz2": bz2.compress(CONTENT),
    "xz": lzma.compress(CONTENT),
    "lzma": lzma.compress(CONTENT, lzma.FORMAT_ALONE),
    "zlib": zlib.compress(CONTENT),
    "zstd": b"\x28\xb5\x2f\xfd" + b"\x20\x03\x19\0\0abc",
    "lz4": b"\x04\x22\x4d\x18\x60\x40\x82" + bytes(4),
    "joblib-zfile": b"ZF" + hex(len(CONTENT)).encode().ljust(19) + zlib.compress(CONTENT),
}


def fitting(content: bytes) -> list[str]:
    head = Head(content[:4096], content[-TAIL_SIZE:], len(content), "x", Window.of(content))
    return [str(reader.format) for reader in READERS if reader.looks_like(head)]


@pytest.mark.parametrize("method", PACKED)
def test_recognised_as_itself_alone(method: str) -> None:
    assert fitting(PACKED[method]) == [method]


@pytest.mark.parametrize("level", range(-1, 10))
def test_every_level_of_zlib(level: int) -> None:
    assert fitting(zlib.compress(CONTENT, level)) == ["zlib"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"x\x9c",
        b"x^2 + y is a text of mathematics",
        b"x\x9cabcdefghijklmnop",
        b"BZh is how it starts",
        b"]\0\0",
        b"]\0\0\x01\0" + b"\xff" * 8 + b"\xff" * 40,
        b"]q\0(K\x01e.",
        b"ZF0x10 and so on",
        b"\x1f\x8b\x00 not deflate",
        bytes(4096),
        b"\x80\x04\x95" + bytes(50),
    ],
)
def test_not_recognised(content: bytes) -> None:
    assert fitting(content) == []


@pytest.mark.parametrize("method", [m for m in PACKED if m != "joblib-zfile"])
def test_one_member_over_everything(method: str) -> None:
    assert yields(BY_FORMAT[method].read, PACKED[method]) == [
        Member(name="content", start=0, end=len(PACKED[method]), unpack=method)
    ]


@pytest.mark.parametrize("padding", [17, 19, 20])
def test_joblib_header_of_any_width(padding: int) -> None:
    packed = b"ZF" + hex(len(CONTENT)).encode().ljust(padding) + zlib.compress(CONTENT)
    start = 2 + padding
    assert yields(BY_FORMAT["joblib-zfile"].read, packed) == [
        Span(PARSED, 0, start),
        Member(name="content", start=start, end=len(packed), unpack="zlib", size=len(CONTENT)),
    ]


@pytest.mark.parametrize(
    ("place", "name"),
    [
        (Place("sub/m.pkl.gz"), "m.pkl"),
        (Place("m.TGZ"), "m.tar"),
        (Place("model.joblib"), "content"),
        (Place(".gz"), "content"),
        (Place("m.zip", ("x/inner.tar.gz",)), "inner.tar"),
    ],
)
def test_the_name_loses_its_suffix(place: Place, name: str) -> None:
    (member,) = BY_FORMAT["gzip"].read(Window.of(PACKED["gzip"]), place, Limits())
    assert isinstance(member, Member)
    assert member.name == name


def test_what_joblib_writes_is_no_disguise() -> None:
    assert [m for m in BY_FORMAT if ".joblib" not in BY_FORMAT[m].extensions] == ["zstd"]
