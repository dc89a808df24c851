"""The tensor table of a GGUF file: types, sizes, and where each tensor lies.

Layout of one entry: string name, u32 number of dimensions, the dimensions (i64, u32 in version 1),
u32 type, u64 offset in the data area. The loader wants the offsets in file order without gaps,
each tensor padded to the alignment.

Source: GGUF specification, ggml docs/gguf.md; ggml src/gguf.cpp and ggml/src/ggml-common.h.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator
from typing import Final

from owaudit.codec.bounds import OutOfBounds
from owaudit.codec.breaches import Breaches
from owaudit.codec.cursor import Cursor
from owaudit.codec.gguf_keys import KeyReader
from owaudit.codec.json_text import KeyLedger
from owaudit.codec.payload import payload_start
from owaudit.codec.reader import INERT, PAYLOAD, Place, Span, Yield
from owaudit.codec.spans import Ranges, overlaps
from owaudit.model.location import Location
from owaudit.model.observation import KEPT_LOCATIONS, RangeOverlap, TensorTable, UnclaimedBytes

BLOCKS: Final = {
    0: ("F32", 1, 4), 1: ("F16", 1, 2), 2: ("Q4_0", 32, 18), 3: ("Q4_1", 32, 20), 6: ("Q5_0", 32, 22),
    7: ("Q5_1", 32, 24), 8: ("Q8_0", 32, 34), 9: ("Q8_1", 32, 36), 10: ("Q2_K", 256, 84),
    11: ("Q3_K", 256, 110), 12: ("Q4_K", 256, 144), 13: ("Q5_K", 256, 176), 14: ("Q6_K", 256, 210),
    15: ("Q8_K", 256, 292), 16: ("IQ2_XXS", 256, 66), 17: ("IQ2_XS", 256, 74), 18: ("IQ3_XXS", 256, 98),
    19: ("IQ1_S", 256, 50), 20: ("IQ4_NL", 32, 18), 21: ("IQ3_S", 256, 110), 22: ("IQ2_S", 256, 82),
    23: ("IQ4_XS", 256, 136), 24: ("I8", 1, 1), 25: ("I16", 1, 2), 26: ("I32", 1, 4), 27: ("I64", 1, 8),
    28: ("F64", 1, 8), 29: ("IQ1_M", 256, 56), 30: ("BF16", 1, 2), 34: ("TQ1_0", 256, 54),
    35: ("TQ2_0", 256, 66), 39: ("MXFP4", 32, 17), 40: ("NVFP4", 64, 36), 41: ("Q1_0", 128, 18),
}  # fmt: skip
"""Type number to name, elements of a block and bytes of a block."""

MOST_DIMENSIONS: Final = 4
_READ_DIMENSIONS: Final = 64
LONGEST_NAME: Final = 63
_READ_NAME: Final = 65_535
_LARGEST: Final = 2**63 - 1


class TensorEntries:
    """What one tensor table says, in numbers: some 50 bytes for each tensor."""

    def __init__(self, keys: KeyReader, cursor: Cursor, breaches: Breaches, place: Place) -> None:
        self._keys = keys
        self._cursor = cursor
        self._breaches = breaches
        self._place = place
        self._names = KeyLedger()
        self._starts = array("Q")
        self._ends = array("Q")
        self._at = array("Q")
        self._types: Counter[str] = Counter()
        self._elements = 0

    def walk(self, count: int, *, wide: bool) -> None:
        """Read ``count`` entries. Raises OutOfBounds or FormatError where the table cannot go on."""
        for _ in range(count):
            self._entry(wide=wide)
        for offset in self._names.repeated():
            self._breaches.note(
                "duplicate-tensor-name", "each name once", "a name again", self._place.at(offset)
            )

    def _entry(self, *, wide: bool) -> None:
        cursor = self._cursor
        at = cursor.at
        name = self._keys.text("tensor-name", _READ_NAME)
        self._names.add(name, at)
        if len(name.encode("utf-8", "surrogatepass")) > LONGEST_NAME:
            self._note("tensor-name", f"at most {LONGEST_NAME} bytes", str(len(name)), at, name)
        dimensions = cursor.u32("tensor-dimensions")
        if dimensions > min(_READ_DIMENSIONS, cursor.left // (8 if wide else 4)):
            found = str(dimensions)
            raise OutOfBounds("tensor-dimensions", expected="at most 4", found=found, start=cursor.at - 4)
        if dimensions > MOST_DIMENSIONS:
            self._note("tensor-dimensions", "at most 4", str(dimensions), at, name)
        shape = [cursor.u64("shape") if wide else cursor.u32("shape") for _ in range(dimensions)]
        type_ = cursor.u32("tensor-type")
        offset = cursor.u64("tensor-offset")
        size = self._size(shape, type_, at, name)
        if size is not None:
            self._starts.append(offset)
            self._ends.append(min(offset + size, 2**64 - 1))
            self._at.append(at)

    def _size(self, shape: list[int], type_: int, at: int, name: str) -> int | None:
        elements = 1
        for extent in shape:
            elements *= extent
            if extent > _LARGEST or elements > _LARGEST:
                found = " x ".join(map(str, shape))
                self._outside("shape-product", "at most 2**63 - 1 elements", found, at, name)
                return None
        if type_ not in BLOCKS:
            self._note("tensor-type", "a known type", str(type_), at, name)
            return None
        label, block, size = BLOCKS[type_]
        self._types[label] += 1
        self._elements += elements
        if (shape[0] if shape else 1) % block:
            self._note("row-blocks", f"rows of whole blocks of {block}", str(shape[:1]), at, name)
            return None
        if elements // block * size > _LARGEST:
            found = f"{elements} elements of {label}"
            self._outside("tensor-size", "at most 2**63 - 1 bytes", found, at, name)
            return None
        return elements // block * size

    def facts(self, start: int, alignment: int) -> Iterator[Yield]:
        """Yield the table, the payload, and bytes claimed twice or not at all; data begin at ``start``."""
        window = self._cursor.window
        room = max(0, window.size - start)
        payload = Ranges()
        for index in range(len(self._starts)):
            begin, end = self._starts[index], self._ends[index]
            if begin % alignment:
                self._note("tensor-offset", f"a multiple of {alignment}", str(begin), self._at[index])
            if end > room:
                expected = f"an end within the {room} bytes of data"
                self._outside("tensor-range", expected, f"{begin} to {end}", self._at[index])
            payload.add(begin, min(end, room))
            if begin < min(end, room):
                yield from payload_start(window, self._place, start + begin, start + min(end, room))
        yield TensorTable(
            locations=self._place.at(0, start),
            tensors=len(self._names),
            parameters=self._elements,
            size=payload.covered(room),
            element_types=tuple(sorted(self._types.items())),
        )
        for begin, end in payload:
            yield Span(PAYLOAD, start + begin, start + end)
        self._check_order(alignment)
        yield from self._overlaps(start)
        yield from self._unclaimed(start, room, alignment, payload)

    def _check_order(self, alignment: int) -> None:
        expected = 0
        for index, begin in enumerate(self._starts):
            if begin != expected:
                self._note("tensor-order", f"the next tensor at {expected}", str(begin), self._at[index])
                return
            expected = _padded(self._ends[index], alignment)

    def _overlaps(self, start: int) -> Iterator[RangeOverlap]:
        found = overlaps(self._starts, self._ends, kept=KEPT_LOCATIONS)
        for number, overlap in enumerate(found.examples):
            last = number == len(found.examples) - 1
            yield RangeOverlap(
                locations=self._place.at(start + overlap.start, start + overlap.end),
                count=found.count - number if last else 1,
                first=self._name_at(self._at[overlap.first]),
                second=self._name_at(self._at[overlap.second]),
                size=overlap.end - overlap.start,
            )

    def _name_at(self, at: int) -> str:
        self._cursor.at = at
        return self._keys.text("tensor-name", _READ_NAME)[:200]

    def _unclaimed(self, start: int, room: int, alignment: int, payload: Ranges) -> Iterator[Yield]:
        """Holes that padding explains are inert when they are zero; every other hole is a fact."""
        window = self._cursor.window
        holes: dict[str, list[tuple[int, int, bool]]] = {"between": [], "after": []}
        last = max((end for _, end in payload), default=0)
        for begin, end in payload.gaps(room):
            zeros = all(not piece.strip(b"\0") for _, piece in window.pieces(start + begin, start + end))
            if zeros and end <= _padded(begin, alignment):
                yield Span(INERT, start + begin, start + end)
            else:
                holes["after" if begin >= last else "between"].append((start + begin, start + end, zeros))
        for position, ranges in holes.items():
            if ranges:
                yield UnclaimedBytes(
                    locations=tuple(
                        place
                        for begin, end, _ in ranges[:KEPT_LOCATIONS]
                        for place in self._place.at(begin, end)
                    ),
                    count=len(ranges),
                    position=position,
                    size=sum(end - begin for begin, end, _ in ranges),
                    zeros=all(zeros for _, _, zeros in ranges),
                )

    def _where(self, at: int, name: str | None = None) -> tuple[Location, ...]:
        return self._place.at(at, self._cursor.at if name else None, tensor=name[:200] if name else None)

    def _note(self, clause: str, expected: str, found: str, at: int, name: str | None = None) -> None:
        self._breaches.note(clause, expected, found, self._where(at, name))

    def _outside(self, clause: str, expected: str, found: str, at: int, name: str | None = None) -> None:
        self._breaches.outside(clause, expected, found, self._where(at, name))


def _padded(size: int, alignment: int) -> int:
    return -(-size // alignment) * alignment
