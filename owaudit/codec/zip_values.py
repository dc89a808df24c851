"""The values a zip archive is read into: entries with both views, faults, gaps.

Offsets are bytes in the window that holds the archive, already corrected for bytes in front.
"""

from __future__ import annotations

import stat
from dataclasses import dataclass

PRIMARY = 0
"""Index of the directory that loaders take."""
UNLISTED = -1
"""Directory index of a record that no directory names."""
LOCAL_VIEW = -2
"""Directory index of a listed member as only its local record describes it."""

FLAG_ENCRYPTED = 0x0001
FLAG_DESCRIPTOR = 0x0008
FLAG_PATCHED = 0x0020
FLAG_STRONG = 0x0040
FLAG_UTF8 = 0x0800
FLAG_MASKED = 0x2000
SEALING_FLAGS = FLAG_ENCRYPTED | FLAG_STRONG | FLAG_MASKED

STORED = 0
DEFLATED = 8

_UNPACK = {
    STORED: "stored",
    DEFLATED: "deflate",
    9: "deflate64",
    12: "bz2",
    14: "zip-lzma",
    20: "zstd",
    93: "zstd",
    95: "xz",
}
"""APPNOTE.TXT 4.4.5; 20 is the number zstd had first."""

_UNIX_HOSTS = (3, 19)
"""Hosts whose external attributes hold a Unix mode: Unix and macOS."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The directory says ``central`` of a field, another description of the member says ``local``."""

    field: str
    central: str
    local: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A breach of the format's law between ``start`` and ``end`` (not included)."""

    clause: str
    expected: str
    found: str
    start: int
    end: int
    tolerated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One member as the directory sees it, with every field in which its local record differs.

    ``directory`` is the index of the directory that names it, ``UNLISTED`` for a local record that
    none names, ``LOCAL_VIEW`` for one that is named but leads to other content than the entry.
    ``data_start`` to ``data_end`` is the content as stored, cut to the window; ``record_end`` is
    after the data descriptor. ``is_located`` is False where no local record stands at
    ``header_offset``; the ranges are then empty. ``is_sealed`` is True when an encryption flag is set
    and the bytes are not readable as they stand. ``alias`` is the name in a Unicode path field, where
    it is another one than in the header. ``sized`` is False for an unlisted record whose sizes stand
    nowhere, so its end is a guess.
    """

    name: str
    directory: int
    header_offset: int
    data_start: int
    data_end: int
    record_end: int
    flags: int
    method: int
    crc32: int
    compressed_size: int
    size: int
    mode: int = 0
    alias: str = ""
    is_located: bool = True
    is_sealed: bool = False
    sized: bool = True
    differences: tuple[Difference, ...] = ()

    @property
    def is_folder(self) -> bool:
        """Does it stand for a folder and hold nothing?"""
        return self.name.endswith("/") and self.data_start == self.data_end and self.size == 0

    @property
    def is_link(self) -> bool:
        """Is it a symbolic link?"""
        return stat.S_ISLNK(self.mode)

    @property
    def is_device(self) -> bool:
        """Is it a device, FIFO or socket?"""
        return stat.S_IFMT(self.mode) in (stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK)

    @property
    def unpack(self) -> str:
        """How the content is stored, as ``codec.unpack`` names it."""
        return _UNPACK.get(self.method, f"zip-method-{self.method}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """A central directory that was read: ``shift`` bytes stand in front of the archive it belongs to."""

    start: int
    end: int
    shift: int
    entries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Unclaimed:
    """Bytes that no record claims; ``position`` is ``before``, ``between`` or ``after``."""

    position: str
    start: int
    end: int
    zeros: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """Everything a window holds as a zip archive.

    ``directories`` starts with the one that loaders take; ``entries`` are those of all directories,
    those of the first one first; ``hidden`` are what only local records describe: other views of
    listed members, then records that no directory names in order of offset. ``ends`` are the ranges
    of end records, zip64 records and comments. ``limit`` names the field of ``Limits`` that stopped
    the reading, empty when none did; ``is_whole`` is False when there is no directory or it breaks
    off.
    """

    size: int
    directories: tuple[Directory, ...] = ()
    entries: tuple[Entry, ...] = ()
    hidden: tuple[Entry, ...] = ()
    faults: tuple[Fault, ...] = ()
    unclaimed: tuple[Unclaimed, ...] = ()
    ends: tuple[tuple[int, int], ...] = ()
    comment: bytes = b""
    comment_start: int = 0
    limit: str = ""
    is_whole: bool = True

    @property
    def listed(self) -> tuple[Entry, ...]:
        """The entries of the directory that loaders take, in its order."""
        return tuple(entry for entry in self.entries if entry.directory == PRIMARY)


def unix_mode(made_by: int, attributes: int) -> int:
    """The Unix mode in the external attributes, 0 where the writing host has none."""
    return attributes >> 16 if made_by >> 8 in _UNIX_HOSTS else 0


def decode_name(raw: bytes, flags: int) -> str:
    """A member name: UTF-8 by flag, otherwise code page 437; what does not fit shows as ``\\xff``."""
    if flags & FLAG_UTF8:
        return raw.decode("utf-8", "backslashreplace")
    return raw.decode("ascii") if raw.isascii() else raw.decode("cp437")
