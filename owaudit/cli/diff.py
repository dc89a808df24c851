"""``owaudit diff``: what differs between two audits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from owaudit.cli.options import Clock, effective_policy, judging, packs
from owaudit.cli.output import options_for_terminal, to_standard_output, write_whole
from owaudit.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from owaudit.judge.diff import Audit
    from owaudit.judge.packs import Pack
    from owaudit.model.evidence import Diagnostic
    from owaudit.model.policy import Policy

_SUFFIXES = {".json": "json", ".md": "markdown", ".txt": "text"}
_DIFFERS = 1
_LARGEST_JSON = 1024 * 1024 * 1024
"""Bytes of a report or evidence; a larger JSON file is taken for a part of a model."""


@click.command(name="diff")
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
@judging
@click.option("--format", "format_name", type=click.Choice(["text", "json", "markdown"]), default=None,
              help="Format on standard output. Default: text.")  # fmt: skip
@click.option("-o", "--output", "outputs", multiple=True, metavar="FILE",
              help="Also write a file: .json, .md or .txt; may be repeated.")  # fmt: skip
@click.option("--exit-code", "tell", is_flag=True, help="Exit 1 when something differs.")
@click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto",
              help="Colour on standard output.")  # fmt: skip
def command(
    old: Path,
    new: Path,
    policy_file: Path | None,
    fail_on: str | None,
    rule_folders: tuple[Path, ...],
    format_name: str | None,
    outputs: tuple[str, ...],
    tell: bool,
    color: str,
) -> int:
    """Compare two audits: findings, files, imports, operators, templates, programs, tensors, signers.

    OLD and NEW are each a JSON report, the evidence that 'owaudit collect' wrote, or files to audit now.
    Two reports alone say less than two folders; what they do not hold is named.

    \b
    Examples:
      owaudit diff earlier.json ./model
      owaudit diff ./model-v1 ./model-v2 -o changes.md

    Exit codes: 0 compared, 2 could not run; with --exit-code 1 when something differs.
    """
    from owaudit.judge.diff import difference
    from owaudit.render import RenderOptions
    from owaudit.render.difference import render_difference

    for output in outputs:
        if Path(output).suffix not in _SUFFIXES:
            raise UsageError(f"expected a file name that ends in one of .json .md .txt, found {output!r}")
    targets = (old, new)
    policy, notes = effective_policy(policy_file, fail_on, targets)
    loaded = packs(rule_folders, targets, policy, policy_file)
    sides = [_audit(path, policy, loaded, notes) for path in targets]
    found = difference(*sides)
    options = options_for_terminal(color, quiet=False, verbose=False)
    for output in outputs:
        write_whole(
            output, render_difference(found, _SUFFIXES[Path(output).suffix], RenderOptions(width=100))
        )
    to_standard_output(render_difference(found, format_name or "text", options))
    return _DIFFERS if tell and found.changes else 0


def _audit(path: Path, policy: Policy, loaded: Sequence[Pack], notes: Sequence[Diagnostic]) -> Audit:
    """The audit of one side: read where it is a report or evidence, made now where it is files."""
    from owaudit.judge.diff import Audit
    from owaudit.model.evidence import Evidence
    from owaudit.model.report import Report
    from owaudit.pipeline import collect, judged

    stored = _stored(path)
    if isinstance(stored, Report):
        return Audit(stored)
    clock = Clock()
    evidence = stored if isinstance(stored, Evidence) else collect((path,), limits=policy.limits)
    return Audit(judged(evidence, policy, loaded, run=clock.run(0), diagnostics=notes), evidence)


def _stored(path: Path) -> object:
    """The report or evidence that a JSON file holds, or None for anything else.

    Raises:
        FormatError: JSON that calls itself one of them, and is not.
    """
    from owaudit.model import wire
    from owaudit.model.evidence import Evidence
    from owaudit.model.report import Report

    if path.suffix != ".json" or not path.is_file() or path.stat().st_size > _LARGEST_JSON:
        return None
    try:
        raw = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return None
    if not isinstance(raw, dict) or "schema" not in raw:
        return None
    if "verdict" in raw and "findings" in raw:
        return wire.decode(raw, Report)
    return wire.decode(raw, Evidence) if "reader_version" in raw else None
