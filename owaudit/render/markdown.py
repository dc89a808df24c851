"""The report as Markdown for a job summary or a comment: short, bounded, and only text.

Nothing that comes from a file can become markup, a link or a mention. The size is held far below
what GitHub takes: 1 MiB for a job summary, 65,536 characters for a comment.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from owaudit.model.coverage import State
from owaudit.model.report import Finding, Report, Status
from owaudit.render import phrases
from owaudit.render.escape import markdown
from owaudit.render.places import shown, where
from owaudit.render.renderer import Renderer, RenderOptions

BYTES = 60_000
_OPENING = 12_000
_FINDINGS = 40_000
_REMEDIES = 52_000
"""Bytes that the parts up to here may take, so that a long one leaves room for those after it."""
_CLOSING = 1_000
_SENTENCE = 400
_WHERE = 200
_REASONS = 10


def render(report: Report, options: RenderOptions) -> str:  # noqa: ARG001 - a summary has no width
    """Return the summary, at most ``BYTES`` long."""
    sheet = _Sheet()
    _add_opening(sheet, report)
    if report.findings:
        _add_findings(sheet, report.findings)
        _add_remedies(sheet, report.findings)
    _add_gaps(sheet, report)
    sheet.close(report)
    return sheet.text()


class _Sheet:
    """Lines and how many bytes they are."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._bytes = 0

    def add(self, *lines: str) -> None:
        """Add lines without asking whether there is room."""
        self._lines += lines
        self._bytes += sum(len(line.encode("utf-8")) + 1 for line in lines)

    def add_while(self, lines: Iterable[str], limit: int) -> int:
        """Add lines until the next would make the text longer than ``limit``; return how many fit."""
        added = 0
        for line in lines:
            if self._bytes + len(line.encode("utf-8")) + 1 > limit:
                break
            self.add(line)
            added += 1
        return added

    def add_list(self, lines: Sequence[str], limit: int) -> None:
        """Add lines as long as there is room, and say how many are left out."""
        left_out = len(lines) - self.add_while(lines, limit)
        if left_out:
            self.add("", f"{left_out:,} more are in the JSON report.")

    def close(self, report: Report) -> None:
        """Add what names the report."""
        tool = f"{report.tool.name} {report.tool.version}"
        digest = report.subject.root_digest or "not known"
        self.add("", f"{_text(tool)}, root digest {_text(digest)}. `owaudit rules show ID` explains a rule.")

    def text(self) -> str:
        return "\n".join(self._lines) + "\n"


def _text(value: str, limit: int = _SENTENCE) -> str:
    return markdown(shown(value, limit))


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _add_opening(sheet: _Sheet, report: Report) -> None:
    verdict = phrases.OUTCOME_WORDS[report.verdict.result]
    sheet.add(
        f"## {verdict}: {_text(report.subject.name, _WHERE)}", "", _text(phrases.closing_line(report)), ""
    )
    reasons = [f"- {_text(reason)}" for reason in report.verdict.reasons[:_REASONS]]
    sheet.add_list(reasons, _OPENING - 8_000)
    axes = (("load", report.axes.load), ("integrity", report.axes.integrity), ("origin", report.axes.origin))
    sheet.add("", _row("question", "answer", "reason"), _row("---", "---", "---"))
    sheet.add_while((_row(name, f"**{a.answer}**", _text(a.reason)) for name, a in axes), _OPENING)


def standing(finding: Finding) -> str:
    """Return in two or three words what a finding does to the verdict, or nothing."""
    if finding.status is not Status.OPEN:
        return "waived" if phrases.is_waived(finding) else "known before"
    if finding.gating:
        return "at the gate"
    return "keeps the verdict open" if finding.leaves_open else ""


def _add_findings(sheet: _Sheet, findings: Sequence[Finding]) -> None:
    sheet.add("", f"### {phrases.counted(len(findings), 'finding')}", "")
    sheet.add(_row("severity", "rule", "place", "what", "standing"), _row(*["---"] * 5))
    rows = [
        _row(
            str(finding.severity),
            _text(f"{finding.rule} {finding.name}", _WHERE),
            _text(where(finding), _WHERE),
            _text(phrases.full_stop(finding.message)),
            standing(finding),
        )
        for finding in findings[:1_000]
    ]
    left_out = len(findings) - sheet.add_while(rows, _FINDINGS)
    if left_out:
        sheet.add("", f"{left_out:,} more are in the JSON report.")


def _add_remedies(sheet: _Sheet, findings: Sequence[Finding]) -> None:
    """What to do about each rule that decides the verdict, once."""
    said: dict[tuple[str, str], str] = {}
    for finding in findings:
        if (finding.gating or finding.leaves_open) and finding.remediation:
            line = f"- **{_text(finding.rule, _WHERE)}** {_text(finding.remediation)}"
            said.setdefault((finding.rule, finding.remediation), line)
    if said:
        sheet.add("", "### What to do", "")
        sheet.add_list(list(said.values()), _REMEDIES)


def _add_gaps(sheet: _Sheet, report: Report) -> None:
    gaps = [row for a in report.artifacts for row in a.coverage if row.state is not State.READ]
    if gaps:
        sheet.add("", "### Not completely read", "")
        lines = [
            f"- {_text(row.unit, _WHERE)}: {row.state}, {_text(row.reason, 100)}, "
            f"{row.unexplained:,} of {phrases.counted(row.size, 'byte')} not explained"
            for row in gaps[:1_000]
        ]
        left_out = len(gaps) - sheet.add_while(lines, BYTES - _CLOSING - 100)
        if left_out:
            sheet.add("", f"{left_out:,} more are in the JSON report.")


RENDERER = Renderer("markdown", (".md",), render)
