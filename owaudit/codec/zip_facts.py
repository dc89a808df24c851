"""What a zip archive says of itself, as observations, spans and members of a place.

Both readers of zip containers speak through this: the plain one takes everything, the torch one
takes the facts and gives its own hints to the members.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from owaudit.codec.reader import PARSED, Halt, Member, Place, Span, Yield
from owaudit.codec.spans import Ranges, named_overlaps
from owaudit.codec.zip_values import LOCAL_VIEW, PRIMARY, SEALING_FLAGS, UNLISTED, Archive, Entry
from owaudit.model.observation import (
    DuplicateName,
    EncryptedMember,
    MetadataEntry,
    RangeOverlap,
    RecordMismatch,
    SpecViolation,
    UnclaimedBytes,
    UnlistedRecord,
    UnsafeMemberName,
)

FORMAT = "zip"
KEPT_OVERLAPS = 8
"""Overlaps spelled out; the last one carries the count of the rest."""
REREAD_ALLOWANCE = 64 * 1024 * 1024
"""Bytes that members may share before reading them all costs more than the archive's own size."""
_SHOWN_COMMENT = 500


def archive_facts(archive: Archive, place: Place) -> Iterator[Yield]:
    """Yield the facts, spans and halts of an archive: everything but its members.

    The spans cover all structural bytes; the content of members is not among them.
    """
    yield from _faults(archive, place)
    for entry in (*archive.entries, *archive.hidden):
        if entry.directory not in (PRIMARY, LOCAL_VIEW) and archive.directories:
            yield UnlistedRecord(locations=place.at(entry.header_offset, entry.record_end), member=entry.name)
        yield from entry_facts(entry, place)
    yield from _duplicates(archive, place)
    yield from _overlaps(archive, place)
    yield from _unclaimed(archive, place)
    yield from structure_spans(archive)
    if archive.comment:
        text = archive.comment.decode("utf-8", "backslashreplace")[:_SHOWN_COMMENT]
        start, size = archive.comment_start, len(archive.comment)
        yield MetadataEntry(locations=place.at(start, start + size), key="comment", value=text, size=size)
    if archive.limit:
        yield Halt(f"limit:{archive.limit}", "the archive has more records than the limit")
    elif not archive.is_whole:
        yield Halt("malformed", "the archive has no whole central directory")


def entry_facts(entry: Entry, place: Place) -> Iterator[Yield]:
    """Yield what one entry says of itself."""
    locations = place.at(entry.header_offset, entry.record_end)
    for difference in entry.differences:
        yield RecordMismatch(
            locations=locations,
            member=entry.name,
            field=difference.field,
            central=difference.central,
            local=difference.local,
        )
    if entry.alias:
        yield RecordMismatch(
            locations=locations, member=entry.name, field="unicode path", central=entry.name,
            local=entry.alias,
        )  # fmt: skip
    if entry.flags & SEALING_FLAGS:
        yield EncryptedMember(locations=locations, member=entry.name)
    names = {entry.name, entry.alias, *(d.local for d in entry.differences if d.field == "name")}
    problems = {problem for name in names for problem in name_problems(name)}
    if entry.is_link:
        problems.add("link")
    if entry.is_device:
        problems.add("device")
    for problem in sorted(problems):
        yield UnsafeMemberName(locations=locations, member=entry.name, problem=problem)


def name_problems(name: str) -> Iterator[str]:
    """Yield ``absolute``, ``parent`` and ``nul`` where they hold for a member name.

    Both slashes separate, so a name counts as unsafe when it is so on any system.
    """
    parts = name.replace("\\", "/").split("/")
    if (len(parts) > 1 and not parts[0]) or (parts[0][1:2] == ":" and parts[0][:1].isalpha()):
        yield "absolute"
    if ".." in parts:
        yield "parent"
    if "\0" in name:
        yield "nul"


