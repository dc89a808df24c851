"""OWA2011: free text beside the tensors that is longer than notes usually are."""

from __future__ import annotations

from collections.abc import Iterator

from owaudit.model.evidence import Evidence
from owaudit.model.observation import MetadataEntry
from owaudit.model.rule import EvidenceItem, Match, PythonRule, RuleMeta, Severity

META = RuleMeta(
    id="OWA2011",
    name="metadata-long",
    title="The file carries a long free text",
    severity=Severity.INFO,
    explanation="The format lets authors keep texts beside the tensors. A long one can hold training "
    "notes, but also prompts, scripts or private paths that nobody meant to publish.",
    remediation="Read the text if you show it to people or hand it to programs; loading ignores it.",
    references=("CWE-515: Covert Storage Channel", "safetensors README, Format, __metadata__"),
    family="metadata",
)

LONG = 64 * 1024
"""Bytes: training tools write tables of tags of some ten kilobytes, which is usual."""


def check(evidence: Evidence) -> Iterator[Match]:
    """Match every metadata value of at least ``LONG`` bytes."""
    for entry in evidence.of(MetadataEntry):
        if entry.size >= LONG:
            start = entry.value[:200] + ("…" if len(entry.value) > 200 else "")
            yield Match(
                f"The metadata key {entry.key} holds {entry.size:,} bytes",
                entry,
                evidence=(
                    EvidenceItem(label="key", value=entry.key),
                    EvidenceItem(label="starts with", value=start),
                ),
                key=entry.key,
            )


RULE = PythonRule(META, check)
