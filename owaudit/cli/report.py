"""``owaudit report``: a stored report in another format."""

from __future__ import annotations

import click

from owaudit.cli.options import read_text, showing
from owaudit.cli.output import deliver, options_for_terminal, planned_outputs


@click.command(name="report")
@click.argument("report_file", metavar="REPORT", default="-")
@showing
def command(
    report_file: str,
    format_name: str | None,
    outputs: tuple[str, ...],
    quiet: bool,
    verbose: bool,
    color: str,
) -> int:
    """Show a JSON report in another format.

    REPORT is a file, or '-' for standard input (the default). The exit code is the one that the
    report states.

    \b
    Example:
      owaudit report report.json -o report.html
    """
    from owaudit.model import wire
    from owaudit.model.report import Report

    planned = planned_outputs(outputs, format_name)
    report = wire.loads(read_text(report_file), Report)
    deliver(report, planned, options_for_terminal(color, quiet=quiet, verbose=verbose))
    return report.verdict.exit_code
