"""Files of a format that the policy does not accept.

A file is judged by the most specific format it is, and refused if any of its formats is denied.
Content that no loader executes needs no permission, whatever its format.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from owaudit.judge.findings import Ruled
from owaudit.judge.packs import Pack, outcome_of
from owaudit.judge.summaries import coverage_by_artifact
from owaudit.model.artifact import Artifact
from owaudit.model.coverage import Coverage
from owaudit.model.evidence import Evidence
from owaudit.model.location import Location
from owaudit.model.policy import FormatsPolicy
from owaudit.model.rule import EvidenceItem, Match

ROLE = "format-not-allowed"


def refused_formats(evidence: Evidence, formats: FormatsPolicy, packs: Sequence[Pack]) -> list[Ruled]:
    """Match every file of a format that is denied, or not among those that are allowed.

    Raises:
        UsageError: the policy restricts formats and no pack describes the finding.
    """
    if not formats.allow and not formats.deny:
        return []
    meta = outcome_of(packs, ROLE)
    return [Ruled(meta, match) for match in _matches(evidence, formats)]


def _matches(evidence: Evidence, formats: FormatsPolicy) -> Iterator[Match]:
    rows = coverage_by_artifact(evidence)
    for artifact in evidence.artifacts:
        denied = [name for name in artifact.formats if name in formats.deny]
        if denied:
            yield _match(artifact, f"is of the format {denied[0]}, which the policy denies", formats)
        elif formats.allow and not _is_inert(rows.get(artifact.path, ())):
            first = artifact.formats[0] if artifact.formats else "no known format"
            if first not in formats.allow:
                form = first if not artifact.formats else f"the format {first}"
                yield _match(artifact, f"is of {form}, which the policy does not allow", formats)


def _match(artifact: Artifact, words: str, formats: FormatsPolicy) -> Match:
    return Match(
        f"{artifact.path} {words}",
        locations=(Location(artifact=artifact.path),),
        evidence=(
            EvidenceItem(label="formats", value=", ".join(artifact.formats) or "none"),
            EvidenceItem(label="allowed", value=", ".join(formats.allow) or "all but those denied"),
        ),
        key="format",
    )


def _is_inert(rows: Sequence[Coverage]) -> bool:
    return bool(rows) and all(row.inert == row.size for row in rows)
