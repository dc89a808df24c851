"""ExecuTorch programs (``.pte``) and their tensors (``.ptd``): a Flatbuffer, then segments.

A program is a Flatbuffer with the mark ``ET12``; behind the mark, ``eh00`` may begin a header: its
length, the size of the program, where segments begin and, from 32 bytes on, their size. Tensors are a
Flatbuffer with the mark ``FT01`` and a header ``FH01``. Instructions call kernels of the runtime by
name and hand parts to backends by name; most backends take a plan, some load a library.

Source: ExecuTorch 1.5, schema/program.fbs, extension/flat_tensor/serialize/flat_tensor.fbs and
runtime/executor/program.cpp.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from owaudit.codec.bounds import reported
from owaudit.codec.breaches import Breaches
from owaudit.codec.flatbuffer_part import Part
from owaudit.codec.flatbuffers import Table, schema
from owaudit.codec.payload import payload_start
from owaudit.codec.reader import INERT, PAYLOAD, Head, Place, Reader, Span, Yield
from owaudit.codec.spans import Ranges
from owaudit.codec.window import Window
from owaudit.errors import ReadError
from owaudit.model.artifact import Format
from owaudit.model.format_facts import FormatFeature
from owaudit.model.limits import Limits
from owaudit.model.observation import UnclaimedBytes

_PROGRAM, _TENSORS = Format("executorch"), Format("executorch-data")
_HEADERS: Final = {b"ET": (b"eh00", 24), b"FT": (b"FH01", 40)}
"""The mark of the header behind each kind of file, and the bytes it has at least."""
_LONGEST_PADDING: Final = 64 * 1024
"""Segments begin at multiples of a page; pages of some systems have this many bytes."""
_UNIONS: Final = {
    "Kernel": dict(
        enumerate(
            ("Null", "Int", "Int", "Int", "Tensor", "String", "Longs", "Longs", "Bools", "Ints", "Ints"), 1
        )
    ),
    "Step": dict(enumerate(("Call", "Call", "Int", "Int", "Int"), 1)),
}
_SCHEMA: Final = schema("""
Program = 0 version 32, 1 - [Plan], 2 - [Buffer], 3 - [Buffer], 4 - [Segment], 5 - Offsets, 6 - [Offsets],
    7 - [Named]
Plan = 0 - text, 1 - Texts, 2 - [Value], 3 - [s32], 4 - [s32], 5 - [Chain], 6 - [Operator], 7 - [Delegate],
    8 - [64], 9 - [Int]
