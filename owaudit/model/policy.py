"""What one team accepts: the gate and the names it has reviewed itself."""

from __future__ import annotations

from dataclasses import dataclass

from owaudit.model.observation import Use
from owaudit.model.rule import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowedName:
    """A dotted name the team has read, the uses it allows, and why.

    A use includes the weaker ones: call covers build, construct and reference.
    """

    name: str
    use: Use = Use.CALL
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """``fail_on`` is the lowest severity that fails; None: no finding fails by severity."""

    fail_on: Severity | None = Severity.HIGH


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondOpinion:
    """Whether another scanner is asked, and the largest file (bytes) it is given."""

    enabled: bool = True
    file_bytes: int = 256 * 1024 * 1024
    instructions: int = 2_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The effective policy. ``source`` is a file name, or ``built-in``; never a whole path."""

    source: str = "built-in"
    gate: Gate = Gate()
    allowed_names: tuple[AllowedName, ...] = ()
    second_opinion: SecondOpinion = SecondOpinion()
