"""``owaudit verify``: integrity and origin alone, with the same records and the same policy."""

from __future__ import annotations

from pathlib import Path

import click

from owaudit.cli.options import Clock, effective_policy, judging, packs, showing
from owaudit.cli.output import deliver, options_for_terminal, planned_outputs
from owaudit.cli.progress import progress_bar
from owaudit.cli.vouching import recording, resolved, signing, with_signers


@click.command(name="verify")
@click.argument("target", type=click.Path(path_type=Path))
@judging
@recording
@signing
@showing
@click.option("--jobs", type=click.IntRange(min=0), default=0, metavar="N", help="Worker processes.")
def command(
    target: Path,
    policy_file: Path | None,
    fail_on: str | None,
    rule_folders: tuple[Path, ...],
    records: tuple[Path, ...],
    lock_file: Path | None,
    trusted_root: Path | None,
    identity: str,
    issuer: str,
    key_file: str,
    ca_file: str,
    format_name: str | None,
    outputs: tuple[str, ...],
    quiet: bool,
    verbose: bool,
    color: str,
    jobs: int,
) -> int:
    """Check whose bytes these are: records, signatures and lock file, without the rules about loading.

    Exits 0 when a record that counts names every file and nothing is refuted, 1 when something is
    refuted or the policy requires more, 3 when nothing that counts speaks for every file.

    \b
    Examples:
      owaudit verify hf:org/name
      owaudit verify ./model --record SHA256SUMS
      owaudit verify ./model --identity release@example.org --issuer https://accounts.example.org
    """
    from owaudit.pipeline import collect, judged
    from owaudit.pipeline.verdicts import vouching_only

    (target,) = resolved((target,))
    clock = Clock()
    planned = planned_outputs(outputs, format_name)
    policy, notes = effective_policy(policy_file, fail_on, (target,))
    policy = with_signers(policy, identity=identity, issuer=issuer, key_file=key_file, ca_file=ca_file)
    loaded = packs(rule_folders, (target,))
    given = (*records, *((lock_file,) if lock_file else ()))
    with progress_bar(enabled=not quiet) as bar:
        evidence = collect((target,), jobs=jobs, records=given, started=bar.started, progress=bar.advance)
    report = judged(
        evidence, policy, loaded, run=clock.run(jobs), diagnostics=notes, trusted_root=trusted_root
    )
    report = vouching_only(report)
    deliver(report, planned, options_for_terminal(color, quiet=quiet, verbose=verbose))
    return report.verdict.exit_code
