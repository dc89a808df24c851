"""OWA2011, OWA2018: free text beside the tensors that is long, or that a page would run."""

from __future__ import annotations

import re
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

MARKUP = RuleMeta(
    id="OWA2018",
    name="metadata-active-markup",
    title="A text beside the tensors holds markup that a browser runs",
    severity=Severity.MEDIUM,
    explanation="Model pages and dashboards show such texts. One that prints it without escaping runs "
    "what the author of the file wrote, in the session of whoever looks.",
    remediation="Do not show the text on a page that does not escape it. Ask the publisher why it is "
    "there, or write the file again without it.",
    references=(
        "CWE-79: Improper Neutralization of Input During Web Page Generation ('Cross-site Scripting')",
    ),
    leaves_open=True,
    family="metadata",
)

_ACTIVE = re.compile(
    r"<\s*(?:script|iframe|object|embed|svg|img|body|link|meta|base|form)\b[^>]{0,2000}"
    r"(?:\bon[a-z]{3,20}\s*=|\bsrc(?:doc)?\s*=|javascript:|>)|javascript:|\bdata:text/html",
    re.IGNORECASE,
)
_HARMLESS = re.compile(r"<\s*(?:img|link)\b(?![^>]{0,2000}\bon[a-z]{3,20}\s*=)", re.IGNORECASE)
"""Model cards hold pictures: they are quiet unless they carry an event handler."""

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


def check_markup(evidence: Evidence) -> Iterator[Match]:
    """Match metadata that a browser would run: scripts, frames, event handlers, script addresses."""
    for entry in evidence.of(MetadataEntry):
        found = _ACTIVE.search(entry.key) or _ACTIVE.search(entry.value)
        if found is not None and not _HARMLESS.match(found.group()):
            yield Match(
                f"The metadata key {entry.key[:80]} holds {found.group()[:60]!r}",
                entry,
                evidence=(EvidenceItem(label="key", value=entry.key),),
                key=entry.key,
            )


RULES = (PythonRule(META, check), PythonRule(MARKUP, check_markup))
