"""Values of attributes and texts of datasets that are content of another format: model settings as
JSON, pickles that PyTables and others keep, archives.

Source: Keras, ``legacy/saving/legacy_h5_format.py``; PyTables, "Attributes"; HDF5 File Format
Specification 3.0, "Data Object Header Messages", variable-length types.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Final

from owaudit.codec.hdf5_file import Fields, Hdf5File
from owaudit.codec.hdf5_heaps import GlobalHeap
from owaudit.codec.hdf5_messages import ARRAY, VARIABLE, Datatype
from owaudit.codec.reader import Member

CONFIG_HINT: Final = "keras-config"
_CONFIG_NAMES: Final = ("model_config", "training_config")
_OBJECT: Final = re.compile(rb"\s*(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)?\s*[\x00]?[{\[]")
_CLASS: Final = re.compile(rb"c\0?l\0?a\0?s\0?s\0?_\0?n\0?a\0?m\0?e|\\u00")
_CARRIED: Final = re.compile(rb"\x80[\x02-\x05]|PK\x03\x04|\x1f\x8b\x08|[c(]")
_MOST_ELEMENTS: Final = 100_000
_MOST_MEMBERS: Final = 10_000
_LONGEST_SEARCH: Final = 4 * 1024 * 1024


class Values:
    """Finds content of another format in values; every value is looked at once."""

    def __init__(self, file: Hdf5File, heap: GlobalHeap) -> None:
        self._file = file
        self._heap = heap
        self._seen: set[tuple[int, int]] = set()

    def elements(
        self, key: str, datatype: Datatype, shape: tuple[int, ...] | None, content: bytes, start: int
    ) -> Iterator[Member]:
        """Yield the content found among the elements of one value, which stands at ``start``.

        Raises:
            FormatError: an element leads to no value.
        """
        if shape is None or not datatype.size:
            return
        count = min(math.prod(shape), len(content) // datatype.size, _MOST_ELEMENTS)
        variable = datatype
        while variable.kind == ARRAY and variable.base is not None:
            variable = variable.base
        if variable.kind == VARIABLE:
            yield from self._variable(key, content[: count * datatype.size], start)
            return
        if datatype.is_bytes and datatype.size > 1:
            for index in range(count):
                at = index * datatype.size
                yield from self._carried(key, start + at, start + at + datatype.size)
        elif datatype.is_bytes:
            yield from self._carried(key, start, start + len(content))

    def _variable(self, key: str, content: bytes, start: int) -> Iterator[Member]:
        fields = Fields(content, start, self._file.superblock.widths, "variable-length")
        size = 8 + fields.offset_size
        while fields.left >= size:
            fields.take(4)
            found = self._heap.value(fields.address(), fields.number(4))
            if found is not None:
                yield from self._carried(key, found[0], found[0] + found[1])

    def rest_of_heap(self) -> Iterator[Member]:
        """Yield what the values of variable length hold that no attribute led to."""
        for start, size in self._heap.known():
            yield from self._carried(f"value at {start}", start, start + size)

    def range(self, key: str, start: int, end: int) -> Iterator[Member]:
        """Yield what a range of bytes holds as a whole."""
        yield from self._carried(key, start, end)

    def _carried(self, key: str, start: int, end: int) -> Iterator[Member]:
        if end - start < 2 or (start, end) in self._seen or len(self._seen) >= _MOST_MEMBERS:
            return
        head = self._file.window.read(start, min(64, end - start))
        if _OBJECT.match(head):
            self._seen.add((start, end))
            if self._is_config(key, start, end):
                end -= self._padding(start, end)
                yield Member(name=key.strip("/") or "value", start=start, end=end, hint=CONFIG_HINT)
        elif _CARRIED.match(head):
            self._seen.add((start, end))
            yield Member(name=key.strip("/") or "value", start=start, end=end, tentative=True)

    def _is_config(self, key: str, start: int, end: int) -> bool:
        if key.rpartition("@")[2] in _CONFIG_NAMES:
            return True
        tail = b""
        for _, piece in self._file.window.pieces(start, end):
            if _CLASS.search(tail + piece):
                return True
            tail = piece[-64:]
        return False

    def _padding(self, start: int, end: int) -> int:
        """NUL bytes at the end of a text of fixed size. UTF-16 keeps the half of its last character."""
        tail = self._file.window.read(max(start, end - 65_536), min(65_536, end - start))
        return len(tail) - len(tail.rstrip(b"\0"))
