"""The report as JUnit XML, which every CI system shows: one suite a file, one case a finding.

The first case of a file says whether it was read completely. A finding at the gate is a failure, one
that keeps the verdict open an error, a waived one is skipped, any other passes and says in its output
what it is. The first suite holds the verdict, the three questions and what concerns the target as a
whole. There is no official schema; this is the part that the common readers share. XML 1.0 forbids most
control characters; they are spelled out before.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from owaudit.model.coverage import State, state_of
from owaudit.model.report import Answer, ArtifactReport, AxisResult, Finding, Outcome, Report
from owaudit.render import phrases
from owaudit.render.places import shown, where
from owaudit.render.renderer import Renderer, RenderOptions

_TEXT = 2_000
_WHOLE = "owaudit"
_OUTCOMES = {Outcome.FAIL: "failure", Outcome.INCONCLUSIVE: "error"}
_ANSWERS = {
    Answer.FAIL: "failure",
    Answer.FAILED: "failure",
    Answer.INCONCLUSIVE: "error",
    Answer.UNVERIFIABLE: "skipped",
    Answer.ABSENT: "skipped",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """One test case; ``outcome`` is an element name of JUnit, or empty where the case passes."""

    name: str
    outcome: str = ""
    kind: str = ""
    message: str = ""
    body: str = ""


def render(report: Report, options: RenderOptions) -> str:  # noqa: ARG001 - a file has no width
    """Return the document."""
    by_file: dict[str, list[Finding]] = {artifact.path: [] for artifact in report.artifacts}
    whole: list[Finding] = []
    for finding in report.findings:
        by_file.get(finding.artifact, whole).append(finding)
    suites = [(_WHOLE, [*_answers(report), *map(_case, whole)])]
    suites += [(a.path, [_reading(a), *map(_case, by_file[a.path])]) for a in report.artifacts]
    cases = [case for _, of_suite in suites for case in of_suite]
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f'<testsuites name="owaudit" {_totals(cases)}>']
    for number, (name, of_suite) in enumerate(suites):
        lines += _suite(name, of_suite, report, with_properties=number == 0)
    return "\n".join([*lines, "</testsuites>"]) + "\n"


def _answers(report: Report) -> Iterable[_Case]:
    closing = shown(phrases.closing_line(report), _TEXT)
    verdict = report.verdict
    outcome = _OUTCOMES.get(verdict.result, "")
    yield _Case(name="verdict", outcome=outcome, kind=str(verdict.result), message=closing, body=closing)
    axes = (("load", report.axes.load), ("integrity", report.axes.integrity), ("origin", report.axes.origin))
    for name, axis in axes:
        yield _axis(name, axis)


def _axis(name: str, axis: AxisResult) -> _Case:
    said = shown(f"{axis.answer}: {axis.reason}", _TEXT)
    outcome = _ANSWERS.get(axis.answer, "")
    return _Case(name=name, outcome=outcome, kind=str(axis.answer), message=said, body=said)


def _reading(artifact: ArtifactReport) -> _Case:
    gaps = [row for row in artifact.coverage if row.state is not State.READ]
    if state_of(artifact.coverage) is State.READ:
        return _Case(name="read completely")
    said = "; ".join(f"{row.unit}: {row.state}, {row.reason}" for row in gaps[:20]) or "not read"
    said = shown(said, _TEXT)
    return _Case(name="read completely", outcome="error", kind="coverage", message=said, body=said)


def _case(finding: Finding) -> _Case:
    outcome = "failure" if finding.gating else "error" if finding.leaves_open else ""
    if phrases.is_waived(finding):
        outcome = "skipped"
    lines = [
        f"{finding.severity}: {phrases.full_stop(shown(finding.message, _TEXT))}",
        f"Place: {where(finding)}",
        f"Do: {shown(finding.remediation, _TEXT)}" if finding.remediation else "",
        f"Fingerprint: {shown(finding.fingerprint, 64)}",
    ]
    return _Case(
        name=f"{finding.rule} {finding.name}: {where(finding)}",
        outcome=outcome,
        kind=str(finding.severity),
        message=finding.message,
        body="\n".join(filter(None, lines)),
    )


def _suite(name: str, cases: Sequence[_Case], report: Report, *, with_properties: bool) -> Iterable[str]:
    started = report.run.started
    when = f' timestamp="{started[:-1]}"' if phrases.is_moment(started) else ""
    yield f' <testsuite name="{_attribute(name)}" {_totals(cases)}{when}>'
    if with_properties:
        yield from ("  <properties>", *_properties(report), "  </properties>")
    for case in cases:
        yield from _written(name, case)
    yield " </testsuite>"


def _written(suite: str, case: _Case) -> Iterable[str]:
    head = f'  <testcase classname="{_attribute(suite)}" name="{_attribute(case.name)}" time="0"'
    body = html.escape(case.body)
    if not case.outcome:
        yield f"{head}><system-out>{body}</system-out></testcase>" if body else f"{head}/>"
    elif case.outcome == "skipped":
        yield f'{head}><skipped message="{_attribute(case.message)}">{body}</skipped></testcase>'
    else:
        kind, message = _attribute(case.kind), _attribute(case.message)
        yield f'{head}><{case.outcome} type="{kind}" message="{message}">{body}</{case.outcome}></testcase>'


def _properties(report: Report) -> Iterable[str]:
    counts = report.verdict.counts
    values = {
        "verdict": str(report.verdict.result),
        "exit-code": str(report.verdict.exit_code),
        "findings": str(counts.findings),
        **{name: str(getattr(counts, name)) for name in ("critical", "high", "medium", "low", "info")},
        "at-gate": str(counts.gating),
        "keep-open": str(counts.open),
        "waived": str(counts.waived),
        "known-before": str(counts.baseline),
        "files": str(counts.files),
        "files-read": str(counts.files_read),
        "subject": report.subject.name,
        "root-digest": report.subject.root_digest,
        "tool": f"{report.tool.name} {report.tool.version}",
    }
    for name, value in values.items():
        yield f'   <property name="owaudit.{name}" value="{_attribute(value)}"/>'


def _totals(cases: Sequence[_Case]) -> str:
    outcomes = [case.outcome for case in cases]
    return (
        f'tests="{len(cases)}" failures="{outcomes.count("failure")}" errors="{outcomes.count("error")}" '
        f'skipped="{outcomes.count("skipped")}" time="0"'
    )


def _attribute(text: str) -> str:
    return html.escape(shown(text, _TEXT))


RENDERER = Renderer("junit", (".junit.xml",), render)
