"""OWA2004, OWA2009: declared ranges that overlap, and bytes that nothing declares."""

from __future__ import annotations

from collections.abc import Iterator

from owaudit.model.evidence import Evidence
from owaudit.model.observation import RangeOverlap, UnclaimedBytes
from owaudit.model.rule import EvidenceItem, Match, PythonRule, RuleMeta, Severity

OVERLAP = RuleMeta(
    id="OWA2004",
    name="ranges-overlap",
    title="Two declared ranges of the file share bytes",
    severity=Severity.HIGH,
    explanation="The file says of the same bytes that they belong to two things. A reader may see other "
    "numbers than the author, and small files can unpack to very large ones this way.",
    remediation="Do not load the file. Ask the publisher for one that was written by the format's own "
    "library.",
    references=(
        "CWE-1288: Improper Validation of Consistency within Input",
        "CWE-409: Improper Handling of Highly Compressed Data (Data Amplification)",
    ),
    family="ranges",
)

UNCLAIMED = RuleMeta(
    id="OWA2009",
    name="unclaimed-bytes",
    title="The file holds bytes that its format does not account for",
    severity=Severity.MEDIUM,
    explanation="Some bytes belong to nothing that the format declares. Loaders skip them, so they can "
    "carry anything: another file, a program, or leftovers of the tool that wrote the model.",
    remediation="Compare the size and digest of the file with the publisher's. If they agree, ask what "
    "the bytes are; writing the model again with the format's own library removes them.",
    references=("CWE-515: Covert Storage Channel", "CWE-436: Interpretation Conflict"),
    leaves_open=True,
    family="ranges",
)

PADDING = 4096
"""Bytes of zeros after the end that count as padding: less than one page, as writers that align
to blocks leave. More, or a single byte that is not zero, is unclaimed."""


def check_overlap(evidence: Evidence) -> Iterator[Match]:
    """Match every pair of ranges that share bytes."""
    for seen in evidence.of(RangeOverlap):
        yield Match(
            f"{seen.first} and {seen.second} share {seen.size:,} bytes",
            seen,
            evidence=(
                EvidenceItem(label="first", value=seen.first),
                EvidenceItem(label="second", value=seen.second),
                EvidenceItem(label="shared bytes", value=str(seen.size)),
            ),
            key=f"{seen.first} {seen.second}",
        )


def check_unclaimed(evidence: Evidence) -> Iterator[Match]:
    """Match bytes that no structure claims, zeros of less than ``PADDING`` at the end excepted."""
    for seen in evidence.of(UnclaimedBytes):
        if seen.zeros and seen.position == "after" and seen.size < PADDING:
            continue
        content = "all zero" if seen.zeros else "not all zero"
        where = {"before": "before the start of the format", "after": "after its end"}.get(
            seen.position, "between its parts"
        )
        yield Match(
            f"{seen.size:,} bytes {where} belong to nothing ({content})",
            seen,
            evidence=(
                EvidenceItem(label="position", value=seen.position),
                EvidenceItem(label="size", value=str(seen.size)),
                EvidenceItem(label="content", value=content),
            ),
            key=seen.position,
        )


RULES = (PythonRule(OVERLAP, check_overlap), PythonRule(UNCLAIMED, check_unclaimed))
