"""Content that no loader executes: each format is recognised and measured to its last byte."""

from __future__ import annotations

import struct
import zlib

import pytest

from owaudit.codec.reader import INERT, TAIL_SIZE, Head, Place, Reader, Span, Yield
from owaudit.codec.window import Window
from owaudit.errors import FormatError, LimitExceeded
from owaudit.model.limits import Limits
from owaudit.model.observation import UnclaimedBytes
from owaudit.readers import documents, images, media

READERS: dict[str, Reader] = {
    str(reader.format): reader for module in (images, media, documents) for reader in module.READERS
}
PLACE = Place("x")


def chunk(kind: bytes, content: bytes = b"") -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png() -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND")


def jpeg() -> bytes:
    def segment(marker: int, content: bytes) -> bytes:
        return b"\xff" + bytes([marker]) + struct.pack(">H", len(content) + 2) + content

    # Coded bytes with a stuffed 0xff, a restart marker, then a second scan behind fill bytes.
    scans = segment(0xDA, b"\1\1\0\0\x3f\0") + b"ab\xff\0cd\xff\xd0ef\xff" + segment(0xDA, b"\1") + b"\xff\0"
    return b"\xff\xd8" + segment(0xE0, b"JFIF\0\xff\xd9") + scans + b"\xff\xd9"


def gif() -> bytes:
    screen = struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + bytes(6)
    extension = b"\x21\xf9\x04\0\0\0\0\0"
    image = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0x80) + bytes(6) + b"\x02" + b"\x02\x4c\x01" + b"\0"
    return b"GIF89a" + screen + extension + image + b"\x3b"


def bmp() -> bytes:
    return b"BM" + struct.pack("<IHHI", 58, 0, 0, 54) + struct.pack("<I", 40) + bytes(36) + b"\1\2\3\0"


def ico() -> bytes:
    return b"\0\0\1\0\1\0" + struct.pack("<BBBBHHII", 16, 16, 0, 0, 1, 32, 5, 22) + b"image"


def tiff(order: str) -> bytes:
    def entry(tag: int, kind: int, items: int, value: int) -> bytes:
        packed = struct.pack(order + "HH", value, 0) if kind == 3 else struct.pack(order + "I", value)
        return struct.pack(order + "HHI", tag, kind, items) + packed

    entries = entry(256, 3, 1, 1) + entry(273, 4, 1, 62) + entry(279, 4, 1, 7) + entry(270, 2, 5, 69)
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    return head + struct.pack(order + "H", 4) + entries + bytes(4) + b"strips!" + b"note\0"


def riff(kind: bytes, content: bytes = b"fmt \x03\0\0\0abc\0") -> bytes:
    return b"RIFF" + struct.pack("<I", len(content) + 4) + kind + content


def ogg() -> bytes:
    page = b"OggS" + bytes(22) + b"\x02" + b"\x05\x03" + b"12345678"
    return page * 3


def flac() -> bytes:
    return b"fLaC" + b"\0\0\0\x22" + bytes(34) + b"\x84\0\0\x02ab" + b"\xff\xf8frames"


def mp3() -> bytes:
    frame = b"\xff\xfb\x90\x00" + bytes(417 - 4)
    return b"ID3\x04\0\0\0\0\x01\x00" + bytes(128) + frame * 3 + b"TAG" + bytes(125)


def mp4() -> bytes:
    boxes = chunk(b"moov", b"abcd")
    large = struct.pack(">I4sQ", 1, b"free", 20) + b"wxyz"
    return b"\0\0\0\x10ftypisom\0\0\0\0" + struct.pack(">I", 12) + boxes[4:12] + large


def pdf() -> bytes:
    return b"%PDF-1.7\n1 0 obj\nendobj\n%%EOF\n2 0 obj\n" + b"x" * 3_000_000 + b"%%EOF\r\n"


def font() -> bytes:
    return (
        b"\0\1\0\0"
        + struct.pack(">HHHH", 1, 16, 0, 0)
        + b"cmap"
        + struct.pack(">III", 0, 28, 6)
        + b"table!\0\0"
    )


def collection() -> bytes:
    one = b"\0\1\0\0" + struct.pack(">HHHH", 1, 16, 0, 0) + b"cmap" + struct.pack(">III", 0, 44, 6)
    return b"ttcf" + struct.pack(">III", 0x10000, 1, 16) + one + b"table!\0\0"


def woff() -> bytes:
    return b"wOF2" + b"\0\1\0\0" + struct.pack(">I", 60) + bytes(48)


