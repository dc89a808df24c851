"""HDF5 messages: what a dataset is made of, and what a link or an attribute says.

Source: HDF5 File Format Specification 3.0, "Disk Format: Level 2A2, Data Object Header Messages".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from owaudit.codec.hdf5_file import Fields
from owaudit.codec.hdf5_objects import DATASPACE, DATATYPE, Message
from owaudit.errors import FormatError

FIXED, FLOAT, STRING, BITFIELD, OPAQUE, COMPOUND, ENUM, VARIABLE, ARRAY = 0, 1, 3, 4, 5, 6, 8, 9, 10
COMPACT, CONTIGUOUS, CHUNKED, VIRTUAL = 0, 1, 2, 3
HARD, SOFT, EXTERNAL = 0, 1, 64

_CLASS_NAMES: Final = {
    2: "time", 3: "text", 4: "bits", 5: "opaque", 6: "compound", 7: "reference", 8: "enum",
    9: "variable", 10: "array", 11: "complex",
}  # fmt: skip
UNSTATED: Final = -1
_MOST_RANK: Final = 32
_DEEPEST_TYPE: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Datatype:
    """``kind`` is the class number, ``size`` the bytes of one element; ``base`` of a variable-length
    or array type is the type of its parts. ``is_signed`` counts for whole numbers."""

    kind: int
    size: int
    is_signed: bool = False
    base: Datatype | None = None

    @property
    def name(self) -> str:
        """A short name such as ``f4``."""
        if self.kind == FIXED:
            return f"{'i' if self.is_signed else 'u'}{self.size}"
        if self.kind == FLOAT:
            return f"f{self.size}"
        return _CLASS_NAMES.get(self.kind, "unknown")

    @property
    def is_bytes(self) -> bool:
        """Can elements of this type hold content of another format byte by byte?"""
        return self.kind in (STRING, OPAQUE, COMPOUND) or (self.kind in (FIXED, BITFIELD) and self.size == 1)


def read_datatype(fields: Fields, depth: int = 0) -> Datatype:
    """Read a datatype. Raises FormatError where it breaks off or nests too deep."""
    if depth > _DEEPEST_TYPE:
        raise FormatError(
            "datatype", expected=f"at most {_DEEPEST_TYPE} levels", found="more", start=fields.place
        )
    head = fields.number(1)
    bits = fields.number(3)
    size = fields.number(4)
    kind, version = head & 15, head >> 4
    base = None
    if kind == VARIABLE:
        base = read_datatype(fields, depth + 1)
    elif kind == ARRAY:
        rank = fields.number(1)
        fields.take((3 if version < 3 else 0) + 4 * rank + (4 * rank if version < 3 else 0))
        base = read_datatype(fields, depth + 1)
    return Datatype(kind=kind, size=size, is_signed=bool(bits & 8), base=base)


def read_dataspace(fields: Fields) -> tuple[int, ...] | None:
    """The dimensions, () for a scalar, None for no elements at all. Raises FormatError."""
    version, rank, flags = fields.number(1), fields.number(1), fields.number(1)
    if version == 1:
        fields.take(5)
    elif version == 2:
        if fields.number(1) == 2:
            return None
    else:
        raise FormatError("dataspace", expected="version 1 or 2", found=str(version), start=fields.start)
    if rank > _MOST_RANK:
        raise FormatError(
            "dataspace", expected=f"at most {_MOST_RANK} dimensions", found=str(rank), start=fields.start
        )
    dimensions = tuple(fields.length() for _ in range(rank))
    if flags & 1:
        fields.take(fields.length_size * rank)
    return dimensions


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A named link. ``address`` is set for hard links, ``target`` for soft ones, and ``file`` too for
    external ones; a link of another kind has neither."""

    name: str
    start: int
    kind: int
    address: int | None = None
    target: str = ""
    file: str = ""


def read_link(fields: Fields) -> Link:
    """Read a link message. Raises FormatError."""
    version, flags = fields.number(1), fields.number(1)
    if version != 1:
        raise FormatError("link", expected="version 1", found=str(version), start=fields.start)
    kind = fields.number(1) if flags & 8 else HARD
    fields.take((8 if flags & 4 else 0) + (1 if flags & 0x10 else 0))
    name = fields.take(fields.number(1 << (flags & 3))).decode("utf-8", "backslashreplace")
    if kind == HARD:
        return Link(name=name, start=fields.start, kind=kind, address=fields.address())
    value = fields.take(fields.number(2))
    if kind == EXTERNAL:
        inner = Fields(value, fields.place - len(value), (8, 8), "external-link")
        inner.take(1)
        return Link(name=name, start=fields.start, kind=kind, file=inner.text(), target=inner.text())
    target = value.decode("utf-8", "backslashreplace") if kind == SOFT else ""
    return Link(name=name, start=fields.start, kind=kind, target=target)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """An attribute: messages for its type and shape, and the ``content`` from ``start`` on."""

    name: str
    datatype: Message
    dataspace: Message
    content: bytes
    start: int


