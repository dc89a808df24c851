"""``owaudit judge``: the second half of a scan. Applies rules and policy to stored evidence."""

from __future__ import annotations

from pathlib import Path

import click

from owaudit.cli.excusing import baseline_of, excusing, with_frameworks
from owaudit.cli.options import Clock, effective_policy, judging, packs, read_text, showing
from owaudit.cli.output import deliver, options_for_terminal, planned_outputs
from owaudit.cli.vouching import trusting


@click.command(name="judge")
@click.argument("evidence_file", metavar="EVIDENCE", default="-")
@judging
@trusting
@excusing
@showing
@click.option("--exit-zero", is_flag=True, help="Exit 0 whatever the verdict; the report still says it.")
def command(
    evidence_file: str,
    policy_file: Path | None,
    fail_on: str | None,
    rule_folders: tuple[Path, ...],
    trusted_root: Path | None,
    baseline_file: str | None,
    frameworks: tuple[str, ...],
    format_name: str | None,
    outputs: tuple[str, ...],
    quiet: bool,
    verbose: bool,
    color: str,
    exit_zero: bool,
) -> int:
    """Judge evidence that 'owaudit collect' wrote; the files themselves are not needed.

    EVIDENCE is a file, or '-' for standard input (the default).

    \b
    Example:
      owaudit judge evidence.json --policy stricter.toml
    """
    from owaudit.model import wire
    from owaudit.model.evidence import Evidence
    from owaudit.pipeline import judged

    clock = Clock()
    planned = planned_outputs(outputs, format_name)
    evidence = wire.loads(read_text(evidence_file), Evidence)
    policy, notes = effective_policy(policy_file, fail_on, ())
    report = judged(
        evidence,
        with_frameworks(policy, frameworks),
        packs(rule_folders, (), policy, policy_file),
        run=clock.run(0),
        diagnostics=notes,
        trusted_root=trusted_root,
        baseline=baseline_of(baseline_file, ()),
    )
    deliver(report, planned, options_for_terminal(color, quiet=quiet, verbose=verbose))
    return 0 if exit_zero else report.verdict.exit_code
