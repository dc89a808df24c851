"""What differs between two audits, as values that every format shows."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from owaudit.model.report import Axes, Outcome

DIFFERENCE_SCHEMA = 1
"""1: first published shape."""


class Kind(enum.StrEnum):
    """What happened to a thing between the old audit and the new one."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    MOVED = "moved"
    """The same bytes under another path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One difference: ``part`` is findings, files, imports …, ``subject`` what it is about.

    ``old`` and ``new`` say how it stands on each side, empty where it is not there. ``weight`` is the
    severity of a finding, empty for other parts.
    """

    part: str
    kind: Kind
    subject: str
    artifact: str
    old: str = ""
    new: str = ""
    weight: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the two audits. ``has_evidence`` says whether every fact was at hand, not the report alone."""

    name: str
    root_digest: str
    files: int
    size: int
    result: Outcome
    exit_code: int
    axes: Axes
    has_evidence: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Two audits and what differs, by part and subject. ``not_compared`` names what a report alone
    does not hold, in sentences."""

    schema: int = DIFFERENCE_SCHEMA
    old: Side
    new: Side
    changes: tuple[Change, ...]
    not_compared: tuple[str, ...] = ()
