"""HDF5 heaps: names of first groups (local), values of variable length (global), and the fractal
heap, which holds links and attributes of later groups.

Source: HDF5 File Format Specification 3.0, "Disk Format: Level 1D to 1G".
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator

from owaudit.codec.hdf5_file import Fields, Hdf5File, expect_signature
from owaudit.codec.hdf5_trees import SecondTree
from owaudit.errors import FormatError, LimitExceeded

_LEAST_COLLECTION = 4096
_MOST_BLOCKS = 1_000_000
_MANAGED, _HUGE, _TINY = 0, 1, 2


class LocalHeap:
    """The texts of one heap, by their offset. Raises FormatError."""

    def __init__(self, file: Hdf5File, address: int) -> None:
        offset, length = file.superblock.widths
        fields = file.fields(address, 8 + 2 * length + offset, "local-heap")
        expect_signature(fields, b"HEAP")
        fields.take(3)
        size = fields.length()
        fields.take(length)
        self._segment = file.fields(fields.address(), size, "local-heap")

    def text(self, offset: int) -> str:
        """The text at ``offset``. Raises FormatError where there is none."""
        self._segment.at = min(offset, len(self._segment.raw))
        return self._segment.text()


class GlobalHeap:
    """Collections of values; each is read once and stays known."""

    def __init__(self, file: Hdf5File) -> None:
        self._file = file
        self._collections: dict[int, dict[int, tuple[int, int]]] = {}

    def value(self, address: int | None, index: int) -> tuple[int, int] | None:
        """Offset in the window and size of one value; None for the null one.

        Raises:
            FormatError: there is none under this number.
        """
        if address is None or (address == 0 and index == 0):
            return None
        found = self.collection(address).get(index)
        if found is None:
            raise FormatError(
                "global-heap",
                expected=f"a value {index}",
                found="none",
                start=self._file.place_of(address),
            )
        return found

    def collection(self, address: int) -> dict[int, tuple[int, int]]:
        """All values of the collection at ``address`` by number. Raises FormatError."""
        known = self._collections.get(address)
        if known is None:
            known = self._collections[address] = dict(self._values(address))
        return known

    def known(self) -> Iterator[tuple[int, int]]:
        """Offset and size of every value of the collections that were read."""
        for address in sorted(self._collections):
            yield from self._collections[address].values()

    def _values(self, address: int) -> Iterator[tuple[int, tuple[int, int]]]:
        length = self._file.superblock.widths[1]
        head = self._file.fields(address, 8 + length, "global-heap")
        expect_signature(head, b"GCOL", 1)
        head.take(3)
        size = head.length()
        if size < _LEAST_COLLECTION // 2:
            raise FormatError("global-heap", expected="a collection", found=f"{size} bytes", start=head.start)
        fields = self._file.fields(address, size, "global-heap")
        fields.take(head.at)
        while fields.left >= 8 + length:
            index = fields.number(2)
            fields.take(6)
            stated = fields.length()
            if index == 0:
                return  # the free space at the end
            yield index, (fields.place, stated)
            fields.take(min(stated + -stated % 8, fields.left) if stated <= fields.left else stated)


class FractalHeap:
    """The objects of one heap, by the identifiers that trees hold. Raises FormatError."""

    def __init__(self, file: Hdf5File, address: int) -> None:
        self._file = file
        offset, length = file.superblock.widths
        fields = file.fields(address, 26 + 3 * offset + 12 * length, "fractal-heap")
        expect_signature(fields, b"FRHP")
        self.id_size, filters = fields.number(2), fields.number(2)
        self._checksums = bool(fields.number(1) & 2)
        most_managed = fields.number(4)
        fields.take(length)
        self._huge = fields.address()
        fields.take(length)
        claim_free_space(file, fields.address())
        fields.take(10 * length - 2 * length)
        self._width = fields.number(2)
        self._start_size, self._most_direct = fields.length(), fields.length()
        self._bits = fields.number(2)
        fields.take(2)
        root = fields.address()
        rows = fields.number(2)
        if filters:
            raise FormatError("fractal-heap", expected="no filters", found="filters", start=fields.start)
        sizes = (self._start_size, self._most_direct, self._width)
        if any(size == 0 or size & (size - 1) for size in sizes) or self._bits > 64:
            raise FormatError("fractal-heap", expected="powers of two", found=str(sizes), start=fields.start)
        self._offset_width = (self._bits + 7) // 8
        direct_bits = self._most_direct.bit_length() - 1
        self._length_width = min((direct_bits + 7) // 8, (max(1, most_managed.bit_length() - 1) // 8) + 1)
        self._blocks = sorted(self._direct_blocks(root, rows)) if root is not None else []
        self._huge_objects: dict[int, tuple[int, int]] | None = None

    def object(self, identifier: bytes) -> Fields:
        """The fields of one object.

        Raises:
            FormatError: the identifier leads nowhere.
        """
        start, size = self._locate(identifier)
        address = start - self._file.superblock.place
        return self._file.fields(address, size, "heap-object")

    def _locate(self, identifier: bytes) -> tuple[int, int]:
        kind = identifier[0] >> 4 & 3 if identifier else -1
        fields = Fields(identifier[1:], 0, self._file.superblock.widths, "heap-identifier")
        if kind == _MANAGED:
            offset, size = fields.number(self._offset_width), fields.number(self._length_width)
            at = bisect.bisect_right(self._blocks, (offset, 1 << 70, 0)) - 1
            if at >= 0:
                begin, length, place = self._blocks[at]
                if offset + size <= begin + length:
                    return place + offset - begin, size
        elif kind == _HUGE:
            if self.id_size > sum(self._file.superblock.widths):
                address, size = fields.address(), fields.length()
                if address is not None:
                    return self._file.place_of(address), size
            else:
                found = self._huge_table().get(
                    fields.number(min(fields.left, self._file.superblock.widths[1]))
                )
                if found is not None:
                    return found
        raise FormatError("heap-identifier", expected="an object", found=identifier.hex(" "))

    def _huge_table(self) -> dict[int, tuple[int, int]]:
        if self._huge_objects is None:
            self._huge_objects = {}
            if self._huge is not None:
                for record in SecondTree(self._file, self._huge).records():
                    address, size, number = record.address(), record.length(), record.length()
                    if address is not None:
                        self._huge_objects[number] = (self._file.place_of(address), size)
        return self._huge_objects

    def _direct_blocks(self, root: int, rows: int) -> Iterator[tuple[int, int, int]]:
        """Yield heap offset, size and place of each direct block."""
        if rows == 0:
            yield self._direct(root, 0, self._start_size)
            return
        todo, known = [(root, 0, rows)], {root}
        while todo:
            address, offset, count = todo.pop()
            for child, begin, size, is_direct in self._children(address, offset, count):
                if child in known or len(known) > _MOST_BLOCKS:
                    raise FormatError(
                        "fractal-heap", expected="each block once", found=f"address {child} again"
                    )
                known.add(child)
                if is_direct:
                    yield self._direct(child, begin, size)
                else:
                    todo.append((child, begin, self._rows_for(size)))

    def _direct(self, address: int, offset: int, size: int) -> tuple[int, int, int]:
        head = self._file.fields(address, 5, "heap-block")
        expect_signature(head, b"FHDB")
        return offset, size, self._file.claim(address, size, "heap-block")

    def _children(self, address: int, offset: int, rows: int) -> Iterator[tuple[int, int, int, bool]]:
        width = self._file.superblock.widths[0]
        if rows > 2 * self._bits:
            raise FormatError("fractal-heap", expected=f"at most {2 * self._bits} rows", found=str(rows))
        head = 5 + width + self._offset_width
        size = head + rows * self._width * width + 4
        if size > self._file.limits.header_bytes:
            raise LimitExceeded("header_bytes", actual=size, allowed=self._file.limits.header_bytes)
        fields = self._file.fields(address, size, "heap-block")
        expect_signature(fields, b"FHIB")
        fields.take(head - 5)
        for row in range(rows):
            block = self._start_size << max(0, row - 1)
            for _ in range(self._width):
                child = fields.address()
                if child is not None:
                    yield child, offset, block, block <= self._most_direct
                offset += block

    def _rows_for(self, size: int) -> int:
        """Rows of an indirect block that spans ``size`` bytes of the heap."""
        return (size // (self._start_size * self._width)).bit_length()


def claim_free_space(file: Hdf5File, address: int | None) -> None:
    """Account for a list of free space: its header and its sections."""
    if address is None:
        return
    offset, length = file.superblock.widths
    fields = file.fields(address, 18 + offset + 7 * length, "free-space")
    expect_signature(fields, b"FSHD")
    fields.take(1 + 4 * length + 8 + length)
    sections = fields.address()
    fields.take(length)
    if sections is not None:
        file.claim(sections, fields.length(), "free-space")
