"""Where each finding stands: open, waived by the policy, or known from an earlier report.

Only findings about loading may be excused as they are. Those about integrity, about signatures and
about what was not read can be excused only when the policy names their rule in ``[waiving] also``,
and the last ones only for exact bytes: an excuse must not hide that nobody looked.

A finding may rest on more files than the one it names first: settings that name a program are
excused together with the program. ``files_of`` returns all of them.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import replace

from owaudit.judge.findings import Made
from owaudit.model.code_facts import CodeReference, ConfigPath
from owaudit.model.evidence import Evidence
from owaudit.model.graph_facts import ExternalReference
from owaudit.model.policy import Policy
from owaudit.model.report import Finding, Status
from owaudit.model.rule import Axis

COVERAGE_RULES = "OWA9"


class Files:
    """The files of a target with their SHA-256, and which of them a finding rests on."""

    def __init__(self, evidence: Evidence) -> None:
        self._digests = {artifact.path: artifact.sha256 for artifact in evidence.artifacts}

    def digest(self, path: str) -> str | None:
        """The SHA-256 of a file, or None where it is not known."""
        return self._digests.get(path)

    def files_of(self, made: Made) -> tuple[str, ...]:
        """The paths that a finding rests on, sorted; empty for one about the target as a whole."""
        if not made.finding.artifact:
            return ()
        found = {location.artifact for location in made.finding.locations} | {made.finding.artifact}
        observation = made.observation
        if isinstance(observation, CodeReference | ConfigPath | ExternalReference) and observation.path:
            found |= self._reached(observation.location.artifact, observation.path)
        return tuple(sorted(found))

    def _reached(self, settings: str, path: str) -> set[str]:
        wanted = posixpath.normpath(posixpath.join(posixpath.dirname(settings), path))
        if path.endswith("/"):
            return {name for name in self._digests if name.startswith(wanted + "/")}
        return {wanted} if wanted in self._digests else set()


def is_guarded(finding: Finding) -> bool:
    """Is this about integrity, origin or coverage, so that the policy must name its rule?"""
    return finding.axis is not Axis.LOAD or finding.rule.startswith(COVERAGE_RULES)


def may_be_excused(finding: Finding, policy: Policy) -> bool:
    """May a waiver or baseline cover this finding at all?"""
    return not is_guarded(finding) or finding.rule in policy.waiving.also


def excused(made: Sequence[Made], waived: Mapping[str, str], existing: frozenset[str]) -> list[Made]:
    """Give waived and existing findings their status, and order the findings anew.

    ``waived`` is the id of a waiver by fingerprint; it goes before ``existing``. An excused finding
    keeps severity and place in the counts; it no longer gates and no longer leaves its axis open.
    """
    found = []
    for item in made:
        finding = item.finding
        if finding.fingerprint in waived:
            finding = replace(
                finding,
                status=Status.WAIVED,
                waiver=waived[finding.fingerprint],
                gating=False,
                leaves_open=False,
            )
        elif finding.fingerprint in existing:
            finding = replace(finding, status=Status.BASELINE, gating=False, leaves_open=False)
        found.append(Made(finding, item.observation))
    return sorted(found, key=lambda item: not item.finding.gating)
