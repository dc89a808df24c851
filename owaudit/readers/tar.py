"""Tar archives: every entry as a member, links and devices as facts.

Layout and leniency are those of ``codec.tar_records``. An archive of the long name formats needs
no more than its first header to be recognised; a file in the old format needs the checksum.

Source: POSIX.1-2017 pax; GNU tar manual; CPython 3.11 ``tarfile``.
"""

from __future__ import annotations

from collections.abc import Iterator

from owaudit.codec.reader import PARSED, Halt, Head, Member, Place, Reader, Span, Yield
from owaudit.codec.spans import Ranges
from owaudit.codec.tar_records import BLOCK, TarEnd, TarEntry, TarFault, has_magic, is_header, tar_entries
from owaudit.codec.window import Window
from owaudit.codec.zip_facts import name_problems
from owaudit.model.artifact import Format
from owaudit.model.limits import MIB, Limits
from owaudit.model.observation import (
    DuplicateName,
    Observation,
    SpecViolation,
    UnclaimedBytes,
    UnlistedRecord,
    UnsafeMemberName,
)

FORMAT = "tar"
_EXPANDED_IN_ALL = 32 * MIB
"""Sparse files rebuilt in memory, over one archive."""


def looks_like(head: Head) -> bool:
    """Is the first block a header, by magic or by checksum?"""
    block = head.start[:BLOCK]
    return has_magic(block) or is_header(block)


def read(window: Window, place: Place, limits: Limits) -> Iterator[Yield]:
    """Yield members, facts and the spans of headers and padding."""
    names: dict[str, list[TarEntry]] = {}
    structure = Ranges()
    expanded = 0
    count = 0
    has_end = False
    is_broken = False
    for item in tar_entries(window):
        if isinstance(item, TarEnd):
            has_end = True
            structure.add(item.start, item.end)
        elif isinstance(item, TarFault):
            is_broken = True
            yield from _broken(item, window, place)
        elif count >= limits.members:
            yield Halt("limit:members", f"more than {limits.members} entries")
            break
        else:
            count += 1
            structure.add(item.start, item.data_start)
            yield from _entry_facts(item, place)
            yield from _padding(item, window, place, structure)
            if item.kind == "file":
                same = names.setdefault(item.name, [])
                same.append(item)
                member = _member(item, window, len(same) > 1, limits, expanded)
                expanded += len(member.content or b"")
                yield member
                if item.sparse is not None and member.content is None:
                    detail = f"{item.name} is sparse and too long to put together"
                    yield Halt("limit:spool_memory_bytes", detail)
    for start, end in structure:
        yield Span(PARSED, start, min(end, window.size))
    yield from _duplicates(names, place)
    if count and not has_end and not is_broken:
        # Readers take such a file without a word, so a download that broke off looks whole.
        yield Halt("truncated", "no zero block ends the archive, so entries may be missing")


def _member(entry: TarEntry, window: Window, is_later: bool, limits: Limits, expanded: int) -> Member:
    """The content of an entry; sparse content is put together while that stays small."""
    name = f"{entry.name} (entry at {entry.start})" if is_later else entry.name
    content = None
    if entry.sparse is not None and _may_expand(entry.sparse.size, limits, expanded):
        content = entry.sparse.expanded(window.sub(entry.data_start, entry.data_end))
    return Member(
        name=name,
        start=entry.data_start,
        end=entry.data_end,
        size=len(content) if content is not None else max(0, entry.size),
        content=content,
    )


def _may_expand(size: int, limits: Limits, expanded: int) -> bool:
    return size <= limits.spool_memory_bytes and expanded + size <= _EXPANDED_IN_ALL


def _entry_facts(entry: TarEntry, place: Place) -> Iterator[Observation]:
    locations = place.at(entry.start, entry.data_end)
    if not entry.is_reached:
        yield UnlistedRecord(locations=locations, member=entry.name)
    for problem in name_problems(entry.name):
        yield UnsafeMemberName(locations=locations, member=entry.name, problem=problem)
    if entry.kind == "link":
        member = f"{entry.name} -> {entry.target}"
        yield UnsafeMemberName(locations=locations, member=member, problem="link")
    if entry.kind == "device":
        yield UnsafeMemberName(locations=locations, member=entry.name, problem="device")


def _padding(entry: TarEntry, window: Window, place: Place, structure: Ranges) -> Iterator[Observation]:
    """Padding of NULs belongs to the format; anything else in it does not."""
    end = min(entry.end, window.size)
    padding = window.read(entry.data_end, end - entry.data_end)
    if padding.strip(b"\0"):
        yield UnclaimedBytes(locations=place.at(entry.data_end, end), position="between", size=len(padding))
    else:
        structure.add(entry.data_end, end)


def _broken(fault: TarFault, window: Window, place: Place) -> Iterator[Yield]:
    locations = place.at(fault.start, fault.end)
    yield SpecViolation(
        locations=locations,
        format=FORMAT,
        clause=fault.clause,
        expected=fault.expected,
        found=fault.found,
    )
    if fault.clause == "header":
        position = "after" if fault.end >= window.size else "between"
        yield UnclaimedBytes(locations=locations, position=position, size=fault.end - fault.start)
    elif fault.clause == "size of an entry":
        yield Halt("truncated", f"an entry of {fault.found}")


def _duplicates(names: dict[str, list[TarEntry]], place: Place) -> Iterator[DuplicateName]:
    for name, entries in names.items():
        if len(entries) > 1:
            yield DuplicateName(
                locations=tuple(loc for e in entries[:3] for loc in place.at(e.start, e.data_end)),
                count=len(entries),
                name=name,
                spellings=(name,),
            )


READER = Reader(
    format=Format(FORMAT),
    source="POSIX.1-2017 pax; CPython 3.11 tarfile",
    looks_like=looks_like,
    read=read,
    rank=70,
    hides=("zip",),
    extensions=(".tar", ".nemo"),
)
