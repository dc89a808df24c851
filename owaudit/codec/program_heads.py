"""Programs told by their first bytes: which family, and whether they run, are loaded or are linked.

Source: System V ABI, ELF header; Microsoft PE format; Mach-O (loader.h, fat.h); WebAssembly 1.0, 5.5;
Dalvik dex format; JVM specification, 4.1; CPython, importlib/_bootstrap_external.py; llamafile README.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from owaudit.codec.window import Window

_ELF_KINDS: Final = {1: "object", 2: "program", 3: "library", 4: "core"}
_MACH_KINDS: Final = {1: "object", 2: "program", 6: "library", 7: "program", 8: "library"}
_CUDA: Final = 190
"""Machine number of code for graphics processors in ELF."""
_STARTS: Final = (
    (b"\0asm\x01\0\0\0", "wasm", "library"),
    (b"dex\n03", "dex", "library"),
    (b"!<arch>\n", "static-library", "library"),
    (b"BC\xc0\xde", "llvm-bitcode", "object"),
    (b"\x50\xed\x55\xba", "cuda-fatbin", "library"),
    (b"L\0\0\0\x01\x14\x02\0", "windows-shortcut", "program"),
    (b"\x1bLua", "lua-bytecode", "program"),
    (b"\x1bLJ", "lua-bytecode", "program"),
)


@dataclass(frozen=True, slots=True)
class Program:
    """``family`` names the format, ``role`` is ``program``, ``library``, ``object`` or ``core``."""

    family: str
    role: str


def program_at_start(start: bytes, window: Window) -> Program | None:
    """Say which program begins with these bytes of the window, or None."""
    if start.startswith(b"\x7fELF"):
        return _elf(start)
    if start.startswith((b"MZqFpD", b"jartsr=")):
        return Program("ape", "program")
    if start.startswith((b"MZ", b"ZM")):
        return _pe(start, window)
    if start[:4] in (b"\xfe\xed\xfa\xce", b"\xfe\xed\xfa\xcf", b"\xce\xfa\xed\xfe", b"\xcf\xfa\xed\xfe"):
        order = ">" if start[:1] == b"\xfe" else "<"
        kind = struct.unpack(f"{order}I", start[12:16].ljust(4, b"\0"))[0]
        return Program("mach-o", _MACH_KINDS.get(kind, "program"))
    if start.startswith(b"\xca\xfe\xba\xbe") and len(start) >= 8:
        count = int.from_bytes(start[4:8], "big")
        return Program("mach-o", "program") if 0 < count < 40 else Program("java-class", "library")
    if (
        len(start) >= 17
        and start[2:4] == b"\r\n"
        and start[16] & 0x7F == 0x63
        and 3000 < start[0] | start[1] << 8 < 4000
    ):
        return Program("python-bytecode", "library")
    for magic, family, role in _STARTS:
        if start.startswith(magic):
            return Program(family, role)
    return None


def _elf(start: bytes) -> Program:
    order = ">" if start[5:6] == b"\2" else "<"
    kind, machine = struct.unpack(f"{order}HH", start[16:20].ljust(4, b"\0"))
    if machine == _CUDA:
        return Program("cuda-elf", "library")
    return Program("elf", _ELF_KINDS.get(kind, "program"))


def _pe(start: bytes, window: Window) -> Program | None:
    header = int.from_bytes(start[60:64], "little") if len(start) >= 64 else 0
    sign = window.read(header, 24) if 0 < header < 1 << 24 else b""
    if sign.startswith((b"PE\0\0", b"NE", b"LE")):
        is_library = len(sign) >= 24 and sign[23] & 0x20
        return Program("pe", "library" if is_library else "program")
    if b"DOS mode" in start[:256] or b"PE\0\0" in start[:1024]:
        return Program("pe", "program")
    return None
