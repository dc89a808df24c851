"""HDF5 datasets: where their bytes are, in this file or another, and how many there should be.

Source: HDF5 File Format Specification 3.0, "The Data Layout Message"; Keras 3.15,
``src/saving/saving_lib.py`` for what it refuses; CVE-2026-0897, CVE-2026-1669.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from typing import Final

from owaudit.codec.breaches import Breaches
from owaudit.codec.hdf5_chunks import chunks
from owaudit.codec.hdf5_file import Fields, Hdf5File
from owaudit.codec.hdf5_heaps import GlobalHeap, LocalHeap
from owaudit.codec.hdf5_messages import (
    COMPACT,
    CONTIGUOUS,
    UNSTATED,
    VIRTUAL,
    Datatype,
    Layout,
    read_dataspace,
    read_datatype,
    read_external_files,
    read_filters,
    read_layout,
)
from owaudit.codec.hdf5_objects import (
    DATASPACE,
    DATATYPE,
    EXTERNAL_FILES,
    FILTERS,
    LAYOUT,
    Message,
    resolved,
)
from owaudit.codec.hdf5_values import Values
from owaudit.codec.hdf5_virtual import SAME_FILE, virtual_sources
from owaudit.codec.payload import payload_start
from owaudit.codec.reader import Member, Place, Yield
from owaudit.codec.spans import named_overlaps
from owaudit.errors import FormatError
from owaudit.model.keras_facts import FileOpened
from owaudit.model.observation import RangeOverlap, TensorTable

_LARGE: Final = 4 * 1024**3
_SWOLLEN: Final = 1000
"""Keras refuses a dataset of more bytes, and more than this many times what is stored of it."""
_MOST_BYTES: Final = 2**63 - 1
_LONGEST_PATH: Final = 500
_DEFLATE, _SHUFFLE, _CHECKSUM = 1, 2, 3
_OWN_FILTERS: Final = range(1, 7)
_REGISTERED: Final = range(256, 32_768)
"""Filters of others in the registry of The HDF Group; h5py's LZF is number 32000."""
_VALUES_READ: Final = 4 * 1024 * 1024


