"""OWA2001, OWA2002, OWA2015: files that break the law of their own format.

What our reader finds and what the format's own library says are two voices: where both object,
the library's words support our finding; where only the library objects, that is a finding too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

from owaudit.model.evidence import Evidence
from owaudit.model.observation import LibraryAnswer, RangeOverlap, SpecViolation, UnclaimedBytes
from owaudit.model.rule import EvidenceItem, Match, PythonRule, RuleMeta, Severity

_SYNTAX = "CWE-1286: Improper Validation of Syntactic Correctness of Input"
_CONFLICT = "CWE-436: Interpretation Conflict"

VIOLATION = RuleMeta(
    id="OWA2001",
    name="format-violation",
    title="The file breaks the law of its format",
    severity=Severity.MEDIUM,
    explanation="The bytes are not what the format's specification asks for. A loader may refuse the "
    "file, or read something else than the author meant, or run into a fault of its own "
    "parser.",
    remediation="Download the file again and compare its digest with the publisher's. If the file is as "
    "published, ask the publisher to write it again with the format's own library.",
    references=(_SYNTAX, _CONFLICT),
    leaves_open=True,
    family="format",
)

DEVIATION = RuleMeta(
    id="OWA2002",
    name="format-deviation",
    title="The file departs from its format in a way that loaders accept",
    severity=Severity.LOW,
    explanation="The bytes are not exactly what the specification asks for, in a way that the format's "
    "own loader is known to accept. It is a trace of the program that wrote the file.",
    remediation="Nothing needs to be done today. Writing the file again with the format's own library "
    "removes the difference.",
    references=(_SYNTAX,),
    family="format",
)

REFUSED = RuleMeta(
    id="OWA2015",
    name="library-refuses",
    title="The format's own library refuses the file",
    severity=Severity.MEDIUM,
    explanation="The library that loads this format says no, although our reading found no breach of the "
    "format. One of the two is wrong about the file, so the file cannot be called sound.",
    remediation="Do not rely on the file before the difference is explained. Report it with the message "
    "of the library; a newer version of either side may settle it.",
    references=(_CONFLICT,),
    leaves_open=True,
    family="format",
)

_Key = tuple[str, tuple[str, ...], str, str]


PADDING = 4096
"""As in OWA2009: fewer NUL bytes than this at the end are quiet there."""


def check_violations(evidence: Evidence) -> Iterator[Match]:
    """Match each clause that a file breaks, once per file or member."""
    return _clauses(evidence, tolerated=False)


def check_deviations(evidence: Evidence) -> Iterator[Match]:
    """Match each clause that a file breaks in a way its loader accepts."""
    return _clauses(evidence, tolerated=True)


def _clauses(evidence: Evidence, *, tolerated: bool) -> Iterator[Match]:
    answers: dict[str, list[LibraryAnswer]] = defaultdict(list)
    for answer in evidence.of(LibraryAnswer):
        answers[answer.location.artifact].append(answer)
    groups: dict[_Key, list[SpecViolation]] = defaultdict(list)
    for seen in evidence.of(SpecViolation):
        if seen.tolerated is tolerated:
            place = seen.location
            groups[place.artifact, place.members, seen.format, seen.clause].append(seen)
    for (artifact, _, form, clause), group in sorted(groups.items()):
        group.sort(key=lambda item: (item.location.start or 0, item.expected, item.found))
        first = group[0]
        whole = replace(
            first,
            count=sum(item.count for item in group),
            locations=tuple(place for item in group for place in item.locations)[:3],
        )
        yield Match(
            f"{form}: {clause}: expected {first.expected}, found {first.found}",
            whole,
            evidence=(
                EvidenceItem(label="clause", value=clause),
                EvidenceItem(label="expected", value=first.expected),
                EvidenceItem(label="found", value=first.found),
                *(() if tolerated else _voices(answers[artifact])),
            ),
            key=f"{form} {clause}",
        )


def _voices(answers: list[LibraryAnswer]) -> Iterator[EvidenceItem]:
    for answer in answers:
        said = "accepts the file" if answer.accepts else f"refuses the file: {answer.message}"
        yield EvidenceItem(label=f"library {answer.library}", value=said)


def check_refusals(evidence: Evidence) -> Iterator[Match]:
    """Match refusals by a library where our reader found no breach that explains them."""
    explained = {seen.location.artifact for seen in evidence.of(SpecViolation) if not seen.tolerated}
    explained |= {seen.location.artifact for seen in evidence.of(RangeOverlap)}
    # A few NUL bytes at the end are no finding of their own, so they explain nothing here.
    explained |= {
        seen.location.artifact
        for seen in evidence.of(UnclaimedBytes)
        if not (seen.zeros and seen.position == "after" and seen.size < PADDING)
    }
    for answer in evidence.of(LibraryAnswer):
        if not answer.accepts and answer.location.artifact not in explained:
            yield Match(
                f"{answer.library} refuses the file: {answer.message or 'no reason given'}",
                answer,
                evidence=(
                    EvidenceItem(label="library", value=answer.library),
                    EvidenceItem(label="message", value=answer.message),
                ),
                key=answer.library,
            )


RULES = (
    PythonRule(VIOLATION, check_violations),
    PythonRule(DEVIATION, check_deviations),
    PythonRule(REFUSED, check_refusals),
)
