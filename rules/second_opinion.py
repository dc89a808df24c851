"""OWA1020: another scanner reports a name that this audit did not see at all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from owaudit.model.evidence import Evidence
from owaudit.model.observation import NameUsed, SecondOpinion
from owaudit.model.rule import EvidenceItem, Match, PythonRule, RuleMeta, Severity

META = RuleMeta(
    id="OWA1020",
    name="second-opinion-differs",
    title="Another scanner reports a name that this audit did not see",
    severity=Severity.HIGH,
    explanation="Two readers of the same bytes disagree about what loading reaches. One of them is "
    "wrong, and a file made to mislead readers looks like this.",
    remediation="Do not load the file before the difference is explained. Compare 'owaudit explain' with "
    "the report of the other scanner, and tell the maintainers of the one that is wrong.",
    references=("CWE-436: Interpretation Conflict", "CWE-502: Deserialization of Untrusted Data"),
    leaves_open=True,
    family="second opinion",
)

_PLACEHOLDER = "unknown"
"""What modelscan writes where it could not follow a name."""


def check(evidence: Evidence) -> Iterator[Match]:
    """Match every reported name that no pickle of the same file reaches in our reading.

    A name that we did see is judged by our own lists, whatever the other scanner makes of it.
    """
    seen: defaultdict[str, set[str]] = defaultdict(set)
    for used in evidence.of(NameUsed):
        seen[used.location.artifact].update(used.spellings)
        seen[used.location.artifact].add(used.name.replace(".", " "))
    for opinion in evidence.of(SecondOpinion):
        known = seen[opinion.location.artifact]
        if opinion.name in known or opinion.name.replace(".", " ") in known:
            continue
        if _PLACEHOLDER in opinion.name.split(" "):
            continue
        yield Match(
            f"{opinion.engine} reports {opinion.name.replace(' ', '.')} as {opinion.severity}, "
            "which this audit did not see",
            opinion,
            evidence=(EvidenceItem(label="reported by", value=opinion.engine),),
            key=f"{opinion.engine} {opinion.name}",
        )


RULE = PythonRule(META, check)