def archive_members(archive: Archive) -> Iterator[tuple[Entry, Member | Halt]]:
    """Yield the member of every located entry, in the order of the directories, hidden ones last.

    Names are unique: a later entry of one name gets the offset of its record appended. Entries
    that lead to the same bytes in the same way are one member. When members share more bytes than
    the archive is long (and more than ``REREAD_ALLOWANCE``), the rest is a ``Halt``.
    """
    names: set[str] = set()
    contents: set[tuple[int, int, str, int]] = set()
    total = 0
    allowed = archive.size + max(archive.size, REREAD_ALLOWANCE)
    for entry in (*archive.entries, *archive.hidden):
        content = (entry.data_start, entry.data_end, entry.unpack, entry.size)
        if not entry.is_located or entry.is_folder or content in contents:
            continue
        total += entry.data_end - entry.data_start
        if total > allowed:
            yield entry, Halt("limit:unpacked_bytes", "members share more bytes than the archive has")
            return
        contents.add(content)
        name = _unique_name(entry, names, bool(archive.directories))
        names.add(name)
        yield (
            entry,
            Member(
                name=name,
                start=entry.data_start,
                end=entry.data_end,
                unpack=entry.unpack,
                size=entry.size if entry.sized else None,
                crc32=entry.crc32 if entry.sized else None,
                tentative=not entry.sized,
                sealed=entry.is_sealed,
            ),
        )


def structure_spans(archive: Archive) -> Iterator[Span]:
    """Yield the bytes of headers, descriptors, directories and end records as few spans."""
    structure = Ranges()
    for entry in (*archive.entries, *archive.hidden):
        structure.add(entry.header_offset, entry.data_start)
        structure.add(entry.data_end, entry.record_end)
    for directory in archive.directories:
        structure.add(directory.start, directory.end)
    for start, end in archive.ends:
        structure.add(start, end)
    for start, end in structure:
        yield Span(PARSED, start, min(end, archive.size))


def _unique_name(entry: Entry, names: set[str], is_listed: bool) -> str:
    if (entry.directory == PRIMARY or not is_listed) and entry.name not in names:
        return entry.name
    kind = {PRIMARY: "record", LOCAL_VIEW: "local record"}.get(entry.directory, "unlisted record")
    return f"{entry.name} ({kind} at {entry.header_offset})"


def _faults(archive: Archive, place: Place) -> Iterator[SpecViolation]:
    for fault in archive.faults:
        yield SpecViolation(
            locations=place.at(fault.start, fault.end),
            format=FORMAT,
            clause=fault.clause,
            expected=fault.expected,
            found=fault.found,
            tolerated=fault.tolerated,
        )


def _duplicates(archive: Archive, place: Place) -> Iterator[DuplicateName]:
    """Names that several entries of one directory answer to, with case folded and cut at NUL."""
    seen: dict[str, list[Entry]] = {}
    counts = Counter(_folded(entry.name) for entry in archive.listed)
    for entry in archive.listed:
        folded = _folded(entry.name)
        if counts[folded] > 1 and not entry.is_folder:
            seen.setdefault(folded, []).append(entry)
    for entries in seen.values():
        if len(entries) > 1:
            spellings = tuple(dict.fromkeys(entry.name for entry in entries))
            yield DuplicateName(
                locations=tuple(
                    location for e in entries[:3] for location in place.at(e.header_offset, e.record_end)
                ),
                count=len(entries),
                name=entries[0].name,
                spellings=spellings[:KEPT_OVERLAPS],
            )


def _folded(name: str) -> str:
    return name.partition("\0")[0].lower()


def _overlaps(archive: Archive, place: Place) -> Iterator[RangeOverlap]:
    ranges = [(e.header_offset, e.record_end, e.name) for e in archive.entries]
    ranges += [(e.header_offset, e.record_end, e.name) for e in archive.hidden if e.directory == UNLISTED]
    ranges += [(d.start, d.end, "central directory") for d in archive.directories]
    ranges += [(start, end, "end record") for start, end in archive.ends]
    count, examples = named_overlaps(ranges, KEPT_OVERLAPS)
    for index, overlap in enumerate(examples):
        yield RangeOverlap(
            locations=place.at(overlap.start, overlap.end),
            count=count - index if index == len(examples) - 1 else 1,
            first=overlap.first,
            second=overlap.second,
            size=overlap.end - overlap.start,
        )


def _unclaimed(archive: Archive, place: Place) -> Iterator[UnclaimedBytes]:
    """One fact per position and kind of filling, with the sum of the bytes."""
    for position in ("before", "between", "after"):
        for zeros in (False, True):
            ranges = [u for u in archive.unclaimed if u.position == position and u.zeros is zeros]
            if ranges:
                yield UnclaimedBytes(
                    locations=tuple(loc for u in ranges[:3] for loc in place.at(u.start, u.end)),
                    count=len(ranges),
                    position=position,
                    size=sum(u.end - u.start for u in ranges),
                    zeros=zeros,
                )
