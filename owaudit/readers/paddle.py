"""Paddle: the program as a protocol buffer (``.pdmodel``), and its numbers (``.pdiparams``).

``.pdparams`` and ``.pdopt`` are pickles and have no reader of their own. A tensor is a version (u32), a
level count (u64), a version (u32), the size of a description (i32), the description and the numbers.

Source: Paddle 3.0, framework.proto, lod_tensor.cc and tensor_util.cc.
"""

from __future__ import annotations

import math
import struct
from collections import Counter
from collections.abc import Iterator
from typing import Final

from owaudit.codec.bounds import OutOfBounds, reported
from owaudit.codec.breaches import Breaches
from owaudit.codec.payload import payload_start
from owaudit.codec.protobuf import Walk, Wire, fits, schema
from owaudit.codec.protobuf_facts import top_level
from owaudit.codec.reader import PARSED, PAYLOAD, Head, Place, Reader, Span, Yield
from owaudit.codec.window import Window
from owaudit.errors import FormatError, ReadError
from owaudit.model.artifact import Format
from owaudit.model.format_facts import FormatFeature
from owaudit.model.limits import Limits

_PROGRAM, _PARAMS = Format("paddle-program"), Format("paddle-params")
_SCHEMA: Final = schema("""
ProgramDesc = 1 blocks BlockDesc, 2 - skip, 3 - skip, 4 - skip, 5 - skip
BlockDesc = 1 - int, 2 - int, 3 - skip, 4 ops OpDesc, 5 - int
OpDesc = 1 - skip, 2 - skip, 3 type text, 4 - skip, 5 - int
TensorDesc = 1 type int, 2 dims int
""")
_REACHING: Final = frozenset(
    (
        "py_func", "py_layer", "save", "save_combine", "load", "load_combine", "send", "recv", "send_v2",
        "recv_v2", "listen_and_serv", "heter_listen_and_serv", "fetch_barrier", "send_barrier",
        "send_and_recv", "run_program", "custom_op", "distributed_lookup_table", "read_from_file",
        "load_sparse", "save_sparse", "checkpoint_notify", "gen_nccl_id", "tensorrt_engine", "lite_engine",
        "dlnne_engine", "read_file", "create_custom_reader", "open_files",
    )
)  # fmt: skip
_SIZES: Final = {0: 1, 1: 2, 2: 4, 3: 8, 4: 2, 5: 4, 6: 8, 20: 1, 21: 1, 22: 2, 23: 8, 24: 16, 32: 1, 33: 1}
_NAMES: Final = ("__model__",)
MOST_TENSORS: Final = 1_000_000


def _is_program(head: Head) -> bool:
    named = head.name.endswith(".pdmodel") or head.name in _NAMES
    if head.start[:1] != b"\x0a":
        return False
    wire = Wire(head.window)
    try:
        first = wire.field(0, head.size)
    except FormatError:
        return named
    inner = fits(wire, _SCHEMA, "BlockDesc", first.start, min(first.end, head.size))
    begins = head.window.read(first.start, 3) == b"\x08\0\x10"
    return inner is not None and {1, 2} <= inner and (named or begins)


def _read_program(window: Window, place: Place, limits: Limits) -> Iterator[Yield]:
    """Yield operators that reach files, Python or the network. Raises as ``Walk``."""
    walk = Walk(window, _SCHEMA, limits)
    seen: Counter[str] = Counter()
    first: dict[str, tuple[int, int]] = {}
    stopped: ReadError | None = None
    try:
        for message in walk.messages("ProgramDesc", 0, window.size):
            if message.kind == "OpDesc" and message.text("type") in _REACHING:
                seen[message.text("type")] += 1
                first.setdefault(message.text("type"), (message.start, message.end))
    except ReadError as error:
        stopped = error
    for name, count in sorted(seen.items()):
        yield FormatFeature(
            locations=place.at(*first[name]),
            count=count,
            format="paddle",
            feature="reaching-operator",
            name=name,
        )
    yield from top_level(window, place, _SCHEMA, "ProgramDesc")
    if stopped is not None:
        raise stopped


def _is_params(head: Head) -> bool:
    start = head.start
    if len(start) < 24 or any(start[:16]):
        return False
    size = int.from_bytes(start[16:20], "little")
    return 2 <= size < 256 and start[20:21] == b"\x08" and start[21] in _SIZES


def _read_params(window: Window, place: Place, _limits: Limits) -> Iterator[Yield]:
    """Yield tensors as payload, one after the other. Raises FormatError where one breaks."""
    yield from reported(_tensors(window, place), _PARAMS, place, Breaches(_PARAMS))


def _tensors(window: Window, place: Place) -> Iterator[Yield]:
    at = 0
    for _ in range(MOST_TENSORS):
        if at >= window.size:
            return
        version, levels = struct.unpack("<IQ", window.exactly(at, 12, "tensor"))
        if version or levels > 16:
            raise FormatError("tensor", expected="version 0", found=str(version), start=at)
        place_of_description = at + 12
        for _ in range(levels):
            size = int.from_bytes(window.exactly(place_of_description, 8, "level"), "little")
            place_of_description = min(place_of_description + 8 + size, window.size)
        _, size = struct.unpack("<Ii", window.exactly(place_of_description, 8, "description"))
        start, need = _description(window, place_of_description + 8, size)
        if need > window.size - start:
            expected = f"at most the {window.size - start} bytes left"
            raise OutOfBounds("shape", expected=expected, found=str(need), start=at)
        yield Span(PARSED, at, start)
        yield Span(PAYLOAD, start, start + need)
        yield from payload_start(window, place, start, start + need)
        at = start + need


def _description(window: Window, start: int, size: int) -> tuple[int, int]:
    """Where the numbers begin, and their bytes."""
    if not 0 < size < 65_536:
        raise FormatError("description", expected="a short description", found=str(size), start=start)
    wire = Wire(window)
    kind, dimensions = 0, []
    for field in wire.fields(start, start + size):
        if field.number == 1 and field.wire == 0:
            kind = field.value
        elif field.number == 2 and field.wire == 0:
            dimensions.append(field.value)
        elif field.number == 2:
            at = field.start
            while at < field.end:
                value, at = wire.varint(at, field.end)
                dimensions.append(value)
    if kind not in _SIZES or any(dimension >> 63 for dimension in dimensions):
        raise FormatError("description", expected="numbers and a shape", found=f"type {kind}", start=start)
    return start + size, math.prod(dimensions) * _SIZES[kind]


_SOURCE = "Paddle 3.0, framework.proto"
READERS = (
    Reader(
        format=_PROGRAM, source=_SOURCE, looks_like=_is_program, read=_read_program, rank=43,
        extensions=(".pdmodel",),
    ),
    Reader(
        format=_PARAMS, source=_SOURCE, looks_like=_is_params, read=_read_params, rank=43,
        extensions=(".pdiparams",),
    ),
)  # fmt: skip