class Datasets:
    """The datasets of one file, one by one, then their sum."""

    def __init__(
        self, file: Hdf5File, heap: GlobalHeap, values: Values, place: Place, breaches: Breaches
    ) -> None:
        self._file = file
        self._heap = heap
        self._values = values
        self._place = place
        self._breaches = breaches
        self._types: Counter[str] = Counter()
        self._parameters = 0
        self._stored = 0
        self._ranges: list[tuple[int, int, str]] = []

    def read(self, path: str, messages: dict[int, Message]) -> Iterator[Yield]:
        """Account for the bytes of one dataset and yield what it holds or leads to.

        Raises:
            FormatError: a message or the index of its chunks breaks the law.
        """
        layout = read_layout(self._fields(messages, LAYOUT))
        datatype = read_datatype(self._fields(messages, DATATYPE))
        shape = read_dataspace(self._fields(messages, DATASPACE))
        elements = 0 if shape is None else math.prod(shape)
        declared = elements * datatype.size
        where = self._place.at(messages[LAYOUT].start, tensor=path)
        if declared > _MOST_BYTES:
            found = f"{elements} elements of {datatype.size} bytes"
            self._breaches.outside("dataset-size", f"at most {_MOST_BYTES} bytes", found, where)
        before = self._stored
        filters = self._filters(messages, path)
        if EXTERNAL_FILES in messages:
            yield from self._external(path, messages)
        elif layout.kind == VIRTUAL:
            yield from self._virtual(path, layout, messages[LAYOUT].start)
        elif layout.kind == COMPACT:
            self._stored += layout.size
            content = self._file.window.read(layout.start, layout.size)
            yield from self._values.elements(path, datatype, shape, content, layout.start)
        elif layout.kind == CONTIGUOUS:
            yield from self._contiguous(path, layout, datatype, shape, declared, where[0].start or 0)
        else:
            yield from self._chunked(path, layout, datatype, shape or (), filters)
        stored = self._stored - before
        if declared > _LARGE and declared > _SWOLLEN * max(1, stored):
            self._breaches.note(
                "declared-size", f"about {stored} bytes stored", f"{declared} declared", where
            )
        self._types[datatype.name] += 1
        self._parameters += min(elements, _MOST_BYTES)

    def summary(self) -> Iterator[Yield]:
        """Yield how many datasets there are, and which of them share bytes."""
        if self._types:
            yield TensorTable(
                locations=self._place.at(),
                tensors=self._types.total(),
                parameters=self._parameters,
                size=self._stored,
                element_types=tuple(sorted(self._types.items())),
            )
        count, examples = named_overlaps(self._ranges)
        for index, overlap in enumerate(examples):
            yield RangeOverlap(
                locations=self._place.at(overlap.start, overlap.end),
                count=count - index if index == len(examples) - 1 else 1,
                first=overlap.first,
                second=overlap.second,
                size=overlap.end - overlap.start,
            )

    def _fields(self, messages: dict[int, Message], kind: int) -> Fields:
        if kind not in messages:
            start = messages[LAYOUT].start
            raise FormatError("dataset", expected=f"a message of type {kind}", found="none", start=start)
        message = resolved(self._file, messages[kind])
        return Fields(message.body, message.start, self._file.superblock.widths, "dataset")

    def _filters(self, messages: dict[int, Message], path: str) -> tuple[int, ...]:
        if FILTERS not in messages:
            return ()
        filters = read_filters(self._fields(messages, FILTERS))
        for number in filters:
            if number not in _OWN_FILTERS and number not in _REGISTERED:
                where = self._place.at(messages[FILTERS].start, tensor=path)
                self._breaches.note("filter", "a filter that is registered", f"number {number}", where)
        return filters

    # Bytes in this file --------------------------------------------------------------------------

    def _contiguous(
        self,
        path: str,
        layout: Layout,
        datatype: Datatype,
        shape: tuple[int, ...] | None,
        declared: int,
        at: int,
    ) -> Iterator[Yield]:
        if layout.address is None:
            return
        size = declared if layout.size == UNSTATED else layout.size
        if size != declared:
            where = self._place.at(at, tensor=path)
            self._breaches.note("storage-size", f"{declared} bytes", f"{size} bytes", where)
        start = self._file.claim(layout.address, size, "dataset", payload=True)
        self._stored += size
        self._ranges.append((start, start + size, path))
        yield from self._content(path, datatype, shape, start, size)

    def _content(
        self, path: str, datatype: Datatype, shape: tuple[int, ...] | None, start: int, size: int
    ) -> Iterator[Yield]:
        if datatype.is_bytes:
            yield from self._values.range(path, start, start + size)
            if datatype.size > 1:
                content = self._file.window.read(start, min(size, _VALUES_READ))
                yield from self._values.elements(path, datatype, shape, content, start)
        elif datatype.base is None:
            yield from payload_start(self._file.window, self._place, start, start + size)

    def _chunked(
        self, path: str, layout: Layout, datatype: Datatype, shape: tuple[int, ...], filters: tuple[int, ...]
    ) -> Iterator[Yield]:
        if layout.chunk and layout.chunk[-1] != datatype.size:
            where = self._place.at(layout.start, tensor=path)
            self._breaches.note("chunk-element", f"{datatype.size} bytes", f"{layout.chunk[-1]} bytes", where)
        packing = set(filters) - ({_SHUFFLE} if datatype.size == 1 else set())
        is_first = True
        for address, size in chunks(self._file, layout, shape):
            start = self._file.claim(address, size, "chunk", payload=True)
            self._stored += size
            if is_first and not packing:
                yield from self._content(path, datatype, None, start, size)
            elif is_first and packing <= {_DEFLATE, _CHECKSUM} and datatype.is_bytes:
                # What is packed cannot be seen from outside; the checksum behind it does no harm.
                end = start + size - (4 if _CHECKSUM in packing else 0)
                name = path.strip("/") or "dataset"
                unpack = "zlib" if _DEFLATE in packing else "stored"
                yield Member(name=name, start=start, end=end, unpack=unpack, tentative=True)
            is_first = False

    # Bytes in other files ------------------------------------------------------------------------

    def _external(self, path: str, messages: dict[int, Message]) -> Iterator[Yield]:
        heap, slots = read_external_files(self._fields(messages, EXTERNAL_FILES))
        if heap is None:
            raise FormatError("external-files", expected="names", found="none", start=messages[LAYOUT].start)
        names = LocalHeap(self._file, heap)
        for offset, _, _ in slots:
            yield self._opened("external_storage", path, names.text(offset), messages[EXTERNAL_FILES].start)

    def _virtual(self, path: str, layout: Layout, start: int) -> Iterator[Yield]:
        found = self._heap.value(layout.address, layout.heap_index)
        if found is None:
            return
        raw = self._file.window.read(found[0], min(found[1], _VALUES_READ))
        fields = Fields(raw, found[0], self._file.superblock.widths, "virtual")
        for name in dict.fromkeys(file for file, _ in virtual_sources(fields)):
            if name != SAME_FILE:
                yield self._opened("virtual_dataset", path, name, start)

    def _opened(self, mechanism: str, path: str, name: str, start: int) -> FileOpened:
        return FileOpened(
            locations=self._place.at(start, tensor=path),
            mechanism=mechanism,
            key=path,
            path=name[:_LONGEST_PATH],
        )
