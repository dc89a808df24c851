"""The findings as CSV: first a row with the verdict, then one row for each finding.

RFC 4180: commas, every field quoted, lines end with CR LF, UTF-8. No cell is a formula to a
spreadsheet: what would start one has an apostrophe before it.
"""

from __future__ import annotations

from owaudit.model.report import Finding, Report
from owaudit.render import phrases
from owaudit.render.escape import cell
from owaudit.render.places import shown, where
from owaudit.render.renderer import Renderer, RenderOptions

COLUMNS = (
    "row", "result", "severity", "rule", "name", "status", "at_gate", "keeps_open", "axis", "confidence",
    "file", "place", "count", "message", "remediation", "references", "fingerprint", "exit_code",
)  # fmt: skip
_TEXT = 30_000
"""A spreadsheet takes 32,767 characters in a cell."""


def render(report: Report, options: RenderOptions) -> str:  # noqa: ARG001 - a table has no width
    """Return the table with its heads."""
    rows = [_verdict(report), *(_finding(finding) for finding in report.findings)]
    lines = [_line(COLUMNS), *(_line([row.get(column, "") for column in COLUMNS]) for row in rows)]
    return "".join(lines)


def _verdict(report: Report) -> dict[str, str]:
    verdict = report.verdict
    return {
        "row": "verdict",
        "result": str(verdict.result),
        "file": report.subject.name,
        "count": str(verdict.counts.findings),
        "message": phrases.closing_line(report),
        "fingerprint": report.subject.root_digest,
        "exit_code": str(verdict.exit_code),
    }


def _finding(finding: Finding) -> dict[str, str]:
    return {
        "row": "finding",
        "severity": str(finding.severity),
        "rule": finding.rule,
        "name": finding.name,
        "status": str(finding.status),
        "at_gate": _yes(finding.gating),
        "keeps_open": _yes(finding.leaves_open),
        "axis": str(finding.axis),
        "confidence": str(finding.confidence),
        "file": finding.artifact,
        "place": where(finding),
        "count": str(finding.count),
        "message": finding.message,
        "remediation": finding.remediation,
        "references": "; ".join(finding.references),
        "fingerprint": finding.fingerprint,
    }


def _yes(answer: bool) -> str:
    return "yes" if answer else "no"


def _line(cells: list[str] | tuple[str, ...]) -> str:
    quoted = (cell(shown(text, _TEXT)).replace('"', '""') for text in cells)
    return ",".join(f'"{text}"' for text in quoted) + "\r\n"


RENDERER = Renderer("csv", (".csv",), render)
