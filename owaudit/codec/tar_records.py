"""Tar archives as a stream of entries: ustar, GNU and pax, with what lenient loaders accept.

An archive is a row of 512-byte headers, each followed by its content padded to 512 bytes, closed by
zero blocks. Long names, links and sizes come from entries in front (GNU ``L`` and ``K``, pax ``x`` and
``g``). Python's ``tarfile`` stops at the first zero block or broken header; what stands behind is
yielded as well and marked, because other programs read on.

Source: POSIX.1-2017 pax, "ustar Interchange Format" and "pax Header Block"; GNU tar manual, "Basic Tar
Format" and "Storing Sparse Files"; CPython 3.11 ``tarfile``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from owaudit.codec.tar_sparse import SparseMap, old_gnu_map, pax_map
from owaudit.codec.window import Window
from owaudit.codec.zip_local import Lookahead

BLOCK = 512
MAGIC = b"ustar"
_MAGIC_AT = 257
_MAGIC_END = _MAGIC_AT + len(MAGIC)
_LONGEST_EXTENSION = 1024 * 1024
"""Bytes of one long name or pax header: paths are shorter by far."""
_MOST_EXTENSIONS = 64
"""Long names and pax headers in front of one entry."""

_KINDS = {
    b"0": "file", b"\0": "file", b"7": "file", b"S": "file", b"1": "link", b"2": "link",
    b"3": "device", b"4": "device", b"6": "device", b"5": "folder",
}  # fmt: skip
_EXTENSIONS = (b"L", b"K", b"x", b"X", b"g")
_GNU_TYPES = (b"L", b"K", b"S")


@dataclass(frozen=True, slots=True, kw_only=True)
class TarEntry:
    """One entry: ``kind`` is ``file``, ``folder``, ``link`` or ``device``.

    ``start`` is where its first header stands (that of a long name, if there is one),
    ``data_start`` to ``data_end`` its content as stored, cut to the window. ``size`` is as claimed.
    ``target`` is where a link leads. ``is_reached`` is False behind an end mark or a broken header,
    where Python does not read on. ``sparse`` says where the stored pieces belong, None for plain
    content.
    """

    name: str
    kind: str
    start: int
    data_start: int
    data_end: int
    size: int
    target: str = ""
    is_reached: bool = True
    sparse: SparseMap | None = None

    @property
    def end(self) -> int:
        """Where the padding of the content ends."""
        return self.data_start + _padded(self.data_end - self.data_start)


@dataclass(frozen=True, slots=True, kw_only=True)
class TarFault:
    """A breach between ``start`` and ``end`` (not included)."""

    clause: str
    expected: str
    found: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TarEnd:
    """A zero block, or a row of them from ``start`` to ``end`` (not included)."""

    start: int
    end: int


@dataclass(slots=True)
class _Pending:
    """What the entries in front say of the next one."""

    start: int = -1
    count: int = 0
    name: bytes | None = None
    target: bytes | None = None
    pax: list[tuple[str, bytes]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Header:
    name: bytes
    target: bytes
    size: int
    type: bytes
    raw: bytes


def has_magic(block: bytes) -> bool:
    """Does this block have the magic of ustar, GNU or pax headers?"""
    return block[_MAGIC_AT:_MAGIC_END] == MAGIC


def is_header(block: bytes) -> bool:
    """Is this block a header whose checksum holds, with a readable size?

    A block of the old format, without magic, needs a name as well.
    """
    if len(block) < BLOCK or _number(block[124:136]) is None:
        return False
    stated = _number(block[148:156])
    if stated is None or (block[0] == 0 and not has_magic(block)):
        return False
    # The checksum field counts as spaces.
    counted = block[:148] + block[156:BLOCK]
    unsigned = 256 + sum(counted)
    # Some writers summed signed bytes.
    return stated == unsigned or stated == unsigned - 256 * sum(byte > 127 for byte in counted)


def tar_entries(window: Window) -> Iterator[TarEntry | TarFault | TarEnd]:
    """Yield entries, faults and end marks in file order; no exception for any bytes."""
    look = Lookahead(window)
    shared: list[tuple[str, bytes]] = []
    pending = _Pending()
    is_reached = True
    at = 0
    while at < window.size:
        block = look.read(at, BLOCK)
        if not block.strip(b"\0"):
            end = _zero_blocks(window, at)
            yield TarEnd(start=at, end=end)
            is_reached, pending, at = False, _Pending(), end
            continue
        if not is_header(block):
            end = _next_header(window, look, at + BLOCK)
            yield _fault("header", "a header with its checksum", "other bytes", at, end)
            is_reached, pending, at = False, _Pending(), end
            continue
        header = _header(block)
        if header.type in _EXTENSIONS:
            problem, at = _take_extension(look, header, at, pending, shared)
            if problem:
                yield _fault("extension header", "a bounded whole one", problem, pending.start, at)
            continue
        entry, problem = _entry(look, header, at, pending, shared, is_reached)
        if problem:
            yield _fault("size of an entry", "bytes inside the archive", problem, at, at + BLOCK)
        yield entry
        pending, at = _Pending(), max(entry.end, at + BLOCK)
    if pending.start >= 0:
        yield _fault("extension header", "an entry behind it", "none", pending.start, window.size)


def _header(block: bytes) -> _Header:
    name, kind = _text(block[:100]), block[156:157]
    prefix = _text(block[345:500])
    if kind == b"\0" and name.endswith(b"/"):
        kind = b"5"
    if prefix and kind not in _GNU_TYPES:
        name = prefix + b"/" + name
    return _Header(name, _text(block[157:257]), _number(block[124:136]) or 0, kind, block)


def _take_extension(
    look: Lookahead, header: _Header, at: int, pending: _Pending, shared: list[tuple[str, bytes]]
) -> tuple[str, int]:
    """Keep a long name or pax header for the next entry: ``(problem, offset behind it)``."""
    if pending.start < 0:
        pending.start = at
    pending.count += 1
    start = at + BLOCK
    end = start + _padded(max(0, header.size))
    if header.size < 0 or end > look.window.size + BLOCK:
        return f"{header.size} bytes", start
    if header.size > _LONGEST_EXTENSION or pending.count > _MOST_EXTENSIONS:
        return f"{pending.count} in a row, the last of {header.size} bytes", end
    content = look.read(start, header.size)
    if header.type == b"L":
        pending.name = _text(content)
    elif header.type == b"K":
        pending.target = _text(content)
    elif header.type == b"g":
        shared[:] = [*shared, *_pax_records(content)][-_MOST_EXTENSIONS:]
    else:
        pending.pax += _pax_records(content)
    return "", end


def _entry(
    look: Lookahead,
    header: _Header,
    at: int,
    pending: _Pending,
    shared: list[tuple[str, bytes]],
    is_reached: bool,
) -> tuple[TarEntry, str]:
    """Build an entry from its header and what stood in front; the second value is a problem."""
    records = [*shared, *pending.pax]
    pax = dict(records)
    name = pax.get("GNU.sparse.name") or pax.get("path") or pending.name or header.name
    target = pax.get("linkpath") or pending.target or header.target
    size = _decimal(pax.get("size"), header.size)
    kind = _KINDS.get(header.type, "file")
    start = at + BLOCK
    sparse = None
    if header.type == b"S":
        sparse, start = old_gnu_map(look, header.raw, start)
    elif kind == "file" and "GNU.sparse" in " ".join(pax):
        sparse, skipped = pax_map(look, records, start, size)
        start, size = start + skipped, max(0, size - skipped)
    stored = size if kind == "file" else 0
    end = max(start, min(start + stored, look.window.size))
    problem = "" if end - start == stored else f"{stored} bytes, {end - start} are there"
    entry = TarEntry(
        name=_shown(name), kind=kind, start=pending.start if pending.start >= 0 else at,
        data_start=start, data_end=end, size=size, target=_shown(target) if kind == "link" else "",
        is_reached=is_reached, sparse=sparse,
    )  # fmt: skip
    return entry, problem


def _pax_records(content: bytes) -> list[tuple[str, bytes]]:
    """The records ``length keyword=value`` of a pax header, up to the first that is none."""
    found: list[tuple[str, bytes]] = []
    at = 0
    while at < len(content):
        digits, space, _ = content[at : at + 20].partition(b" ")
        if not space or not digits.isdigit():
            break
        end = at + int(digits)
        keyword, equals, text = content[at + len(digits) + 1 : end - 1].partition(b"=")
        if not equals or end <= at + len(digits) + 1 or end > len(content):
            break
        found.append((_shown(keyword), text))
        at = end
    return found


def _zero_blocks(window: Window, start: int) -> int:
    """Where the zero blocks from ``start`` end: at a block boundary or the end of the window."""
    for offset, piece in window.pieces(start):
        rest = piece.lstrip(b"\0")
        if rest:
            return start + (offset + len(piece) - len(rest) - start) // BLOCK * BLOCK
    return window.size


def _next_header(window: Window, look: Lookahead, start: int) -> int:
    """The next block at or behind ``start`` with magic and checksum, else the end of the window."""
    for offset, piece in window.pieces(start + _MAGIC_AT):
        found = piece.find(MAGIC)
        while found >= 0:
            at = offset + found - _MAGIC_AT
            if (at - start) % BLOCK == 0 and is_header(look.read(at, BLOCK)):
                return at
            found = piece.find(MAGIC, found + 1)
    return window.size


def _number(raw: bytes) -> int | None:
    """An octal or base-256 field, None where it is neither."""
    if raw[0] in (0x80, 0xFF):
        return int.from_bytes(raw[1:], "big") - (1 << 8 * (len(raw) - 1) if raw[0] == 0xFF else 0)
    digits = _text(raw).strip()
    if digits and any(byte not in b"01234567" for byte in digits):
        return None
    return int(digits or b"0", 8)


def _decimal(raw: bytes | None, otherwise: int) -> int:
    return int(raw) if raw is not None and raw.isdigit() and len(raw) < 20 else otherwise


def _text(raw: bytes) -> bytes:
    return raw.partition(b"\0")[0]


def _shown(raw: bytes) -> str:
    return raw.decode("utf-8", "backslashreplace")


def _padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK


def _fault(clause: str, expected: str, found: str, start: int, end: int) -> TarFault:
    return TarFault(clause=clause, expected=expected, found=found, start=start, end=end)
