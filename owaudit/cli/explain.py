"""``owaudit explain``: what loading a file would do."""

from __future__ import annotations

from pathlib import Path

import click

from owaudit.cli.options import Clock, effective_policy, judging, packs
from owaudit.cli.output import options_for_terminal, to_standard_output


@click.command(name="explain")
@click.argument("file", type=click.Path(path_type=Path))
@judging
@click.option(
    "--color",
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    help="Colour on standard output.",
)
def command(
    file: Path, policy_file: Path | None, fail_on: str | None, rule_folders: tuple[Path, ...], color: str
) -> int:
    """Show what loading FILE would do: pseudo-Python with byte offsets, and what each loader does.

    The file is read, never loaded. The exit code is that of a scan of this file.

    \b
    Example:
      owaudit explain pytorch_model.bin
    """
    from owaudit.pipeline import collect, judged
    from owaudit.render.explanation import render_explanation

    clock = Clock()
    policy, notes = effective_policy(policy_file, fail_on, (file,))
    loaded = packs(rule_folders, (file,))
    report = judged(collect((file,)), policy, loaded, run=clock.run(1), diagnostics=notes)
    to_standard_output(render_explanation(report, options_for_terminal(color, quiet=False, verbose=False)))
    return report.verdict.exit_code
