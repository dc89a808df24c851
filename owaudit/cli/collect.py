"""``owaudit collect``: the first half of a scan. Reads the bytes once, judges nothing."""

from __future__ import annotations

from pathlib import Path

import click

from owaudit.cli.output import to_standard_output, write_whole
from owaudit.cli.progress import progress_bar
from owaudit.cli.vouching import resolved


@click.command(name="collect")
@click.argument("targets", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="TARGET...")
@click.option(
    "-o", "--output", default="-", metavar="FILE", help="Where the evidence goes; '-' is standard output."
)
@click.option("--record", "records", multiple=True, type=click.Path(path_type=Path), metavar="FILE",
              help="A checksum list or signature from outside the target; may be repeated.")  # fmt: skip
@click.option("--jobs", type=click.IntRange(min=0), default=0, metavar="N", help="Worker processes.")
@click.option("--no-second-opinion", is_flag=True, help="Do not ask other scanners.")
def command(
    targets: tuple[Path, ...], output: str, records: tuple[Path, ...], jobs: int, no_second_opinion: bool
) -> int:
    """Read files or folders and write the evidence as JSON, to be judged later or elsewhere.

    \b
    Example:
      owaudit collect /models/big -o evidence.json
      owaudit judge evidence.json -o report.html
    """
    from owaudit.model import wire
    from owaudit.model.policy import SecondOpinion
    from owaudit.pipeline import collect

    with progress_bar(enabled=True) as bar:
        evidence = collect(
            resolved(targets),
            jobs=jobs,
            records=records,
            second_opinion=None if no_second_opinion else SecondOpinion(),
            started=bar.started,
            progress=bar.advance,
        )
    text = wire.dumps(evidence)
    if output == "-":
        to_standard_output(text)
    else:
        write_whole(output, text)
    return 0
