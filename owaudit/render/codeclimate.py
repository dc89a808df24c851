"""The findings as a Code Climate report, which GitLab shows beside a merge request.

A JSON array with one object for each finding that is not waived; the format has no place for a
verdict, so the exit code carries it.

Source: GitLab documentation, code quality report format; Code Climate engine specification.
"""

from __future__ import annotations

import json
from typing import Any

from owaudit.model.report import Finding, Report
from owaudit.model.rule import Severity
from owaudit.render import phrases
from owaudit.render.escape import spelled
from owaudit.render.places import numbered, primary, repository_place, shown, where
from owaudit.render.renderer import Renderer, RenderOptions

_SEVERITIES = {
    Severity.CRITICAL: "blocker",
    Severity.HIGH: "critical",
    Severity.MEDIUM: "major",
    Severity.LOW: "minor",
    Severity.INFO: "info",
}
_MESSAGE = 1_000


def render(report: Report, options: RenderOptions) -> str:
    """Return the array as text: sorted keys, one space of indent, final newline."""
    chosen = [finding for finding in report.findings if not phrases.is_waived(finding)]
    marks = numbered(finding.fingerprint for finding in chosen)
    issues = [_issue(f, mark, report, options) for f, mark in zip(chosen, marks, strict=True)]
    return json.dumps(issues, ensure_ascii=False, sort_keys=True, indent=1) + "\n"


def _issue(finding: Finding, mark: str, report: Report, options: RenderOptions) -> dict[str, Any]:
    place = repository_place(primary(finding), report, options)
    said = f"{phrases.full_stop(shown(finding.message, _MESSAGE))} Place: {where(finding)}."
    return {
        "type": "issue",
        "check_name": shown(f"{finding.rule} {finding.name}", 255),
        "description": said,
        "categories": ["Security"],
        "severity": _SEVERITIES[finding.severity],
        "fingerprint": shown(mark, 80),
        "location": {"path": spelled(place.path), "lines": {"begin": place.line}},
    }


RENDERER = Renderer("codeclimate", (".codeclimate.json",), render)
