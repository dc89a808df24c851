"""OWA2020: a number in the file reaches beyond what holds it.

Two kinds of facts make it: a ``BoundsViolation`` of one reader, and raw numbers in another file
(``ExternalReference``) whose range ends behind that file. The clauses of a reader that are kept apart
from plain breaches of the format are those where parsers in native code were seen to reach memory:
GGUF counts, lengths, shapes, tensor ranges and vocabularies (CVE-2025-53630, CVE-2026-27940,
CVE-2026-7482, CVE-2025-49847), flatbuffer offsets and indices (CVE-2020-15211, CVE-2022-23560), ranges
of external tensors (GHSA-538c-55jv-c5g9).
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from owaudit.model.evidence import Evidence
from owaudit.model.graph_facts import ExternalReference
from owaudit.model.observation import BoundsViolation
from owaudit.model.rule import EvidenceItem, Match, PythonRule, RuleMeta, Severity

META = RuleMeta(
    id="OWA2020",
    name="structure-out-of-bounds",
    title="A number in the file reaches beyond what holds it",
    severity=Severity.HIGH,
    explanation="The file states an offset, a size, a count or an index that leads outside the file or "
    "the table it belongs to. Loaders of this format are written in C and C++, and several of "
    "them have read or written foreign memory when such a number was not checked.",
    remediation="Do not load the file. Compare its size and digest with the publisher's: an incomplete "
    "download looks the same. If the file is as published, ask for one written by the format's "
    "own tools, and keep the loader up to date.",
    references=(
        "CWE-125: Out-of-bounds Read",
        "CWE-787: Out-of-bounds Write",
        "CWE-190: Integer Overflow or Wraparound",
    ),
    leaves_open=True,
    family="ranges",
)


def check(evidence: Evidence) -> Iterator[Match]:
    """Match numbers that leave their file or table."""
    for seen in evidence.of(BoundsViolation):
        yield Match(
            f"{seen.format}: {seen.clause}: expected {seen.expected}, found {seen.found}",
            seen,
            evidence=(
                EvidenceItem(label="clause", value=seen.clause),
                EvidenceItem(label="expected", value=seen.expected),
                EvidenceItem(label="found", value=seen.found),
            ),
            key=f"{seen.format} {seen.clause}",
        )
    yield from _external(evidence)


def _external(evidence: Evidence) -> Iterator[Match]:
    sizes = {artifact.path: artifact.size for artifact in evidence.artifacts if artifact.digests}
    for seen in evidence.of(ExternalReference):
        if seen.problem or seen.location.members or not seen.ranges:
            continue
        folder = posixpath.dirname(seen.location.artifact)
        size = sizes.get(posixpath.normpath(posixpath.join(folder, seen.path)))
        end = max(max(start, end) for start, end in seen.ranges)
        if size is not None and end > size:
            yield Match(
                f"Numbers up to byte {end:,} of {seen.path} are asked for, which has {size:,} bytes",
                seen,
                evidence=(
                    EvidenceItem(label="file", value=seen.path),
                    EvidenceItem(label="end of the range", value=str(end)),
                    EvidenceItem(label="size of the file", value=str(size)),
                ),
                key=seen.path,
            )


RULE = PythonRule(META, check)
