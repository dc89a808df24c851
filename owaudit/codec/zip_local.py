"""Local records of zip archives: what stands in front of and behind the bytes of a member.

The directory decides what a loader reads; the local header only leads to the bytes. Where the two
describe one member differently, the differences are kept. What honest writers do is none: zero
CRC and sizes with the descriptor flag, zip64 sizes, extra fields that stand in one view only
(torch pads with ``FB``), another version needed, another compression level.

Source: APPNOTE.TXT 6.3.10 sections 4.3.7, 4.3.9, 4.4 and 4.5.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from owaudit.codec.window import Window
from owaudit.codec.zip_values import (
    DEFLATED,
    FLAG_DESCRIPTOR,
    FLAG_PATCHED,
    FLAG_UTF8,
    SEALING_FLAGS,
    STORED,
    Difference,
    decode_name,
)

LOCAL_SIGNATURE = b"PK\x03\x04"
LOCAL_SIZE = 30
DESCRIPTOR_SIGNATURE = b"PK\x07\x08"
WIDE = 0xFFFFFFFF
"""The value of a 32-bit field whose real value stands in the zip64 extra field."""

_LOCAL = struct.Struct("<4s5H3L2H")
_ZIP64_FIELD = 0x0001
_UNICODE_PATH_FIELD = 0x7075
_UNICODE_PATH_MARK = b"up"
_COMPARED_FLAGS = SEALING_FLAGS | FLAG_PATCHED
_DESCRIPTOR_MOST = 24
_BLOCK = 4096
"""Bytes read at once around a local header: small members that follow one another share a read."""
_SEAL_TRIAL = 4096
_TRADITIONAL_SEAL = 12
"""Bytes that PKWARE encryption puts in front of the content."""


class LocalHeader(NamedTuple):
    """A local header as written, zip64 sizes resolved; ``end`` is where the content starts.

    A tuple, like ``Expected``: a frozen dataclass costs four times as much to build, and an archive
    may have a hundred thousand members.
    """

    raw_name: bytes
    flags: int
    method: int
    crc32: int
    compressed_size: int
    size: int
    extra: bytes
    end: int

    @property
    def name(self) -> str:
        """The name as text."""
        return decode_name(self.raw_name, self.flags)


class Expected(NamedTuple):
    """What a directory says of a member; ``raw_name`` and ``flags`` as written."""

    raw_name: bytes
    flags: int
    method: int
    crc32: int
    compressed_size: int
    size: int


class Lookahead:
    """Small reads of a window that mostly go forward: one block serves several of them."""

    __slots__ = ("_block", "_start", "window")

    def __init__(self, window: Window) -> None:
        self.window = window
        self._start = 0
        self._block = b""

    def read(self, start: int, size: int) -> bytes:
        """Return up to ``size`` bytes from ``start``; fewer only at the end of the window."""
        skip = start - self._start
        if skip < 0 or skip + size > len(self._block):
            if start >= self.window.size:
                return b""
            self._block = self.window.read(start, max(size, _BLOCK))
            self._start = start
            skip = 0
        return self._block[skip : skip + size]


def local_header(look: Lookahead, offset: int) -> LocalHeader | None:
    """Read the local header at ``offset``; None where none stands whole."""
    raw = look.read(offset, LOCAL_SIZE)
    if len(raw) != LOCAL_SIZE or not raw.startswith(LOCAL_SIGNATURE):
        return None
    _, _, flags, method, _, _, crc32, compressed, size, name_size, extra_size = _LOCAL.unpack(raw)
    tail = look.read(offset + LOCAL_SIZE, name_size + extra_size)
    if len(tail) != name_size + extra_size:
        return None
    extra = tail[name_size:]
    if WIDE in (compressed, size):
        size, compressed, _, _ = wide_values(extra, size, compressed, 0)
    end = offset + LOCAL_SIZE + len(tail)
    return LocalHeader(tail[:name_size], flags, method, crc32, compressed, size, extra, end)


def extra_fields(extra: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield ``(id, content)`` of the extra fields; a field that runs over the end is cut."""
    at = 0
    while at + 4 <= len(extra):
        size = extra[at + 2] | extra[at + 3] << 8
        yield extra[at] | extra[at + 1] << 8, extra[at + 4 : at + 4 + size]
        at += 4 + size


def wide_values(extra: bytes, size: int, compressed: int, offset: int) -> tuple[int, int, int, str]:
    """Put the zip64 values in the place of markers; the last value says what is wrong, or is empty."""
    for field, content in extra_fields(extra):
        if field != _ZIP64_FIELD:
            continue
        values = [int.from_bytes(content[at : at + 8], "little") for at in range(0, len(content) - 7, 8)]
        wanted = [size, compressed, offset]
        for index, value in enumerate(wanted):
            if value != WIDE:
                continue
            if not values:
                return wanted[0], wanted[1], wanted[2], "a zip64 field that ends too early"
            wanted[index] = values.pop(0)
        if values and WIDE not in (size, compressed, offset) and _lies(values, (size, compressed, offset)):
            return wanted[0], wanted[1], wanted[2], f"a zip64 field with {', '.join(map(str, values[:3]))}"
        return wanted[0], wanted[1], wanted[2], ""
    missing = "a marker without a zip64 field" if WIDE in (size, compressed, offset) else ""
    return size, compressed, offset, missing


