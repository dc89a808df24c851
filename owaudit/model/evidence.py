"""Everything that reading a target gave: the seam between reading and judging."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from owaudit.model.artifact import Artifact
from owaudit.model.claim import PartDigest, Provenance, Record
from owaudit.model.coverage import Coverage
from owaudit.model.limits import Limits
from owaudit.model.observation import Observation

O = TypeVar("O", bound=Observation)  # noqa: E741 - the usual one-letter type variable

EVIDENCE_SCHEMA = 1
"""1: first published shape."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """Something about the audit itself: ``level`` is ``note``, ``warning`` or ``error``."""

    level: str
    source: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What was audited: ``name`` is the last component of the path, never an absolute path."""

    name: str
    files: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Facts and coverage of a target, sorted by path. Bytes and limits decide it, nothing else.

    ``records`` is what was found that vouches for bytes, as written. ``provenance`` is empty until
    the records are checked, which takes a policy; rules see it filled.
    """

    schema: int = EVIDENCE_SCHEMA
    reader_version: str
    target: Target
    limits: Limits = field(default_factory=Limits)
    artifacts: tuple[Artifact, ...] = ()
    observations: tuple[Observation, ...] = ()
    coverage: tuple[Coverage, ...] = ()
    records: tuple[Record, ...] = ()
    parts: tuple[PartDigest, ...] = ()
    provenance: Provenance = Provenance()  # noqa: RUF009 - frozen
    diagnostics: tuple[Diagnostic, ...] = ()

    def of(self, *types: type[O]) -> Iterator[O]:
        """Yield the observations of these types, in order."""
        for observation in self.observations:
            if isinstance(observation, types):
                yield observation
