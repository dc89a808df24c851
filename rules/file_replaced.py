"""OWA2017: a file changed while it was audited."""

from __future__ import annotations

from collections.abc import Iterator

from owaudit.model.evidence import Evidence
from owaudit.model.observation import FileReplaced
from owaudit.model.rule import EvidenceItem, Match, PythonRule, RuleMeta, Severity

META = RuleMeta(
    id="OWA2017",
    name="file-replaced",
    title="The file changed while it was audited",
    severity=Severity.HIGH,
    explanation="Size, time or identity of the file were not the same at the end of reading as at its "
    "start. The digest and the findings may be of bytes that are no longer there.",
    remediation="Find out which program writes to the folder, stop it, and audit again.",
    references=("CWE-367: Time-of-check Time-of-use (TOCTOU) Race Condition",),
    leaves_open=True,
    family="audit",
)


def check(evidence: Evidence) -> Iterator[Match]:
    """Match every file that changed."""
    for seen in evidence.of(FileReplaced):
        changed = ", ".join(seen.changed)
        yield Match(
            f"{seen.location.artifact} changed while it was read ({changed})",
            seen,
            evidence=(EvidenceItem(label="changed", value=changed),),
        )


RULE = PythonRule(META, check)
