"""Arithmetic of half-open byte ranges: what is covered, what is left, what is claimed twice.

Readers use it to join what they explain and to find what their format leaves free; the pipeline
uses it to add up coverage. Every function takes time n log n and memory n in the number of
separate ranges; ranges that touch are joined while they arrive, so a table of a million tensors
that follow one another is one range.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

KEPT_OVERLAPS = 3
"""Examples kept by ``overlaps``; the count says how many there were."""

_LEAST_PENDING = 1024
"""Ranges collected before they are sorted in: doubling from here keeps the total n log n."""


class Ranges:
    """A union of half-open ranges of non-negative offsets."""

    __slots__ = ("_joined", "_pending")

    def __init__(self, ranges: Iterable[tuple[int, int]] = ()) -> None:
        self._joined: list[tuple[int, int]] = []
        self._pending: list[tuple[int, int]] = []
        for start, end in ranges:
            self.add(start, end)

    def add(self, start: int, end: int) -> None:
        """Add ``start`` to ``end`` (not included); a range that is empty or reversed adds nothing."""
        if end <= start:
            return
        pending = self._pending
        if pending and pending[-1][0] <= start <= pending[-1][1]:
            pending[-1] = (pending[-1][0], max(end, pending[-1][1]))
            return
        pending.append((start, end))
        if len(pending) > max(_LEAST_PENDING, len(self._joined)):
            self._join()

    def update(self, other: Ranges) -> None:
        """Add every range of ``other``."""
        for start, end in other:
            self.add(start, end)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        """Yield the separate ranges in ascending order; no two touch."""
        self._join()
        return iter(self._joined)

    def __bool__(self) -> bool:
        return bool(self._joined or self._pending)

    def covered(self, size: int | None = None) -> int:
        """Return how many bytes are covered; with ``size``, how many of the first ``size``."""
        if size is None:
            return sum(end - start for start, end in self)
        return sum(max(0, min(end, size) - start) for start, end in self)

    def gaps(self, size: int) -> Iterator[tuple[int, int]]:
        """Yield the ranges of ``0`` to ``size`` (not included) that nothing covers, in order."""
        reached = 0
        for start, end in self:
            if start >= size:
                break
            if start > reached:
                yield reached, start
            reached = end
        if reached < size:
            yield reached, size

    def _join(self) -> None:
        if not self._pending:
            return
        joined: list[tuple[int, int]] = []
        last_start, last_end = -1, -1
        for start, end in sorted([*self._joined, *self._pending]):
            if start <= last_end:
                last_end = max(last_end, end)
                continue
            if last_end >= 0:
                joined.append((last_start, last_end))
            last_start, last_end = start, end
        joined.append((last_start, last_end))
        self._joined, self._pending = joined, []


@dataclass(frozen=True, slots=True)
class Overlap:
    """Ranges number ``first`` and ``second`` (counted as given, from 0) share ``start`` to ``end``."""

    first: int
    second: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Overlaps:
    """How many ranges share bytes with one that starts before them, and the first few pairs.

    Each range is held against the one that reaches farthest among those before it, so ``count``
    is at most the number of ranges although the pairs may be quadratic.
    """

    count: int
    examples: tuple[Overlap, ...]


@dataclass(frozen=True, slots=True)
class NamedOverlap:
    """The ranges named ``first`` and ``second`` share ``start`` to ``end`` (not included)."""

    first: str
    second: str
    start: int
    end: int


def in_order(starts: Sequence[int], ends: Sequence[int]) -> Sequence[int]:
    """Return the indices of the ranges by start, then end, then index.

    Ranges that already stand in that order cost nothing but the check.
    """
    count = len(starts)
    if all(
        starts[i - 1] < starts[i] or (starts[i - 1] == starts[i] and ends[i - 1] <= ends[i])
        for i in range(1, count)
    ):
        return range(count)
    by_end = sorted(range(count), key=ends.__getitem__)
    by_end.sort(key=starts.__getitem__)
    return by_end


def overlaps(starts: Sequence[int], ends: Sequence[int], kept: int = KEPT_OVERLAPS) -> Overlaps:
    """Find ranges that share bytes; ``starts[i]`` to ``ends[i]`` (not included) is range ``i``.

    Empty and reversed ranges share nothing. Examples come in order of offset, ``first`` is the
    range that starts earlier.
    """
    examples: list[Overlap] = []
    count = 0
    farthest = -1
    reached = 0
    for index in in_order(starts, ends):
        start, end = starts[index], ends[index]
        if end <= start:
            continue
        if start < reached:
            count += 1
            if len(examples) < kept:
                examples.append(Overlap(farthest, index, start, min(end, reached)))
        if end > reached:
            farthest, reached = index, end
    return Overlaps(count, tuple(examples))


def named_overlaps(
    ranges: Iterable[tuple[int, int, str]], kept: int = KEPT_OVERLAPS
) -> tuple[int, tuple[NamedOverlap, ...]]:
    """Return the count and the first few overlaps of ranges ``(start, end, name)``.

    See ``overlaps`` for what is counted.
    """
    known = list(ranges)
    found = overlaps([start for start, _, _ in known], [end for _, end, _ in known], kept)
    return found.count, tuple(
        NamedOverlap(known[o.first][2], known[o.second][2], o.start, o.end) for o in found.examples
    )
