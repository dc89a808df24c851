"""The second half of an audit: records against bytes and signers, then rules and policy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from owaudit import __version__
from owaudit.judge.axes import required
from owaudit.judge.baseline import Baseline
from owaudit.judge.evaluate import judge
from owaudit.judge.packs import Pack
from owaudit.judge.verdict import EXIT_CODES
from owaudit.model.claim import Provenance
from owaudit.model.evidence import Diagnostic, Evidence
from owaudit.model.policy import Policy
from owaudit.model.report import Answer, Outcome, Report, Run, Verdict
from owaudit.model.rule import Axis, Severity
from owaudit.pipeline.guard import guarded
from owaudit.provenance.check import check
from owaudit.provenance.trust import Trust


def judged(
    evidence: Evidence,
    policy: Policy,
    packs: Sequence[Pack],
    *,
    run: Run,
    diagnostics: Sequence[Diagnostic] = (),
    trusted_root: Path | None = None,
    baseline: Baseline | None = None,
) -> Report:
    """Check the records of the evidence, judge everything, and report.

    Certificates and waivers are checked at the start of the run; ``trusted_root`` is a Sigstore
    trusted root to use in place of the embedded one. Findings of the ``baseline`` do not decide.

    Raises:
        UsageError: a key, a root or the trusted root cannot be used, or the packs hold no rules.
        VerificationError: there are signatures and no usable trusted root.
    """
    trust = Trust(moment=_moment(run.started), root_file=trusted_root)
    checked = guarded(lambda: check(evidence, policy, trust), "the check of records")
    return judge(
        checked,
        policy,
        packs,
        run=run,
        tool_version=__version__,
        diagnostics=diagnostics,
        baseline=baseline,
    )


def vouching_only(report: Report) -> Report:
    """The same report about integrity and origin alone: other findings are left out, and the verdict
    follows from these two axes.

    It passes when the bytes are verified and no signature is refuted, fails when something is refuted
    or required, and is inconclusive otherwise.
    """
    findings = tuple(f for f in report.findings if f.axis is not Axis.LOAD)
    refuted = [axis for axis in (report.axes.integrity, report.axes.origin) if axis.answer is Answer.FAILED]
    demands = required(Provenance(claims=report.claims))
    gating = [finding for finding in findings if finding.gating]
    if refuted or demands or gating:
        outcome = Outcome.FAIL
        reasons = [axis.reason for axis in refuted] + demands
        reasons = reasons or [f"{len(gating):,} findings are at or above the gate."]
    elif report.axes.integrity.answer is Answer.VERIFIED:
        outcome, reasons = Outcome.PASS, [report.axes.integrity.reason, report.axes.origin.reason]
    else:
        outcome, reasons = Outcome.INCONCLUSIVE, [report.axes.integrity.reason]
    kept = {finding.fingerprint for finding in findings}
    severities = [finding.severity for finding in findings]
    counts = replace(
        report.verdict.counts,
        **{severity.value: severities.count(severity) for severity in Severity},
        gating=len(gating),
        open=sum(finding.leaves_open for finding in findings),
    )
    return replace(
        report,
        findings=findings,
        artifacts=tuple(
            replace(artifact, findings=tuple(f for f in artifact.findings if f in kept))
            for artifact in report.artifacts
        ),
        verdict=Verdict(result=outcome, reasons=tuple(reasons), counts=counts, exit_code=EXIT_CODES[outcome]),
    )


def _moment(started: str) -> datetime:
    try:
        return datetime.strptime(started, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        return datetime.now(tz=UTC)
