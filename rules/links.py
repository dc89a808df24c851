"""OWA2016: a symbolic link that the audit does not follow."""

from __future__ import annotations

from collections.abc import Iterator

from owaudit.model.evidence import Evidence
from owaudit.model.observation import LinkProblem
from owaudit.model.rule import EvidenceItem, Match, PythonRule, RuleMeta, Severity

META = RuleMeta(
    id="OWA2016",
    name="link-not-followed",
    title="A symbolic link leads to something that was not audited",
    severity=Severity.MEDIUM,
    explanation="The file is a link that leaves the audited folder, or leads nowhere, or to itself. A "
    "loader that opens it reads something this report says nothing about.",
    remediation="Audit the folder that holds the real files, or replace the link by the file it means.",
    references=("CWE-59: Improper Link Resolution Before File Access ('Link Following')",),
    leaves_open=True,
    family="links",
)

_PROBLEMS = {
    "outside": "leads out of the audited folder",
    "dangling": "leads to a file that does not exist",
    "loop": "leads back to itself",
}


def check(evidence: Evidence) -> Iterator[Match]:
    """Match every link that was not followed."""
    for link in evidence.of(LinkProblem):
        words = _PROBLEMS.get(link.problem, link.problem)
        yield Match(
            f"The link {link.location.artifact} {words}",
            link,
            evidence=(
                EvidenceItem(label="leads to", value=link.leads_to),
                EvidenceItem(label="problem", value=link.problem),
            ),
            key=link.problem,
        )


RULE = PythonRule(META, check)
