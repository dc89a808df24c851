"""safetensors: u64 header length, JSON header, then the bytes of the tensors and nothing else.

Only the header is read, whatever the size of the file. ``tolerated`` breaches are those that the
format's own loader is known to let through, except two that its text forbids in so many words and
no writer makes: names that repeat (loaders read different tensors) and a header that does not
begin with ``{``.

Source: safetensors README, "Format"; behaviour of safetensors 0.8.0, ``src/tensor.rs``.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from owaudit.codec.breaches import Breaches
from owaudit.codec.json_text import JsonScanner, KeyLedger, Text
from owaudit.codec.payload import payload_start
from owaudit.codec.reader import PARSED, PAYLOAD, Head, Place, Reader, Span, Yield
from owaudit.codec.spans import Ranges, in_order, overlaps
from owaudit.codec.window import Window
from owaudit.errors import FormatError, LimitExceeded, ReadError
from owaudit.model.artifact import Format
from owaudit.model.limits import Limits
from owaudit.model.location import Location
from owaudit.model.observation import (
    KEPT_LOCATIONS,
    MetadataEntry,
    Observation,
    RangeOverlap,
    TensorTable,
    UnclaimedBytes,
)

HEADER_CEILING = 100_000_000
"""The longest header that the format's own loader takes, in bytes."""

ELEMENT_BITS = {
    "F4": 4,
    "F6_E2M3": 6,
    "F6_E3M2": 6,
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ"), 8),
    **dict.fromkeys(("I16", "U16", "F16", "BF16"), 16),
    **dict.fromkeys(("I32", "U32", "F32"), 32),
    **dict.fromkeys(("C64", "F64", "I64", "U64"), 64),
}

KEPT_METADATA = 100
KEPT_VALUE = 1000
"""Characters kept of one metadata value: trainers write megabytes of settings there."""

_CHECKED_STARTS = 4096
"""Tensors whose first bytes are held against the magic of other formats."""
_KEPT_NAME = 200
_LARGEST = 2**64 - 1
_FIELDS = ("dtype", "shape", "data_offsets")
_FORMAT = Format("safetensors")


def looks_like(head: Head) -> bool:
    """Accept a plausible length before ``{``, and broken files that were meant as safetensors."""
    if head.size < 8:
        return False
    length = int.from_bytes(head.start[:8], "little")
    plausible = 2 <= length <= HEADER_CEILING
    text = head.start[8:].lstrip(b" \t\r\n\xef\xbb\xbf")
    if not text.startswith(b"{"):
        return plausible and head.name.endswith(".safetensors") and length <= head.size - 8
    if not plausible:
        return b'"data_offsets"' in text and not head.start[:8].isascii()
    return text[1:].lstrip(b" \t\r\n")[:1] in (b"", b'"', b"}")


def read(window: Window, place: Place, limits: Limits) -> Iterator[Yield]:
    """Yield the table of tensors, the metadata, breaches of the law and the ranges explained.

    Raises:
        FormatError: the header's length, encoding or JSON is broken; nothing after it is explained.
        LimitExceeded: header, number of entries or one entry is over its limit.
    """
    length = int.from_bytes(window.exactly(0, 8, "header-length"), "little")
    room = window.size - 8
    if length > min(room, HEADER_CEILING):
        allowed = "of the file" if room < HEADER_CEILING else "a header may have"
        expected = f"at most the {min(room, HEADER_CEILING)} bytes {allowed}"
        raise FormatError("header-length", expected=expected, found=str(length))
    if length > limits.header_bytes:
        raise LimitExceeded("header_bytes", actual=length, allowed=limits.header_bytes)
    header = _Header(window, place, limits, 8 + length)
    stopped: ReadError | None = None
    try:
        header.walk()
    except ReadError as error:
        stopped = error
    yield from header.metadata()
    if stopped is not None:
        yield from header.breaches.observations()
        raise stopped
    yield Span(PARSED, 0, 8 + length)
    yield from header.ranges()
    yield from header.breaches.observations()


