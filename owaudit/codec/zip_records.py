"""Zip archives with both views of every member: ``read_archive``.

The archive is read the way its most tolerant loader would: from the last end record to the
directory it leads to, from each entry to its local record. Then everything those did not explain:
other directories that another loader would take, local records that no directory names, bytes
that belong to nothing. Whatever does not fit is a fault or a difference in the values, never an
exception. Time is linear in the directory plus the bytes that no record claims.

Source: APPNOTE.TXT 6.3.10; CPython 3.11 ``zipfile``; miniz as used by torch 2.13.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from owaudit.codec.spans import Ranges
from owaudit.codec.window import Window
from owaudit.codec.zip_end import CENTRAL_SIGNATURE, END_SIGNATURE, DirectoryClaim, EndRecord, end_records
from owaudit.codec.zip_local import (
    WIDE,
    Expected,
    LocalHeader,
    Lookahead,
    descriptor,
    differences,
    is_sealed,
    local_header,
    other_name,
    wide_values,
)
from owaudit.codec.zip_unlisted import unclaimed_bytes, unlisted_records
from owaudit.codec.zip_values import (
    FLAG_DESCRIPTOR,
    FLAG_PATCHED,
    LOCAL_VIEW,
    PRIMARY,
    SEALING_FLAGS,
    STORED,
    Archive,
    Difference,
    Directory,
    Entry,
    Fault,
    decode_name,
    unix_mode,
)
from owaudit.model.limits import Limits

_CENTRAL = struct.Struct("<4s6H3L5H2L")
_CENTRAL_SIZE = 46
_DIRECTORY_PIECE = 1024 * 1024
_MAX_FAULTS = 200
"""Faults kept: a directory of lies would otherwise hold one for every entry."""


class _Central(NamedTuple):
    """One entry of a directory: where it stands and what it says; ``offset`` as written."""

    start: int
    end: int
    expected: Expected
    offset: int
    mode: int
    alias: str
    problem: str


class _Reading:
    """What has been read of one archive so far."""

    def __init__(self, window: Window, limits: Limits) -> None:
        self.window = window
        self.look = Lookahead(window)
        self.most = limits.members
        self.directories: list[Directory] = []
        self.entries: list[Entry] = []
        self.faults: list[Fault] = []
        self.local_views: list[Entry] = []
        self.claimed = Ranges()
        self.ends: list[tuple[int, int]] = []
        self.comment = b""
        self.comment_start = 0
        self.limit = ""
        self.is_whole = True

    def fault(self, clause: str, expected: str, found: str, start: int, end: int) -> None:
        """Keep a breach that loaders do not agree to accept."""
        if len(self.faults) < _MAX_FAULTS:
            self.faults.append(Fault(clause=clause, expected=expected, found=found, start=start, end=end))


def read_archive(window: Window, limits: Limits) -> Archive:
    """Read the records of a zip archive; see ``Archive`` for what is kept.

    At most ``limits.members`` records are kept; ``Archive.limit`` says when there were more.
    No exception for any bytes.
    """
    reading = _Reading(window, limits)
    for end in end_records(window):
        _follow(reading, end)
    if not reading.directories:
        reading.is_whole = False
        reading.fault("end record", "one that leads to a central directory", "none", 0, window.size)
    for view in reading.local_views:
        reading.claimed.add(view.header_offset, view.record_end)
    gaps = list(reading.claimed.gaps(window.size))
    room = max(0, reading.most - len(reading.entries))
    unlisted, is_searched = unlisted_records(window, gaps, room)
    for record in unlisted:
        reading.claimed.add(record.header_offset, record.record_end)
    if not is_searched:
        reading.limit = "members"
    return Archive(
        size=window.size,
        directories=tuple(reading.directories),
        entries=tuple(reading.entries),
        hidden=(*reading.local_views, *unlisted),
        faults=tuple(reading.faults),
        # Behind a limit, nobody knows what the rest belongs to.
        unclaimed=() if reading.limit else unclaimed_bytes(window, reading.claimed, reading.ends),
        ends=tuple(reading.ends),
        comment=reading.comment,
        comment_start=reading.comment_start,
        limit=reading.limit,
        is_whole=reading.is_whole,
    )


def leads_to_directory(window: Window) -> bool:
    """Does an end record in the last 64 KiB lead to a central directory?"""
    return any(_has_directory(window, claim) for end in end_records(window) for claim in end.claims)


def _follow(reading: _Reading, end: EndRecord) -> None:
    """Read every directory that one end record may lead to."""
    is_first = not reading.directories and not reading.ends
    if any(start <= end.offset < stop for start, stop in reading.claimed):
        return
    claims = [claim for claim in end.claims if _has_directory(reading.window, claim)]
    is_empty = end.is_empty and is_first
    if not claims and not is_empty:
        return
    if not is_first:
        found = f"another at {end.offset}"
        reading.fault("end record", "one", found, end.offset, end.offset + 22)
    reading.faults.extend(end.faults)
    reading.ends.extend(end.ranges)
    for start, stop in end.ranges:
        reading.claimed.add(start, stop)
    if is_first:
        reading.comment_start = end.comment_start
        reading.comment = reading.window.read(end.comment_start, end.end - end.comment_start)
        if END_SIGNATURE in reading.comment:
            reading.fault("comment", "no end record in it", "one", end.comment_start, end.end)
    if not claims:
        reading.directories.append(Directory(start=end.offset, end=end.offset, shift=0, entries=0))
    for claim in claims:
        if not _is_read(reading, claim.start):
            _read_directory(reading, claim)


def _has_directory(window: Window, claim: DirectoryClaim) -> bool:
    return window.read(claim.start, 4) == CENTRAL_SIGNATURE


def _is_read(reading: _Reading, start: int) -> bool:
    """Is there an entry at ``start`` that was read as part of a directory?"""
    return any(
        central.start == start
        for directory in reading.directories
        if directory.start <= start < directory.end
        for central in _central_entries(reading.window, directory.start, directory.end)
    )


def _read_directory(reading: _Reading, claim: DirectoryClaim) -> None:
    """Read a directory and the local record of each entry, and hold it against its claim."""
    index = len(reading.directories)
    is_later = index > PRIMARY
    known = {(e.name, e.data_start, e.data_end) for e in reading.entries} if is_later else set()
    position = claim.start
    count = 0
    added = 0
    for central in _central_entries(reading.window, claim.start, claim.stop):
        if len(reading.entries) >= reading.most:
            reading.limit = "members"
            break
        position = central.end
        count += 1
        entry = _entry(reading, central, claim.shift, index)
        if (entry.name, entry.data_start, entry.data_end) in known:
            continue
        added += 1
        reading.entries.append(entry)
        reading.claimed.add(entry.header_offset, entry.record_end)
    if is_later and not added:
        return
    if is_later and index == 1:
        reading.fault("central directory", "one", f"another at {claim.start}", claim.start, position)
    reading.directories.append(Directory(start=claim.start, end=position, shift=claim.shift, entries=count))
    reading.claimed.add(claim.start, position)
    if not reading.limit:
        _check_claim(reading, claim, position, count)


def _check_claim(reading: _Reading, claim: DirectoryClaim, position: int, count: int) -> None:
    is_cut = position < claim.stop and position - claim.start < claim.size
    if is_cut and len(reading.directories) == 1:
        reading.is_whole = False
    if claim.size != position - claim.start:
        found = f"{position - claim.start} bytes"
        reading.fault("size of the central directory", f"{claim.size} bytes", found, claim.start, position)
    if claim.entries != count:
        reading.fault(
            "entries of the central directory", str(claim.entries), str(count), claim.start, position
        )


def _central_entries(window: Window, start: int, stop: int) -> Iterator[_Central]:
    """Yield the entries of a directory in order, up to what is not an entry or ``stop``."""
    base = start
    piece = window.read(base, min(_DIRECTORY_PIECE, stop - base))
    at = 0
    while True:
        if len(piece) - at < _CENTRAL_SIZE + 3 * 0xFFFF and base + len(piece) < stop:
            base += at
            piece = window.read(base, min(_DIRECTORY_PIECE, stop - base))
            at = 0
        if len(piece) - at < _CENTRAL_SIZE or piece[at : at + 4] != CENTRAL_SIGNATURE:
            return
        (_, made_by, _, flags, method, _, _, crc32, compressed, size, name_size, extra_size, note_size,
         _, _, attributes, offset) = _CENTRAL.unpack_from(piece, at)  # fmt: skip
        name_at = at + _CENTRAL_SIZE
        end = name_at + name_size + extra_size + note_size
        if end > len(piece):
            return
        raw_name = piece[name_at : name_at + name_size]
        problem = alias = ""
        if extra_size or 0xFFFFFFFF in (compressed, size, offset):
            extra = piece[name_at + name_size : name_at + name_size + extra_size]
            size, compressed, offset, problem = wide_values(extra, size, compressed, offset)
            alias = other_name(extra, raw_name, flags)
        expected = Expected(raw_name, flags, method, crc32, compressed, size)
        mode = unix_mode(made_by, attributes)
        yield _Central(base + at, base + end, expected, offset, mode, alias, problem)
        at = end


def _entry(reading: _Reading, central: _Central, shift: int, directory: int) -> Entry:
    """Find the local record of an entry and compare the two."""
    expected = central.expected
    name = decode_name(expected.raw_name, expected.flags)
    if central.problem:
        found = f"{central.problem} ({name})"
        reading.fault("zip64 field of an entry", "values in step", found, central.start, central.end)
    if expected.flags & FLAG_PATCHED:
        found = f"set ({name})"
        reading.fault("flag of patched content", "not set", found, central.start, central.end)
    offset, local = _local(reading, central.offset, shift)
    if local is None:
        found = f"none ({name})"
        reading.fault("local record of an entry", f"one at {offset}", found, central.start, central.end)
        start = end = record_end = offset
        found_differences: tuple[Difference, ...] = ()
    else:
        start, end = _content(reading, central, local, name)
        record_end, found_differences = _compare(reading, central, local, end)
    sealed = bool(expected.flags & SEALING_FLAGS) and is_sealed(
        reading.window, start, end, expected.method, expected.size
    )
    entry = Entry(
        name=name, directory=directory, header_offset=offset, data_start=start, data_end=end,
        record_end=record_end, flags=expected.flags, method=expected.method, crc32=expected.crc32,
        compressed_size=expected.compressed_size, size=expected.size, mode=central.mode,
        alias=central.alias, is_located=local is not None, is_sealed=sealed,
        differences=found_differences,
    )  # fmt: skip
    if local is not None and found_differences:
        _keep_local_view(reading, entry, local)
    return entry


def _local(reading: _Reading, offset: int, shift: int) -> tuple[int, LocalHeader | None]:
    """The local header of an entry: with the bytes in front counted, else as written."""
    shifted = offset + shift
    local = local_header(reading.look, shifted) if shifted >= 0 else None
    if local is None and shift:
        local = local_header(reading.look, offset)
        if local is not None:
            return offset, local
    return max(0, shifted), local


def _content(reading: _Reading, central: _Central, local: LocalHeader, name: str) -> tuple[int, int]:
    """Where the content of an entry lies; a stored one with two sizes takes the larger."""
    expected = central.expected
    wanted = expected.compressed_size
    if expected.method == STORED and wanted != expected.size and not expected.flags & SEALING_FLAGS:
        found = f"{expected.size} and {wanted} bytes ({name})"
        reading.fault("sizes of a stored entry", "one size", found, central.start, central.end)
        wanted = max(wanted, expected.size)
    end = min(local.end + wanted, reading.window.size)
    if end - local.end != wanted:
        found = f"{end - local.end} bytes ({name})"
        reading.fault("content of an entry", f"{wanted} bytes", found, local.end, end)
    return local.end, end


def _compare(
    reading: _Reading, central: _Central, local: LocalHeader, end: int
) -> tuple[int, tuple[Difference, ...]]:
    """The end of the record behind its content, and where its parts differ from the directory."""
    expected = central.expected
    found = tuple(differences(expected, local))
    record_end = end
    if (expected.flags | local.flags) & FLAG_DESCRIPTOR:
        record_end, more = descriptor(reading.look, end, expected)
        found += more
    alias = other_name(local.extra, local.raw_name, local.flags)
    if alias and alias != central.alias:
        central_name = central.alias or decode_name(expected.raw_name, expected.flags)
        found += (Difference(field="unicode path", central=central_name, local=alias),)
    return record_end, found


def _keep_local_view(reading: _Reading, entry: Entry, local: LocalHeader) -> None:
    """Keep what a loader that streams would read, where that is other content than the entry's."""
    is_later = local.flags & FLAG_DESCRIPTOR and local.compressed_size in (0, WIDE)
    size = entry.compressed_size if is_later else local.compressed_size
    if (local.method, size) == (entry.method, entry.compressed_size):
        return
    if len(reading.local_views) >= reading.most:
        return
    end = min(local.end + size, reading.window.size)
    view = replace(
        entry, name=local.name, directory=LOCAL_VIEW, data_start=local.end, data_end=end,
        record_end=end, flags=local.flags, method=local.method, crc32=local.crc32,
        compressed_size=size, size=local.size, sized=not is_later, differences=(),
    )  # fmt: skip
    reading.local_views.append(view)
