"""``owaudit policy``: start a policy, check it, derive reviewed names, list the frameworks."""

from __future__ import annotations

from pathlib import Path

import click

from owaudit.cli.options import Clock, packs
from owaudit.cli.output import note, to_standard_output, write_whole
from owaudit.errors import UsageError

_NOT_IN_ORDER = 1


@click.group(name="policy")
def command() -> None:
    """Make policies and check them."""


@command.command(name="init")
@click.option(
    "-o", "--output", default="owaudit.toml", metavar="FILE", help="Where it goes; '-' is standard output."
)
def init_command(output: str) -> int:
    """Write a policy with every table, the defaults in force and the rest as comments.

    A file that exists is never overwritten.

    \b
    Example:
      owaudit policy init
    """
    from owaudit.judge.policy_template import TEMPLATE

    if output == "-":
        to_standard_output(TEMPLATE)
        return 0
    if Path(output).exists():
        raise UsageError(f"{output} exists already; nothing was written")
    write_whole(output, TEMPLATE)
    note(f"wrote {output}; read it, then run 'owaudit policy check'")
    return 0


@command.command(name="check")
@click.argument("policy_file", type=click.Path(path_type=Path), required=False, metavar="[FILE]")
@click.option("--rules", "rule_folders", multiple=True, type=click.Path(path_type=Path), metavar="DIR",
              help="Another rule pack that the policy counts on; may be repeated.")  # fmt: skip
def check_command(policy_file: Path | None, rule_folders: tuple[Path, ...]) -> int:
    """Read a policy and say what it means today, without auditing anything.

    FILE is looked for like a scan does where none is given. Exit code 0: in order; 1: a waiver is
    malformed or has ended; 2: the policy cannot be used.

    \b
    Example:
      owaudit policy check owaudit.toml
    """
    from owaudit.judge.evaluate import policy_digest
    from owaudit.judge.policy import find_policy, read_policy
    from owaudit.judge.policy_check import IN_FORCE, check_references, described, waiver_states
    from owaudit.render.escape import visible, visible_short

    found = policy_file or find_policy(Path.cwd(), ())[0]
    if found is None:
        raise UsageError("no owaudit.toml and no [tool.owaudit] from here upwards; 'owaudit policy init'")
    policy = read_policy(found)
    loaded = packs(rule_folders, (), policy, found)
    check_references(policy, loaded)
    waivers = waiver_states(policy, loaded, Clock().started[:10])
    is_in_order = all(state == IN_FORCE for _, state, _ in waivers)
    lines = [f"{visible(policy.source)}: {'in order' if is_in_order else 'a waiver is not in order'}"]
    parts = (*described(policy), ("sha256", policy_digest(policy)))
    lines += [f"  {label:<15} {visible_short(words)}" for label, words in parts]
    for waiver, state, words in waivers:
        lines.append(f"  waiver          {visible_short(waiver.id)}: {state}. {visible_short(words)}")
    to_standard_output("".join(f"{line}\n" for line in lines))
    return 0 if is_in_order else _NOT_IN_ORDER


@command.command(name="frameworks")
@click.option("--rules", "rule_folders", multiple=True, type=click.Path(path_type=Path), metavar="DIR",
              help="Another rule pack; may be repeated.")  # fmt: skip
def frameworks_command(rule_folders: tuple[Path, ...]) -> int:
    """List the frameworks that --framework and a policy may name, with their editions."""
    from owaudit.judge.frameworks import load_frameworks
    from owaudit.render.escape import visible

    for key, framework in load_frameworks(packs(rule_folders, ())).items():
        used = framework.used
        words = (
            f"{used.name}, {used.edition}; {len(framework.controls)} controls, {used.confidence} confidence"
        )
        to_standard_output(f"{visible(key):<18} {visible(words)}\n")
    return 0


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
