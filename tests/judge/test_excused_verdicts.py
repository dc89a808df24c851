"""What excuses, formats and changed severities do to the verdict of a whole evaluation."""

from __future__ import annotations

from dataclasses import replace

import pytest
from evidence_maker import ZEROS, evidence, pickle_file, read, used

from owaudit.errors import UsageError
from owaudit.judge.baseline import Baseline
from owaudit.judge.evaluate import judge
from owaudit.judge.packs import load_packs
from owaudit.model import wire
from owaudit.model.artifact import Artifact, Digest, Format
from owaudit.model.coverage import Coverage, State
from owaudit.model.evidence import Evidence
from owaudit.model.limits import Limits
from owaudit.model.observation import Use
from owaudit.model.policy import FormatsPolicy, Gate, Policy, RuleChange, Waiver, Waiving
from owaudit.model.report import Answer, Outcome, Report, Run, Status, WaiverState
from owaudit.model.rule import EvidenceItem, Severity

BUILTIN = load_packs(installed=False)
RUN = Run(started="2026-11-20T08:00:00Z")
CALL = evidence(used("somepkg.mod.fn", example="somepkg.mod.fn()"))
WAIVER = Waiver(
    id="W-1",
    rule="OWA1002",
    sha256=(ZEROS.hex,),
    owner="models",
    reason="read",
    created="2026-11-01",
    expires="2026-12-01",
)


def _report(seen: Evidence, policy: Policy | None = None, baseline: Report | None = None) -> Report:
    known = Baseline(baseline, "1" * 64) if baseline is not None else None
    report = judge(seen, policy or Policy(), BUILTIN, run=RUN, tool_version="1", baseline=known)
    assert wire.loads(wire.dumps(report), Report) == report
    return report


def _verdict(report: Report) -> tuple[Outcome, int, Answer, tuple[str, ...]]:
    return report.verdict.result, report.verdict.exit_code, report.axes.load.answer, report.verdict.reasons


def test_a_waived_finding_is_there_and_does_not_decide() -> None:
    report = _report(CALL, Policy(waivers=(WAIVER,)))
    (finding,) = report.findings
    assert (finding.status, finding.waiver, finding.gating, finding.leaves_open, finding.severity) == (
        Status.WAIVED,
        "W-1",
        False,
        False,
        Severity.HIGH,
    )
    counts = report.verdict.counts
    assert (counts.high, counts.findings, counts.gating, counts.open, counts.waived) == (1, 1, 0, 0, 1)
    assert _verdict(report) == (
        Outcome.PASS,
        0,
        Answer.PASS,
        (
            "Every file was read completely and nothing open is at or above the gate.",
            "1 finding is waived by the policy.",
        ),
    )
    assert report.axes.load.reason == "Nothing is open; 1 finding is waived by the policy."
    assert report.artifacts[0].findings == (finding.fingerprint,)


def test_an_expired_waiver_fails_and_says_so() -> None:
    report = _report(CALL, Policy(waivers=(replace(WAIVER, expires="2026-11-19"),)))
    assert _verdict(report)[:2] == (Outcome.FAIL, 1)
    assert [result.state for result in report.waivers] == [WaiverState.EXPIRED]
    assert [d.message for d in report.diagnostics] == [
        "waiver W-1 is expired and covers nothing: It ended on 2026-11-19."
    ]


def test_what_is_open_comes_before_what_is_waived() -> None:
    other = Artifact(
        path="b.pkl", size=10, digests=(Digest("sha256", "1" * 64),), formats=(Format("pickle"),)
    )
    seen = evidence(
        used("somepkg.mod.fn"),
        used("somepkg.mod.other", at=replace(CALL.observations[0].location, artifact="b.pkl")),
        artifacts=[pickle_file(), other],
    )
    report = _report(seen, Policy(waivers=(WAIVER,)))
    assert [(f.artifact, f.status, f.gating) for f in report.findings] == [
        ("b.pkl", Status.OPEN, True),
        ("a.pkl", Status.WAIVED, False),
    ]
    assert _verdict(report)[3] == (
        "1 finding is at or above the gate (high).",
        "1 finding is waived by the policy.",
    )


def test_a_baseline_excuses_known_findings() -> None:
    first = _report(CALL)
    second = _report(CALL, baseline=first)
    assert [finding.status for finding in second.findings] == [Status.BASELINE]
    assert _verdict(second) == (
        Outcome.PASS,
        0,
        Answer.PASS,
        (
            "Every file was read completely and nothing open is at or above the gate.",
            "1 finding was there in the baseline.",
        ),
    )
    assert _verdict(_report(CALL, baseline=second))[:2] == (Outcome.PASS, 0)
    changed = replace(CALL, artifacts=(replace(pickle_file(), digests=(Digest("sha256", "2" * 64),)),))
    reopened = _report(changed, baseline=first)
    assert _verdict(reopened)[:2] == (Outcome.FAIL, 1)
    assert reopened.baseline is not None
    assert reopened.baseline.reopened == (reopened.findings[0].fingerprint,)


