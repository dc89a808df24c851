"""What the directories of a zip archive leave free: unlisted records and unclaimed bytes.

A loader that streams reads local records one after another and never sees the directory; bytes
that no record claims can hold anything. Both are found in one pass over the free bytes.

Source: APPNOTE.TXT 6.3.10 sections 4.3.7 and 4.3.9.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from owaudit.codec.spans import Ranges
from owaudit.codec.window import Window
from owaudit.codec.zip_local import (
    DESCRIPTOR_SIGNATURE,
    LOCAL_SIGNATURE,
    LOCAL_SIZE,
    WIDE,
    Expected,
    LocalHeader,
    Lookahead,
    descriptor,
    is_sealed,
    local_header,
)
from owaudit.codec.zip_values import (
    FLAG_DESCRIPTOR,
    SEALING_FLAGS,
    STORED,
    UNLISTED,
    Entry,
    Unclaimed,
)

_RECORD = re.compile(rb"PK(?:\x03\x04|\x01\x02|\x05\x06|\x06\x06|\x07\x08)")
_HIGHEST_METHOD = 99
_MAX_SIGNATURES = 2_000_000
"""Signatures looked at: free bytes may hold one in every four."""
_LONGEST_NAME = 4096
"""A longer name in front of free bytes is taken for chance."""


def unlisted_records(
    window: Window, gaps: Sequence[tuple[int, int]], most: int
) -> tuple[tuple[Entry, ...], bool]:
    """Return up to ``most`` local records inside the gaps, in order of offset.

    The second value says whether all were looked at.
    """
    search = _Search(window, most)
    is_whole = all(search.walk(start, end) for start, end in gaps if end - start >= LOCAL_SIZE)
    return tuple(search.found), is_whole


def unclaimed_bytes(
    window: Window, claimed: Ranges, ends: Sequence[tuple[int, int]]
) -> tuple[Unclaimed, ...]:
    """Return the ranges that nothing claims; ``after`` is behind the last end record."""
    last = max((end for _, end in ends), default=window.size)
    return tuple(
        Unclaimed(
            position="before" if start == 0 else "after" if start >= last else "between",
            start=start,
            end=end,
            zeros=_is_zeros(window, start, end),
        )
        for start, end in claimed.gaps(window.size)
    )


class _Search:
    """One pass over the signatures in free bytes; a record of unknown size waits for its end."""

    def __init__(self, window: Window, most: int) -> None:
        self.window = window
        self.look = Lookahead(window)
        self.most = most
        self.seen = 0
        self.found: list[Entry] = []

    def walk(self, start: int, gap_end: int) -> bool:
        """Search one gap; False when a bound was reached."""
        skip_to = start
        waiting: tuple[int, LocalHeader] | None = None
        for at, signature in _signatures(self.window, start, gap_end):
            self.seen += 1
            if self.seen > _MAX_SIGNATURES or len(self.found) >= self.most:
                return False
            if at < skip_to:
                continue
            if waiting is not None:
                is_end = signature == DESCRIPTOR_SIGNATURE
                if is_end and not self._counts(at, waiting[1]):
                    continue
                skip_to = self._close(waiting, at, gap_end, is_end)
                waiting = None
            if signature != LOCAL_SIGNATURE or at < skip_to:
                continue
            local = local_header(self.look, at)
            if local is None or not _is_plausible(local, gap_end):
                continue
            if local.flags & FLAG_DESCRIPTOR and local.compressed_size in (0, WIDE):
                waiting, skip_to = (at, local), local.end
            else:
                end = min(local.end + local.compressed_size, self.window.size)
                skip_to = self._keep(at, local, end, local.size, True)
        if waiting is not None:
            self._close(waiting, gap_end, gap_end, True)
        return True

    def _counts(self, at: int, local: LocalHeader) -> bool:
        """Does the descriptor at ``at`` count the bytes since the header?"""
        raw = self.look.read(at + 8, 8)
        return at - local.end in (int.from_bytes(raw[:4], "little"), int.from_bytes(raw, "little"))

    def _close(self, waiting: tuple[int, LocalHeader], at: int, gap_end: int, is_end: bool) -> int:
        """Keep a record of unknown size; a compressed stream ends itself, so it gets the whole gap."""
        offset, local = waiting
        end = at if is_end or local.method == STORED else gap_end
        self._keep(offset, local, end, end - local.end, False)
        return self.found[-1].record_end if is_end else at

    def _keep(self, offset: int, local: LocalHeader, end: int, size: int, sized: bool) -> int:
        record_end = end
        if local.flags & FLAG_DESCRIPTOR:
            wanted = Expected(local.raw_name, local.flags, local.method, local.crc32, end - local.end, size)
            record_end, _ = descriptor(self.look, end, wanted)
        sealed = bool(local.flags & SEALING_FLAGS) and is_sealed(
            self.window, local.end, end, local.method, size
        )
        self.found.append(Entry(
            name=local.name, directory=UNLISTED, header_offset=offset, data_start=local.end, data_end=end,
            record_end=record_end, flags=local.flags, method=local.method, crc32=local.crc32,
            compressed_size=end - local.end, size=size, is_sealed=sealed, sized=sized,
        ))  # fmt: skip
        return record_end


def _is_plausible(local: LocalHeader, end: int) -> bool:
    return 0 < len(local.raw_name) <= _LONGEST_NAME and local.method <= _HIGHEST_METHOD and local.end <= end


def _signatures(window: Window, start: int, end: int) -> Iterator[tuple[int, bytes]]:
    """Yield ``(offset, signature)`` of everything that looks like the start of a record."""
    carried = b""
    for offset, piece in window.pieces(start, end):
        joined = carried + piece
        base = offset - len(carried)
        for match in _RECORD.finditer(joined):
            yield base + match.start(), match.group()
        carried = joined[-3:]


def _is_zeros(window: Window, start: int, end: int) -> bool:
    return all(piece.count(0) == len(piece) for _, piece in window.pieces(start, end))
