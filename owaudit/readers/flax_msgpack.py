"""Flax weights: one MessagePack map whose leaves are arrays as extension types. No code.

An array is extension 1 (2: complex number, 3: numpy scalar): an array of shape, name of the element
type and bytes. Large arrays are split into maps with the key ``__msgpack_chunked_array__``.

Source: flax 0.12, flax/serialization.py.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

from owaudit.codec.bounds import reported
from owaudit.codec.breaches import Breaches
from owaudit.codec.msgpack_walk import Item, Walker
from owaudit.codec.payload import payload_start
from owaudit.codec.reader import PARSED, PAYLOAD, Head, Member, Place, Reader, Span, Yield
from owaudit.codec.spans import Ranges
from owaudit.codec.window import Window
from owaudit.errors import FormatError, ReadError
from owaudit.model.artifact import Format
from owaudit.model.format_facts import FormatFeature
from owaudit.model.limits import Limits
from owaudit.model.observation import TensorTable, UnclaimedBytes

_FORMAT = Format("flax-msgpack")
_NDARRAY, _COMPLEX, _SCALAR = 1, 2, 3
_SIZES: Final = {
    "float64": 8, "float32": 4, "float16": 2, "bfloat16": 2, "int64": 8, "int32": 4, "int16": 2, "int8": 1,
    "uint64": 8, "uint32": 4, "uint16": 2, "uint8": 1, "bool": 1, "bool_": 1, "complex64": 8,
    "complex128": 16, "float8_e4m3fn": 1, "float8_e5m2": 1, "float8_e4m3": 1, "int4": 1, "uint4": 1,
    "float8_e4m3b11fnuz": 1, "float8_e4m3fnuz": 1, "float8_e5m2fnuz": 1, "int2": 1, "uint2": 1,
    "float8_e3m4": 1, "float8_e8m0fnu": 1, "float4_e2m1fn": 1, "V2": 2,
}  # fmt: skip
"""Element types of numpy and ml_dtypes, and their bytes."""
_NAMED: Final = (".msgpack", ".flax")
_RESERVED: Final = ("__reduce__", "__reduce_ex__", "__class__", "__setstate__", "__import__", "py/object")
MOST_UNKNOWN: Final = 100


def looks_like(head: Head) -> bool:
    """Named as such weights are, or a map whose first entries lead to an array extension."""
    first = head.start[:1]
    if not first or not (0x80 <= first[0] <= 0x8F or first[0] in (0xDE, 0xDF)):
        return head.name.endswith(_NAMED) and bool(first) and first[0] >= 0x80
    if head.name.endswith(_NAMED):
        return True
    keys = 0
    try:
        for item in Walker(head.window.sub(0, len(head.start))).items():
            if item.key and (item.kind != "str" or not item.text.isprintable()):
                return False
            keys += item.key
            if item.kind == "ext":
                return keys > 0 and item.code == _NDARRAY
    except FormatError:
        return False
    return False


def read(window: Window, place: Place, _limits: Limits) -> Iterator[Yield]:
    """Yield arrays as payload, types that Flax does not have, and lengths that lie."""
    breaches = Breaches(_FORMAT)
    yield from reported(_Weights(window, place, breaches).read(), _FORMAT, place, breaches)


class _Weights:
    def __init__(self, window: Window, place: Place, breaches: Breaches) -> None:
        self._window = window
        self._place = place
        self._breaches = breaches
        self._payload = Ranges()
        self._tensors = 0
        self._parameters = 0
        self._size = 0
        self._types: dict[str, int] = {}
        self._features: list[FormatFeature] = []

    def read(self) -> Iterator[Yield]:
        walker = Walker(self._window)
        stopped: ReadError | None = None
        try:
            for item in walker.items():
                yield from self._take(item)
        except ReadError as error:
            stopped = error
        for start, end in self._payload.gaps(walker.end):
            yield Span(PARSED, start, end)
        for start, end in self._payload:
            yield Span(PAYLOAD, start, end)
        yield from self._features
        if self._tensors:
            yield TensorTable(
                locations=self._place.at(),
                tensors=self._tensors,
                parameters=self._parameters,
                size=self._size,
                element_types=tuple(sorted(self._types.items())),
            )
        if stopped is not None:
            raise stopped
        if walker.end < self._window.size:
            where = self._place.at(walker.end, self._window.size)
            yield UnclaimedBytes(locations=where, position="after", size=self._window.size - walker.end)

    def _take(self, item: Item) -> Iterator[Yield]:
        if item.kind == "ext":
            if item.code in (_NDARRAY, _SCALAR):
                yield from self._array(item)
            elif item.code != _COMPLEX:
                self._feature("unknown-extension", str(item.code), item)
        elif item.kind == "bin":
            self._payload.add(item.start, item.end)
            # Older trees kept objects as pickles in such fields.
            if self._window.read(item.start, 2).startswith((b"\x80", b"PK", b"c", b"(")):
                name = f"bytes at {item.start}"
                yield Member(name=name, start=item.start, end=item.end, hint="search", tentative=True)
        elif item.key and item.text in _RESERVED:
            self._feature("reserved-key", item.text, item)

    def _feature(self, feature: str, name: str, item: Item) -> None:
        if len(self._features) < MOST_UNKNOWN:
            where = self._place.at(item.at, item.end)
            self._features.append(FormatFeature(locations=where, format=_FORMAT, feature=feature, name=name))

    def _array(self, ext: Item) -> Iterator[Yield]:
        """Shape, name of the element type and bytes, in an array of three."""
        shape: list[int] = []
        names: list[str] = []
        content: Item | None = None
        try:
            for index, item in enumerate(Walker(self._window, ext.start, ext.end).items()):
                if index == 0 and (item.kind != "array" or item.count != 3):
                    raise FormatError(
                        "array", expected="shape, type and bytes", found=item.kind, start=ext.at
                    )
                if item.depth == 2 and item.kind == "int" and len(shape) < 64:
                    shape.append(item.number)
                elif item.depth == 1 and item.kind == "str":
                    names.append(item.text)
                elif item.depth == 1 and item.kind == "bin":
                    content = item
        except FormatError as error:
            self._breaches.note(error.clause, error.expected, error.found, self._place.at(ext.at, ext.end))
            return
        if content is None or len(names) != 1:
            self._breaches.note("array", "shape, type and bytes", "something else", self._place.at(ext.at))
            return
        self._payload.add(content.start, content.end)
        yield from payload_start(self._window, self._place, content.start, content.end)
        self._count(shape, names[0], content.end - content.start, ext)

    def _count(self, shape: list[int], name: str, size: int, ext: Item) -> None:
        where = self._place.at(ext.at, ext.end)
        element = _SIZES.get(name)
        if element is None:
            self._breaches.note("element-type", "a numeric type", name, where)
            return
        if any(dimension < 0 for dimension in shape):
            self._breaches.outside("shape", "0 or more", str(shape)[:80], where)
            return
        parameters = math.prod(shape)
        if parameters * element != size:
            self._breaches.outside("shape", f"{size} bytes", f"{name} {shape}"[:80], where)
        self._tensors += 1
        self._parameters += parameters
        self._size += size
        self._types[name] = self._types.get(name, 0) + 1


READER = Reader(
    format=_FORMAT,
    source="flax 0.12, flax/serialization.py",
    looks_like=looks_like,
    read=read,
    rank=45,
    hides=("pickle",),
    extensions=(".msgpack",),
)
