"""The three axes, the counts and the verdict.

A certain fail wins over inconclusive. The load axis passes only when everything was read and no
finding leaves it open.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from owaudit.judge.axes import integrity, origin, required
from owaudit.judge.summaries import coverage_by_artifact, state_of
from owaudit.model.coverage import Coverage, State
from owaudit.model.evidence import Evidence
from owaudit.model.policy import Policy
from owaudit.model.report import Answer, Axes, AxisResult, Counts, Finding, Outcome, Verdict
from owaudit.model.rule import Axis, Severity

EXIT_CODES = {Outcome.PASS: 0, Outcome.FAIL: 1, Outcome.INCONCLUSIVE: 3}


def counts(evidence: Evidence, findings: Sequence[Finding]) -> Counts:
    """Count findings by severity and standing, files by state, bytes by group.

    A file's state is the worst of its rows; bytes are those of the file itself, not of members.
    """
    rows = coverage_by_artifact(evidence)
    states = [state_of(rows.get(artifact.path, ())) for artifact in evidence.artifacts]
    own = [row for row in evidence.coverage if not row.members]
    severities = [finding.severity for finding in findings]
    return Counts(
        critical=severities.count(Severity.CRITICAL),
        high=severities.count(Severity.HIGH),
        medium=severities.count(Severity.MEDIUM),
        low=severities.count(Severity.LOW),
        info=severities.count(Severity.INFO),
        gating=sum(finding.gating for finding in findings),
        open=sum(finding.leaves_open for finding in findings),
        files=len(states),
        files_read=states.count(State.READ),
        files_partial=states.count(State.PARTIAL),
        files_unread=states.count(State.UNREAD),
        size=sum(artifact.size for artifact in evidence.artifacts),
        parsed=sum(row.parsed for row in own),
        payload=sum(row.payload for row in own),
        inert=sum(row.inert for row in own),
        unexplained=sum(row.unexplained for row in own),
    )


def axes(evidence: Evidence, findings: Sequence[Finding], *, crashed: bool) -> Axes:
    """Answer the three questions."""
    return Axes(
        load=_load(evidence, [f for f in findings if f.axis is Axis.LOAD], crashed=crashed),
        integrity=integrity(evidence.provenance),
        origin=origin(evidence.provenance),
    )


def _load(evidence: Evidence, findings: Sequence[Finding], *, crashed: bool) -> AxisResult:
    gating = [finding for finding in findings if finding.gating]
    if gating:
        return AxisResult(answer=Answer.FAIL, reason=_sentence(gating[0].message))
    if not evidence.artifacts:
        return AxisResult(answer=Answer.INCONCLUSIVE, reason="There was nothing to audit.")
    if crashed:
        return AxisResult(answer=Answer.INCONCLUSIVE, reason="A rule did not run to its end.")
    unread = unread_files(evidence)
    if unread:
        return AxisResult(
            answer=Answer.INCONCLUSIVE,
            reason=f"{_number(len(unread), 'file was', 'files were')} not read completely.",
        )
    opened = [finding for finding in findings if finding.leaves_open]
    if opened:
        return AxisResult(answer=Answer.INCONCLUSIVE, reason=_sentence(opened[0].message))
    return AxisResult(answer=Answer.PASS, reason="Every file was read and every name in it was reviewed.")


def unread_files(evidence: Evidence) -> list[str]:
    """Paths of the files that were not read completely, sorted; every row counts."""
    rows: Mapping[str, tuple[Coverage, ...]] = coverage_by_artifact(evidence)
    found = {path for path, items in rows.items() if state_of(items) is not State.READ}
    for artifact in evidence.artifacts:
        if not any(not row.members for row in rows.get(artifact.path, ())):
            found.add(artifact.path)
    return sorted(found)


def verdict(
    evidence: Evidence, policy: Policy, findings: Sequence[Finding], answers: Axes, *, crashed: bool
) -> Verdict:
    """Give the policy's answer, its reasons in plain sentences, and the exit code."""
    tally = counts(evidence, findings)
    gate = policy.gate.fail_on
    reasons: list[str] = []
    if tally.gating:
        reasons.append(
            f"{_number(tally.gating, 'finding is', 'findings are')} at or above the gate ({gate})."
        )
    if not evidence.artifacts:
        reasons.append("There was nothing to audit.")
    unread = unread_files(evidence)
    if unread:
        reasons.append(f"{_number(len(unread), 'file was', 'files were')} not read completely.")
    opened = sum(f.leaves_open and not f.gating and not f.rule.startswith("OWA9") for f in findings)
    if opened:
        reasons.append(
            f"{_number(opened, 'finding leaves', 'findings leave')} a question open: "
            "nobody has reviewed what is named there."
        )
    if crashed:
        reasons.append("A rule did not run to its end.")
    failed = [axis.reason for axis in (answers.integrity, answers.origin) if axis.answer is Answer.FAILED]
    demands = required(evidence.provenance)
    reasons += [*failed, *demands]
    if tally.gating or failed or demands:
        outcome = Outcome.FAIL
    elif answers.load.answer is Answer.PASS and not tally.open:
        outcome = Outcome.PASS
        reasons.append(
            "Every file was read completely and nothing is at or above the gate."
            if gate
            else "Every file was read completely; the policy sets no gate."
        )
    else:
        outcome = Outcome.INCONCLUSIVE
    return Verdict(result=outcome, reasons=tuple(reasons), counts=tally, exit_code=EXIT_CODES[outcome])


def _sentence(message: str) -> str:
    return message if message.endswith((".", "…")) else message + "."


def _number(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"
