"""References to numbers in other files, gathered by file while tensors are read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from owaudit.codec.bounds import path_problem
from owaudit.codec.spans import Ranges
from owaudit.model.graph_facts import ExternalReference
from owaudit.model.location import Location
from owaudit.model.observation import KEPT_LOCATIONS

JOINED: Final = 64 * 1024
"""Bytes between two ranges that alignment explains: the allocation granularity of Windows, to which
exporters align tensors for mapping."""
MOST_FILES: Final = 10_000
_LARGEST: Final = 2**63 - 1


@dataclass(slots=True)
class _Referenced:
    count: int = 0
    locations: list[Location] = field(default_factory=list)
    ranges: Ranges = field(default_factory=Ranges)
    farthest: int = 0


class ExternalRanges:
    """Ranges of other files, by path."""

    def __init__(self) -> None:
        self._files: dict[str, _Referenced] = {}
        self._left_out = 0

    def add(self, path: str, start: int, size: int, where: tuple[Location, ...]) -> None:
        """Note that ``size`` bytes from ``start`` of the file at ``path`` are read."""
        if path not in self._files and len(self._files) >= MOST_FILES:
            self._left_out += 1
            return
        seen = self._files.setdefault(path, _Referenced())
        seen.count += 1
        seen.ranges.add(start, min(start + size, _LARGEST))
        seen.farthest = max(seen.farthest, min(start, _LARGEST))
        if len(seen.locations) < KEPT_LOCATIONS:
            seen.locations.extend(where)

    def __contains__(self, path: str) -> bool:
        return path in self._files

    def references(self) -> Iterator[ExternalReference]:
        """Yield one observation per file, in order of their paths."""
        for path, seen in sorted(self._files.items()):
            yield ExternalReference(
                locations=tuple(seen.locations),
                count=seen.count,
                purpose="tensors",
                path=path,
                problem=path_problem(path),
                ranges=tuple(_joined(seen)),
            )


def _joined(seen: _Referenced) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in seen.ranges:
        if joined and start - joined[-1][1] < JOINED:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    if seen.farthest and (not joined or seen.farthest > joined[-1][1]):
        joined.append((seen.farthest, seen.farthest))  # an empty range may still begin behind the file
    return joined
