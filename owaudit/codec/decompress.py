"""Decompression in bounded pieces, one generator per method.

Every generator takes a window of packed bytes and yields ``(offset reached, bytes)`` with at most a
few MiB per step; it returns the offset where its last stream ends. Streams that follow one another
are read on as the loaders do: gzip after zero padding, bz2, xz and zstd right away. Nothing is
held but the state of the decoder, so the caller decides how much to take.

Sources: RFC 1950 to 1952; CPython 3.11 ``gzip``, ``bz2``, ``lzma``, ``zipfile``; joblib 1.6
``compressor``; APPNOTE.TXT 6.3.10 section 5.8 (LZMA in zip).
"""

from __future__ import annotations

import codecs
import importlib
from collections.abc import Callable, Generator
from functools import partial
from typing import Any, Protocol

from owaudit.codec import lz4_frame
from owaudit.codec.window import Window
from owaudit.errors import FormatError

TRUNCATED = "end of the stream"
"""Clause of the error that says: the packed bytes end before the stream does."""

DECODER_MEMORY = "memory of the decoder"
"""Clause of the error that says: the stream asks for more memory than a decoder may take."""

Pieces = Generator[tuple[int, bytes], None, int]
Decode = Callable[[Window], Pieces]

GZIP_MAGIC = b"\x1f\x8b"
BZ2_MAGIC = b"BZh"
XZ_MAGIC = b"\xfd7zXZ\x00"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"

_STEP = 256 * 1024
"""Bytes out of one call of a decoder."""
_RESCUE_STEPS = (512, 1)
"""A decoder that meets a fault gives nothing for that call: what came right before the fault is
fetched again in smaller steps, because a loader that reads in small pieces has seen it."""
_FEED = 64 * 1024
LZMA_MEMORY = 256 * 1024 * 1024
"""The most memory an lzma dictionary may ask for; ``xz -9`` asks for 65 MiB."""
_ZSTD_WINDOW_LOG = 27
"""Largest zstd window, 128 MiB: the ceiling of the format's own tool."""
_UNKNOWN_SIZE = b"\xff" * 8


