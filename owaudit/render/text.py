"""The report for a terminal: short where nothing is wrong, exact where something is.

The verdict and the three axes come first, then findings by file with what to do, then what was
not read. The last line is the verdict with its counts and the meaning of the exit code.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypedDict

from owaudit.model.coverage import Coverage, State, state_of
from owaudit.model.report import Answer, ArtifactReport, Finding, Outcome, Report
from owaudit.model.rule import EvidenceItem
from owaudit.render import phrases
from owaudit.render.control_lines import add_controls, add_inventory
from owaudit.render.escape import visible, visible_short
from owaudit.render.explanation import add_loaders
from owaudit.render.phrases import counted, number
from owaudit.render.renderer import Renderer, RenderOptions
from owaudit.render.terminal import SEVERITY_STYLES, Sheet

_PATH_SHOWN = 1024
_GAPS_SHOWN = 20
_NOTES_SHOWN = 20
_CALL_LABELS = ("call", "example", "expression")
_SAID_LABELS = ("name", "reason", "use")
"""Evidence that the message, or the line about the gap, says already."""
_INDENT = 2
_BODY = 12
"""Findings hang under their severity, which is the first column."""

_STYLES = {
    Answer.PASS: "ok",
    Answer.VERIFIED: "ok",
    Answer.FAIL: "no-strong",
    Answer.FAILED: "no-strong",
    Answer.INCONCLUSIVE: "unk",
    Answer.UNVERIFIABLE: "unk",
    Answer.ABSENT: "faint",
}


class _Label(TypedDict):
    label: str
    label_style: str


_RESULT_STYLES = {Outcome.PASS: "ok", Outcome.FAIL: "no-strong", Outcome.INCONCLUSIVE: "unk"}


def render(report: Report, options: RenderOptions) -> str:
    """Return the report as lines of text, without a control character unless colour is on."""
    sheet = Sheet(options)
    if options.quiet:
        for finding in report.findings:
            if finding.gating or finding.leaves_open:
                said = f"{place(finding)}: {visible_short(finding.message)}"
                sheet.paragraph(said, **_severity(finding))
    else:
        _add_opening(sheet, report)
        _add_findings(sheet, report)
        _add_gaps(sheet, report)
        if options.verbose:
            _add_records(sheet, report)
            _add_files(sheet, report.artifacts)
            add_inventory(sheet, report.inventory)
            add_loaders(sheet, report.loaders)
        add_controls(sheet, report)
        _add_diagnostics(sheet, report)
        _add_hint(sheet, report.findings)
        sheet.blank()
    sheet.line(sheet.ink(_RESULT_STYLES[report.verdict.result], phrases.closing_line(report)))
    return sheet.text()


def place(finding: Finding) -> str:
    """Return where a finding is, in canonical form: ``file!member@start-end``."""
    if finding.location is None:
        return _heading(finding.artifact)
    notes = "".join(f", {visible_short(note)}" for note in phrases.location_notes(finding.location))
    return path(str(finding.location)) + notes


def path(text: str) -> str:
    """Return a path for a terminal: whole, unless no honest one is that long."""
    return visible_short(text, head=_PATH_SHOWN - 256, tail=256, limit=_PATH_SHOWN)


def _heading(artifact: str) -> str:
    return path(artifact) if artifact else "the whole target"


def _sentence(text: str) -> str:
    return visible_short(text, head=360, tail=96, limit=480)


def _add_opening(sheet: Sheet, report: Report) -> None:
    subject, verdict = report.subject, report.verdict
    word = phrases.OUTCOME_WORDS[verdict.result]
    size = f"{counted(subject.files, 'file')}, {counted(subject.size, 'byte')}"
    sheet.paragraph(f"{word}  {path(subject.name)}: {size}", style=_RESULT_STYLES[verdict.result])
    for reason in verdict.reasons:
        sheet.paragraph(visible_short(reason), indent=_INDENT)
    sheet.blank()
    axes = report.axes
    for name, axis in (("load", axes.load), ("integrity", axes.integrity), ("origin", axes.origin)):
        label = f"{name:<11}{axis.answer:<14}"
        sheet.paragraph(_sentence(axis.reason), indent=_INDENT, label=label, label_style=_STYLES[axis.answer])


def _add_findings(sheet: Sheet, report: Report) -> None:
    if len(report.findings) > phrases.GROUPED_FROM:
        _add_findings_by_rule(sheet, report.findings)
        return
    by_file: dict[str, list[Finding]] = {}
    for finding in report.findings:
        by_file.setdefault(finding.artifact, []).append(finding)
    for artifact, findings in by_file.items():
        sheet.blank()
        sheet.paragraph(_heading(artifact), style="strong")
        for finding in findings:
            _add_finding(sheet, finding)


def _add_findings_by_rule(sheet: Sheet, findings: Sequence[Finding]) -> None:
    by_rule: dict[str, list[Finding]] = {}
    for finding in findings:
        by_rule.setdefault(finding.rule, []).append(finding)
    sheet.blank()
    sheet.paragraph(f"{len(findings):,} findings, by rule; all of them are in the JSON report.")
    for same in by_rule.values():
        first = same[0]
        sheet.blank()
        head = f"{visible(first.rule)}  {visible_short(first.title)}: {counted(len(same), 'finding')}"
        sheet.paragraph(head, indent=_INDENT, **_severity(first))
        for finding in same[: phrases.PLACES_PER_RULE]:
            sheet.paragraph(f"{place(finding)}: {visible_short(finding.message)}", indent=_BODY)
        if len(same) > phrases.PLACES_PER_RULE:
            sheet.paragraph(f"and {len(same) - phrases.PLACES_PER_RULE:,} more", indent=_BODY, style="faint")
        _add_remedy(sheet, first)


def _severity(finding: Finding) -> _Label:
    return {"label": f"{finding.severity:<10}", "label_style": SEVERITY_STYLES[finding.severity]}


def _add_finding(sheet: Sheet, finding: Finding) -> None:
    standing = (
        ", at the gate" if finding.gating else ", keeps the verdict open" if finding.leaves_open else ""
    )
    if phrases.standing(finding):
        standing = f", {visible_short(phrases.standing(finding))}"
    head = f"{visible(finding.rule)} {visible(finding.name)}{standing}"
    sheet.paragraph(head, indent=_INDENT, style="strong", **_severity(finding))
    more = f" and {counted(finding.count - 1, 'more place')}" if finding.count > 1 else ""
    where = place(finding) + more
    if where != _heading(finding.artifact):
        sheet.paragraph(where, indent=_BODY)
    sheet.paragraph(_sentence(phrases.full_stop(finding.message)), indent=_BODY)
    if not (finding.gating or finding.leaves_open or sheet.options.verbose):
        return
    for item in finding.evidence if sheet.options.verbose else _telling(finding):
        sheet.paragraph(visible_short(item.value), indent=_BODY, label=f"{visible_short(item.label)}: ")
    if finding.corroborated_by:
        others = ", ".join(map(visible_short, finding.corroborated_by))
        sheet.paragraph(others, indent=_BODY, label="Also seen by: ")
    if sheet.options.verbose:
        _add_background(sheet, finding)
    _add_remedy(sheet, finding)


def _telling(finding: Finding) -> Sequence[EvidenceItem]:
    """The one item that shows most: the first call, unless the message already holds it."""
    calls = [item for item in finding.evidence if item.label in _CALL_LABELS]
    others = [item for item in finding.evidence if item.label not in _SAID_LABELS]
    return [item for item in (calls or others)[:1] if item.value not in finding.message]


def _add_background(sheet: Sheet, finding: Finding) -> None:
    sheet.paragraph(visible(finding.explanation), indent=_BODY)
    if finding.references:
        linked = [sheet.link(visible(r), phrases.reference_link(r)) for r in finding.references]
        sheet.line(" " * _BODY + "See: " + ", ".join(linked))
    sheet.paragraph(visible(finding.fingerprint), indent=_BODY, label="Fingerprint: ")


def _add_remedy(sheet: Sheet, finding: Finding) -> None:
    if finding.remediation:
        sheet.paragraph(visible(finding.remediation), indent=_BODY, label="Do: ")
    if finding.policy_line:
        sheet.paragraph("If you have read it and accept it, add this to the policy:", indent=_BODY)
        for line in finding.policy_line.splitlines():  # never wrapped: it is there to be copied
            sheet.line(" " * (_BODY + 2) + visible(line))


def _add_gaps(sheet: Sheet, report: Report) -> None:
    gaps = [c for a in report.artifacts for c in a.coverage if c.state is not State.READ]
    if not gaps:
        return
    sheet.blank()
    sheet.paragraph("Not completely read", style="strong")
    shown = gaps if sheet.options.verbose else gaps[:_GAPS_SHOWN]
    for gap in shown:
        sheet.paragraph(_gap_sentence(gap), indent=_INDENT)
    if len(gaps) > len(shown):
        sheet.paragraph(_rest(len(gaps) - len(shown)), indent=_INDENT, style="faint")


def _gap_sentence(gap: Coverage) -> str:
    detail = f": {visible_short(gap.detail)}" if gap.detail else ""
    ranges = ", ".join(f"{g.start}-{g.end}" for g in gap.gaps)
    where = f" (bytes {ranges})" if ranges else ""
    open_bytes = f"{number(gap.unexplained)} of {counted(gap.size, 'byte')} not explained{where}"
    return f"{path(gap.unit)}: {gap.state}, {open_bytes}, {visible(gap.reason)}{detail}"


def _add_records(sheet: Sheet, report: Report) -> None:
    if not report.records:
        return
    sheet.blank()
    sheet.paragraph("Records", style="strong")
    for record in report.records:
        counts = f"counts as {record.authority}" if record.is_counted else "does not count"
        said = (
            f"{visible_short(record.title)}: {record.agreeing:,} of {counted(record.named, 'file')} agree, "
            f"{counts}: {_sentence(record.counts)}"
        )
        sheet.paragraph(path(record.record), indent=_INDENT)
        sheet.paragraph(said, indent=_INDENT + 2)
    for signature in report.signatures:
        for step in signature.steps:
            state = step.state or "not reached"
            label = f"{visible_short(signature.record)}, {step.name.lower()}, {state}: "
            sheet.paragraph(_sentence(step.detail), indent=_INDENT + 2, label=label)


def _add_files(sheet: Sheet, artifacts: Iterable[ArtifactReport]) -> None:
    sheet.blank()
    sheet.paragraph("Files", style="strong")
    for artifact in artifacts:
        digests = [str(digest) for digest in artifact.digests] or ["no digest: not read to its end"]
        formats = ", ".join(visible_short(name) for name in artifact.formats) or "format not known"
        summary = f", {visible_short(artifact.summary)}" if artifact.summary else ""
        state = state_of(artifact.coverage)
        sheet.paragraph(path(artifact.path), indent=_INDENT)
        sheet.paragraph(f"{counted(artifact.size, 'byte')}, {formats}{summary}, {state}", indent=_INDENT + 2)
        for digest in digests:
            sheet.paragraph(visible(digest), indent=_INDENT + 2, style="faint")


def _add_diagnostics(sheet: Sheet, report: Report) -> None:
    wanted = [d for d in report.diagnostics if sheet.options.verbose or d.level != "note"]
    if not wanted:
        return
    sheet.blank()
    sheet.paragraph("About this audit", style="strong")
    for diagnostic in wanted[:_NOTES_SHOWN]:
        said = f"{visible_short(diagnostic.source)}: {_sentence(diagnostic.message)}"
        sheet.paragraph(said, indent=_INDENT, label=f"{visible(diagnostic.level)}: ")
    if len(wanted) > _NOTES_SHOWN:
        sheet.paragraph(_rest(len(wanted) - _NOTES_SHOWN), indent=_INDENT, style="faint")


def _rest(count: int) -> str:
    return f"and {count:,} more, all in the JSON report"


def _add_hint(sheet: Sheet, findings: Sequence[Finding]) -> None:
    decisive = next((f for f in findings if f.gating or f.leaves_open), None)
    if decisive is not None:
        sheet.blank()
        sheet.paragraph(f"What a rule means: owaudit rules show {visible(decisive.rule)}", style="faint")


RENDERER = Renderer("text", (".txt",), render)
