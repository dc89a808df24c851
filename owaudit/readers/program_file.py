"""Programs and libraries in machine code: recognised, named, and not read.

What a program does cannot be told from its bytes, so nothing but its head is explained. What stands
behind it, as the archive of a llamafile does, is found by the search of unexplained bytes.

Source: see ``codec.program_heads``.
"""

from __future__ import annotations

from collections.abc import Iterator

from owaudit.codec.program_heads import program_at_start
from owaudit.codec.reader import PARSED, Halt, Head, Place, Reader, Span, Yield
from owaudit.codec.window import Window
from owaudit.model.artifact import Format
from owaudit.model.format_facts import ProgramFile
from owaudit.model.limits import Limits

_HEAD = 64


def looks_like(head: Head) -> bool:
    return program_at_start(head.start, head.window) is not None


def read(window: Window, place: Place, _limits: Limits) -> Iterator[Yield]:
    """Yield which program it is, and that it was not read."""
    program = program_at_start(window.read(0, 4096), window)
    if program is None:
        return
    size = min(_HEAD, window.size)
    yield ProgramFile(locations=place.at(0, size), family=program.family, role=program.role)
    yield Span(PARSED, 0, size)
    yield Halt("machine-code", f"the file is a {program.role} ({program.family}), which is not read")


READER = Reader(
    format=Format("program"),
    source="System V ABI; Microsoft PE format; Mach-O, loader.h",
    looks_like=looks_like,
    read=read,
    rank=10,
    hides=("pickle", "text", "source-code", "tar", "onnx", "protobuf"),
)
