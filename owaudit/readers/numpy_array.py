"""npy: magic, version, a header that is a Python dict literal, then the bytes of the array.

Arrays that follow one another in one file are read on, as repeated calls of the loader read them.
Where the element type holds objects, the bytes after the header are a pickle: they are handed on
as a member. The members of an ``.npz`` archive are such files.

Source: numpy.lib.format, versions 1.0 to 3.0; behaviour of numpy 2.4.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterator
from dataclasses import dataclass

from owaudit.codec.breaches import Breaches
from owaudit.codec.literal import DuplicateKeys, Literal, read_literal
from owaudit.codec.numpy_dtype import ElementType, element_type
from owaudit.codec.reader import PARSED, PAYLOAD, Head, Member, Place, Reader, Span, Yield
from owaudit.codec.window import Window
from owaudit.errors import FormatError, LimitExceeded, ReadError
from owaudit.model.artifact import Format
from owaudit.model.limits import Limits
from owaudit.model.observation import TensorTable, UnclaimedBytes

MAGIC = b"\x93NUMPY"
LOADED_HEADER = 10_000
"""Characters of header that the loader takes without ``allow_pickle`` or a larger setting."""

HEADER_CEILING = 1024 * 1024
"""Bytes of header read here: a structured type of ten thousand fields is shorter."""

_LARGEST = 2**63 - 1
"""Counts are signed 64-bit numbers in the loader, and wrap beyond."""

_KEYS = {"descr", "fortran_order", "shape"}
_FORMAT = Format("npy")


def looks_like(head: Head) -> bool:
    """Accept the magic, whatever follows it."""
    return head.start.startswith(MAGIC)


def read(window: Window, place: Place, limits: Limits) -> Iterator[Yield]:
    """Yield the header and bytes of each array, pickles of object arrays, and what is left over.

    Raises:
        FormatError: magic, version or header is not as specified; the bytes after it are then
            handed on as a member of unknown content.
        LimitExceeded: the header is over ``HEADER_CEILING``, or there are too many arrays.
    """
    breaches = Breaches(_FORMAT)
    arrays: list[_Array] = []
    stopped: ReadError | None = None
    at = 0
    while stopped is None and (not arrays or _goes_on(window, arrays[-1])):
        try:
            arrays.append((yield from _read_array(window, place, at, breaches)))
            at = arrays[-1].end
            if len(arrays) > limits.members:
                raise LimitExceeded("members", actual=len(arrays), allowed=limits.members)
        except ReadError as error:
            stopped = error
    if arrays:
        yield _table(arrays, place)
    yield from breaches.observations()
    if stopped is not None:
        raise stopped
    if at < window.size:
        yield UnclaimedBytes(
            locations=place.at(at, window.size),
            position="after",
            size=window.size - at,
            zeros=all(piece.count(0) == len(piece) for _, piece in window.pieces(at)),
        )


@dataclass(frozen=True, slots=True)
class _Array:
    element: ElementType
    count: int
    size: int
    end: int
    """Where its bytes end; the end of the window for objects."""


def _goes_on(window: Window, last: _Array) -> bool:
    return not last.element.has_object and window.read(last.end, len(MAGIC)) == MAGIC


def _read_array(window: Window, place: Place, at: int, breaches: Breaches) -> Generator[Yield, None, _Array]:
    text, start = _header_text(window, place, at, breaches)
    duplicates = DuplicateKeys()
    try:
        header = _header(read_literal(text, duplicates))
        element = element_type(header["descr"])
    except FormatError as error:
        # What the loader would make of these bytes is not known; they may be a pickle.
        if start < window.size:
            yield Member(name="array", start=start, end=window.size)
        raise FormatError(
            "header", expected=error.expected, found=error.found, start=start - len(text) + error.start
        ) from error
    yield Span(PARSED, at, start)
    for key in duplicates:
        breaches.note("duplicate-key", "each key once", ascii(key) + " again", place.at(at, start))
    count = _count(header["shape"], place, at, start, breaches)
    if element.has_object:
        if start < window.size:
            yield Member(name="objects", start=start, end=window.size, hint="pickle")
        else:
            breaches.note("array-size", "a pickle of the objects", "no bytes", place.at(start))
        return _Array(element, count, 0, window.size)
    size = count * element.size
    present = min(size, window.size - start)
    if present:
        yield Span(PAYLOAD, start, start + present)
    if present < size:
        breaches.note("array-size", f"{size} bytes", str(present), place.at(start, window.size))
    return _Array(element, count, present, start + present)


def _header_text(window: Window, place: Place, at: int, breaches: Breaches) -> tuple[str, int]:
    """Return the header as text and the offset of the byte after it."""
    prefix = window.exactly(at, 8, "header-start")
    major, minor = prefix[6], prefix[7]
    if major not in (1, 2, 3) or minor != 0:
        raise FormatError("version", expected="1.0, 2.0 or 3.0", found=f"{major}.{minor}", start=at + 6)
    width = 2 if major == 1 else 4
    length = int.from_bytes(window.exactly(at + 8, width, "header-length"), "little")
    start = at + 8 + width
    if length > window.size - start:
        raise FormatError(
            "header-length", expected=f"at most {window.size - start}", found=str(length), start=at + 8
        )
    if length > HEADER_CEILING:
        raise LimitExceeded("header_bytes", actual=length, allowed=HEADER_CEILING)
    if length > LOADED_HEADER:
        expected = f"at most {LOADED_HEADER} bytes unless objects are allowed"
        breaches.note("header-size", expected, str(length), place.at(at, start), tolerated=True)
    raw = window.exactly(start, length, "header")
    try:
        return raw.decode("utf-8" if major == 3 else "latin-1"), start + length
    except UnicodeDecodeError as error:
        raise FormatError(
            "header", expected="UTF-8 text", found="other bytes", start=start + error.start
        ) from error


def _header(value: Literal) -> dict[str, Literal]:
    if not isinstance(value, dict) or value.keys() != _KEYS:
        found = ", ".join(sorted(map(str, value)))[:80] if isinstance(value, dict) else type(value).__name__
        raise FormatError("header", expected="a dict of " + ", ".join(sorted(_KEYS)), found=ascii(found))
    header = {str(key): item for key, item in value.items()}
    shape = header["shape"]
    if not isinstance(shape, tuple) or not all(isinstance(size, int) for size in shape):
        raise FormatError("shape", expected="a tuple of integers", found=ascii(shape)[:80])
    if not isinstance(header["fortran_order"], bool):
        raise FormatError(
            "fortran_order", expected="True or False", found=ascii(header["fortran_order"])[:80]
        )
    return header


def _count(shape: Literal, place: Place, at: int, start: int, breaches: Breaches) -> int:
    """Multiply the shape with a check; 0, so that nothing is explained, where it makes no sense."""
    assert isinstance(shape, tuple)
    count = 1
    for size in shape:
        assert isinstance(size, int)
        if size < 0:
            breaches.note("shape", "sizes of 0 or more", ascii(shape), place.at(at, start))
            return 0
        count *= size
        if count > _LARGEST:
            breaches.note("shape-product", "at most 2**63 - 1 elements", ascii(shape), place.at(at, start))
            return 0
    return count


def _table(arrays: list[_Array], place: Place) -> TensorTable:
    types = Counter(array.element.name for array in arrays)
    return TensorTable(
        locations=place.at(0, arrays[-1].end),
        tensors=len(arrays),
        parameters=sum(array.count for array in arrays),
        size=sum(array.size for array in arrays),
        element_types=tuple(sorted(types.items())),
    )


READER = Reader(
    format=_FORMAT,
    source="numpy.lib.format, versions 1.0 to 3.0",
    looks_like=looks_like,
    read=read,
    rank=20,
    extensions=(".npy",),
)