class Decoder(Protocol):
    """What ``bz2``, ``lzma`` and ``zstd`` decompressors share."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class _Inflate:
    """zlib with the interface of the other decoders."""

    def __init__(self, wbits: int) -> None:
        import zlib

        self._stream = zlib.decompressobj(wbits)
        self._is_full = False

    @property
    def eof(self) -> bool:
        return self._stream.eof

    @property
    def needs_input(self) -> bool:
        return not (self._is_full or self._stream.unconsumed_tail)

    @property
    def unused_data(self) -> bytes:
        return self._stream.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        content = self._stream.decompress(self._stream.unconsumed_tail + data, max_length)
        self._is_full = len(content) == max_length
        return content


def decoder_of(method: str, size: int | None = None) -> Decode | None:
    """The decoder of a method, None where there is none or its library is absent.

    ``size`` is the unpacked size that a container claims; only LZMA in zip needs it.
    """
    if method == "zip-lzma":
        return partial(zip_lzma_pieces, size=size)
    if method == "zstd" and _zstd() is None:
        return None
    return _DECODERS.get(method)


def deflate_pieces(window: Window, start: int = 0) -> Pieces:
    """One raw deflate stream."""
    return (yield from drive(window, start, lambda: _Inflate(-15)))


def zlib_pieces(window: Window) -> Pieces:
    """One zlib stream; loaders take no second one."""
    return (yield from drive(window, 0, lambda: _Inflate(15)))


def gzip_pieces(window: Window) -> Pieces:
    """Gzip members one after another, zero padding between them.

    The header is read as leniently as CPython does (header checksum and reserved flags ignored);
    a wrong checksum behind the content is an error only after the content was given.
    """
    from zlib import crc32

    at = 0
    while True:
        start = _gzip_header(window, at)
        stream = deflate_pieces(window, start)
        checksum = count = 0
        try:
            while True:
                reached, content = next(stream)
                checksum = crc32(content, checksum)
                count += len(content)
                yield reached, content
        except StopIteration as stop:
            end: int = stop.value
        trailer = window.exactly(end, 8, TRUNCATED)
        stated = int.from_bytes(trailer[:4], "little"), int.from_bytes(trailer[4:], "little")
        if stated != (checksum, count & 0xFFFFFFFF):
            found = f"crc32 {checksum:08x} of {count} bytes"
            expected = f"crc32 {stated[0]:08x} of {stated[1]} bytes"
            raise FormatError("gzip trailer", expected=expected, found=found, start=end)
        following = _after_zeros(window, end + 8)
        if window.read(following, 2) != GZIP_MAGIC:
            return end + 8
        at = following


def bz2_pieces(window: Window) -> Pieces:
    """bz2 streams one after another; what follows and is none is left."""
    from bz2 import BZ2Decompressor

    at = yield from drive(window, 0, BZ2Decompressor)
    while window.read(at, len(BZ2_MAGIC)) == BZ2_MAGIC:
        at = yield from drive(window, at, BZ2Decompressor)
    return at


def xz_pieces(window: Window) -> Pieces:
    """xz or lzma-alone streams one after another, zero padding between them."""
    from lzma import LZMADecompressor

    def new() -> Decoder:
        return LZMADecompressor(memlimit=LZMA_MEMORY)

    at = yield from drive(window, 0, new)
    while True:
        following = _after_zeros(window, at)
        if not is_xz_or_lzma(window.read(following, 13)):
            return at
        at = yield from drive(window, following, new)


def zip_lzma_pieces(window: Window, size: int | None) -> Pieces:
    """LZMA as zip stores it: version, length and properties, then a stream without a header.

    The stream may lack an end mark; then it is whole when it has given ``size`` bytes.
    """
    head = window.exactly(0, 4, TRUNCATED)
    count = int.from_bytes(head[2:], "little")
    properties = window.exactly(4, 5, TRUNCATED)
    if count != 5:
        raise FormatError("lzma properties", expected="5 bytes", found=f"{count} bytes", start=2)
    return (yield from lzma_stream(window, 9, properties, size))


def lzma_stream(window: Window, start: int, properties: bytes, size: int | None) -> Pieces:
    """A bare LZMA stream with its five property bytes known."""
    from lzma import FORMAT_ALONE, LZMADecompressor

    def new() -> Decoder:
        return LZMADecompressor(FORMAT_ALONE, memlimit=LZMA_MEMORY)

    return (yield from drive(window, start, new, properties + _UNKNOWN_SIZE, size))


def zstd_pieces(window: Window) -> Pieces:
    """zstd frames one after another, skippable ones stepped over."""
    library = _zstd()
    if library is None:
        raise FormatError("zstd", expected="a zstd library", found="none")
    options = {library.DecompressionParameter.window_log_max: _ZSTD_WINDOW_LOG}
    at = 0
    while True:
        at = yield from drive(window, at, lambda: library.ZstdDecompressor(options=options))
        if window.read(at, 4) not in (ZSTD_MAGIC, *lz4_frame.SKIPPABLE):
            return at


def lz4_pieces(window: Window) -> Pieces:
    """lz4 frames one after another, skippable ones stepped over."""
    at = 0
    while True:
        magic = window.read(at, 4)
        if magic in lz4_frame.SKIPPABLE:
            at += 8 + int.from_bytes(window.exactly(at + 4, 4, TRUNCATED), "little")
        elif magic == lz4_frame.MAGIC or at == 0:
            at = yield from lz4_frame.frame_pieces(window, at)
        else:
            return min(at, window.size)


def is_xz_or_lzma(head: bytes) -> bool:
    """Do these 13 bytes start an xz stream, or an lzma-alone one with usual properties?"""
    if head.startswith(XZ_MAGIC):
        return True
    if len(head) < 13 or head[0] != 0x5D or head[1:3] != b"\0\0":
        return False
    dictionary = int.from_bytes(head[1:5], "little")
    size = int.from_bytes(head[5:], "little")
    return dictionary > 0 and (size == 2**64 - 1 or size < 2**48)


def latin1_pieces(window: Window) -> Pieces:
    """UTF-8 text back to the bytes that it stands for as Latin-1: pickles before protocol 3."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    reached = 0
    for start, piece in window.pieces():
        try:
            content = decoder.decode(piece, final=start + len(piece) >= window.size).encode("latin-1")
        except UnicodeError as error:
            raise FormatError(
                "latin1", expected="text of Latin-1", found="other bytes", start=start
            ) from error
        reached = start + len(piece)
        yield reached, content
    return reached


