"""Torch storages as pickles name them: element types, sizes, and the table of tensors.

Source: torch 2.13, torch/storage.py and torch/serialization.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from owaudit.codec.pickle_trace import Trace
from owaudit.codec.reader import Place
from owaudit.model.observation import TensorTable

_SIZES: Final = {
    "Double": 8, "Float": 4, "Half": 2, "BFloat16": 2, "Long": 8, "Int": 4, "Short": 2, "Char": 1, "Byte": 1,
    "Bool": 1, "ComplexDouble": 16, "ComplexFloat": 8, "QInt8": 1, "QUInt8": 1, "QInt32": 4, "QUInt4x2": 1,
    "QUInt2x4": 1, "Untyped": 1,
}  # fmt: skip
_DTYPE_SIZES: Final = {
    "float64": 8, "float32": 4, "float16": 2, "bfloat16": 2, "int64": 8, "int32": 4, "int16": 2, "int8": 1,
    "uint8": 1, "uint16": 2, "uint32": 4, "uint64": 8, "bool": 1, "complex128": 16, "complex64": 8,
    "complex32": 4, "float8_e4m3fn": 1, "float8_e4m3fnuz": 1, "float8_e5m2": 1, "float8_e5m2fnuz": 1,
    "float8_e8m0fnu": 1,
}  # fmt: skip


def element_size(dotted: str) -> int | None:
    """Bytes of one element of a storage class such as ``torch.FloatStorage``; None if not known.

    A torch unpickler takes any name that ends in a known storage name, whatever the module.
    """
    last = dotted.rpartition(".")[2]
    return _SIZES.get(last.removesuffix("Storage")) if last.endswith("Storage") else _DTYPE_SIZES.get(last)


def storage_table(trace: Trace, place: Place) -> Iterator[TensorTable]:
    """How many storages the pickles of one trace name, by element type."""
    by_type: dict[str, int] = {}
    elements = 0
    size = 0
    for storage in trace.storages.values():
        name = storage.element.rpartition(".")[2].removesuffix("Storage")
        by_type[name] = by_type.get(name, 0) + 1
        elements += max(0, storage.count)
        size += max(0, storage.count) * (element_size(storage.element) or 0)
    if by_type:
        yield TensorTable(
            locations=place.at(),
            tensors=sum(by_type.values()),
            parameters=elements,
            size=size,
            element_types=tuple(sorted(by_type.items())),
        )
