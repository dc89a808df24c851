"""Files that are one compressed stream, or several in a row: gzip, bz2, xz, lzma, zlib, zstd, lz4.

Each gives one member, the unpacked content; what stands behind the last stream is a fact of the
unpacking. ``ZF`` is what joblib wrote before 0.9.3: ``ZF``, the unpacked length in hex padded with
spaces, then a zlib stream, which never starts with a space.

Source: RFC 1950 to 1952; bzip2, xz, zstd and lz4 frame formats; joblib 1.6 ``numpy_pickle_compat``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from owaudit.codec import lz4_frame
from owaudit.codec.decompress import GZIP_MAGIC, XZ_MAGIC, ZSTD_MAGIC, is_xz_or_lzma
from owaudit.codec.reader import PARSED, Head, Member, Place, Reader, Span, Yield
from owaudit.codec.window import Window
from owaudit.errors import FormatError
from owaudit.model.artifact import Format
from owaudit.model.limits import Limits

_SUFFIXES = {
    "gzip": (".gz", ".tgz"),
    "bz2": (".bz2", ".tbz2"),
    "xz": (".xz", ".txz"),
    "lzma": (".lzma",),
    "zlib": (".z", ".zlib"),
    "zstd": (".zst", ".zstd"),
    "lz4": (".lz4",),
    "joblib-zfile": (".z",),
}
_BY_JOBLIB = (".joblib", ".pkl")
"""joblib compresses without a suffix for it, and looks at the content when it loads."""
_BZ2_START = re.compile(rb"BZh[1-9](?:\x31\x41\x59\x26\x53\x59|\x17\x72\x45\x38\x50\x90)")
"""bzip2 has the digits of pi in front of a block, those of its root in front of the end."""
_ZFILE_START = re.compile(rb"ZF0x([0-9a-f]{1,16})L? {1,20}", re.IGNORECASE)
_ZFILE_LONGEST = 64
_ZLIB_TRIAL_OUTPUT = 64


def _is_gzip(head: Head) -> bool:
    return head.start.startswith(GZIP_MAGIC + b"\x08")


def _is_bz2(head: Head) -> bool:
    return _BZ2_START.match(head.start) is not None


def _is_xz(head: Head) -> bool:
    return head.start.startswith(XZ_MAGIC)


def _is_lzma(head: Head) -> bool:
    """The format has no magic: usual properties, and the beginning gives at least a byte."""
    from lzma import FORMAT_ALONE, LZMADecompressor, LZMAError

    if not is_xz_or_lzma(head.start[:13]) or _is_xz(head):
        return False
    try:
        # Dictionaries are allocated as announced; what announces more cannot be unpacked either.
        return bool(LZMADecompressor(FORMAT_ALONE, memlimit=256 << 20).decompress(head.start, 1))
    except LZMAError as error:
        return "memory" in str(error).lower()


def _is_zlib(head: Head) -> bool:
    return _starts_zlib(head.start)


def _starts_zlib(start: bytes) -> bool:
    """Two header bytes whose check holds, and a first block that inflates."""
    import zlib

    if len(start) < 8 or start[0] & 15 != 8 or start[0] >> 4 > 7 or start[1] & 0x20:
        return False
    if (start[0] << 8 | start[1]) % 31:
        return False
    stream = zlib.decompressobj()
    try:
        content = stream.decompress(start, _ZLIB_TRIAL_OUTPUT)
    except zlib.error:
        return False
    return bool(content) or stream.eof


def _is_zstd(head: Head) -> bool:
    return head.start.startswith(ZSTD_MAGIC)


def _is_lz4(head: Head) -> bool:
    return head.start.startswith(lz4_frame.MAGIC)


def _is_zfile(head: Head) -> bool:
    match = _ZFILE_START.match(head.start)
    return match is not None and _starts_zlib(head.start[match.end() :])


def _read_stream(method: str) -> Callable[[Window, Place, Limits], Iterator[Yield]]:
    def read(window: Window, place: Place, limits: Limits) -> Iterator[Yield]:  # noqa: ARG001
        yield Member(name=_content_name(place, method), start=0, end=window.size, unpack=method)

    return read


def _read_zfile(window: Window, place: Place, limits: Limits) -> Iterator[Yield]:  # noqa: ARG001
    head = window.read(0, _ZFILE_LONGEST)
    match = _ZFILE_START.match(head)
    if match is None:
        raise FormatError("joblib header", expected="ZF and a length", found=head[:8].hex())
    yield Span(PARSED, 0, match.end())
    yield Member(
        name=_content_name(place, "joblib-zfile"),
        start=match.end(),
        end=window.size,
        unpack="zlib",
        size=int(match[1], 16),
    )


def _content_name(place: Place, method: str) -> str:
    """The name without the suffix of the compressor, as unpacking tools choose it."""
    name = (place.members[-1] if place.members else place.artifact).rpartition("/")[2]
    lowered = name.lower()
    for suffix in _SUFFIXES[method]:
        if lowered.endswith(suffix) and len(name) > len(suffix):
            stem = name[: -len(suffix)]
            return f"{stem}.tar" if suffix.startswith(".t") else stem
    return "content"


def _reader(method: str, source: str, looks_like: Callable[[Head], bool]) -> Reader:
    return Reader(
        format=Format(method),
        source=source,
        looks_like=looks_like,
        read=_read_zfile if method == "joblib-zfile" else _read_stream(method),
        rank=30,
        extensions=_SUFFIXES[method] + (() if method == "zstd" else _BY_JOBLIB),
    )


READERS = (
    _reader("gzip", "RFC 1952", _is_gzip),
    _reader("bz2", "bzip2 1.0.8", _is_bz2),
    _reader("xz", "The .xz file format 1.2.1", _is_xz),
    _reader("lzma", "lzma-file-format.txt, LZMA SDK", _is_lzma),
    _reader("zlib", "RFC 1950", _is_zlib),
    _reader("zstd", "RFC 8878", _is_zstd),
    _reader("lz4", "lz4 doc/lz4_Frame_format.md", _is_lz4),
    _reader("joblib-zfile", "joblib 1.6 numpy_pickle_compat", _is_zfile),
)