ENDLESS = ("flac", "ogg", "mp3", "mp4", "pdf")
"""Formats that may end after any piece, or whose earlier end marks count."""

SAMPLES: list[tuple[str, bytes]] = [
    ("png", png()),
    ("jpeg", jpeg()),
    ("jpeg", jpeg() * 2),
    ("gif", gif()),
    ("bmp", bmp()),
    ("ico", ico()),
    ("tiff", tiff("<")),
    ("tiff", tiff(">")),
    ("riff", riff(b"WAVE")),
    ("riff", riff(b"WEBP")),
    ("riff", riff(b"AVI ", b"odd") + b"\0"),
    ("riff", riff(b"WAVE", b"odd")),
    ("ogg", ogg()),
    ("flac", flac()),
    ("mp3", mp3()),
    ("mp3", mp3()[138:]),
    ("mp4", mp4()),
    ("pdf", pdf()),
    ("font", font()),
    ("font", collection()),
    ("woff", woff()),
]


def formats(content: bytes) -> list[str]:
    head = Head(content[:4096], content[-TAIL_SIZE:], len(content), "x", Window.of(content))
    return [name for name, reader in READERS.items() if reader.looks_like(head)]


def read(name: str, content: bytes, limits: Limits | None = None) -> list[Yield]:
    return list(READERS[name].read(Window.of(content), PLACE, limits or Limits()))


@pytest.mark.parametrize(("name", "content"), SAMPLES)
def test_every_byte_is_inert(name: str, content: bytes) -> None:
    assert formats(content) == [name]
    assert read(name, content) == [Span(INERT, 0, len(content))]


@pytest.mark.parametrize(("name", "content"), [(n, c) for n, c in SAMPLES if n not in ("flac", "pdf")])
def test_what_is_appended_is_noticed(name: str, content: bytes) -> None:
    content += b"\0" if name == "riff" and len(content) % 2 else b""
    end = len(content)
    assert read(name, content + b"PK\3\4!") == [
        Span(INERT, 0, end),
        UnclaimedBytes(locations=PLACE.at(end, end + 5), position="after", size=5),
    ]
    assert read(name, content + bytes(9)) == [
        Span(INERT, 0, end),
        UnclaimedBytes(locations=PLACE.at(end, end + 9), position="after", size=9, zeros=True),
    ]


def test_what_is_appended_to_a_document_is_noticed() -> None:
    end = len(pdf())
    assert read("pdf", pdf() + b"\x80\x04N.")[1:] == [
        UnclaimedBytes(locations=PLACE.at(end, end + 4), position="after", size=4)
    ]


@pytest.mark.parametrize(("name", "content"), [s for s in SAMPLES if s[0] not in ENDLESS])
def test_a_cut_file_is_not_measured(name: str, content: bytes) -> None:
    with pytest.raises(FormatError):
        read(name, content[: len(content) * 2 // 3])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("gif", b"GIF89a" + bytes(7) + b"\x21\xff" + b"\1a" * 60_000),
        ("png", b"\x89PNG\r\n\x1a\n" + chunk(b"IDAT") * 60_000),
        ("jpeg", b"\xff\xd8" + b"\xff" * 60_000),
        ("ogg", (b"OggS" + bytes(23)) * 60_000),
        ("tiff", b"II*\0\x08\0\0\0\1\0" + struct.pack("<HHII", 273, 1, 60_000, 8) + bytes(60_000)),
    ],
)
def test_a_walk_of_tiny_steps_is_a_limit(name: str, content: bytes) -> None:
    with pytest.raises(LimitExceeded, match="members"):
        read(name, content, Limits(members=1000))


def test_a_run_of_marker_bytes_is_linear() -> None:
    content = jpeg()[:-2] + b"\xff" * 3_000_000 + b"\0"
    with pytest.raises(FormatError, match="end of the image"):
        read("jpeg", content)


def test_a_loop_of_directories_ends() -> None:
    assert read("tiff", b"II*\0\x08\0\0\0\0\0\x08\0\0\0") == [Span(INERT, 0, 14)]


@pytest.mark.parametrize(
    "content",
    [b"", b"BM", b"BMore text than a picture", b"\0\0\1\0", b"\0\1\0\0", b"\xff\xfb\x90\x00 not a frame",
     b"RIFFabcdXXXX", b"\x80\x04N.", b"PK\3\4", b"ID3", b"true story of a font", b"\0\0\0\x10ftyx"],
)  # fmt: skip
def test_other_bytes_are_not_recognised(content: bytes) -> None:
    assert formats(content) == []
