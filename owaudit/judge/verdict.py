"""The three axes, the counts and the verdict.

A certain fail wins over inconclusive. The load axis passes only when everything was read and no
finding leaves it open.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from owaudit.judge.axes import integrity, origin, required
from owaudit.judge.standing import COVERAGE_RULES
from owaudit.judge.summaries import coverage_by_artifact, state_of
from owaudit.model.claim import Source
from owaudit.model.coverage import Coverage, State
from owaudit.model.evidence import Evidence
from owaudit.model.policy import Policy
from owaudit.model.report import Answer, Axes, AxisResult, Counts, Finding, Outcome, Status, Verdict
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
        waived=sum(finding.status is Status.WAIVED for finding in findings),
        baseline=sum(finding.status is Status.BASELINE for finding in findings),
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
    unread = unread_files(evidence, findings)
    if unread:
        return AxisResult(
            answer=Answer.INCONCLUSIVE,
            reason=f"{_number(len(unread), 'file was', 'files were')} not read completely.",
        )
    opened = [finding for finding in findings if finding.leaves_open]
    if opened:
        return AxisResult(answer=Answer.INCONCLUSIVE, reason=_sentence(opened[0].message))
    excuses = excuses_phrase(findings)
    if excuses:
        return AxisResult(answer=Answer.PASS, reason=f"Nothing is open; {excuses}.")
    return AxisResult(answer=Answer.PASS, reason="Every file was read and every name in it was reviewed.")


def excuses_phrase(findings: Sequence[Finding]) -> str:
    """Say how many findings were excused, and how; empty where none was."""
    waived = sum(finding.status is Status.WAIVED for finding in findings)
    existing = sum(finding.status is Status.BASELINE for finding in findings)
    parts = []
    if waived:
        parts.append(f"{_number(waived, 'finding is', 'findings are')} waived by the policy")
    if existing:
        parts.append(f"{_number(existing, 'finding was', 'findings were')} there in the baseline")
    return " and ".join(parts)


def unread_files(evidence: Evidence, findings: Sequence[Finding] = ()) -> list[str]:
    """Paths of the files that were not read completely, sorted; every row counts.

    A file whose every finding about coverage is excused is left out.
    """
    rows: Mapping[str, tuple[Coverage, ...]] = coverage_by_artifact(evidence)
    found = {path for path, items in rows.items() if state_of(items) is not State.READ}
    for artifact in evidence.artifacts:
        if not any(not row.members for row in rows.get(artifact.path, ())):
            found.add(artifact.path)
    about = [finding for finding in findings if finding.rule.startswith(COVERAGE_RULES)]
    excused = {f.artifact for f in about if f.status is not Status.OPEN}
    return sorted(found - (excused - {f.artifact for f in about if f.status is Status.OPEN}))


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
    unread = unread_files(evidence, findings)
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
    failed = _failed_axes(answers, findings)
    demands = required(evidence.provenance)
    reasons += [*failed, *demands]
    if tally.gating or failed or demands:
        outcome = Outcome.FAIL
    elif answers.load.answer is Answer.PASS and not tally.open:
        outcome = Outcome.PASS
        reasons.append(_pass_reason(tally, policy))
    elif policy.gate.fail_on_inconclusive:
        outcome = Outcome.FAIL
        reasons.append("The policy takes an unanswered question for a no.")
    else:
        outcome = Outcome.INCONCLUSIVE
    if outcome is Outcome.INCONCLUSIVE and was_pass(evidence):
        outcome = Outcome.FAIL
        reasons.append("The lock file was written at a pass, and now the verdict is inconclusive.")
    excuses = excuses_phrase(findings)
    if excuses:
        reasons.append(f"{excuses}.")
    return Verdict(result=outcome, reasons=tuple(reasons), counts=tally, exit_code=EXIT_CODES[outcome])


def _pass_reason(tally: Counts, policy: Policy) -> str:
    read = "Every file was read completely"
    if tally.files_read < tally.files:
        read = "What was not read completely is excused"
    if policy.gate.fail_on is None:
        return f"{read}; the policy sets no gate."
    what = "nothing open" if tally.waived or tally.baseline else "nothing"
    return f"{read} and {what} is at or above the gate."


def _failed_axes(answers: Axes, findings: Sequence[Finding]) -> list[str]:
    """Why integrity or origin failed, unless every finding that says so is excused."""
    reasons = []
    for axis, result in ((Axis.INTEGRITY, answers.integrity), (Axis.ORIGIN, answers.origin)):
        if result.answer is not Answer.FAILED:
            continue
        about = [f for f in findings if f.axis is axis and f.severity.reaches(Severity.MEDIUM)]
        if not about or any(finding.status is Status.OPEN for finding in about):
            reasons.append(result.reason)
    return reasons


def was_pass(evidence: Evidence) -> bool:
    """Did a lock file that the user gave record a pass?"""
    return any(
        ("verdict", Outcome.PASS.value) in record.facts
        for record in evidence.records
        if record.kind == "lock" and record.source is Source.OUTSIDE
    )


def _sentence(message: str) -> str:
    return message if message.endswith((".", "…")) else message + "."


def _number(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"
