"""``owaudit policy``: derive reviewed names from sources."""

from __future__ import annotations

from pathlib import Path

import click

from owaudit.cli.output import note, to_standard_output, write_whole


@click.group(name="policy")
def command() -> None:
    """Make policies."""


@command.command(name="derive")
@click.argument("source_dir", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "-o", "--output", default="-", metavar="FILE", help="Where the lines go; '-' is standard output."
)
@click.option(
    "--assume",
    multiple=True,
    metavar="NAME",
    help="A class from elsewhere that you know to be inert, as module.Class; may be repeated.",
)
def derive_command(source_dir: Path, output: str, assume: tuple[str, ...]) -> int:
    """Read the sources of a library or of your own models and list which classes are inert.

    The sources are read, never imported. A class is inert when constructing it and giving it its
    state runs no code beyond assigning fields; each line says why, and so does each refusal. Read
    the lines before you put them into a policy.

    \b
    Example:
      owaudit policy derive ./src/ourmodels >> owaudit.toml
    """
    from owaudit.judge.derive import derive, policy_text

    derived = derive(source_dir, assume=assume)
    text = policy_text(derived)
    if output == "-":
        to_standard_output(text)
    else:
        write_whole(output, text)
    inert = sum(one.use is not None for one in derived)
    note(f"{inert} inert, {len(derived) - inert} not, of {len(derived)} classes and functions")
    return 0
