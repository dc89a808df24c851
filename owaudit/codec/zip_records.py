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
from dataclasses import dataclass, replace

from owaudit.codec.spans import Ranges
from owaudit.codec.window import Window
from owaudit.codec.zip_end import CENTRAL_SIGNATURE, DirectoryClaim, EndRecord, end_records
from owaudit.codec.zip_local import (
    Expected,
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


@dataclass(frozen=True, slots=True)
class _Central:
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
    gaps = list(reading.claimed.gaps(window.size))
    room = max(0, reading.most - len(reading.entries))
    hidden, is_searched = unlisted_records(window, gaps, room)
    for record in hidden:
        reading.claimed.add(record.header_offset, record.record_end)
    if not is_searched:
        reading.limit = "members"
    return Archive(
        size=window.size,
        directories=tuple(reading.directories),
        entries=tuple(reading.entries),
        hidden=hidden,
        faults=tuple(reading.faults),
        unclaimed=unclaimed_bytes(window, reading.claimed, reading.ends),
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
        reading.fault(
            "zip64 field of an entry", "values in step", central.problem, central.start, central.end
        )
    offset = central.offset + shift
    local = local_header(reading.look, offset) if offset >= 0 else None
    if local is None and shift:
        local = local_header(reading.look, central.offset)
        offset = central.offset if local is not None else max(0, offset)
    entry = Entry(
        name=name, directory=directory, header_offset=offset, data_start=offset, data_end=offset,
        record_end=offset, flags=expected.flags, method=expected.method, crc32=expected.crc32,
        compressed_size=expected.compressed_size, size=expected.size, mode=central.mode,
        alias=central.alias, is_located=False,
    )  # fmt: skip
    if local is None:
        found = f"none ({name})"
        reading.fault("local record of an entry", f"one at {offset}", found, central.start, central.end)
        return entry
    wanted = _stored_size(reading, central)
    start, end = local.end, min(local.end + wanted, reading.window.size)
    if end - start != wanted:
        found = f"{end - start} bytes ({name})"
        reading.fault("content of an entry", f"{wanted} bytes", found, start, end)
    found_differences = tuple(differences(expected, local))
    record_end = end
    if (expected.flags | local.flags) & FLAG_DESCRIPTOR:
        record_end, more = descriptor(reading.look, end, expected)
        found_differences += more
    local_alias = other_name(local.extra, local.raw_name, local.flags) if local.extra else ""
    if local_alias != central.alias and local_alias:
        found_differences += (
            Difference(field="unicode path", central=central.alias or name, local=local_alias),
        )
    sealed = bool(expected.flags & SEALING_FLAGS) and is_sealed(
        reading.window, start, end, expected.method, expected.size
    )
    return replace(
        entry, data_start=start, data_end=end, record_end=record_end, is_located=True,
        is_sealed=sealed, differences=found_differences,
    )  # fmt: skip


def _stored_size(reading: _Reading, central: _Central) -> int:
    """The bytes the content takes; a stored member with two sizes takes the larger."""
    expected = central.expected
    if expected.method != STORED or expected.compressed_size == expected.size:
        return expected.compressed_size
    if not expected.flags & SEALING_FLAGS:
        found = f"{expected.size} and {expected.compressed_size} bytes"
        reading.fault("sizes of a stored entry", "one size", found, central.start, central.end)
        return max(expected.compressed_size, expected.size)
    return expected.compressed_size
