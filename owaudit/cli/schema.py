"""``owaudit schema``: the JSON Schema of the report."""

from __future__ import annotations

import click

from owaudit.cli.output import to_standard_output


@click.command(name="schema")
def command() -> int:
    """Print the JSON Schema of the JSON report.

    \b
    Example:
      owaudit schema > owaudit-report.schema.json
    """
    from owaudit.render.schema import schema_text

    to_standard_output(schema_text())
    return 0
