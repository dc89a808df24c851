"""Zip archives of any kind: every record in both views, every member to be read on its own.

Layout: local records one after another, the central directory, the end record. Loaders start at
the end, so an archive may stand behind other bytes; such a tail counts as zip when its end record
leads to a directory.

Source: APPNOTE.TXT 6.3.10; CPython 3.11 ``zipfile``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from owaudit.codec.reader import Head, Place, Reader, Yield
from owaudit.codec.window import Window
from owaudit.codec.zip_end import END_SIGNATURE
from owaudit.codec.zip_facts import archive_facts, archive_members
from owaudit.codec.zip_local import LOCAL_SIGNATURE
from owaudit.codec.zip_records import leads_to_directory, read_archive
from owaudit.model.artifact import Format
from owaudit.model.limits import Limits


def looks_like(head: Head) -> bool:
    """Does it start as an archive?"""
    return head.start.startswith((LOCAL_SIGNATURE, END_SIGNATURE))


def ends_as_archive(head: Head) -> bool:
    """Does it end with a record that leads to a central directory, whatever stands in front?"""
    return END_SIGNATURE in head.end and leads_to_directory(head.window)


def read(window: Window, place: Place, limits: Limits) -> Iterator[Yield]:
    """Yield the facts of the archive, its structure as spans, and a member for every entry.

    A member whose method no unpacker knows, or that is sealed, is yielded all the same: unpacking
    it says why it stays unread.
    """
    archive = read_archive(window, limits)
    yield from archive_facts(archive, place)
    for _, member in archive_members(archive):
        yield member


READER = Reader(
    format=Format("zip"),
    source="APPNOTE.TXT 6.3.10",
    looks_like=looks_like,
    read=read,
    rank=80,
    extensions=(".zip",),
)

BEHIND_SOMETHING = replace(READER, looks_like=ends_as_archive, rank=1000, alone=True)

READERS = (BEHIND_SOMETHING,)
