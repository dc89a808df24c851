"""What was read, what was not, and why: per file and per member."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass


class State(enum.StrEnum):
    """How far one file or member was read."""

    READ = "read"
    PARTIAL = "partial"
    UNREAD = "unread"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Bytes ``start`` to ``end`` (not included) that nothing explains; ``reason`` is a code."""

    start: int
    end: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """The bytes of one file or member, in four groups that add up to ``size``.

    ``parsed`` was read by a grammar; ``payload`` lies inside a declared range of numbers, which
    have no grammar; ``inert`` was recognised as content that no loader executes;
    ``unexplained`` is the rest. ``reason`` is a stable code, empty when ``state`` is read;
    ``detail`` says it in words. ``gaps`` lists the first few unexplained ranges.
    """

    artifact: str
    members: tuple[str, ...] = ()
    state: State
    reason: str = ""
    detail: str = ""
    size: int
    parsed: int = 0
    payload: int = 0
    inert: int = 0
    unexplained: int = 0
    gaps: tuple[Gap, ...] = ()

    @property
    def unit(self) -> str:
        """The file and member: ``model.pt!archive/data.pkl``."""
        return "!".join((self.artifact, *self.members))


def state_of(rows: Iterable[Coverage]) -> State:
    """How far one file was read, from its own row and those of its members.

    Unread when its own row says so or there is none at all; read when every row is; else partial.
    """
    known = tuple(rows)
    if not known or any(row.state is State.UNREAD and not row.members for row in known):
        return State.UNREAD
    return State.READ if all(row.state is State.READ for row in known) else State.PARTIAL
