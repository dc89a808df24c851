"""``owaudit schema``: the JSON Schema of the report, and that of a policy."""

from __future__ import annotations

import click

from owaudit.cli.output import to_standard_output


@click.command(name="schema")
@click.option("--policy", "of_policy", is_flag=True, help="The schema of a policy file, for editors.")
def command(of_policy: bool) -> int:
    """Print the JSON Schema of the JSON report, or that of a policy file.

    \b
    Example:
      owaudit schema > owaudit-report.schema.json
      owaudit schema --policy > owaudit-policy.schema.json
    """
    if of_policy:
        from owaudit.judge.policy_schema import schema_text
    else:
        from owaudit.render.schema import schema_text
    to_standard_output(schema_text())
    return 0
