"""``owaudit scan``: the main job, from targets to a verdict and a report."""

from __future__ import annotations

from pathlib import Path

import click

from owaudit.cli.excusing import baseline_of, excusing, with_frameworks
from owaudit.cli.options import Clock, effective_policy, judging, packs, showing
from owaudit.cli.output import deliver, options_for_terminal, planned_outputs
from owaudit.cli.progress import progress_bar
from owaudit.cli.vouching import recording, resolved


@click.command(name="scan")
@click.argument("targets", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="TARGET...")
@judging
@recording
@excusing
@showing
@click.option("--jobs", type=click.IntRange(min=0), default=0, metavar="N",
              help="Worker processes. Default: one per processor.")  # fmt: skip
@click.option("--no-second-opinion", is_flag=True, help="Do not ask other scanners.")
@click.option("--exit-zero", is_flag=True, help="Exit 0 whatever the verdict; the report still says it.")
def command(
    targets: tuple[Path, ...],
    policy_file: Path | None,
    fail_on: str | None,
    rule_folders: tuple[Path, ...],
    records: tuple[Path, ...],
    lock_file: Path | None,
    trusted_root: Path | None,
    baseline_file: str | None,
    frameworks: tuple[str, ...],
    format_name: str | None,
    outputs: tuple[str, ...],
    quiet: bool,
    verbose: bool,
    color: str,
    jobs: int,
    no_second_opinion: bool,
    exit_zero: bool,
) -> int:
    """Audit files or folders and give a verdict.

    \b
    Examples:
      owaudit scan ./model
      owaudit scan ./model -o report.html -o report.json
      owaudit scan adapter.bin --fail-on medium
      owaudit scan ./model --format json | owaudit report -
      owaudit scan hf:org/name --lock owaudit.lock

    Exit codes: 0 pass, 1 fail, 2 could not run, 3 inconclusive.
    """
    from owaudit.pipeline import collect, judged

    targets = resolved(targets)
    clock = Clock()
    planned = planned_outputs(outputs, format_name)
    policy, notes = effective_policy(policy_file, fail_on, targets)
    policy = with_frameworks(policy, frameworks)
    baseline = baseline_of(baseline_file, targets)
    loaded = packs(rule_folders, targets, policy, policy_file)
    with progress_bar(enabled=not quiet) as bar:
        evidence = collect(
            targets,
            limits=policy.limits,
            jobs=jobs,
            second_opinion=None if no_second_opinion else policy.second_opinion,
            records=(*records, *((lock_file,) if lock_file else ())),
            started=bar.started,
            progress=bar.advance,
        )
    report = judged(
        evidence,
        policy,
        loaded,
        run=clock.run(jobs),
        diagnostics=notes,
        trusted_root=trusted_root,
        baseline=baseline,
    )
    deliver(report, planned, options_for_terminal(color, quiet=quiet, verbose=verbose))
    return 0 if exit_zero else report.verdict.exit_code
