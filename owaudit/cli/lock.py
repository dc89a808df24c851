"""``owaudit lock``: write down what an audit saw, to be held against later downloads."""

from __future__ import annotations

from pathlib import Path

import click

from owaudit.cli.options import Clock, effective_policy, judging, packs
from owaudit.cli.output import note, to_standard_output, write_whole
from owaudit.cli.progress import progress_bar
from owaudit.cli.vouching import recording, resolved
from owaudit.errors import UsageError


@click.command(name="lock")
@click.argument("target", type=click.Path(path_type=Path))
@click.option("-o", "--output", default="owaudit.lock", show_default=True, metavar="FILE",
              help="Where the lock file goes; '-' is standard output.")  # fmt: skip
@judging
@recording
@click.option("--jobs", type=click.IntRange(min=0), default=0, metavar="N", help="Worker processes.")
def command(
    target: Path,
    output: str,
    policy_file: Path | None,
    fail_on: str | None,
    rule_folders: tuple[Path, ...],
    records: tuple[Path, ...],
    lock_file: Path | None,
    trusted_root: Path | None,
    jobs: int,
) -> int:
    """Audit TARGET and write a lock file: digests, signer, revision, verdict, rules and policy.

    The exit code is that of the audit; the lock file is written whatever it is, with the verdict in it.

    \b
    Example:
      owaudit lock ./model
      owaudit scan ./model --lock owaudit.lock
    """
    from owaudit.pipeline import collect, judged
    from owaudit.provenance.locking import lock_text

    (target,) = resolved((target,))
    if output != "-" and Path(output).resolve().is_relative_to(target.resolve()):
        raise UsageError("the lock file would lie in the target; write it elsewhere with -o")
    clock = Clock()
    policy, notes = effective_policy(policy_file, fail_on, (target,))
    loaded = packs(rule_folders, (target,))
    given = (*records, *((lock_file,) if lock_file else ()))
    with progress_bar(enabled=True) as bar:
        evidence = collect((target,), jobs=jobs, records=given, started=bar.started, progress=bar.advance)
    report = judged(
        evidence, policy, loaded, run=clock.run(jobs), diagnostics=notes, trusted_root=trusted_root
    )
    text = lock_text(report)
    if output == "-":
        to_standard_output(text)
    else:
        write_whole(output, text)
        files = f"{len(report.artifacts):,} files" if len(report.artifacts) != 1 else "one file"
        note(f"{output}: {files} locked, verdict {report.verdict.result}")
        if not report.vouched.signed_files:
            note("Nobody signed them: the lock trusts what it saw now, and shows what changes later.")
    return report.verdict.exit_code