Texts = 0 - text, 1 - text
Value = 0 value_type 8, 1 value union:Kernel
Null = 0 - 8
Int = 0 - 8
Tensor = 2 - [s32], 3 - [8], 6 - Int, 9 - Extra
Extra = 1 - text
String = 0 - text
Longs = 0 - [64]
Bools = 0 - [8]
Ints = 0 - [s32]
Chain = 0 - [s32], 1 - [s32], 2 - [Instruction], 3 - [Frames]
Instruction = 0 step_type 8, 1 step union:Step
Call = 1 - [s32]
Frames = 0 - [Frame]
Frame = 0 - text, 2 - text, 3 - text
Operator = 0 name text, 1 overload text
Delegate = 0 id text, 1 - Int, 2 - [Setting]
Setting = 0 - text, 1 - data
Buffer = 0 - data
Segment = 0 offset 64, 1 size 64
Offsets = 0 - 32, 1 - [64]
Named = 0 - text, 1 - 32, 2 - Layout
Layout = 1 - [s32], 2 - [8]
FlatTensor = 0 version 32, 1 - [Segment], 2 - [Named]
""")
_PLANS: Final = frozenset(
    (
        "XnnpackBackend", "CoreMLBackend", "CoreAIBackend", "MPSBackend", "VulkanBackend", "QnnBackend",
        "ArmBackend", "EthosUBackend", "TOSABackend", "VgfBackend", "NeuropilotBackend", "NeutronBackend",
        "EnnBackend", "OpenvinoBackend", "MLXBackend", "NativeBackend", "CadenceBackend",
    )
)  # fmt: skip
"""Backends of ExecuTorch that take a plan or a program of their accelerator."""
_LIBRARIES: Final = frozenset(("AotiBackend", "CudaBackend", "MetalBackend"))
"""Backends that write a shared library of the file to a folder and load it."""
_KERNELS: Final = frozenset(
    (
        "aten", "prim", "executorch_prim", "dim_order_ops", "quantized_decomposed", "et_vk", "cadence",
        "cortex_m", "llama", "torchao", "higher_order", "", "quantized_decomposed_ops", "bolt_affine",
    )
)  # fmt: skip
"""Namespaces of kernels that come with the runtime."""
MOST_FACTS: Final = 1000


def _is_program(head: Head) -> bool:
    return _is_marked(head, b"ET")


def _is_tensors(head: Head) -> bool:
    return _is_marked(head, b"FT")


def _is_marked(head: Head, mark: bytes) -> bool:
    """The mark and a version, and a header or a first table inside the file."""
    if head.start[4:6] != mark or not head.start[6:8].isdigit():
        return False
    first = int.from_bytes(head.start[:4], "little")
    return head.start[8:12] == _HEADERS[mark][0] or 8 <= first < head.size


def _read_program(window: Window, place: Place, limits: Limits) -> Iterator[Yield]:
    """Yield backends, foreign kernels and what does not fit. Raises LimitExceeded as ``Part.tables``."""
    yield from _reported(window, place, limits, _PROGRAM, "Program")


def _read_tensors(window: Window, place: Place, limits: Limits) -> Iterator[Yield]:
    """Yield what does not fit. Raises LimitExceeded as ``Part.tables``."""
    yield from _reported(window, place, limits, _TENSORS, "FlatTensor")


def _reported(window: Window, place: Place, limits: Limits, form: Format, root: str) -> Iterator[Yield]:
    breaches = Breaches(form)
    yield from reported(_File(window, place, limits, breaches).read(root), form, place, breaches)


class _File:
    def __init__(self, window: Window, place: Place, limits: Limits, breaches: Breaches) -> None:
        self._window = window
        self._place = place
        self._limits = limits
        self._breaches = breaches
        self._segments = Ranges()
        self._end, self._base, self._size = window.size, 0, -1
        self._header = 0

    def read(self, root: str) -> Iterator[Yield]:
        self._take_header()
        part = Part(self._window, 0, self._end, _SCHEMA, self._limits, _UNIONS)
        if self._header:
            part.explain(8, 8 + self._header)
        seen: Counter[tuple[str, str]] = Counter()
        stopped: ReadError | None = None
        try:
            for table in part.tables(root):
                self._take(table, seen)
        except ReadError as error:
            stopped = error
        for (feature, name), count in sorted(seen.items())[:MOST_FACTS]:
            where = self._place.at(0, self._end)
            yield FormatFeature(locations=where, count=count, format=_PROGRAM, feature=feature, name=name)
        yield from part.spans(self._place)
        yield from self._after()
        if stopped is not None:
            raise stopped

    def _take_header(self) -> None:
        """The header is there if its mark is; it says where the Flatbuffer ends."""
        mark, least = _HEADERS[self._window.read(4, 2)]
        raw = self._window.read(8, 48)
        self._check_version(self._window.read(4, 4))
        if raw[:4] != mark:
            return
        length = int.from_bytes(raw[4:8], "little")
        if not least <= length <= len(raw):
            self._breaches.outside("header-length", f"{least} to {len(raw)}", str(length), self._place.at(8))
            return
        self._header = length
        words = [int.from_bytes(raw[at : at + 8], "little") for at in range(8, min(length, 40), 8)]
        if mark == b"FH01":
            words[:2] = [words[0] + words[1]]
        end, self._base = words[0], words[1]
        self._size = words[2] if len(words) > 2 else -1
        if not 8 + length <= end <= self._window.size:
            where = self._place.at(8, 8 + length)
            self._breaches.outside("program-size", f"at most {self._window.size}", str(end), where)
        else:
            self._end = end
        reach = self._base + max(self._size, 0)
        if self._base and not end <= self._base <= reach <= self._window.size:
            found, where = f"{self._size} bytes at {self._base}", self._place.at(8, 8 + length)
            self._breaches.outside("segments", f"inside {self._window.size} bytes", found, where)

    def _check_version(self, mark: bytes) -> None:
        if mark not in (b"ET12", b"FT01"):
            self._breaches.note("version", "ET12 or FT01", mark.decode("latin1"), self._place.at(4, 8))

    def _take(self, table: Table, seen: Counter[tuple[str, str]]) -> None:
        match table.kind:
            case "Segment":
                self._segment(table)
            case "Delegate":
                name = table.texts.get("id", "")[:200]
                known = "delegate" if name in _PLANS else "unknown-backend"
                seen["library-backend" if name in _LIBRARIES else known, name] += 1
            case "Operator":
                name = table.texts.get("name", "")[:200]
                if name.rpartition("::")[0] not in _KERNELS:
                    seen["custom-operator", name] += 1

    def _segment(self, table: Table) -> None:
        offset, size = table.numbers.get("offset", 0), table.numbers.get("size", 0)
        start = self._base + offset
        if size and (not self._base or start + size > self._window.size):
            found = f"{size} bytes at {offset}"
            where = self._place.at(table.at)
            self._breaches.outside("segment", f"inside {self._window.size} bytes", found, where)
        elif size:
            self._segments.add(start, start + size)

    def _after(self) -> Iterator[Yield]:
        """Segments as payload, and the zeros between them."""
        for start, end in self._segments:
            yield Span(PAYLOAD, start, end)
            yield from payload_start(self._window, self._place, start, end)
        known = Ranges(self._segments)
        known.add(0, self._end)
        for start, end in known.gaps(self._window.size):
            if end - start < _LONGEST_PADDING and not any(self._window.read(start, end - start)):
                yield Span(INERT, start, end)
            else:
                where = self._place.at(start, end)
                yield UnclaimedBytes(locations=where, position="between", size=end - start)


_SOURCE = "ExecuTorch 1.5, schema/program.fbs"
READERS = (
    Reader(
        format=_PROGRAM, source=_SOURCE, looks_like=_is_program, read=_read_program, rank=20,
        extensions=(".pte",),
    ),
    Reader(
        format=_TENSORS, source="ExecuTorch 1.5, flat_tensor.fbs", looks_like=_is_tensors,
        read=_read_tensors, rank=20, extensions=(".ptd",),
    ),
)  # fmt: skip