def _lies(values: list[int], plain: tuple[int, int, int]) -> bool:
    """Do values that nothing asked for differ from the plain fields they repeat?"""
    return any(value not in (0, there) for value, there in zip(values, plain, strict=False))


def other_name(extra: bytes, raw_name: bytes, flags: int) -> str:
    """The name that a Unicode path field gives, where it is another one than in the header."""
    if _UNICODE_PATH_MARK not in extra:
        return ""
    for field, content in extra_fields(extra):
        if field == _UNICODE_PATH_FIELD and len(content) >= 5 and content[0] == 1:
            if int.from_bytes(content[1:5], "little") != zlib.crc32(raw_name):
                continue
            name = decode_name(content[5:], FLAG_UTF8)
            return "" if name == decode_name(raw_name, flags) else name
    return ""


def differences(expected: Expected, local: LocalHeader) -> Iterator[Difference]:
    """Yield the fields in which a local header differs from the directory."""
    if expected.raw_name != local.raw_name or (
        (expected.flags ^ local.flags) & FLAG_UTF8 and not local.raw_name.isascii()
    ):
        yield _difference("name", decode_name(expected.raw_name, expected.flags), local.name)
    if expected.method != local.method:
        yield _difference("method", expected.method, local.method)
    if (expected.flags ^ local.flags) & _COMPARED_FLAGS:
        yield _difference("flags", f"0x{expected.flags:04x}", f"0x{local.flags:04x}")
    is_later = bool(local.flags & FLAG_DESCRIPTOR)
    if expected.crc32 != local.crc32 and not (is_later and local.crc32 == 0):
        yield _difference("crc32", f"{expected.crc32:08x}", f"{local.crc32:08x}")
    for field, there, here in (
        ("compressed size", expected.compressed_size, local.compressed_size),
        ("size", expected.size, local.size),
    ):
        if there != here and not (is_later and here in (0, WIDE)):
            yield _difference(field, there, here)


def descriptor(look: Lookahead, offset: int, expected: Expected) -> tuple[int, tuple[Difference, ...]]:
    """Read the data descriptor at ``offset``: its end and where it differs from the directory.

    The signature is optional and sizes have four or eight bytes; the form that agrees with the
    directory is taken. Without a signature or agreement there is no descriptor.
    """
    raw = look.read(offset, _DESCRIPTOR_MOST)
    skip = 4 if raw.startswith(DESCRIPTOR_SIGNATURE) else 0
    sizes = (expected.compressed_size, expected.size)
    crc32 = int.from_bytes(raw[skip : skip + 4], "little")
    # Of an empty member both forms agree; the longer one has eight more zeros.
    is_long = sizes == (0, 0) and raw[skip + 12 :][:8] == bytes(8)
    for width in (8,) if is_long else (4, 8):
        end = skip + 4 + 2 * width
        if len(raw) >= end and (skip or crc32 == expected.crc32) and _pair(raw, skip + 4, width) == sizes:
            if crc32 == expected.crc32:
                return offset + end, ()
            return offset + end, (_crc_difference(expected, crc32),)
    if not skip or len(raw) < 16:
        return offset, ()
    width = 8 if look.read(offset + 24, 2) == b"PK" and look.read(offset + 16, 2) != b"PK" else 4
    compressed, size = _pair(raw, 8, width)
    found = [] if crc32 == expected.crc32 else [_crc_difference(expected, crc32)]
    if compressed != expected.compressed_size:
        found.append(_difference("compressed size (descriptor)", expected.compressed_size, compressed))
    if size != expected.size:
        found.append(_difference("size (descriptor)", expected.size, size))
    return offset + 8 + 2 * width, tuple(found)


def is_sealed(window: Window, start: int, end: int, method: int, size: int) -> bool:
    """Are these bytes, whose flags say encrypted, unreadable as they stand?

    Stored content is readable when it is not longer than its size says; deflated content when its
    beginning inflates. Any other method is taken at its word.
    """
    if method == STORED:
        return end - start == size + _TRADITIONAL_SEAL
    if method != DEFLATED:
        return True
    try:
        zlib.decompressobj(-15).decompress(window.read(start, min(_SEAL_TRIAL, end - start)), _SEAL_TRIAL)
    except zlib.error:
        return True
    return False


def _pair(raw: bytes, at: int, width: int) -> tuple[int, int]:
    middle = at + width
    return int.from_bytes(raw[at:middle], "little"), int.from_bytes(raw[middle : middle + width], "little")


def _crc_difference(expected: Expected, crc32: int) -> Difference:
    return _difference("crc32 (descriptor)", f"{expected.crc32:08x}", f"{crc32:08x}")


def _difference(field: str, central: object, local: object) -> Difference:
    return Difference(field=field, central=str(central), local=str(local))
