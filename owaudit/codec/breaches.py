"""Counts breaches of a format's law, so that a file with a million faults stays small evidence.

The same clause is one ``SpecViolation`` with its count, its first few places and the values of the
first, or one ``BoundsViolation`` where a number reaches beyond what holds it. Clauses are short
kebab-case words of the reader; they are not the format's own wording.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from owaudit.model.location import Location
from owaudit.model.observation import KEPT_LOCATIONS, BoundsViolation, SpecViolation

LONGEST_VALUE = 120
"""Characters kept of what was found: enough to recognise it, too few to flood a report."""


@dataclass(slots=True)
class _Breach:
    expected: str
    found: str
    outside: bool = False
    count: int = 0
    locations: list[Location] = field(default_factory=list)


class Breaches:
    """Breaches of one format's law in one file, by clause."""

    def __init__(self, format_name: str) -> None:
        self._format = format_name
        self._clauses: dict[tuple[str, bool], _Breach] = {}

    def note(
        self, clause: str, expected: str, found: str, where: tuple[Location, ...], *, tolerated: bool = False
    ) -> None:
        """Count one breach at ``where``; ``tolerated`` as in ``SpecViolation``."""
        breach = _Breach(expected, found[:LONGEST_VALUE])
        self._count(self._clauses.setdefault((clause, tolerated), breach), where)

    def outside(self, clause: str, expected: str, found: str, where: tuple[Location, ...]) -> None:
        """Count one number at ``where`` that reaches beyond what holds it."""
        breach = _Breach(expected, found[:LONGEST_VALUE], outside=True)
        self._count(self._clauses.setdefault((clause, False), breach), where)

    @staticmethod
    def _count(breach: _Breach, where: tuple[Location, ...]) -> None:
        breach.count += 1
        if len(breach.locations) < KEPT_LOCATIONS:
            breach.locations.extend(where)

    def observations(self) -> Iterator[SpecViolation | BoundsViolation]:
        """Yield one observation per clause, in the order in which the clauses were first broken."""
        for (clause, tolerated), breach in self._clauses.items():
            if breach.outside:
                yield BoundsViolation(
                    locations=tuple(breach.locations),
                    count=breach.count,
                    format=self._format,
                    clause=clause,
                    expected=breach.expected,
                    found=breach.found,
                )
                continue
            yield SpecViolation(
                locations=tuple(breach.locations),
                count=breach.count,
                format=self._format,
                clause=clause,
                expected=breach.expected,
                found=breach.found,
                tolerated=tolerated,
            )
