"""``owaudit rules``: the rules of this installation."""

from __future__ import annotations

import textwrap
from pathlib import Path

import click

from owaudit.cli.options import packs
from owaudit.cli.output import to_standard_output


@click.group(name="rules")
def command() -> None:
    """List the rules, or show one with its reason, remedy and references."""


@command.command(name="list")
@click.option("--rules", "rule_folders", multiple=True, type=click.Path(path_type=Path), metavar="DIR",
              help="Another rule pack; may be repeated.")  # fmt: skip
@click.option("--markdown", is_flag=True, help="The whole catalogue as Markdown.")
def list_rules(rule_folders: tuple[Path, ...], markdown: bool) -> int:
    """List every rule: id, severity, name, title."""
    from owaudit.judge.catalogue import render_catalogue, rule_metas

    loaded = packs(rule_folders, ())
    if markdown:
        to_standard_output(render_catalogue(loaded))
        return 0
    lines = [f"{meta.id}  {meta.severity:<8}  {meta.name:<32}  {meta.title}" for meta in rule_metas(loaded)]
    to_standard_output("\n".join(lines) + "\n")
    return 0


@command.command(name="show")
@click.argument("rule_id", metavar="ID")
@click.option("--rules", "rule_folders", multiple=True, type=click.Path(path_type=Path), metavar="DIR",
              help="Another rule pack; may be repeated.")  # fmt: skip
def show_rule(rule_id: str, rule_folders: tuple[Path, ...]) -> int:
    """Show one rule: what it sees, why it matters, what to do.

    \b
    Example:
      owaudit rules show OWA1001
    """
    from owaudit.judge.catalogue import find_rule

    meta = find_rule(packs(rule_folders, ()), rule_id)
    paragraphs = [f"{meta.id}  {meta.name}", meta.title]
    standing = f"Severity {meta.severity}, axis {meta.axis}" + (
        f", family {meta.family}" if meta.family else ""
    )
    if meta.leaves_open:
        standing += ". The verdict is inconclusive at best while it stands"
    paragraphs += [standing + ".", meta.explanation.strip(), "What to do: " + meta.remediation.strip()]
    paragraphs.append("References: " + "; ".join(meta.references) + ".")
    wrapped = [textwrap.fill(" ".join(text.split()), 88) for text in paragraphs[1:]]
    to_standard_output("\n\n".join([paragraphs[0], *wrapped]) + "\n")
    return 0
