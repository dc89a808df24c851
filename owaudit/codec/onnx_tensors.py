"""The tensors of an ONNX model: whether shape, type and numbers fit, and numbers kept elsewhere.

Source: onnx/onnx.proto3, TensorProto; docs/ExternalData.md; onnx 1.23 ``external_data_helper``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from owaudit.codec.breaches import Breaches
from owaudit.codec.external_ranges import ExternalRanges
from owaudit.codec.onnx_schema import ELEMENT_BITS, EXTERNAL_KEYS, STRING_TYPE, TYPE_NAMES
from owaudit.codec.protobuf import Message, signed
from owaudit.codec.reader import Place
from owaudit.model.graph_facts import ExternalReference
from owaudit.model.location import Location
from owaudit.model.observation import TensorTable

_LARGEST = 2**63 - 1
_EXTERNAL = 1
_FIELDS = ("float_data", "int32_data", "int64_data", "double_data", "uint64_data", "string_data", "raw_data")
_UNPACKED = 6
"""Bits of the element types whose packing the format leaves to the writer."""


class Tensors:
    """Takes every tensor message of a model when it ends."""

    def __init__(self, breaches: Breaches, place: Place) -> None:
        self._breaches = breaches
        self._place = place
        self._external = ExternalRanges()
        self._types: Counter[str] = Counter()
        self._count = 0
        self._elements = 0
        self._size = 0

    def add(self, tensor: Message) -> None:
        """Count the tensor and note where it breaks the law of the format."""
        where = self._place.at(tensor.start, tensor.end, tensor=tensor.text("name")[:200] or None)
        kind = tensor.number("data_type")
        elements = self._product(tensor, where)
        if not 0 < kind < len(TYPE_NAMES):
            self._breaches.note("data-type", f"1 to {len(TYPE_NAMES) - 1}", str(kind), where)
            kind = 0
        self._count += 1
        self._types[TYPE_NAMES[kind] or "unknown"] += 1
        size = None
        if elements is not None:
            self._elements += elements
            size = -(-elements * ELEMENT_BITS[kind] // 8) if ELEMENT_BITS[kind] else None
        if tensor.number("data_location") == _EXTERNAL or "external_data" in tensor.nested:
            self._elsewhere(tensor, size, where)
        elif elements is not None:
            self._here(tensor, kind, elements, size, where)

    def _product(self, tensor: Message, where: tuple[Location, ...]) -> int | None:
        elements = 1
        for extent in map(signed, tensor.numbers.get("dims", ())):
            if extent < 0:
                self._breaches.outside("shape", "dimensions of 0 or more", str(extent), where)
                return None
            elements *= extent
            if elements > _LARGEST:
                self._breaches.outside("shape-product", "at most 2**63 - 1 elements", "more", where)
                return None
        return elements

    def _here(
        self, tensor: Message, kind: int, elements: int, size: int | None, where: tuple[Location, ...]
    ) -> None:
        raw = tensor.sizes.get("raw_data")
        stored = sum(tensor.sizes.get(name, 0) for name in _FIELDS)
        self._size += stored
        if raw is not None and size is not None and "segment" not in tensor.nested:
            loose = ELEMENT_BITS[kind] == _UNPACKED and raw == elements
            if raw != size and not loose:
                expected = f"{size} bytes for {elements} {TYPE_NAMES[kind]}"
                self._breaches.note("tensor-size", expected, str(raw), where)
        elif elements and not stored and kind != STRING_TYPE:
            self._breaches.note("tensor-size", f"numbers for {elements} elements", "none", where)

    def _elsewhere(self, tensor: Message, size: int | None, where: tuple[Location, ...]) -> None:
        pairs = {pair.text("key"): pair.text("value") for pair in tensor.nested.get("external_data", ())}
        for key in sorted(pairs.keys() - EXTERNAL_KEYS):
            self._breaches.note("external-key", ", ".join(sorted(EXTERNAL_KEYS)), ascii(key), where)
        location = pairs.get("location", "")
        if not location:
            self._breaches.note("external-location", "a path", "none", where)
            return
        if pairs.get("basepath"):
            location = f"{pairs['basepath'].rstrip('/')}/{location}"
        offset, length = (self._number(pairs.get(key), key, where) for key in ("offset", "length"))
        if length is not None and size is not None and length != size:
            expected = f"{size} bytes for the shape"
            self._breaches.note("external-length", expected, str(length), where)
        self._size += size or 0
        self._external.add(location, offset or 0, max(length or 0, size or 0), where)

    def _number(self, text: str | None, key: str, where: tuple[Location, ...]) -> int | None:
        if text is None:
            return None
        if not (text.isascii() and text.isdigit() and len(text) < 20):
            self._breaches.note(f"external-{key}", "a number of bytes", ascii(text), where)
            return None
        return int(text)

    def observations(self) -> Iterator[TensorTable | ExternalReference]:
        """Yield the table of tensors and one reference for each file that holds some."""
        if self._count:
            yield TensorTable(
                locations=self._place.at(),
                tensors=self._count,
                parameters=min(self._elements, _LARGEST),
                size=min(self._size, _LARGEST),
                element_types=tuple(sorted(self._types.items())),
            )
        yield from self._external.references()
