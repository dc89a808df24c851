"""Unpacking of members and of compressed files, within limits, to memory or an unnamed file.

Nothing is extracted by name: unpacked bytes are a ``Window`` over memory, above
``Limits.spool_memory_bytes`` over a temporary file without a name. What came out before a fault
or a limit stays readable; the report says why there is no more.
"""

from __future__ import annotations

import tempfile
import threading
import weakref
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from owaudit.codec.decompress import DECODER_MEMORY, TRUNCATED, Decode, Pieces, decoder_of
from owaudit.codec.reader import Place, Yield
from owaudit.codec.sevenzip_coders import PREFIX, chain_decoder
from owaudit.codec.window import BytesSource, Window
from owaudit.errors import FormatError
from owaudit.model.limits import MIB, Limits
from owaudit.model.observation import UnclaimedBytes

RATIO_FREE = 64 * MIB
"""Bytes that one member may give whatever its ratio: small honest files of zeros pack very well."""

STORED = "stored"
UNSUPPORTED = "unsupported-compression"
_NEEDS_LIBRARY = {"zstd": "zstd needs Python 3.14 or the package backports.zstd"}


class Budget:
    """The bytes that unpacking may still give over one artifact."""

    __slots__ = ("left",)

    def __init__(self, left: int) -> None:
        self.left = left


@dataclass(frozen=True, slots=True, kw_only=True)
class UnpackReport:
    """How unpacking ended.

    ``packed`` is the size of what was given, ``consumed`` how much of it streams took (the rest is
    trailing bytes, known only when ``reason`` is empty); ``size`` is what came out and ``crc32`` its
    checksum, None for stored content, which is not read here. ``reason`` is empty when all streams
    came to their end, else ``truncated``, ``malformed``, ``limit:unpacked_bytes``,
    ``limit:unpack_ratio``, ``limit:decoder_memory``, ``no-space`` or ``unsupported-compression``;
    ``detail`` says it in words.
    """

    method: str
    packed: int
    consumed: int
    size: int
    crc32: int | None = None
    reason: str = ""
    detail: str = ""

    @property
    def trailing(self) -> int:
        """Bytes behind the last stream."""
        return 0 if self.reason else self.packed - self.consumed


class SpoolSource:
    """A source over a temporary file that goes away with it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._lock = threading.Lock()
        weakref.finalize(self, file.close)

    def read_at(self, offset: int, size: int) -> bytes:
        """Return up to ``size`` bytes from ``offset``."""
        with self._lock:
            self._file.seek(offset)
            return self._file.read(size)


class _Spool:
    """Collects unpacked bytes in memory, then in a file."""

    def __init__(self, most_in_memory: int) -> None:
        self.most_in_memory = most_in_memory
        self.size = 0
        self.crc32 = 0
        self._parts: list[bytes] = []
        self._file: IO[bytes] | None = None

    def add(self, content: bytes) -> None:
        """Append bytes."""
        if self._file is None and self.size + len(content) > self.most_in_memory:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as its window
            self._file.writelines(self._parts)
            self._parts = []
        if self._file is None:
            self._parts.append(content)
        else:
            self._file.write(content)
        self.size += len(content)
        self.crc32 = zlib.crc32(content, self.crc32)

    def window(self) -> Window:
        """The bytes so far."""
        if self._file is None:
            return Window(BytesSource(b"".join(self._parts)), 0, self.size)
        return Window(SpoolSource(self._file), 0, self.size)


def open_unpacked(
    window: Window, method: str, limits: Limits, budget: Budget, size: int | None = None
) -> tuple[Window, UnpackReport]:
    """Unpack all of ``window`` and return the bytes with a report; no exception for any bytes.

    ``method`` is that of ``Member.unpack``. ``size`` is the unpacked size the container claims;
    only LZMA in zip needs it, to know a stream without an end mark as whole. Stored content is
    the window itself. The budget is charged for every byte that comes out.
    """
    if method == STORED:
        return window, UnpackReport(method=method, packed=window.size, consumed=window.size, size=window.size)
    decode = _decoder(method, size)
    if decode is None:
        detail = _NEEDS_LIBRARY.get(method, f"no decoder for {method}")
        report = UnpackReport(
            method=method, packed=window.size, consumed=0, size=0, reason=UNSUPPORTED, detail=detail
        )
        return Window.of(b""), report
    if window.size == 0 and size == 0:
        return window, UnpackReport(method=method, packed=0, consumed=0, size=0, crc32=0)
    spool = _Spool(limits.spool_memory_bytes)
    consumed, reason, detail = _fill(spool, decode(window), limits, budget)
    report = UnpackReport(
        method=method, packed=window.size, consumed=consumed, size=spool.size, crc32=spool.crc32,
        reason=reason, detail=detail,
    )  # fmt: skip
    return spool.window(), report


def is_supported(method: str) -> bool:
    """Can content of this method be unpacked here?"""
    return method == STORED or _decoder(method, None) is not None


def _decoder(method: str, size: int | None) -> Decode | None:
    return chain_decoder(method, size) if method.startswith(PREFIX) else decoder_of(method, size)


def unpack_facts(report: UnpackReport, place: Place, start: int = 0) -> Iterator[Yield]:
    """Yield bytes that stand behind the last stream of a member.

    ``place`` is the container and ``start`` where the member begins in it.
    """
    if report.trailing:
        yield UnclaimedBytes(
            locations=place.at(start + report.consumed, start + report.packed),
            position="after",
            size=report.trailing,
        )


def _fill(spool: _Spool, pieces: Pieces, limits: Limits, budget: Budget) -> tuple[int, str, str]:
    """Take pieces until the end, a fault or a limit: ``(consumed, reason, detail)``."""
    reached = 0
    try:
        while True:
            reached, content = next(pieces)
            kept = content[: max(0, budget.left)]
            budget.left -= len(kept)
            try:
                spool.add(kept)
            except OSError as error:
                return reached, "no-space", f"temporary file: {error.strerror or error}"
            if len(kept) < len(content):
                return reached, "limit:unpacked_bytes", f"more than {limits.unpacked_bytes} bytes unpacked"
            if spool.size > max(RATIO_FREE, limits.unpack_ratio * reached):
                found = f"{spool.size} bytes from {reached}"
                return reached, "limit:unpack_ratio", f"{found}, more than {limits.unpack_ratio} to one"
    except StopIteration as stop:
        return int(stop.value), "", ""
    except FormatError as error:
        reasons = {TRUNCATED: "truncated", DECODER_MEMORY: "limit:decoder_memory"}
        return reached, reasons.get(error.clause, "malformed"), str(error)
