"""OWA2007, OWA2021: names that read as something else than they are.

Source: CVE-2021-42574; Unicode UTS 39; MITRE ATT&CK T1036.002 and T1036.007.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from owaudit.model.evidence import Evidence
from owaudit.model.format_facts import NameProblem
from owaudit.model.rule import EvidenceItem, Match, PythonRule, RuleMeta, Severity

READS = RuleMeta(
    id="OWA2007",
    name="name-reads-differently",
    title="The name of a file does not read as what it is",
    severity=Severity.MEDIUM,
    explanation="The name holds marks that turn its direction, letters nobody sees or that look like others, "
    "separators, or a name that some systems reserve. What a person reads, and what a program or "
    "another system opens, differ.",
    remediation="Look at the name with its escapes, in the evidence. Rename the file before it is passed on, "
    "and ask the publisher how the name came about.",
    references=(
        "CVE-2021-42574",
        "CWE-451: User Interface (UI) Misrepresentation of Critical Information",
        "CWE-1007: Insufficient Visual Distinction of Homoglyphs Presented to User",
    ),
    family="disguise",
)
DOUBLE = RuleMeta(
    id="OWA2021",
    name="double-extension",
    title="The name of a file has a second suffix that decides how it is opened",
    severity=Severity.LOW,
    explanation="The name shows the suffix of weights or text, and a last one behind it that makes systems "
    "run or unpickle the file. Some viewers hide the last suffix.",
    remediation="Go by the last suffix and by the content, which the evidence names.",
    references=("CWE-646: Reliance on File Name or Extension of Externally-Supplied File",),
    family="disguise",
)

_WORDS: Final = {
    "direction": "a mark that turns the direction of reading",
    "control": "a control character",
    "invisible": "a letter that is not shown",
    "confusable": "a letter that looks like another",
    "reserved": "a name that Windows keeps for a device",
    "edge": "a space or dot at its end, or a space of another kind",
    "parent": "separators of paths inside one name",
}


def check_reads(evidence: Evidence) -> Iterator[Match]:
    """Match names that differ from what is read."""
    for seen in evidence.of(NameProblem):
        if seen.problem in _WORDS:
            yield _match(seen, f"The name holds {_WORDS[seen.problem]} ({seen.detail}): {seen.shown}")


def check_double(evidence: Evidence) -> Iterator[Match]:
    """Match names with a second suffix that runs or unpickles."""
    for seen in evidence.of(NameProblem):
        if seen.problem == "double-extension":
            yield _match(seen, f"The last suffix is {seen.detail}: {seen.shown}")


def _match(seen: NameProblem, message: str) -> Match:
    return Match(
        message,
        seen,
        evidence=(
            EvidenceItem(label="name", value=seen.shown),
            EvidenceItem(label="detail", value=seen.detail),
        ),
        key=f"{seen.problem} {seen.shown}",
    )


RULES = (PythonRule(READS, check_reads), PythonRule(DOUBLE, check_double))
