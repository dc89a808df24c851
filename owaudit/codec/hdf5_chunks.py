"""HDF5 chunk indexes: where the pieces of a chunked dataset are.

Six kinds: the tree of the first versions, a single chunk, chunks in a row, fixed array, extensible
array and the tree of version 2.

Source: HDF5 File Format Specification 3.0, "Appendix C: Types of Indexes for Dataset Chunks".
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from owaudit.codec.hdf5_file import Fields, Hdf5File, expect_signature
from owaudit.codec.hdf5_messages import Layout
from owaudit.codec.hdf5_trees import SecondTree, chunks_of_first_tree
from owaudit.errors import FormatError, LimitExceeded

_SINGLE, _IMPLICIT, _FIXED, _EXTENSIBLE, _SECOND_TREE = 1, 2, 3, 4, 5
_CHECKSUM = 4
_MOST_PAGES = 1_000_000


def chunks(file: Hdf5File, layout: Layout, shape: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    """Yield address and size in bytes of every chunk that is stored.

    Raises:
        FormatError: the index breaks the law.
        LimitExceeded: it has more pages than any index needs.
    """
    if layout.address is None:
        return
    size = math.prod(layout.chunk)
    if layout.index == 0:
        found = chunks_of_first_tree(file, layout.address, len(layout.chunk))
    elif layout.index == _SINGLE:
        found = iter([(layout.address, size if layout.filtered_size is None else layout.filtered_size)])
    elif layout.index == _IMPLICIT:
        pieces = zip(shape, layout.chunk, strict=False)
        count = math.prod(-(-whole // piece) if piece else 0 for whole, piece in pieces)
        found = iter([(layout.address, size * count)])
    elif layout.index == _FIXED:
        found = _fixed_array(file, layout.address, size)
    elif layout.index == _EXTENSIBLE:
        found = _extensible_array(file, layout.address, size)
    elif layout.index == _SECOND_TREE:
        found = _second_tree(file, layout.address, size, len(layout.chunk) - 1)
    else:
        raise FormatError("chunk-index", expected="kind 1 to 5", found=str(layout.index))
    for address, length in found:
        if address is not None:
            yield address, length


def _second_tree(file: Hdf5File, address: int, size: int, rank: int) -> Iterator[tuple[int | None, int]]:
    tree = SecondTree(file, address)
    width = tree.record_size - file.superblock.widths[0] - 4 - 8 * rank
    for record in tree.records():
        chunk = record.address()
        yield chunk, record.number(max(0, width)) if tree.kind == 11 else size


class _Elements:
    """The entries of an array index: an address each, and for filtered chunks size and mask."""

    def __init__(self, file: Hdf5File, width: int, is_filtered: bool, size: int) -> None:
        self._file = file
        self.width = width
        self._size_width = width - file.superblock.widths[0] - 4 if is_filtered else 0
        self._is_filtered = is_filtered
        self._size = size
        if width < file.superblock.widths[0] or (is_filtered and self._size_width <= 0):
            raise FormatError("chunk-index", expected="entries that hold an address", found=f"{width} bytes")

    def read(self, fields: Fields, count: int) -> Iterator[tuple[int | None, int]]:
        for _ in range(count):
            start = fields.place
            entry = Fields(fields.take(self.width), start, self._file.superblock.widths, "chunk-index")
            # An entry that was never written is all zeros; the superblock stands at address 0.
            address = entry.address() or None
            yield address, entry.number(self._size_width) if self._is_filtered else self._size

    def pages(self, address: int, count: int, per_page: int) -> Iterator[tuple[int | None, int]]:
        """Read ``count`` entries in pages of ``per_page``, each with its checksum."""
        if count // per_page > _MOST_PAGES:
            raise LimitExceeded("header_bytes", actual=count, allowed=_MOST_PAGES * per_page)
        while count > 0:
            here = min(per_page, count)
            size = here * self.width + _CHECKSUM
            yield from self.read(self._file.fields(address, size, "chunk-index"), here)
            address += size
            count -= here


def _fixed_array(file: Hdf5File, address: int, size: int) -> Iterator[tuple[int | None, int]]:
    offset, length = file.superblock.widths
    fields = file.fields(address, 12 + length + offset, "chunk-index")
    expect_signature(fields, b"FAHD")
    is_filtered = bool(fields.number(1))
    elements = _Elements(file, fields.number(1), is_filtered, size)
    per_page = 1 << min(fields.number(1), 63)
    count = fields.length()
    block = fields.address()
    if block is None:
        return
    head = 6 + offset
    if count <= per_page:
        whole = file.fields(block, head + count * elements.width + _CHECKSUM, "chunk-index")
        expect_signature(whole, b"FADB")
        whole.take(1 + offset)
        yield from elements.read(whole, count)
        return
    pages = -(-count // per_page)
    head += (pages + 7) // 8 + _CHECKSUM
    expect_signature(file.fields(block, head, "chunk-index"), b"FADB")
    yield from elements.pages(block + head, count, per_page)


def _extensible_array(file: Hdf5File, address: int, size: int) -> Iterator[tuple[int | None, int]]:
    offset, length = file.superblock.widths
    fields = file.fields(address, 16 + 6 * length + offset, "chunk-index")
    expect_signature(fields, b"EAHD")
    is_filtered = bool(fields.number(1))
    array = _Extensible(file, _Elements(file, fields.number(1), is_filtered, size), fields)
    fields.take(6 * length)
    block = fields.address()
    if block is not None:
        yield from array.index_block(block)


class _Extensible:
    """An extensible array: an index block, super blocks and data blocks that double in size."""

    def __init__(self, file: Hdf5File, elements: _Elements, fields: Fields) -> None:
        self._file = file
        self._elements = elements
        bits, self._inline, self._least, self._least_pointers, page_bits = (
            fields.number(1) for _ in range(5)
        )
        if (
            not 0 < bits <= 64
            or page_bits > 32
            or any(value == 0 or value & (value - 1) for value in (self._least, self._least_pointers))
        ):
            found = fields.raw[7:12].hex(" ")
            raise FormatError("chunk-index", expected="powers of two", found=found, start=fields.start)
        self._per_page = 1 << page_bits
        self._offset_width = (bits + 7) // 8
        self._super_blocks = 1 + bits - (self._least.bit_length() - 1)

    def index_block(self, address: int) -> Iterator[tuple[int | None, int]]:
        width = self._file.superblock.widths[0]
        first = 2 * (self._least_pointers.bit_length() - 1)
        direct = 2 * (self._least_pointers - 1)
        beyond = max(0, self._super_blocks - first)
        size = 6 + width + self._inline * self._elements.width + (direct + beyond) * width + _CHECKSUM
        fields = self._file.fields(address, size, "chunk-index")
        expect_signature(fields, b"EAIB")
        fields.take(1 + width)
        yield from self._elements.read(fields, self._inline)
        for number in range(first):
            for _ in range(1 << number // 2):
                yield from self._data_block(fields.address(), self._size_in(number))
        for number in range(first, first + beyond):
            yield from self._super_block(fields.address(), number)

    def _size_in(self, number: int) -> int:
        """Entries of each data block of super block ``number``."""
        return self._least << (number + 1) // 2

    def _super_block(self, address: int | None, number: int) -> Iterator[tuple[int | None, int]]:
        if address is None:
            return
        width = self._file.superblock.widths[0]
        blocks, count = 1 << number // 2, self._size_in(number)
        bitmap = blocks * ((count // self._per_page + 7) // 8) if count > self._per_page else 0
        head = 6 + width + self._offset_width + bitmap
        fields = self._file.fields(address, head + blocks * width + _CHECKSUM, "chunk-index")
        expect_signature(fields, b"EASB")
        fields.take(head - 5)
        for _ in range(blocks):
            yield from self._data_block(fields.address(), count)

    def _data_block(self, address: int | None, count: int) -> Iterator[tuple[int | None, int]]:
        if address is None:
            return
        head = 6 + self._file.superblock.widths[0] + self._offset_width
        if count <= self._per_page:
            size = head + count * self._elements.width + _CHECKSUM
            fields = self._file.fields(address, size, "chunk-index")
            expect_signature(fields, b"EADB")
            fields.take(head - 5)
            yield from self._elements.read(fields, count)
            return
        expect_signature(self._file.fields(address, head + _CHECKSUM, "chunk-index"), b"EADB")
        yield from self._elements.pages(address + head + _CHECKSUM, count, self._per_page)
