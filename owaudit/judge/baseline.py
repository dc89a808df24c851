"""A baseline: an earlier report whose findings are known, so that only new ones decide.

A finding is known when the earlier report has the same fingerprint, open or itself in a baseline,
at the same severity or a higher one, and every file that it rests on has the same SHA-256 in both.
Findings that were waived then are not known: a waiver that has ended must not live on in a report.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from owaudit.judge.findings import Made
from owaudit.judge.standing import Files, may_be_excused
from owaudit.model import wire
from owaudit.model.policy import Policy
from owaudit.model.report import BaselineUsed, Report, Status


@dataclass(frozen=True, slots=True)
class Baseline:
    """An earlier report and the SHA-256 of its file."""

    report: Report
    sha256: str


def read_baseline(text: str) -> Baseline:
    """Read the JSON of an earlier report.

    Raises:
        FormatError: not the JSON of a report.
    """
    raw = text.encode("utf-8", "surrogatepass")
    return Baseline(wire.loads(text, Report), hashlib.sha256(raw).hexdigest())


def apply_baseline(
    baseline: Baseline | None, made: Sequence[Made], files: Files, policy: Policy
) -> tuple[frozenset[str], BaselineUsed | None]:
    """Return the fingerprints of known findings, and what the report says of the baseline."""
    if baseline is None:
        return frozenset(), None
    earlier = {
        finding.fingerprint: finding
        for finding in baseline.report.findings
        if finding.status is not Status.WAIVED
    }
    digests = {
        artifact.path: digest.hex
        for artifact in baseline.report.artifacts
        for digest in artifact.digests
        if digest.algorithm == "sha256"
    }
    existing, reopened = set(), []
    for item in made:
        finding = item.finding
        known = earlier.get(finding.fingerprint)
        if known is None or not may_be_excused(finding, policy):
            continue
        paths = files.files_of(item)
        is_same = all(digests.get(path) is not None and digests[path] == files.digest(path) for path in paths)
        if paths and is_same and finding.severity.rank <= known.severity.rank:
            existing.add(finding.fingerprint)
        else:
            reopened.append(finding.fingerprint)
    now = {item.finding.fingerprint for item in made}
    used = BaselineUsed(
        sha256=baseline.sha256,
        known=len(existing),
        reopened=tuple(reopened),
        vanished=sum(finding.fingerprint not in now for finding in baseline.report.findings),
    )
    return frozenset(existing), used
