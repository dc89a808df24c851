"""Counts the operators of a graph, so that a graph of a million nodes stays small evidence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from owaudit.model.graph_facts import OperatorUsed
from owaudit.model.location import Location
from owaudit.model.observation import KEPT_LOCATIONS

KEPT_TEXTS: Final = 8
LONGEST_TEXT: Final = 200
LONGEST_NAME: Final = 200
MOST_OPERATORS: Final = 5000
"""Different operators that are told apart; honest graphs have some hundred."""
OTHERS: Final = "(further operators)"


@dataclass(slots=True)
class _Seen:
    count: int = 0
    locations: list[Location] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)


class Operators:
    """Operators of one file by runtime, domain, name and the way they are reached."""

    def __init__(self, format_name: str) -> None:
        self._format = format_name
        self._seen: dict[tuple[str, str, str, str], _Seen] = {}

    def add(
        self,
        runtime: str,
        domain: str,
        name: str,
        where: tuple[Location, ...],
        *,
        texts: tuple[str, ...] = (),
        reached: str = "",
    ) -> None:
        """Count one use of ``name`` at ``where``; ``texts`` are constants that it is given."""
        key = (runtime, domain[:LONGEST_NAME], name[:LONGEST_NAME], reached)
        if key not in self._seen and len(self._seen) >= MOST_OPERATORS:
            key = (runtime, "", OTHERS, reached)
        seen = self._seen.setdefault(key, _Seen())
        seen.count += 1
        if len(seen.locations) < KEPT_LOCATIONS:
            seen.locations.extend(where)
        for text in texts:
            shown = text[:LONGEST_TEXT]
            if len(seen.texts) < KEPT_TEXTS and shown not in seen.texts:
                seen.texts.append(shown)

    def observations(self, local: frozenset[tuple[str, str]] = frozenset()) -> Iterator[OperatorUsed]:
        """Yield one observation per operator, sorted by name.

        ``local`` are the domains and names that the file defines itself and nothing else does.
        """
        for (runtime, domain, name, reached), seen in sorted(self._seen.items()):
            if (domain, name) in local:
                reached = "local"
            # Only the reader writes the first component, so no domain can pass for it.
            parts = (f"{runtime}:{reached}" if reached else runtime, domain, name.replace(".", "_"))
            yield OperatorUsed(
                locations=tuple(seen.locations),
                count=seen.count,
                format=self._format,
                domain=domain,
                name=name,
                operator=".".join(part for part in parts if part),
                texts=tuple(seen.texts),
                reached=reached,
            )
