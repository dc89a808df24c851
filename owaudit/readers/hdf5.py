"""HDF5: Keras weights and whole models (``.h5``), pandas and PyTables stores, MATLAB 7.3.

The superblock stands at byte 0, 512, 1024 and so on, behind a user block that belongs to nobody.
Structures are parsed, the bytes of datasets are payload. Libraries leave holes between structures
where something was freed: a hole in which nothing is recognised counts as inert.

Source: HDF5 File Format Specification 3.0; HDF5 1.14.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from owaudit.codec.bounds import reported
from owaudit.codec.breaches import Breaches
from owaudit.codec.embedded import embedded
from owaudit.codec.hdf5_file import SIGNATURE, Hdf5File, find_superblock, read_superblock
from owaudit.codec.hdf5_walk import FORMAT, Walk
from owaudit.codec.reader import INERT, PARSED, PAYLOAD, Head, Place, Reader, Span, Yield
from owaudit.codec.spans import Ranges
from owaudit.codec.window import READ_CEILING, Window
from owaudit.errors import FormatError, ReadError
from owaudit.model.artifact import Format
from owaudit.model.limits import Limits
from owaudit.model.observation import UnclaimedBytes

_SHEBANG = b"#!"
_TEXT = re.compile(rb"[\t\n\r -~]*\0*\Z")


def looks_like(head: Head) -> bool:
    """Does it begin with a superblock, or with a user block that the superblock knows of?"""
    if head.start.startswith(SIGNATURE):
        return True
    place = find_superblock(head.window)
    if place is None:
        return False
    try:
        return read_superblock(head.window, place)[0].stated_base == place
    except FormatError:
        return False


def stands_behind(head: Head) -> bool:
    """Is there a superblock at a place where libraries look, behind whatever it is?"""
    return find_superblock(head.window) is not None


def read(window: Window, place: Place, limits: Limits) -> Iterator[Yield]:
    """Yield facts, members and spans of the whole file.

    Raises:
        FormatError: the superblock, or the way to the root group, is not as specified.
        LimitExceeded: more objects or bytes of structures than the limits allow.
    """
    breaches = Breaches(FORMAT)
    yield from reported(_read(window, place, limits, breaches), FORMAT, place, breaches)


def _read(window: Window, place: Place, limits: Limits, breaches: Breaches) -> Iterator[Yield]:
    at = find_superblock(window)
    if at is None:
        raise FormatError("signature", expected=SIGNATURE.hex(" "), found="none")
    superblock, size = read_superblock(window, at)
    file = Hdf5File(window, superblock, limits)
    file.parsed.add(at, at + size)
    if superblock.version > 1:
        file.check_sum(0, size, "superblock-checksum")
    walk = Walk(file, place, breaches)
    stopped: ReadError | None = None
    try:
        yield from walk.read()
    except ReadError as error:
        stopped = error
    for group, ranges in ((PARSED, file.parsed), (PAYLOAD, file.payload)):
        for start, end in ranges:
            yield Span(group, start, end)
    yield from _user_block(window, place, at)
    if stopped is not None:
        raise stopped
    if superblock.end > window.size:
        found = f"{window.size} bytes"
        raise FormatError("end-of-file", expected=f"{superblock.end} bytes", found=found, start=window.size)
    used = max(end for ranges in (file.parsed, file.payload) for _, end in (*ranges, (0, 0)))
    if superblock.end < used:
        breaches.note("end-of-file", f"at least {used} bytes", f"{superblock.end} bytes", place.at(at))
    end = max(used, superblock.end)
    if walk.is_whole:
        yield from _holes(file, at, end)
    if end < window.size:
        yield _unclaimed(window, place, end, window.size, "after")


def _user_block(window: Window, place: Place, end: int) -> Iterator[Yield]:
    """Bytes in front of the superblock: a label that a program wrote, or something else."""
    if not end:
        return
    head = window.read(0, min(end, READ_CEILING))
    if end <= READ_CEILING and _TEXT.match(head) and not head.startswith(_SHEBANG):
        yield Span(INERT, 0, end)
    else:
        yield _unclaimed(window, place, 0, end, "before")


def _holes(file: Hdf5File, start: int, stop: int) -> Iterator[Span]:
    """What was freed and is not used. Where something is recognised in it, it stays unexplained."""
    known = Ranges(file.parsed)
    known.update(file.payload)
    known.add(0, start)
    for begin, end in known.gaps(min(stop, file.window.size)):
        if next(embedded(file.window, begin, end), None) is None:
            yield Span(INERT, begin, end)


def _unclaimed(window: Window, place: Place, start: int, end: int, position: str) -> UnclaimedBytes:
    zeros = all(piece.count(0) == len(piece) for _, piece in window.pieces(start, end))
    return UnclaimedBytes(locations=place.at(start, end), position=position, size=end - start, zeros=zeros)


READER = Reader(
    format=Format(FORMAT),
    source="HDF5 File Format Specification 3.0",
    looks_like=looks_like,
    read=read,
    rank=20,
    extensions=(".h5", ".hdf5"),
)

BEHIND_SOMETHING = replace(READER, looks_like=stands_behind, rank=1001, alone=True)

READERS = (BEHIND_SOMETHING,)
