"""Formats that are recognised and whose danger is stated, but whose content is not read in full.

TensorRT engines are native code by their publisher's word; Torch7 files may hold functions of Lua;
Caffe networks may hold layers in Python.

Source: NVIDIA TensorRT 10, "Serialized engines"; Torch7, File.lua; Caffe, caffe.proto.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from owaudit.codec.protobuf import Walk, Wire, fits, schema
from owaudit.codec.protobuf_facts import top_level
from owaudit.codec.reader import PARSED, Halt, Head, Place, Reader, Span, Yield
from owaudit.codec.window import Window
from owaudit.errors import ReadError
from owaudit.model.artifact import Format
from owaudit.model.format_facts import FormatFeature
from owaudit.model.limits import Limits

_ENGINE_STARTS: Final = (b"ptrt", b"ftrt", b"trtp", b"trtf")
_ENGINE_NAMES: Final = (".engine", ".plan", ".trt")
_LIBRARY: Final = re.compile(rb"[\w./\\:-]{1,200}\.(?:so(?:\.\d+)*|dll|dylib)(?![\w])")
_LUA: Final = re.compile(rb"\x1bL(?:J[\x01\x02]|ua[\x51-\x54])")
_TORCH7_NAMES: Final = (".t7", ".th", ".net")
_CAFFE: Final = schema("""
NetParameter = 1 name text, 2 layers V1Layer, 3 - skip, 4 - int, 5 - int, 6 - skip, 7 - int, 8 - skip,
    100 layer Layer
V1Layer = 2 - skip, 3 - skip, 4 name text, 5 - int
Layer = 1 name text, 2 type text, 3 - skip, 4 - skip, 5 - f32, 6 - skip, 7 - skip, 130 python Python
Python = 1 module text, 2 layer text, 3 - skip, 4 - int
""")
MOST_FACTS: Final = 100


def _is_engine(head: Head) -> bool:
    return head.start.startswith(_ENGINE_STARTS)


def _read_engine(window: Window, place: Place, _limits: Limits) -> Iterator[Yield]:
    """Yield that it is an engine, and the libraries that it names."""
    yield FormatFeature(locations=place.at(0, min(4, window.size)), format="tensorrt", feature="engine")
    yield from _found(window, place, _LIBRARY, "tensorrt", "plugin-library")
    yield Span(PARSED, 0, min(4, window.size))
    yield Halt("machine-code", "a compiled engine, which nobody but its runtime can read")


def _found(window: Window, place: Place, sign: re.Pattern[bytes], form: str, feature: str) -> Iterator[Yield]:
    seen: set[bytes] = set()
    tail = b""
    for offset, piece in window.pieces():
        for match in sign.finditer(tail + piece):
            if match.group() not in seen and len(seen) < MOST_FACTS:
                seen.add(match.group())
                at = offset - len(tail) + match.start()
                name = match.group().decode("latin1") if feature == "plugin-library" else ""
                yield FormatFeature(
                    locations=place.at(at, at + len(match.group())), format=form, feature=feature, name=name
                )
        tail = piece[-256:]


def _is_torch7(head: Head) -> bool:
    kind = int.from_bytes(head.start[:4], "little")
    return head.name.endswith(_TORCH7_NAMES) and len(head.start) >= 8 and 0 <= kind <= 8


def _read_torch7(window: Window, place: Place, _limits: Limits) -> Iterator[Yield]:
    """Yield functions of Lua; the tables of numbers are not read."""
    kind = int.from_bytes(window.read(0, 4), "little")
    if kind in (6, 7, 8):
        yield FormatFeature(locations=place.at(0, 4), format="torch7", feature="function")
    else:
        yield from _found(window, place, _LUA, "torch7", "function")
    yield Span(PARSED, 0, 4)
    yield Halt("format-not-read", "tables of Torch7 are not read")


def _is_caffe(head: Head) -> bool:
    if not head.name.endswith((".caffemodel", ".caffemodel.h5", ".binaryproto")) or not head.start:
        return False
    return fits(Wire(head.window), _CAFFE, "NetParameter", 0, head.size) is not None


def _read_caffe(window: Window, place: Place, limits: Limits) -> Iterator[Yield]:
    """Yield layers in Python. Raises FormatError and LimitExceeded as ``Walk``."""
    walk = Walk(window, _CAFFE, limits)
    stopped: ReadError | None = None
    shown = 0
    try:
        for message in walk.messages("NetParameter", 0, window.size):
            if message.kind == "Python" and shown < MOST_FACTS:
                shown += 1
                name = f"{message.text('module')}.{message.text('layer')}"[:200]
                where = place.at(message.start, message.end)
                yield FormatFeature(locations=where, format="caffe", feature="python-layer", name=name)
    except ReadError as error:
        stopped = error
    yield from top_level(window, place, _CAFFE, "NetParameter")
    if stopped is not None:
        raise stopped


READERS = (
    Reader(
        format=Format("tensorrt"), source="NVIDIA TensorRT 10, serialized engines", looks_like=_is_engine,
        read=_read_engine, rank=20, extensions=_ENGINE_NAMES,
    ),
    Reader(
        format=Format("torch7"), source="Torch7, File.lua", looks_like=_is_torch7, read=_read_torch7, rank=44,
        extensions=(".t7",),
    ),
    Reader(
        format=Format("caffe"), source="Caffe, caffe.proto", looks_like=_is_caffe, read=_read_caffe, rank=44,
        extensions=(".caffemodel",),
    ),
)  # fmt: skip
