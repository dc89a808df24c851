"""GitHub workflow commands: up to ten errors and ten warnings in the log, and one notice that sums up.

GitHub shows ten annotations of each kind a step. The runner reads a command from the start of a line
to its end, so every value is one line, and percent signs, colons and commas are encoded as it decodes
them; ``##[`` and ``::`` inside a text are broken up for runners that look for them anywhere.

Source: GitHub documentation, workflow commands; actions/runner, ActionCommand.
"""

from __future__ import annotations

from owaudit.model.report import Finding, Report
from owaudit.render import phrases
from owaudit.render.escape import command_message, command_property
from owaudit.render.places import primary, repository_place, shown, where
from owaudit.render.renderer import Renderer, RenderOptions

OF_A_KIND = 10
"""Annotations of one kind that GitHub shows of a step."""
_MESSAGE = 600


def render(report: Report, options: RenderOptions) -> str:
    """Return the commands, one a line; the last is a notice with the verdict and the counts."""
    deciding = [finding for finding in report.findings if not phrases.is_waived(finding)]
    errors = [finding for finding in deciding if finding.gating]
    warnings = [finding for finding in deciding if finding.leaves_open and not finding.gating]
    lines = [_command("error", finding, report, options) for finding in errors[:OF_A_KIND]]
    lines += [_command("warning", finding, report, options) for finding in warnings[:OF_A_KIND]]
    closing = phrases.closing_line(report)
    left_out = len(report.findings) - len(lines)
    if left_out:
        closing += f" {phrases.counted(left_out, 'finding')} without an annotation of their own."
    lines.append(f"::notice title=owaudit::{command_message(shown(closing, _MESSAGE))}")
    return "\n".join(lines) + "\n"


def _command(kind: str, finding: Finding, report: Report, options: RenderOptions) -> str:
    title = shown(f"{finding.rule} {finding.title}", 200)
    properties = []
    if finding.artifact or options.anchor:
        place = repository_place(primary(finding), report, options)
        properties = [f"file={command_property(place.path)}", f"line={place.line}"]
    properties.append(f"title={command_property(title)}")
    said = f"{phrases.full_stop(shown(finding.message, _MESSAGE))} Place: {where(finding)}."
    return f"::{kind} {','.join(properties)}::{command_message(said)}"


RENDERER = Renderer("annotations", (".annotations.txt",), render)