def read_attribute(fields: Fields) -> Attribute:
    """Read an attribute message. Raises FormatError."""
    version, flags = fields.number(1), fields.number(1)
    if version not in (1, 2, 3):
        raise FormatError("attribute", expected="version 1 to 3", found=str(version), start=fields.start)
    sizes = [fields.number(2) for _ in range(3)]
    fields.take(1 if version == 3 else 0)
    parts = []
    for size in sizes:
        start = fields.place
        parts.append((fields.take(size), start))
        if version == 1:
            fields.take(min(-size % 8, fields.left))
    shared = flags if version > 1 else 0
    start = fields.place
    return Attribute(
        name=parts[0][0].rstrip(b"\0").decode("utf-8", "backslashreplace"),
        datatype=Message(DATATYPE, *parts[1], shared=bool(shared & 1)),
        dataspace=Message(DATASPACE, *parts[2], shared=bool(shared & 2)),
        content=fields.take(fields.left),
        start=start,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where the elements of a dataset are.

    ``size`` is that of contiguous or compact bytes, ``UNSTATED`` in the first versions; ``chunk`` are
    the dimensions of a chunk with the element size last; ``index`` is the kind of the chunk index (0
    for the first versions' tree) and ``filtered_size`` the size of a single filtered chunk.
    ``heap_index`` belongs to virtual datasets.
    """

    kind: int
    address: int | None = None
    size: int = 0
    start: int = 0
    chunk: tuple[int, ...] = ()
    index: int = 0
    filtered_size: int | None = None
    page_bits: int = 0
    heap_index: int = 0


def read_layout(fields: Fields) -> Layout:
    """Read a layout message. Raises FormatError."""
    version = fields.number(1)
    if version in (1, 2):
        return _first_layouts(fields)
    if version not in (3, 4, 5):
        raise FormatError("layout", expected="version 1 to 5", found=str(version), start=fields.start)
    kind = fields.number(1)
    if kind == COMPACT:
        size = fields.number(2)
        return Layout(kind=kind, size=size, start=fields.place)
    if kind == CONTIGUOUS:
        return Layout(kind=kind, address=fields.address(), size=fields.length())
    if kind == VIRTUAL:
        return Layout(kind=kind, address=fields.address(), heap_index=fields.number(4))
    if kind != CHUNKED:
        raise FormatError("layout", expected="class 0 to 3", found=str(kind), start=fields.start)
    if version == 3:
        rank = fields.number(1)
        address = fields.address()
        return Layout(kind=kind, address=address, chunk=tuple(fields.number(4) for _ in range(rank)))
    return _indexed(fields)


def _first_layouts(fields: Fields) -> Layout:
    rank, kind = fields.number(1), fields.number(1)
    fields.take(5)
    address = fields.address() if kind != COMPACT else None
    dimensions = tuple(fields.number(4) for _ in range(rank))
    if kind == CHUNKED:
        return Layout(kind=kind, address=address, chunk=dimensions)
    if kind == COMPACT:
        size = fields.number(4)
        return Layout(kind=kind, size=size, start=fields.place)
    return Layout(kind=kind, address=address, size=UNSTATED)


def _indexed(fields: Fields) -> Layout:
    flags, rank, width = fields.number(1), fields.number(1), fields.number(1)
    chunk = tuple(fields.number(width) for _ in range(rank))
    index = fields.number(1)
    filtered_size, page_bits = None, 0
    if index == 1 and flags & 2:
        filtered_size = fields.length()
        fields.take(4)
    elif index == 3:
        page_bits = fields.number(1)
    elif index == 4:
        fields.take(5)
    elif index == 5:
        fields.take(6)
    return Layout(
        kind=CHUNKED,
        address=fields.address(),
        chunk=chunk,
        index=index,
        filtered_size=filtered_size,
        page_bits=page_bits,
    )


def read_filters(fields: Fields) -> tuple[int, ...]:
    """The numbers of the filters, in the order in which they are applied. Raises FormatError."""
    version, count = fields.number(1), fields.number(1)
    if version == 1:
        fields.take(6)
    found = []
    for _ in range(count):
        number = fields.number(2)
        named = version == 1 or number >= 256
        size = fields.number(2) if named else 0
        fields.take(2)
        values = fields.number(2)
        fields.take(size + (-size % 8 if version == 1 else 0))
        fields.take(min(4 * values + (4 if version == 1 and values % 2 else 0), fields.left))
        found.append(number)
    return tuple(found)


def read_external_files(fields: Fields) -> tuple[int | None, tuple[tuple[int, int, int], ...]]:
    """The address of the heap of names, and of each file: place of its name, offset, size."""
    fields.take(4)
    fields.number(2)
    used = fields.number(2)
    heap = fields.address()
    return heap, tuple((fields.length(), fields.length(), fields.length()) for _ in range(used))
