"""What a rule is, what it returns, and what the engine makes of it."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from owaudit.model.evidence import Evidence
from owaudit.model.location import Location
from owaudit.model.observation import Observation


class Severity(enum.StrEnum):
    """How likely harm is. Declared from the worst to the least."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 for info up to 4 for critical."""
        return len(_ORDER) - 1 - _ORDER.index(self)

    def reaches(self, gate: Severity) -> bool:
        """Is this at or above the gate?"""
        return self.rank >= gate.rank


_ORDER = list(Severity)


class Confidence(enum.StrEnum):
    """How sure the fact behind a finding is."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Axis(enum.StrEnum):
    """The question that a finding answers."""

    LOAD = "load"
    INTEGRITY = "integrity"
    ORIGIN = "origin"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleMeta:
    """What a rule is called and what a reader must know about it.

    ``leaves_open`` says that a finding of this rule keeps its axis from passing whatever its
    severity: something was not reviewed or not read.
    """

    id: str
    name: str
    title: str
    severity: Severity
    explanation: str
    remediation: str
    references: tuple[str, ...]
    axis: Axis = Axis.LOAD
    leaves_open: bool = False
    family: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceItem:
    """One labelled value that supports a finding; ``value`` may hold hostile text."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Match:
    """A rule found something: one sentence, the observation behind it, and what supports it.

    ``locations`` overrides those of the observation; the first is the primary one.
    ``remedy`` replaces the remediation of the rule where the case allows a more exact one.
    ``key`` is what must stay the same for the finding to count as the same one next time;
    the message is not part of it.
    """

    message: str
    observation: Observation | None = None
    locations: tuple[Location, ...] = ()
    confidence: Confidence = Confidence.HIGH
    evidence: tuple[EvidenceItem, ...] = ()
    remedy: str = ""
    key: str = ""
    policy_line: str = ""


@dataclass(frozen=True, slots=True)
class PythonRule:
    """A rule in Python: metadata and a pure function of the evidence."""

    meta: RuleMeta
    check: Callable[[Evidence], Iterator[Match]]
