"""Search bytes that nothing explains for content that a loader would run or open.

By magic, then by a check that random bytes do not pass: pickles must hold an import that is
used, archives must have a plausible first record, executables a plausible header.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from owaudit.codec.pickle_probe import holds_import
from owaudit.codec.window import Window

MOST_FINDS: Final = 64
MOST_PROBES: Final = 20_000
_OVERLAP: Final = 300
"""Bytes of a piece that are seen again with the next one, so that no magic is cut in two."""

_SIGNS: Final = tuple(
    re.compile(pattern)
    for pattern in (
        rb"\x80[\x02-\x05](?=[\x80-\x98cis(\]}NKMJGX\x85)IFLSVUTBCq.])",
        rb"\n[A-Za-z_][\w.]{0,120}\n",
        rb"PK\x03\x04",
        rb"\x7fELF[\x01\x02][\x01\x02]\x01",
        rb"MZ",
        rb"\xce\xfa\xed\xfe",
        rb"\xcf\xfa\xed\xfe",
        rb"\xfe\xed\xfa[\xce\xcf]",
        rb"\x1f\x8b\x08[\x00-\x1f]",
        rb"\xfd7zXZ\x00",
        rb"7z\xbc\xaf\x27\x1c",
    )
)
"""One pattern each, and each begins with a literal: the regex engine then skips at memory speed."""

_TEXT_IMPORT: Final = re.compile(rb"(?:c|\(i)[A-Za-z_][\w.]{0,120}\Z")
"""What stands before the newline when a text line names a module: GLOBAL, or INST after a mark."""


@dataclass(frozen=True, slots=True)
class Find:
    """Content of ``format`` from ``start`` on; ``opens`` says that a reader may read it."""

    format: str
    start: int
    opens: bool


def embedded(window: Window, start: int, end: int) -> Iterator[Find]:
    """Yield what stands between ``start`` and ``end`` (not included), in order, within bounds.

    The search goes on 16 bytes behind each find; what lies inside it is also the business of the
    reader that opens it.
    """
    probes = 0
    finds = 0
    reached = start
    for offset, piece in _overlapping(window, start, end):
        for at, magic in _candidates(piece):
            if offset + at < reached:
                continue
            probes += 1
            if probes > MOST_PROBES or finds >= MOST_FINDS:
                return
            find = _check(window, offset + at, magic, end)
            if find is not None:
                finds += 1
                reached = offset + at + 16
                yield find


def embedded_at(window: Window, at: int) -> Find | None:
    """What stands at exactly ``at``: for places where a reader of another format would begin."""
    head = window.read(at, 256)
    for position, magic in _candidates(head):
        if position == 0:
            return _check(window, at, magic, window.size)
    return None


def _candidates(piece: bytes) -> list[tuple[int, bytes]]:
    """Places in a piece that look like the beginning of something, in order."""
    if not piece.strip(b"\0"):
        return []
    found: list[tuple[int, bytes]] = []
    for sign in _SIGNS:
        for match in sign.finditer(piece):
            at = match.start()
            if match.group()[:1] != b"\n":
                found.append((at, match.group()))
            elif before := _TEXT_IMPORT.search(piece, max(0, at - 123), at):
                found.append((before.start(), before.group()))
    found.sort()
    return found


def _overlapping(window: Window, start: int, end: int) -> Iterator[tuple[int, bytes]]:
    tail = b""
    for offset, piece in window.pieces(start, end):
        yield offset - len(tail), tail + piece
        tail = piece[-_OVERLAP:]


def _check(window: Window, at: int, magic: bytes, end: int) -> Find | None:
    if magic[:1] in (b"\x80", b"c", b"("):
        return Find("pickle", at, True) if holds_import(window.sub(at, end), 0) else None
    head = window.read(at, 64)
    if magic == b"PK\x03\x04":
        return Find("zip", at, True) if _is_local_header(window, at, head) else None
    if magic == b"MZ":
        return Find("pe", at, False) if _is_pe(window, at, head) else None
    if magic[:4] == b"\x7fELF":
        return Find("elf", at, False) if len(head) >= 20 and head[16] < 5 and head[17] == 0 else None
    if magic[:3] == b"\x1f\x8b\x08":
        return Find("gzip", at, True) if len(head) > 18 and head[8] in (0, 2, 4) and head[3] < 32 else None
    if magic == b"\xfd7zXZ\x00":
        return Find("xz", at, True)
    if magic[:2] == b"7z":
        return Find("7z", at, True)
    return Find("mach-o", at, False) if _is_mach_o(head) else None


def _is_local_header(window: Window, at: int, head: bytes) -> bool:
    """A version and method that exist, and a name that can be shown."""
    if len(head) < 31 or head[5] or head[4] > 63 or int.from_bytes(head[8:10], "little") > 99:
        return False
    length = int.from_bytes(head[26:28], "little")
    name = window.read(at + 30, min(length, 512))
    return 0 < length <= 4096 and name.decode("utf-8", "replace").replace("\ufffd", "").isprintable()


def _is_pe(window: Window, at: int, head: bytes) -> bool:
    if len(head) < 64:
        return False
    header = int.from_bytes(head[60:64], "little")
    return header < 65_536 and window.read(at + header, 4) == b"PE\0\0"


def _is_mach_o(head: bytes) -> bool:
    """CPU type and file type of a Mach-O header, in the byte order of its magic."""
    order = "<" if head[3:4] == b"\xfe" else ">"
    if len(head) < 16:
        return False
    cpu, _, kind = struct.unpack(f"{order}III", head[4:16])
    return cpu & 0x00FFFFFF in (7, 12, 18) and 1 <= kind <= 12
