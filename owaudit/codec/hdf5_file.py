"""HDF5: the superblock, addresses, and reading structures within one budget.

Layout: a user block of 0, 512, 1024 … bytes, the superblock, then structures at addresses that
count from the superblock's base. The superblock says how wide addresses and lengths are.

Source: HDF5 File Format Specification 3.0, "Disk Format: Level 0A"; HDF5 1.14.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from owaudit.codec.bounds import OutOfBounds
from owaudit.codec.hdf5_checksum import checksum
from owaudit.codec.spans import Ranges
from owaudit.codec.window import READ_CEILING, Window
from owaudit.errors import FormatError, LimitExceeded
from owaudit.model.limits import Limits

SIGNATURE: Final = b"\x89HDF\r\n\x1a\n"
_FIRST_PLACE: Final = 512
_WIDTHS: Final = (2, 4, 8)
_FREE_BYTES: Final = 16 * 1024 * 1024
"""Bytes of structures that any file may have read, whatever its size: structures may be shared."""
_CHUNK_K: Final = 32
"""Half of the chunks per index node where the superblock does not say it."""


_SUMMED_BYTES: Final = 256 * 1024
"""Bytes of structures whose checksums are held against them: a tenth of a second."""


class Fields:
    """Numbers one after another in ``raw``, which stands at byte ``start`` of the window.

    Every method raises FormatError where ``raw`` ends before.
    """

    __slots__ = ("at", "clause", "length_size", "offset_size", "raw", "start")

    def __init__(self, raw: bytes, start: int, widths: tuple[int, int], clause: str) -> None:
        self.raw = raw
        self.start = start
        self.offset_size, self.length_size = widths
        self.clause = clause
        self.at = 0

    @property
    def left(self) -> int:
        """Bytes behind the position."""
        return len(self.raw) - self.at

    @property
    def place(self) -> int:
        """Bytes of the window before the position."""
        return self.start + self.at

    def take(self, size: int) -> bytes:
        """Return the next ``size`` bytes and step over them."""
        part = self.raw[self.at : self.at + size]
        if len(part) != size:
            raise FormatError(
                self.clause, expected=f"{size} bytes", found=f"{len(part)} bytes", start=self.place
            )
        self.at += size
        return part

    def number(self, size: int) -> int:
        """The next unsigned number of ``size`` bytes."""
        return int.from_bytes(self.take(size), "little")

    def address(self) -> int | None:
        """The next address, None where it is the undefined one (all bits set)."""
        raw = self.take(self.offset_size)
        return None if raw == b"\xff" * self.offset_size else int.from_bytes(raw, "little")

    def length(self) -> int:
        """The next length."""
        return self.number(self.length_size)

    def text(self) -> str:
        """The next text, which ends with a NUL byte."""
        end = self.raw.find(b"\0", self.at)
        if end < 0:
            raise FormatError(self.clause, expected="a NUL byte", found="none", start=self.place)
        text = self.raw[self.at : end].decode("utf-8", "backslashreplace")
        self.at = end + 1
        return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Superblock:
    """Where the root group is, how wide numbers are, and how large nodes are.

    ``place`` is the offset of the superblock, from which addresses count: libraries correct the
    ``stated_base`` where it is another, as after a block was put in front. ``end`` is the offset
    after the last byte of the file as stated. ``leaf_k``, ``group_k`` and ``chunk_k`` are half of
    the entries of a node.
    """

    version: int
    place: int
    stated_base: int
    end: int
    widths: tuple[int, int]
    root: int | None
    extension: int | None = None
    driver: int | None = None
    free_space: int | None = None
    leaf_k: int = 4
    group_k: int = 16
    chunk_k: int = _CHUNK_K


def find_superblock(window: Window) -> int | None:
    """The offset of the signature: 0, 512, 1024 and so on, or None."""
    place = 0
    while place < window.size:
        if window.read(place, len(SIGNATURE)) == SIGNATURE:
            return place
        place = place * 2 or _FIRST_PLACE
    return None


def read_superblock(window: Window, place: int) -> tuple[Superblock, int]:
    """Return the superblock at ``place`` and its size in bytes.

    Raises:
        FormatError: cut short, or of a version or width that does not exist.
    """
    fields = Fields(window.read(place, 256), place, (8, 8), "superblock")
    fields.take(8)
    version = fields.number(1)
    if version <= 1:
        return _first_versions(fields, place, version)
    if version <= 3:
        return _later_versions(fields, place, version)
    raise FormatError("superblock-version", expected="0 to 3", found=str(version), start=place + 8)


def _first_versions(fields: Fields, place: int, version: int) -> tuple[Superblock, int]:
    fields.take(4)
    _set_widths(fields)
    fields.take(1)
    leaf_k, group_k = fields.number(2), fields.number(2)
    fields.take(4)
    chunk_k = _CHUNK_K
    if version == 1:
        chunk_k = fields.number(2)
        fields.take(2)
    base, free_space, end, driver = (fields.address() for _ in range(4))
    fields.take(fields.offset_size)
    root = fields.address()
    fields.take(24)
    return (
        Superblock(
            version=version,
            place=place,
            stated_base=base or 0,
            end=(end or 0) - (base or 0) + place,
            widths=(fields.offset_size, fields.length_size),
            root=root,
            driver=driver,
            free_space=free_space,
            leaf_k=leaf_k,
            group_k=group_k,
            chunk_k=chunk_k,
        ),
        fields.at,
    )


def _later_versions(fields: Fields, place: int, version: int) -> tuple[Superblock, int]:
    _set_widths(fields)
    fields.take(1)
    base, extension, end, root = (fields.address() for _ in range(4))
    fields.take(4)
    return (
        Superblock(
            version=version,
            place=place,
            stated_base=base or 0,
            end=(end or 0) - (base or 0) + place,
            widths=(fields.offset_size, fields.length_size),
            root=root,
            extension=extension,
        ),
        fields.at,
    )


def _set_widths(fields: Fields) -> None:
    widths = fields.number(1), fields.number(1)
    if any(width not in _WIDTHS for width in widths):
        raise FormatError(
            "widths",
            expected="addresses and lengths of 2, 4 or 8 bytes",
            found=str(widths),
            start=fields.place,
        )
    fields.offset_size, fields.length_size = widths


class Hdf5File:
    """The structures of one file: they are read once each, within a budget, and accounted for.

    ``parsed`` and ``payload`` hold byte ranges of the window.
    """

    def __init__(self, window: Window, superblock: Superblock, limits: Limits) -> None:
        self.window = window
        self.superblock = superblock
        self.limits = limits
        self.parsed = Ranges()
        self.payload = Ranges()
        self.chunk_k = superblock.chunk_k
        self._allowed = 2 * window.size + _FREE_BYTES
        self.wrong_sums: list[tuple[str, str, str, int]] = []
        self._taken = 0
        self._summed = 0

    def place_of(self, address: int) -> int:
        """The offset in the window of an address."""
        return self.superblock.place + address

    def fields(self, address: int | None, size: int, clause: str) -> Fields:
        """Read a structure of ``size`` bytes and account for it.

        Raises:
            OutOfBounds: it does not lie in the file.
            LimitExceeded: it is longer than a header may be, or too much was read already.
        """
        start = self.claim(address, size, clause)
        self._taken += size
        if self._taken > self._allowed:
            raise LimitExceeded("header_bytes", actual=self._taken, allowed=self._allowed)
        if size > self.limits.header_bytes:
            raise LimitExceeded("header_bytes", actual=size, allowed=self.limits.header_bytes)
        raw = (
            self.window.read(start, size)
            if size <= READ_CEILING
            else b"".join(piece for _, piece in self.window.pieces(start, start + size))
        )
        return Fields(raw, start, self.superblock.widths, clause)

    def claim(self, address: int | None, size: int, clause: str, *, payload: bool = False) -> int:
        """Account for bytes without reading them and return their offset. Raises OutOfBounds."""
        if address is None:
            raise FormatError(clause, expected="an address", found="the undefined one")
        start = self.place_of(address)
        if start + size > self.window.size:
            raise OutOfBounds(
                clause,
                expected=f"{size} bytes in a file of {self.window.size}",
                found=f"address {address}",
                start=min(start, self.window.size),
            )
        (self.payload if payload else self.parsed).add(start, start + size)
        return start

    def check_sum(self, address: int, size: int, clause: str) -> None:
        """Hold the checksum in the last four bytes of a structure against the others.

        What differs is kept in ``wrong_sums`` as clause, expected, found and place. Only the first
        structures of a file are checked, as far as that costs next to nothing.
        """
        self._summed += size
        if self._summed > _SUMMED_BYTES:
            return
        start = self.place_of(address)
        raw = self.window.read(start, size)
        expected, found = int.from_bytes(raw[-4:], "little"), checksum(raw[:-4])
        if expected != found:
            self.wrong_sums.append((clause, f"checksum {expected:08x}", f"{found:08x}", start))

    def starts_with(self, address: int, signature: bytes) -> bool:
        """Does the structure at ``address`` begin with this signature?"""
        return self.window.read(self.place_of(address), len(signature)) == signature


def expect_signature(fields: Fields, signature: bytes, version: int = 0) -> None:
    """Take a signature and a version. Raises FormatError where they are others."""
    found = fields.take(len(signature) + 1)
    if found != signature + bytes([version]):
        raise FormatError(
            fields.clause,
            expected=f"{signature.decode()} version {version}",
            found=found.hex(" "),
            start=fields.start,
        )