def test_a_gap_stays_open_unless_the_policy_names_its_rule() -> None:
    gap = Coverage(artifact="a.pkl", state=State.UNREAD, reason="unknown-format", size=10, unexplained=10)
    seen = evidence(coverage=[gap])
    entry = replace(WAIVER, rule="OWA9002")
    assert _verdict(_report(seen, Policy(waivers=(entry,))))[:2] == (Outcome.INCONCLUSIVE, 3)
    named = Policy(waivers=(entry,), waiving=Waiving(also=("OWA9002",)))
    assert _verdict(_report(seen, named)) == (
        Outcome.PASS,
        0,
        Answer.PASS,
        (
            "What was not read completely is excused and nothing open is at or above the gate.",
            "1 finding is waived by the policy.",
        ),
    )
    assert _report(seen, named).verdict.counts.files_unread == 1


def test_an_unanswered_question_can_be_a_no() -> None:
    seen = evidence(used("somepkg.mod.Thing", Use.BUILD))
    assert _verdict(_report(seen))[:2] == (Outcome.INCONCLUSIVE, 3)
    strict = _report(seen, Policy(gate=Gate(fail_on_inconclusive=True)))
    assert _verdict(strict) == (
        Outcome.FAIL,
        1,
        Answer.INCONCLUSIVE,
        (
            "1 finding leaves a question open: nobody has reviewed what is named there.",
            "The policy takes an unanswered question for a no.",
        ),
    )
    assert _verdict(_report(evidence(), Policy(gate=Gate(fail_on_inconclusive=True))))[:2] == (
        Outcome.PASS,
        0,
    )


def test_another_severity_moves_the_gate_and_is_said() -> None:
    change = RuleChange(rule="OWA1002", severity=Severity.MEDIUM, reason="our own pickles")
    report = _report(CALL, Policy(rules=(change,)))
    (finding,) = report.findings
    assert (finding.severity, finding.gating, finding.leaves_open) == (Severity.MEDIUM, False, True)
    assert finding.evidence[-1] == EvidenceItem(
        label="severity by policy", value="medium in place of high: our own pickles"
    )
    assert _verdict(report)[:2] == (Outcome.INCONCLUSIVE, 3)
    assert finding.fingerprint == _report(CALL).findings[0].fingerprint


def test_a_severity_for_no_rule_is_refused() -> None:
    change = RuleChange(rule="OWA1999", severity=Severity.LOW, reason="x")
    with pytest.raises(UsageError, match="no loaded rule has the id 'OWA1999'"):
        _report(CALL, Policy(rules=(change,)))


@pytest.mark.parametrize(
    ("formats", "message"),
    [
        (FormatsPolicy(), None),
        (FormatsPolicy(allow=("pickle",)), None),
        (FormatsPolicy(deny=("safetensors",)), None),
        (
            FormatsPolicy(allow=("safetensors",)),
            "a.pkl is of the format pickle, which the policy does not allow",
        ),
        (FormatsPolicy(deny=("pickle",)), "a.pkl is of the format pickle, which the policy denies"),
    ],
)
def test_formats_that_are_not_accepted_fail(formats: FormatsPolicy, message: str | None) -> None:
    report = _report(evidence(), Policy(formats=formats))
    assert [(f.rule, f.message) for f in report.findings] == ([("OWA6001", message)] if message else [])
    assert report.verdict.exit_code == (1 if message else 0)


def test_inert_content_needs_no_permission_and_the_unknown_does() -> None:
    text = Artifact(path="README.md", size=10, digests=(ZEROS,), formats=(Format("text"),))
    odd = Artifact(path="x.dat", size=10, digests=(ZEROS,))
    rows = [
        Coverage(artifact="README.md", state=State.READ, size=10, inert=10),
        read("x.dat"),
    ]
    report = _report(
        evidence(artifacts=[text, odd], coverage=rows), Policy(formats=FormatsPolicy(allow=("safetensors",)))
    )
    assert [finding.message for finding in report.findings] == [
        "x.dat is of no known format, which the policy does not allow"
    ]


def test_stored_evidence_of_other_limits_is_told() -> None:
    def told(policy: Policy) -> list[str]:
        return [diagnostic.message for diagnostic in _report(evidence(), policy).diagnostics]

    assert told(Policy()) == []
    assert told(Policy(limits=Limits(seconds=1))) == [
        "the files were read under other limits than those of the policy"
    ]
