"""The coders of 7z folders: one packed stream through a chain of methods.

A method string is ``7z:`` and the coders from the packed bytes on, each as ``id.properties`` in hex,
with ``/`` between them. LZMA, LZMA2, the branch filters and delta run in one decoder; other methods
stand alone.

Source: LZMA SDK 25, ``DOC/Methods.txt`` and ``DOC/7zFormat.txt``.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from owaudit.codec.decompress import (
    DECODER_MEMORY,
    LZMA_MEMORY,
    Decode,
    Decoder,
    Pieces,
    decoder_of,
    drive,
    lzma_stream,
)
from owaudit.codec.window import Window
from owaudit.errors import FormatError

PREFIX = "7z:"
_COPY, _DELTA, _LZMA, _LZMA2 = "00", "03", "030101", "21"
_ALONE = {"040108": "deflate", "040202": "bz2", "04f71101": "zstd", "04f71104": "lz4"}
_BRANCH_FILTERS = {
    "04": "X86", "03030103": "X86", "03030205": "POWERPC", "03030401": "IA64",
    "03030501": "ARM", "03030701": "ARMTHUMB", "03030805": "SPARC",
}  # fmt: skip


def chain_decoder(method: str, size: int | None) -> Decode | None:
    """The decoder of a method string, None where a coder or the combination is not known."""
    parts = [coder.partition(".") for coder in method.removeprefix(PREFIX).split("/")]
    coders = [(name, properties) for name, _, properties in parts]
    names = [name for name, _ in coders]
    if names == [_COPY]:
        return _copied
    if len(names) == 1 and names[0] in _ALONE:
        return decoder_of(_ALONE[names[0]])
    if names == [_LZMA]:
        return partial(_lzma, properties=bytes.fromhex(coders[0][1]), size=size)
    known = {_LZMA, _LZMA2, _DELTA, *_BRANCH_FILTERS}
    if names and names[0] in (_LZMA, _LZMA2) and set(names) <= known:
        return partial(_filtered, coders=coders, size=size)
    return None


def _copied(window: Window) -> Pieces:
    for start, piece in window.pieces():
        yield start + len(piece), piece
    return window.size


def _lzma(window: Window, properties: bytes, size: int | None) -> Pieces:
    if len(properties) != 5:
        raise FormatError("lzma properties", expected="5 bytes", found=f"{len(properties)} bytes")
    return (yield from lzma_stream(window, 0, properties, size))


def _filtered(window: Window, coders: list[tuple[str, str]], size: int | None) -> Pieces:
    """LZMA or LZMA2 and the filters behind it; liblzma wants them in the order of packing."""
    from lzma import FORMAT_RAW, LZMADecompressor

    filters = [_filter(name, bytes.fromhex(properties)) for name, properties in reversed(coders)]

    def new() -> Decoder:
        return LZMADecompressor(FORMAT_RAW, filters=filters)

    return (yield from drive(window, 0, new, size=size))


def _filter(name: str, properties: bytes) -> dict[str, Any]:
    import lzma

    if name in _BRANCH_FILTERS:
        return {"id": getattr(lzma, f"FILTER_{_BRANCH_FILTERS[name]}")}
    if name == _DELTA and len(properties) == 1:
        return {"id": lzma.FILTER_DELTA, "dist": properties[0] + 1}
    if name == _LZMA2 and len(properties) == 1 and properties[0] <= 40:
        bits = properties[0]
        dictionary = 2**32 - 1 if bits == 40 else (2 | bits & 1) << bits // 2 + 11
        return {"id": lzma.FILTER_LZMA2, "dict_size": _bounded(dictionary)}
    if name == _LZMA and len(properties) == 5 and properties[0] < 9 * 5 * 5:
        dictionary = int.from_bytes(properties[1:], "little")
        rest, lc = divmod(properties[0], 9)
        pb, lp = divmod(rest, 5)
        if lc + lp <= 4:
            return {
                "id": lzma.FILTER_LZMA1, "dict_size": max(4096, _bounded(dictionary)),
                "lc": lc, "lp": lp, "pb": pb,
            }  # fmt: skip
    raise FormatError("7z coder", expected="usual properties", found=f"{name}.{properties.hex()}")


def _bounded(dictionary: int) -> int:
    if dictionary > LZMA_MEMORY:
        raise FormatError(DECODER_MEMORY, expected=f"at most {LZMA_MEMORY}", found=str(dictionary))
    return dictionary
