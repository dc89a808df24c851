"""The evaluation: verdict, exit code, axes, order, fingerprints, crashes, the round trip."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from evidence_maker import ZEROS, evidence, pickle_file, place, read, used
from pack_maker import small_packs

from owaudit.errors import UsageError
from owaudit.judge.evaluate import judge
from owaudit.judge.packs import Pack, load_packs
from owaudit.model import wire
from owaudit.model.coverage import Coverage, State
from owaudit.model.evidence import Diagnostic, Evidence
from owaudit.model.observation import (
    ExtensionMismatch,
    Observation,
    PickleStream,
    ProgramLine,
    TensorTable,
    UnclaimedBytes,
    UnresolvedUse,
    Use,
)
from owaudit.model.policy import AllowedName, Gate, Policy
from owaudit.model.report import Answer, AxisResult, Outcome, Report, Run
from owaudit.model.rule import Match, PythonRule, RuleMeta, Severity

BUILTIN = load_packs(installed=False)


def _report(seen: Evidence, packs: tuple[Pack, ...] = BUILTIN, policy: Policy | None = None) -> Report:
    return judge(seen, policy or Policy(), packs, run=Run(), tool_version="1.2.3")


def _verdict(report: Report) -> tuple[Outcome, int, tuple[str, ...]]:
    return report.verdict.result, report.verdict.exit_code, report.verdict.reasons


def _stream(*lines: ProgramLine) -> PickleStream:
    return PickleStream(
        locations=(place(start=0, end=10),), protocol=4, index=0, instructions=4, ending="stop", program=lines
    )


def test_a_file_that_was_read_passes() -> None:
    report = _report(evidence(_stream(), used("collections.OrderedDict", arity=0)))
    assert _verdict(report) == (
        Outcome.PASS,
        0,
        ("Every file was read completely and nothing is at or above the gate.",),
    )
    assert report.findings == ()
    assert report.axes.load == AxisResult(
        answer=Answer.PASS, reason="Every file was read and every name in it was reviewed."
    )
    assert (report.axes.integrity.answer, report.axes.origin.answer) == (Answer.ABSENT, Answer.ABSENT)
    assert report.artifacts[0].summary == "pickle, protocol 4, 1 name"


def test_an_unreviewed_call_fails_and_the_policy_line_passes() -> None:
    seen = evidence(used("somepkg.mod.fn", example="somepkg.mod.fn()"))
    report = _report(seen)
    assert _verdict(report) == (Outcome.FAIL, 1, ("1 finding is at or above the gate (high).",))
    assert report.axes.load == AxisResult(
        answer=Answer.FAIL, reason="Loading calls somepkg.mod.fn(), which is on no reviewed list."
    )
    allowed = Policy(allowed_names=(AllowedName(name="somepkg.mod.fn", reason="read"),))
    assert _verdict(_report(seen, policy=allowed))[:2] == (Outcome.PASS, 0)


def test_an_unreviewed_class_is_inconclusive() -> None:
    report = _report(evidence(used("somepkg.mod.Thing", Use.BUILD)))
    assert _verdict(report) == (
        Outcome.INCONCLUSIVE,
        3,
        ("1 finding leaves a question open: nobody has reviewed what is named there.",),
    )
    assert report.axes.load.answer is Answer.INCONCLUSIVE


@pytest.mark.parametrize(
    ("fail_on", "outcome"),
    [
        (Severity.LOW, Outcome.FAIL),
        (Severity.MEDIUM, Outcome.FAIL),
        (Severity.HIGH, Outcome.INCONCLUSIVE),
        (None, Outcome.INCONCLUSIVE),
    ],
)
def test_the_gate_never_makes_an_open_question_pass(fail_on: Severity | None, outcome: Outcome) -> None:
    policy = Policy(gate=Gate(fail_on=fail_on))
    assert _report(evidence(used("a.B", Use.CONSTRUCT)), policy=policy).verdict.result is outcome


def test_without_a_gate_a_critical_finding_does_not_fail() -> None:
    seen = evidence(used("a.b", Use.ALTER))
    report = _report(seen, policy=Policy(gate=Gate(fail_on=None)))
    assert _verdict(report) == (
        Outcome.PASS,
        0,
        ("Every file was read completely; the policy sets no gate.",),
    )
    assert [finding.severity for finding in report.findings] == [Severity.CRITICAL]
    assert _report(seen).verdict.exit_code == 1


def test_fail_wins_over_inconclusive() -> None:
    gap = Coverage(
        artifact="a.pkl", state=State.PARTIAL, reason="truncated", size=10, parsed=9, unexplained=1
    )
    report = _report(evidence(used("a.b", Use.CALL), coverage=[gap]))
    assert _verdict(report) == (
        Outcome.FAIL,
        1,
        ("1 finding is at or above the gate (high).", "1 file was not read completely."),
    )
    assert [finding.rule for finding in report.findings] == ["OWA1002", "OWA9003"]


def test_nothing_to_audit_is_inconclusive() -> None:
    report = _report(evidence(artifacts=[]))
    assert _verdict(report) == (Outcome.INCONCLUSIVE, 3, ("There was nothing to audit.",))
    (finding,) = report.findings
    assert (finding.rule, finding.artifact, finding.location) == ("OWA9005", "", None)
    assert report.subject.root_digest == ""


def test_a_file_without_coverage_never_passes() -> None:
    report = _report(evidence(coverage=[]))
    assert [(f.rule, f.message) for f in report.findings] == [
        ("OWA9003", "a.pkl has no record of having been read")
    ]
    assert _verdict(report)[:2] == (Outcome.INCONCLUSIVE, 3)


def test_a_partial_file_never_passes_whatever_rules_there_are(tmp_path: Path) -> None:
    gap = Coverage(artifact="a.pkl", state=State.UNREAD, reason="crash:KeyError", size=10, unexplained=10)
    report = _report(evidence(coverage=[gap]), small_packs(tmp_path))
    assert (report.findings, _verdict(report)) == (
        (),
        (Outcome.INCONCLUSIVE, 3, ("1 file was not read completely.",)),
    )


def _rule(id_: str, *messages: str, crash: bool = False) -> PythonRule:
    meta = RuleMeta(
        id=id_,
        name="a-rule",
        title="T",
        severity=Severity.LOW,
        explanation="E",
        remediation="R",
        references=(),
    )

    def check(seen: Evidence) -> Iterator[Match]:
        for message in messages:
            yield Match(message, locations=(place(start=None),), key="k")
        if crash:
            raise KeyError("secret /home/path")

    return PythonRule(meta, check)


def test_a_crashed_rule_is_a_finding_and_the_others_go_on() -> None:
    pack = replace(BUILTIN[0], rules=(_rule("ACME001", "before", crash=True), _rule("ACME002", "after")))
    report = _report(evidence(), (pack,))
    assert [(f.rule, f.message) for f in report.findings] == [
        ("OWA9006", "Rule ACME001 (a-rule) stopped with KeyError"),
        ("ACME001", "before"),
        ("ACME002", "after"),
    ]
    (note,) = report.diagnostics
    assert (note.level, note.source) == ("error", "ACME001")
    assert note.message.startswith("Rule ACME001 (a-rule) stopped with KeyError at test_evaluate.py:")
    assert _verdict(report)[:2] == (Outcome.INCONCLUSIVE, 3)
    assert "A rule did not run to its end." in report.verdict.reasons


def test_a_rule_that_returns_something_else_is_a_crash() -> None:
    def check(seen: Evidence) -> Iterator[Match]:
        return iter(["text"])  # type: ignore[list-item]

    pack = replace(BUILTIN[0], rules=(PythonRule(_rule("ACME001").meta, check),))
    assert [f.message for f in _report(evidence(), (pack,)).findings] == [
        "Rule ACME001 (a-rule) stopped with TypeError"
    ]


def test_no_rules_is_an_error() -> None:
    pack = replace(BUILTIN[0], rules=(), tables=(), powerful=(), reviewed=())
    with pytest.raises(UsageError, match="no rules were loaded"):
        _report(evidence(), (pack,))
    with pytest.raises(UsageError):
        _report(evidence(), ())


def test_findings_come_in_the_order_that_matters() -> None:
    seen = evidence(
        used("z.low", Use.REFERENCE),
        used("m.cls", Use.BUILD, at=place("b.pkl")),
        used("m.call", at=place("b.pkl", start=7)),
        used("n.call", at=place("b.pkl", start=2)),
        used("o.call", at=place("a.pkl", start=50)),
        used("p.alter", Use.ALTER, at=place("b.pkl")),
        artifacts=[pickle_file("a.pkl"), pickle_file("b.pkl")],
    )
    report = _report(seen)
    keys = [(f.rule, f.artifact, f.location.start if f.location else None) for f in report.findings]
    assert keys == [
        ("OWA1014", "b.pkl", 3),
        ("OWA1002", "a.pkl", 50),
        ("OWA1002", "b.pkl", 2),
        ("OWA1002", "b.pkl", 7),
        ("OWA1003", "b.pkl", 3),
        ("OWA1004", "a.pkl", 3),
    ]
    assert [f.gating for f in report.findings] == [True, True, True, True, False, False]
    assert report.artifacts[0].findings == (report.findings[1].fingerprint, report.findings[5].fingerprint)


def test_the_order_of_observations_does_not_matter() -> None:
    facts: list[Observation] = [
        used("a.b", Use.REFERENCE),
        used("a.b", arity=2, at=place(start=1)),
        used("c.d", Use.BUILD),
        UnclaimedBytes(locations=(place(start=8, end=10),), position="after", size=2),
        _stream(ProgramLine(start=1, end=4, text="a.b()", names=("a.b",))),
    ]
    reports = {wire.dumps(_report(evidence(*order))) for order in itertools.permutations(facts)}
    assert len(reports) == 1


def test_fingerprints_are_stable_and_different() -> None:
    same = _rule("ACME001", "one", "two", "one")
    pack = replace(BUILTIN[0], rules=(same,))
    prints = [f.fingerprint for f in _report(evidence(), (pack,)).findings]
    texts = [
        '["ACME001", "a.pkl", [], "k"]',
        '["ACME001", "a.pkl", [], "k", 1]',
        '["ACME001", "a.pkl", [], "k", 2]',
    ]
    assert prints == [hashlib.sha256(text.encode()).hexdigest()[:16] for text in texts]
    longer = replace(BUILTIN[0], rules=(_rule("ACME001", "other words"),))
    assert [f.fingerprint for f in _report(evidence(), (longer,)).findings] == prints[:1]


def test_lines_of_listings_know_their_findings() -> None:
    lines = (
        ProgramLine(start=0, end=3, text="import a", names=("a.b",)),
        ProgramLine(start=3, end=9, text="a.b()", names=("a.b",)),
        ProgramLine(start=9, end=12, text="?()"),
    )
    computed = UnresolvedUse(locations=(place(start=10, end=11),), use=Use.CALL, expression="?()", reason="r")
    report = _report(evidence(_stream(*lines), used("a.b"), computed))
    by_rule = {finding.rule: finding.fingerprint for finding in report.findings}
    (listing,) = report.listings
    assert [line.findings for line in listing.lines] == [
        (by_rule["OWA1002"],),
        (by_rule["OWA1002"],),
        (by_rule["OWA1005"],),
    ]


def test_subject_counts_and_summary() -> None:
    table = TensorTable(
        locations=(place("m.safetensors"),),
        tensors=1640,
        parameters=5,
        size=9,
        element_types=(("BF16", 1600), ("F32", 40)),
    )
    files = [pickle_file("b.pkl"), pickle_file("m.safetensors", "safetensors"), pickle_file("c.pkl")]
    unknown = Coverage(artifact="c.pkl", state=State.UNREAD, reason="unknown-format", size=10, unexplained=10)
    member = Coverage(
        artifact="b.pkl", members=("x",), state=State.PARTIAL, reason="truncated", size=4, parsed=4
    )
    report = _report(
        evidence(table, artifacts=files, coverage=[read("b.pkl"), member, read("m.safetensors"), unknown])
    )
    assert report.artifacts[2].summary == "1,640 tensors, 2 dtypes"
    assert report.subject.formats == (("pickle", 2), ("safetensors", 1))
    lines = "".join(f"{ZEROS.hex}  {path}\n" for path in ("b.pkl", "c.pkl", "m.safetensors"))
    assert report.subject.root_digest == hashlib.sha256(lines.encode()).hexdigest()
    counts = report.verdict.counts
    assert (counts.files, counts.files_read, counts.files_partial, counts.files_unread) == (3, 1, 1, 1)
    assert (counts.size, counts.parsed, counts.unexplained, counts.medium) == (30, 20, 10, 2)


def test_no_root_digest_where_a_file_has_none() -> None:
    report = _report(evidence(artifacts=[replace(pickle_file(), digests=())]))
    assert report.subject.root_digest == ""


def test_the_report_survives_json() -> None:
    seen = evidence(
        _stream(ProgramLine(start=0, end=3, text="a.b()", names=("a.b",))),
        used("a.b", example="a.b()"),
        ExtensionMismatch(
            locations=(place(start=None),), extension=".pt", promised="torch-zip", formats=("pickle",)
        ),
        artifacts=[pickle_file(), pickle_file("odd\u202ename", "safetensors")],
        diagnostics=(Diagnostic(level="note", source="intake", message="m"),),
    )
    report = judge(
        seen,
        Policy(),
        BUILTIN,
        run=Run(started="2026-01-01T00:00:00Z"),
        tool_version="1",
        diagnostics=[Diagnostic(level="warning", source="policy", message="first")],
    )
    assert wire.loads(wire.dumps(report), Report) == report
    assert [note.message for note in report.diagnostics] == ["first", "m"]
    assert ZEROS.hex in wire.dumps(report)


def test_the_tool_block_names_packs_and_rules() -> None:
    report = _report(evidence())
    assert report.tool.packs == tuple(pack.used for pack in BUILTIN)
    assert report.tool.rules_evaluated == sum(pack.used.rules for pack in BUILTIN)