@dataclass(frozen=True, slots=True)
class _Entry:
    dtype: str
    elements: int
    begin: int
    end: int
    fits: bool
    """``begin`` to ``end`` has the size that type and shape say."""


class _Header:
    """What one header says; entries are kept as numbers, some 32 bytes each."""

    def __init__(self, window: Window, place: Place, limits: Limits, end: int) -> None:
        self.breaches = Breaches(_FORMAT)
        self._window = window
        self._place = place
        self._limits = limits
        self._end = end
        self._scanner = JsonScanner(window, 8, end)
        self._names = KeyLedger()
        self._metadata_names = KeyLedger()
        self._metadata: list[MetadataEntry] = []
        self._metadata_left = 0
        self._starts = array("Q")
        self._ends = array("Q")
        self._range_names = array("Q")
        self._payload = Ranges()
        self._types: Counter[str] = Counter()
        self._elements = 0

    def walk(self) -> None:
        """Read the header to its end; the facts so far stay when it raises."""
        if self._window.read(8, 1) in (b" ", b"\t", b"\r", b"\n"):
            self.breaches.note("header-start", "'{'", "white space", self._place.at(8, 9))
        metadata_seen = False
        for name, start in self._scanner.members():
            if name == "__metadata__":
                if metadata_seen:
                    self._note("duplicate-metadata", "one __metadata__", "another", start)
                metadata_seen = True
                self._walk_metadata(start)
                continue
            self._names.add(name, start)
            self._check_count()
            value, repeated = self._scanner.value()
            self._add(name, start, self._entry(name, start, value, repeated))
        self._scanner.finish()
        self._report_repeats(self._names, "duplicate-key", "each tensor name once")
        self._report_repeats(self._metadata_names, "duplicate-metadata-key", "each metadata name once")

    def metadata(self) -> Iterator[Observation]:
        """Yield the first metadata entries; the last one counts those left out."""
        yield from self._metadata
        left = len(self._metadata_names) - len(self._metadata)
        if left > 0:
            yield MetadataEntry(
                locations=self._place.at(8, self._end, pointer="/__metadata__"),
                count=left,
                key="(further entries)",
                value="",
                size=self._metadata_left,
            )

    def ranges(self) -> Iterator[Yield]:
        """Yield the table, what is payload, and bytes that are claimed twice or not at all."""
        room = self._window.size - self._end
        yield TensorTable(
            locations=self._place.at(8, self._end),
            tensors=len(self._names),
            parameters=self._elements,
            size=self._payload.covered(room),
            element_types=tuple(sorted(self._types.items())),
        )
        for start, end in self._payload:
            if start < room:
                yield Span(PAYLOAD, self._end + start, self._end + min(end, room))
        yield from self._starting_as_something_else(room)
        yield from self._overlaps()
        yield from self._unclaimed(room)
        self._check_order(room)

    def _starting_as_something_else(self, room: int) -> Iterator[Yield]:
        """Tensors whose bytes begin as a pickle, an archive or a program: the first of them."""
        for begin, end in zip(self._starts[:_CHECKED_STARTS], self._ends[:_CHECKED_STARTS], strict=True):
            if begin < end <= room:
                yield from payload_start(self._window, self._place, self._end + begin, self._end + end)

    # entries -----------------------------------------------------------------------------------

    def _note(self, clause: str, expected: str, found: str, start: int, name: str | None = None) -> None:
        where = self._place.at(
            start, self._scanner.offset, tensor=None if name is None else name[:_KEPT_NAME]
        )
        self.breaches.note(clause, expected, found, where)

    def _tolerate(self, clause: str, expected: str, found: str, start: int, name: str) -> None:
        where = self._place.at(start, self._scanner.offset, tensor=name[:_KEPT_NAME])
        self.breaches.note(clause, expected, found, where, tolerated=True)

    def _check_count(self) -> None:
        count = len(self._names) + len(self._metadata_names)
        if count > self._limits.tensors:
            raise LimitExceeded("tensors", actual=count, allowed=self._limits.tensors)

    def _add(self, name: str, start: int, entry: _Entry | None) -> None:
        if entry is None:
            return
        self._starts.append(entry.begin)
        self._ends.append(entry.end)
        self._range_names.append(start)
        self._types[entry.dtype] += 1
        if entry.fits:
            self._payload.add(entry.begin, entry.end)
            self._elements += entry.elements
        else:
            expected = f"{_byte_size(entry)} bytes for {entry.elements} {entry.dtype}"
            self._note("tensor-size", expected, f"{entry.end - entry.begin}", start, name)

    def _entry(self, name: str, start: int, value: Any, repeated: tuple[str, ...]) -> _Entry | None:
        """Read one entry; None where its range cannot be told."""
        fields = self._fields(name, start, value, repeated)
        if fields is None:
            return None
        dtype = self._dtype(name, start, fields["dtype"])
        shape, offsets = fields["shape"], fields["data_offsets"]
        if not _are_sizes(shape):
            self._note("shape", "a list of u64", _shown(shape), start, name)
            return None
        if not _are_sizes(offsets) or len(offsets) != 2 or offsets[0] > offsets[1]:
            self._note("data-offsets", "[begin, end] as u64, begin first", _shown(offsets), start, name)
            return None
        if dtype is None:
            return None
        elements = _product(shape)
        if elements is None or elements * ELEMENT_BITS[dtype] > _LARGEST:
            self._note("shape-product", "at most 2**64 - 1 bits", _shown(shape), start, name)
            return None
        if elements * ELEMENT_BITS[dtype] % 8:
            self._note("whole-bytes", "whole bytes", f"{elements} of {dtype}", start, name)
            return None
        fits = elements * ELEMENT_BITS[dtype] == 8 * (offsets[1] - offsets[0])
        return _Entry(dtype, elements, offsets[0], offsets[1], fits)

    def _fields(self, name: str, start: int, value: Any, repeated: tuple[str, ...]) -> dict[str, Any] | None:
        if isinstance(value, list) and len(value) == len(_FIELDS):
            self._tolerate("entry-form", "an object", "a list", start, name)
            return dict(zip(_FIELDS, value, strict=True))
        if not isinstance(value, dict) or any(field not in value for field in _FIELDS):
            found = ", ".join(sorted(value)) if isinstance(value, dict) else _shown(value)
            self._note("entry", "an object with " + ", ".join(_FIELDS), ascii(found), start, name)
            return None
        for pointer in repeated:
            if pointer.split("/")[1] in _FIELDS:
                self._note("duplicate-field", "each field once", ascii(pointer), start, name)
        if len(value) > len(_FIELDS):
            unknown = sorted(value.keys() - set(_FIELDS))
            self._tolerate("unknown-field", "only " + ", ".join(_FIELDS), ascii(unknown[0]), start, name)
        return value

    def _dtype(self, name: str, start: int, value: Any) -> str | None:
        if isinstance(value, dict) and list(value.values()) == [None]:
            (value,) = value
            self._tolerate("dtype-form", "a string", "an object", start, name)
        if isinstance(value, str) and value in ELEMENT_BITS:
            return value
        self._note("dtype", "a known element type", _shown(value), start, name)
        return None

    def _report_repeats(self, names: KeyLedger, clause: str, expected: str) -> None:
        for offset in names.repeated():
            name = self._name_at(offset)
            where = self._place.at(offset, offset + len(name.encode()), tensor=name)
            self.breaches.note(clause, expected, ascii(name) + " again", where)

    def _name_at(self, offset: int) -> str:
        text = JsonScanner(self._window, offset, self._end, ceiling=4096).text(_KEPT_NAME)
        assert isinstance(text, Text)
        return text.start

    # metadata ----------------------------------------------------------------------------------

    def _walk_metadata(self, start: int) -> None:
        if self._scanner.peek() != "{":
            value, _ = self._scanner.value()
            if value is not None:
                self._note("metadata", "an object of strings", _shown(value), start)
            return
        for name, at in self._scanner.members():
            self._metadata_names.add(name, at)
            self._check_count()
            text = self._scanner.text(KEPT_VALUE)
            if text is None:
                value, _ = self._scanner.value()
                self._note("metadata-value", "a string", _shown(value), at)
                text = Text(_shown(value)[:KEPT_VALUE], self._scanner.offset - at, cut=True)
            if len(self._metadata) >= KEPT_METADATA:
                self._metadata_left += text.size
                continue
            entry = MetadataEntry(
                locations=self._place.at(at, self._scanner.offset, pointer="/__metadata__"),
                key=name[:_KEPT_NAME],
                value=text.start + ("…" if text.cut else ""),
                size=text.size,
            )
            self._metadata.append(entry)

    # ranges ------------------------------------------------------------------------------------

    def _overlaps(self) -> Iterator[Observation]:
        found = overlaps(self._starts, self._ends, kept=KEPT_LOCATIONS)
        for number, overlap in enumerate(found.examples):
            first, second = (self._name_at(self._range_names[i]) for i in (overlap.first, overlap.second))
            last = number == len(found.examples) - 1
            yield RangeOverlap(
                locations=self._data_at(overlap.start, overlap.end),
                count=found.count - number if last else 1,
                first=first,
                second=second,
                size=overlap.end - overlap.start,
            )

    def _unclaimed(self, room: int) -> Iterator[Observation]:
        declared = Ranges(zip(self._starts, self._ends, strict=True))
        gaps: dict[str, list[tuple[int, int]]] = {"between": [], "after": []}
        last = max(self._ends, default=0)
        for start, end in declared.gaps(room):
            gaps["after" if start >= last else "between"].append((start, end))
        for position, ranges in gaps.items():
            if ranges:
                yield UnclaimedBytes(
                    locations=tuple(
                        place for start, end in ranges[:KEPT_LOCATIONS] for place in self._data_at(start, end)
                    ),
                    count=len(ranges),
                    position=position,
                    size=sum(end - start for start, end in ranges),
                    zeros=all(self._is_zero(start, end) for start, end in ranges),
                )

    def _check_order(self, room: int) -> None:
        """Note ends beyond the file, and empty tensors that lie anywhere but at a seam."""
        reached = 0
        for index in in_order(self._starts, self._ends):
            start, end = self._starts[index], self._ends[index]
            if start == end and start != reached:
                at = self._range_names[index]
                name = self._name_at(at)
                where = self._place.at(at, at + len(name.encode()), tensor=name)
                self.breaches.note("empty-tensor-offset", f"offset {reached}", str(start), where)
            reached = max(reached, end)
        if reached > room:
            where = self._place.at(self._window.size, self._end + reached)
            expected = f"{self._end + reached} bytes for all tensors"
            self.breaches.note("file-size", expected, str(self._window.size), where)

    def _data_at(self, start: int, end: int) -> tuple[Location, ...]:
        return self._place.at(self._end + start, self._end + end)

    def _is_zero(self, start: int, end: int) -> bool:
        pieces = self._window.pieces(self._end + start, self._end + end)
        return all(piece.count(0) == len(piece) for _, piece in pieces)


def _are_sizes(value: Any) -> bool:
    return isinstance(value, list) and all(type(item) is int and 0 <= item <= _LARGEST for item in value)


def _product(shape: list[int]) -> int | None:
    """Multiply as the loader does, from the left; None once it leaves u64."""
    elements = 1
    for size in shape:
        elements *= size
        if elements > _LARGEST:
            return None
    return elements


def _byte_size(entry: _Entry) -> int:
    return entry.elements * ELEMENT_BITS[entry.dtype] // 8


def _shown(value: Any) -> str:
    """Name a JSON value in few characters, whatever its size."""
    if not isinstance(value, list):
        return _shown_item(value)
    rest = ", …" if len(value) > 8 else ""
    return "[" + ", ".join(_shown_item(item) for item in value[:8]) + rest + "]"


def _shown_item(value: Any) -> str:
    if isinstance(value, dict):
        return f"an object of {len(value)}"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    return ascii(value[:60] if isinstance(value, str) else value)


READER = Reader(
    format=_FORMAT,
    source="safetensors README, Format; safetensors 0.8.0 src/tensor.rs",
    looks_like=looks_like,
    read=read,
    rank=20,
    extensions=(".safetensors",),
)
