"""HDF5 B-trees of both versions, walked node by node without recursion.

Source: HDF5 File Format Specification 3.0, "Disk Format: Level 1A, B-trees and B-tree nodes".
"""

from __future__ import annotations

from collections.abc import Iterator

from owaudit.codec.hdf5_file import Fields, Hdf5File, expect_signature
from owaudit.errors import FormatError

_MOST_DEPTH = 32
_GROUPS, _CHUNKS = 0, 1
_PREFIX = 10
"""Bytes of a node of version 2 besides its records: signature, version, type and checksum."""


def group_leaves(file: Hdf5File, address: int) -> Iterator[int]:
    """Yield the address of each symbol node below the tree of a group. Raises FormatError."""
    key = file.superblock.widths[1]
    for fields, level, count in _first_nodes(file, address, _GROUPS, key, file.superblock.group_k):
        for _ in range(count):
            fields.take(key)
            child = fields.address()
            if level == 0 and child is not None:
                yield child


def chunks_of_first_tree(file: Hdf5File, address: int, rank: int) -> Iterator[tuple[int | None, int]]:
    """Yield address and size in bytes of each chunk; ``rank`` counts the element size too."""
    key = 8 + 8 * rank
    for fields, level, count in _first_nodes(file, address, _CHUNKS, key, file.chunk_k):
        for _ in range(count):
            size = fields.number(4)
            fields.take(key - 4)
            child = fields.address()
            if level == 0:
                yield child, size


def _first_nodes(
    file: Hdf5File, address: int, kind: int, key: int, half: int
) -> Iterator[tuple[Fields, int, int]]:
    """Yield fields, level and number of children of each node, and go down from each."""
    widths = file.superblock.widths
    head = 8 + 2 * widths[0]
    size = head + (2 * half + 1) * key + 2 * half * widths[0]
    todo, known = [(address, -1)], {address}
    while todo:
        at, expected = todo.pop()
        fields = file.fields(at, size, "tree-node")
        if fields.take(4) != b"TREE" or fields.number(1) != kind:
            raise FormatError(
                "tree-node",
                expected=f"TREE of type {kind}",
                found=fields.raw[:5].hex(" "),
                start=fields.start,
            )
        level, count = fields.number(1), fields.number(2)
        if expected not in (-1, level) or level > _MOST_DEPTH or count > 2 * half:
            raise FormatError(
                "tree-node",
                expected=f"at most {2 * half} children one level below",
                found=f"{count} at level {level}",
                start=fields.start,
            )
        fields.take(2 * widths[0])
        begin = fields.at
        if level:
            for _ in range(count):
                fields.take(key)
                _descend(fields, level - 1, todo, known)
            fields.at = begin
        yield fields, level, count


def _descend(fields: Fields, level: int, todo: list[tuple[int, int]], known: set[int]) -> None:
    child = fields.address()
    if child is None or child in known:
        found = "the undefined address" if child is None else f"address {child} again"
        raise FormatError("tree-node", expected="each child once", found=found, start=fields.place)
    known.add(child)
    todo.append((child, level))


class SecondTree:
    """A B-tree of version 2: its header, and its records whatever they mean.

    Raises FormatError (in the constructor too) where it breaks the law.
    """

    def __init__(self, file: Hdf5File, address: int) -> None:
        offset, length = file.superblock.widths
        fields = file.fields(address, 22 + offset + length, "tree-header")
        expect_signature(fields, b"BTHD")
        self._file = file
        self.kind = fields.number(1)
        self._node_size = fields.number(4)
        self.record_size = fields.number(2)
        self._depth = fields.number(2)
        fields.take(2)
        self._root = fields.address()
        self._root_count = fields.number(2)
        if not self.record_size or self._node_size <= _PREFIX or self._depth > _MOST_DEPTH:
            raise FormatError(
                "tree-header",
                expected="records in nodes",
                found=fields.raw[5:16].hex(" "),
                start=fields.start,
            )

    def records(self) -> Iterator[Fields]:
        """Yield the fields of each record, in no particular order."""
        if self._root is None:
            return
        todo, known = [(self._root, self._root_count, self._depth)], {self._root}
        while todo:
            address, count, depth = todo.pop()
            fields = self._file.fields(address, self._node_size, "tree-node")
            expect_signature(fields, b"BTIN" if depth else b"BTLF")
            fields.take(1)
            for _ in range(count):
                start = fields.place
                raw = fields.take(self.record_size)
                yield Fields(raw, start, self._file.superblock.widths, "tree-record")
            for _ in range(count + 1 if depth else 0):
                child, below = self._pointer(fields, depth)
                if child is None or child in known:
                    raise FormatError(
                        "tree-node", expected="each child once", found=str(child), start=fields.place
                    )
                known.add(child)
                todo.append((child, below, depth - 1))

    def _pointer(self, fields: Fields, depth: int) -> tuple[int | None, int]:
        child = fields.address()
        most = (self._node_size - _PREFIX) // self.record_size
        width = _bytes_for(most)
        below = fields.number(width)
        if depth > 1:
            fields.take(_bytes_for(self._most_below(most, width, depth - 1)))
        return child, below

    def _most_below(self, most: int, width: int, depth: int) -> int:
        """The records that a node ``depth`` levels above the leaves may hold with all below it."""
        total = most
        total_width = 0
        for _ in range(depth):
            pointer = self._file.superblock.widths[0] + width + total_width
            here = max(0, (self._node_size - _PREFIX - pointer) // (self.record_size + pointer))
            total = (here + 1) * total + here
            total_width = _bytes_for(total)
        return total


def _bytes_for(most: int) -> int:
    """Bytes that a number up to ``most`` is written in."""
    return max(1, (most.bit_length() + 7) // 8)
