"""7z archives: a member for every file, through the coders of its folder.

A folder of several files (a solid block) is unpacked once, in memory, while it is small; a larger
one is read as a single member, and the report says so.

Source: LZMA SDK 25, ``DOC/7zFormat.txt``.
"""

from __future__ import annotations

import stat
from collections import Counter
from collections.abc import Iterator

from owaudit.codec.reader import PARSED, Halt, Head, Member, Place, Reader, Span, Yield
from owaudit.codec.sevenzip_records import SIGNATURE, Folder, SevenZip, read_sevenzip
from owaudit.codec.spans import Ranges
from owaudit.codec.unpack import Budget, is_supported, open_unpacked
from owaudit.codec.window import READ_CEILING, Window
from owaudit.codec.zip_facts import name_problems
from owaudit.model.artifact import Format
from owaudit.model.limits import MIB, Limits
from owaudit.model.observation import (
    DuplicateName,
    EncryptedMember,
    Observation,
    SpecViolation,
    UnclaimedBytes,
    UnsafeMemberName,
)

FORMAT = "7z"
_SOLID_IN_ALL = 32 * MIB
"""Unpacked bytes of solid blocks held for their members, over one archive."""


def looks_like(head: Head) -> bool:
    """Does it start with the signature?"""
    return head.start.startswith(SIGNATURE)


def read(window: Window, place: Place, limits: Limits) -> Iterator[Yield]:
    """Yield members, facts and the spans of the headers.

    Raises:
        FormatError, LimitExceeded: see ``read_sevenzip``.
    """
    archive = read_sevenzip(window, limits)
    yield from _structure(archive, window, place)
    if archive.is_sealed:
        yield EncryptedMember(locations=place.at(*archive.structure[1]), member="(names)")
        yield Halt("encrypted", "the header is encrypted")
    yield from _name_facts(archive, place)
    budget = Budget(_SOLID_IN_ALL)
    seen: set[str] = set()
    for folder in archive.folders:
        if folder.is_sealed:
            for file in folder.files:
                yield EncryptedMember(locations=place.at(folder.start, folder.end), member=file.name)
        for item in _members(folder, window, limits, budget):
            if isinstance(item, Member):
                name = item.name if item.name not in seen else f"{item.name} (block at {item.start})"
                seen.add(item.name)
                yield _renamed(item, name)
            else:
                yield item


def _members(folder: Folder, window: Window, limits: Limits, budget: Budget) -> Iterator[Member | Halt]:
    end = min(folder.end, window.size)
    start = min(folder.start, end)
    packed = window.sub(start, end)
    if len(folder.files) == 1 or folder.is_sealed or not is_supported(folder.unpack):
        for file in folder.files:
            yield Member(
                name=file.name, start=start, end=end, unpack=folder.unpack, size=file.size,
                crc32=file.crc32, sealed=folder.is_sealed,
            )  # fmt: skip
    elif folder.size > min(budget.left, limits.spool_memory_bytes):
        name = folder.files[0].name if folder.files else "block"
        yield Member(name=name, start=start, end=end, unpack=folder.unpack, size=folder.size)
        detail = f"a solid block of {len(folder.files)} files is too long to be cut into them"
        yield Halt("limit:spool_memory_bytes", detail)
    else:
        content, report = open_unpacked(packed, folder.unpack, limits, budget, folder.size)
        if report.reason:
            yield Halt(report.reason, report.detail)
        yield from _cut(folder, content, start, end)


def _cut(folder: Folder, content: Window, start: int, end: int) -> Iterator[Member]:
    """The files of an unpacked block, as far as it goes."""
    at = 0
    for file in folder.files:
        if at >= content.size and file.size:
            return
        taken = content.pieces(at, at + file.size, READ_CEILING)
        yield Member(
            name=file.name, start=start, end=end, size=file.size, crc32=file.crc32,
            content=b"".join(piece for _, piece in taken),
        )  # fmt: skip
        at += file.size


def _renamed(member: Member, name: str) -> Member:
    return Member(
        name=name, start=member.start, end=member.end, unpack=member.unpack, size=member.size,
        crc32=member.crc32, content=member.content, sealed=member.sealed,
    )  # fmt: skip


def _structure(archive: SevenZip, window: Window, place: Place) -> Iterator[Yield]:
    """Spans of the headers, and what neither they nor a folder claim."""
    claimed = Ranges(archive.structure)
    for folder in archive.folders:
        claimed.add(folder.start, folder.end)
        if folder.end > window.size:
            found = f"{folder.start} to {folder.end}"
            yield _violation(place, "packed stream", f"bytes below {window.size}", found)
    for start, end in archive.structure:
        yield Span(PARSED, start, min(end, window.size))
    if not archive.is_sound:
        yield _violation(place, "checksum of the header", "the one in front", "another")
    last = max((end for _, end in claimed), default=0)
    for start, end in claimed.gaps(window.size):
        content = window.read(start, min(end - start, READ_CEILING))
        yield UnclaimedBytes(
            locations=place.at(start, end),
            position="after" if start >= last else "between",
            size=end - start,
            zeros=len(content) == end - start and not content.strip(b"\0"),
        )


def _violation(place: Place, clause: str, expected: str, found: str) -> SpecViolation:
    return SpecViolation(locations=place.at(), format=FORMAT, clause=clause, expected=expected, found=found)


def _name_facts(archive: SevenZip, place: Place) -> Iterator[Observation]:
    names: Counter[str] = Counter()
    for folder in archive.folders:
        locations = place.at(folder.start, folder.end)
        for file in folder.files:
            names[file.name] += 1
            problems = set(name_problems(file.name))
            if stat.S_ISLNK(file.mode):
                problems.add("link")
            for problem in sorted(problems):
                yield UnsafeMemberName(locations=locations, member=file.name, problem=problem)
    for name in archive.empty:
        for problem in name_problems(name):
            yield UnsafeMemberName(locations=place.at(), member=name, problem=problem)
    for name, count in names.items():
        if count > 1:
            yield DuplicateName(locations=place.at(), count=count, name=name, spellings=(name,))


READER = Reader(
    format=Format(FORMAT),
    source="LZMA SDK 25, 7zFormat.txt",
    looks_like=looks_like,
    read=read,
    rank=30,
    extensions=(".7z",),
)
