"""End records of zip archives: where a loader may believe the central directory to stand.

Loaders search the end record (``PK\\5\\6``) backwards and take the last one. From there they
disagree: Python's ``zipfile`` looks for the directory right before the end record (so bytes in
front of the archive do not matter), others go to the offset that is written; the zip64 record is
looked for right before its locator or at the offset the locator names. Every place that any of
them would look at is a claim here.

Source: APPNOTE.TXT 6.3.10 sections 4.3.14 to 4.3.16; CPython 3.11 ``zipfile._EndRecData``.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from owaudit.codec.window import Window
from owaudit.codec.zip_values import Fault

END_SIGNATURE = b"PK\x05\x06"
CENTRAL_SIGNATURE = b"PK\x01\x02"
END_SIZE = 22
SEARCHED = 65_535 + END_SIZE
"""The longest comment and the record: no loader looks further back."""

_END = struct.Struct("<4s4H2LH")
_LOCATOR = struct.Struct("<4sLQL")
_ZIP64_END = struct.Struct("<4sQ2H2L4Q")
_LOCATOR_SIGNATURE = b"PK\x06\x07"
_ZIP64_SIGNATURE = b"PK\x06\x06"
_MAX_END_RECORDS = 32
"""Candidates looked at: an end record is 22 bytes, so a tail could hold thousands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryClaim:
    """A loader may read a directory from ``start``; it ends at ``stop`` at the latest.

    ``shift`` is added to the offsets of its entries; ``size`` and ``entries`` are as claimed.
    """

    start: int
    stop: int
    shift: int
    size: int
    entries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EndRecord:
    """One end record with its zip64 companions: ``ranges`` are the bytes they take."""

    offset: int
    end: int
    comment_start: int
    claims: tuple[DirectoryClaim, ...]
    faults: tuple[Fault, ...]
    ranges: tuple[tuple[int, int], ...]
    is_empty: bool


@dataclass(frozen=True, slots=True)
class _Counts:
    """``offset`` and ``size`` of the directory and its ``entries``; it ends by ``stop``."""

    entries: int
    size: int
    offset: int
    stop: int


def end_records(window: Window) -> Iterator[EndRecord]:
    """Yield the end records in the last 64 KiB, the one that loaders take first (the last)."""
    base = max(0, window.size - SEARCHED)
    tail = window.read(base, SEARCHED)
    at = len(tail) - END_SIZE
    if at < 0:
        return
    for _ in range(_MAX_END_RECORDS):
        at = tail.rfind(END_SIGNATURE, 0, at + len(END_SIGNATURE))
        if at < 0:
            return
        yield _end_record(window, base + at, tail[at : at + END_SIZE])
        at -= 1


def _end_record(window: Window, offset: int, raw: bytes) -> EndRecord:
    _, disk, directory_disk, entries_here, entries, size, start, comment = _END.unpack(raw)
    plain = _Counts(entries, size, start, offset)
    faults: list[Fault] = []
    end = offset + END_SIZE + comment
    if end > window.size:
        found = f"{window.size - offset - END_SIZE} bytes"
        faults.append(_fault("length of the comment", f"{comment} bytes", found, offset, window.size, True))
    if (disk, directory_disk) not in ((0, 0), (0xFFFF, 0xFFFF)) or entries_here != entries:
        found = f"disk {disk}, directory on disk {directory_disk}, {entries_here} of {entries} entries"
        faults.append(_fault("one disk", "disk 0 with all entries", found, offset, offset + END_SIZE))
    wide, ranges = _zip64(window, offset, faults)
    for counts in wide:
        _compare(plain, counts, offset, faults)
    views = [*wide, plain] if wide or not _is_sentinel(plain) else []
    claims: list[DirectoryClaim] = []
    for view in views:
        _claim(view, claims)
    return EndRecord(
        offset=offset,
        end=min(end, window.size),
        comment_start=offset + END_SIZE,
        claims=tuple(claims),
        faults=tuple(faults),
        ranges=(*ranges, (offset, min(end, window.size))),
        is_empty=not entries and not size,
    )


def _zip64(window: Window, offset: int, faults: list[Fault]) -> tuple[list[_Counts], list[tuple[int, int]]]:
    """The counts of the zip64 records that loaders find, and the bytes these records take."""
    locator_at = offset - _LOCATOR.size
    if locator_at < 0:
        return [], []
    signature, _, stated, disks = _LOCATOR.unpack(window.exactly(locator_at, _LOCATOR.size, "zip64 locator"))
    if signature != _LOCATOR_SIGNATURE:
        return [], []
    if disks > 1:
        faults.append(_fault("one disk", "1 disk", f"{disks} disks", locator_at, offset))
    counts: list[_Counts] = []
    ranges = [(locator_at, offset)]
    adjacent = locator_at - _ZIP64_END.size
    for at in dict.fromkeys((adjacent, stated)):
        raw = window.read(at, _ZIP64_END.size) if 0 <= at < window.size else b""
        if len(raw) != _ZIP64_END.size or not raw.startswith(_ZIP64_SIGNATURE):
            continue
        size = 12 + int.from_bytes(raw[4:12], "little")
        *_, entries, directory_size, start = _ZIP64_END.unpack(raw)
        counts.append(_Counts(entries, directory_size, start, at))
        ranges.append((at, min(at + max(size, _ZIP64_END.size), locator_at) if at < locator_at else at))
    if not counts:
        found = "none there or before the locator"
        faults.append(_fault("zip64 end record", f"one at {stated}", found, locator_at, offset))
    elif len(counts) > 1:
        found = "one there and one before the locator"
        faults.append(_fault("zip64 end record", f"one at {stated}", found, locator_at, offset))
    return counts, ranges


def _compare(plain: _Counts, wide: _Counts, offset: int, faults: list[Fault]) -> None:
    """Note fields of the end record that are neither the marker for zip64 nor the zip64 value."""
    for field, here, there, marker in (
        ("entries", plain.entries, wide.entries, 0xFFFF),
        ("directory size", plain.size, wide.size, 0xFFFFFFFF),
        ("directory offset", plain.offset, wide.offset, 0xFFFFFFFF),
    ):
        if here not in (marker, there):
            clause = f"{field} in the zip64 end record"
            faults.append(_fault(clause, str(here), str(there), offset, offset + END_SIZE))


def _is_sentinel(counts: _Counts) -> bool:
    return counts.size == 0xFFFFFFFF or counts.offset == 0xFFFFFFFF


def _claim(counts: _Counts, claims: list[DirectoryClaim]) -> None:
    """Add the two places of one view: right before the end record, and as written."""
    before = counts.stop - counts.size
    for start, shift in ((before, before - counts.offset), (counts.offset, 0)):
        if start < 0 or start >= counts.stop or any(c.start == start and c.shift == shift for c in claims):
            continue
        claims.append(
            DirectoryClaim(
                start=start, stop=counts.stop, shift=shift, size=counts.size, entries=counts.entries
            )
        )


def _fault(clause: str, expected: str, found: str, start: int, end: int, tolerated: bool = False) -> Fault:
    return Fault(clause=clause, expected=expected, found=found, start=start, end=end, tolerated=tolerated)