_DECODERS: dict[str, Decode] = {
    "latin1-as-utf8": latin1_pieces,
    "deflate": deflate_pieces,
    "zlib": zlib_pieces,
    "gzip": gzip_pieces,
    "bz2": bz2_pieces,
    "xz": xz_pieces,
    "lzma": xz_pieces,
    "zstd": zstd_pieces,
    "lz4": lz4_pieces,
}


def _zstd() -> Any:
    """The standard library's zstd module or its backport, None where neither is installed."""
    for name in ("compression.zstd", "backports.zstd"):
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    return None


def drive(
    window: Window,
    start: int,
    new: Callable[[], Decoder],
    prefix: bytes = b"",
    size: int | None = None,
) -> Pieces:
    """Drive one stream to its end; after a fault, fetch what the failing call had in hand.

    ``prefix`` is fed before the bytes of the window; a stream of ``size`` needs no end mark.
    """
    given = 0
    for step in (_STEP, *_RESCUE_STEPS):
        try:
            pieces = _outputs(window, start, new(), prefix, given, step, size)
            while True:
                reached, content = next(pieces)
                yield reached, content
                given += len(content)
        except StopIteration as stop:
            end: int = stop.value
            return end
        except _decoder_errors() as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise
            fault = str(error)
    clause = DECODER_MEMORY if "memory" in fault.lower() else "packed stream"
    raise FormatError(clause, expected="a valid stream", found=fault[:200], start=start)


def _outputs(
    window: Window,
    start: int,
    decoder: Decoder,
    prefix: bytes,
    skip: int,
    step: int,
    size: int | None,
) -> Pieces:
    """Yield what a decoder gives, without the first ``skip`` bytes, ``step`` bytes at a time."""
    at = start
    total = 0
    while not decoder.eof:
        piece = prefix
        if decoder.needs_input:
            read = window.read(at, _FEED)
            at += len(read)
            piece, prefix = prefix + read, b""
        most = min(_STEP, skip - total) if total < skip else step
        content = decoder.decompress(piece, most)
        total += len(content)
        if content and total > skip:
            yield at, content
        if not content and not piece and not decoder.eof:
            if size is not None and total >= size:
                return at
            raise FormatError(TRUNCATED, expected="more packed bytes", found="none", start=at)
    return at - len(decoder.unused_data)


def _decoder_errors() -> tuple[type[Exception], ...]:
    """What decoders raise on bytes that are not theirs."""
    from lzma import LZMAError
    from zlib import error as zlib_error

    library = _zstd()
    return (zlib_error, OSError, EOFError, LZMAError, *([library.ZstdError] if library else []))


def _gzip_header(window: Window, start: int) -> int:
    """Where the deflate stream of a gzip member begins."""
    head = window.exactly(start, 10, TRUNCATED)
    if not head.startswith(GZIP_MAGIC) or head[2] != 8:
        raise FormatError("gzip header", expected="1f8b08", found=head[:3].hex(), start=start)
    flags = head[3]
    at = start + 10
    if flags & 4:
        at += 2 + int.from_bytes(window.exactly(at, 2, TRUNCATED), "little")
    for flag in (8, 16):
        if flags & flag:
            at = _after_text(window, at)
    return at + (2 if flags & 2 else 0)


def _after_text(window: Window, start: int) -> int:
    for offset, piece in window.pieces(start, None, 4096):
        found = piece.find(0)
        if found >= 0:
            return offset + found + 1
    raise FormatError(TRUNCATED, expected="the end of a text", found="the end of the bytes", start=start)


def _after_zeros(window: Window, start: int) -> int:
    for offset, piece in window.pieces(start):
        rest = piece.lstrip(b"\0")
        if rest:
            return offset + len(piece) - len(rest)
    return window.size
