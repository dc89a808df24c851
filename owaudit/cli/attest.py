"""``owaudit attest``: a statement about an audit that others can check."""

from __future__ import annotations

import json
from pathlib import Path

import click

from owaudit.cli.options import read_text
from owaudit.cli.output import to_standard_output, write_whole
from owaudit.errors import UsageError


@click.command(name="attest")
@click.argument("report_file", metavar="REPORT", default="-")
@click.option("--kind", type=click.Choice(["auto", "svr", "test-result", "vsa"]), default="auto",
              help="auto: svr for a pass, test-result otherwise.")  # fmt: skip
@click.option("--sign-key", type=click.Path(path_type=Path), metavar="FILE",
              help="Sign with this EC key (PEM, no password).")  # fmt: skip
@click.option("--keyless", is_flag=True, help="Sign with the identity of the environment; uses the network.")
@click.option("-o", "--output", default="-", metavar="FILE",
              help="Where the statement goes; '-' is standard output.")  # fmt: skip
def command(report_file: str, kind: str, sign_key: Path | None, keyless: bool, output: str) -> int:
    """Write an in-toto statement about a JSON report: its files, the result, policy and rules.

    Without a key the statement is not signed, and vouches for nothing by itself. Beside the files, as
    NAME.intoto.json or NAME.intoto.jsonl, 'owaudit verify' reads it.

    \b
    Example:
      owaudit scan ./model -o report.json
      owaudit attest report.json --sign-key ci.pem -o model.intoto.jsonl
    """
    from owaudit.model import wire
    from owaudit.model.report import Outcome, Report
    from owaudit.provenance import attesting

    if keyless and sign_key is not None:
        raise UsageError("--keyless and --sign-key exclude each other")
    report = wire.loads(read_text(report_file), Report)
    chosen = kind
    if kind == "auto":
        chosen = "svr" if report.verdict.result is Outcome.PASS else "test-result"
    statement = attesting.statement_for(report, chosen, report.run.ended)
    if keyless:
        from owaudit.provenance.keyless import signed_keyless

        text = signed_keyless(statement)
    else:
        value = statement
        if sign_key is not None:
            try:
                value = attesting.signed_with_key(statement, sign_key.read_bytes())
            except OSError as error:
                raise UsageError(f"{sign_key.name}: {error.strerror or error}") from error
        text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    if output == "-":
        to_standard_output(text + "\n")
    else:
        write_whole(output, text + "\n")
    return 0
