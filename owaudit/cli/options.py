"""Options that several commands share, and what they become."""

from __future__ import annotations

import os
import shlex
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import click

from owaudit.cli.repository import placing
from owaudit.errors import UsageError
from owaudit.judge.packs import Pack, load_packs
from owaudit.judge.policy import find_policy, read_policy
from owaudit.model.evidence import Diagnostic
from owaudit.model.policy import PacksPolicy, Policy
from owaudit.model.report import Run
from owaudit.model.rule import Severity

F = TypeVar("F", bound=Callable[..., object])

NO_GATE = "none"


def judging(command: F) -> F:
    """Options of every command that judges."""
    options = (
        click.option(
            "--policy",
            "policy_file",
            type=click.Path(path_type=Path),
            metavar="FILE",
            help="Policy file. Default: owaudit.toml or [tool.owaudit] from here upwards.",
        ),
        click.option(
            "--fail-on",
            type=click.Choice([*(severity.value for severity in Severity), NO_GATE]),
            default=None,
            help="Lowest severity that fails (policy default: high).",
        ),
        click.option(
            "--rules",
            "rule_folders",
            multiple=True,
            type=click.Path(path_type=Path),
            metavar="DIR",
            help="Another rule pack; may be repeated. Never one inside a target.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def showing(command: F) -> F:
    """Options of every command that shows a report."""
    options = (
        click.option(
            "--format",
            "format_name",
            default=None,
            metavar="NAME",
            help="Format on standard output; 'owaudit doctor' lists them. Default: text.",
        ),
        click.option(
            "-o",
            "--output",
            "outputs",
            multiple=True,
            metavar="FILE",
            help="Also write a file; the suffix picks the format (.html .json .txt .sarif .md "
            ".junit.xml .csv .cdx.json .codeclimate.json .pdf). "
            "May be repeated; '-' is standard output.",
        ),
        click.option("-q", "--quiet", is_flag=True, help="Only the verdict on standard output."),
        click.option("-v", "--verbose", is_flag=True, help="Every finding with its evidence."),
        click.option(
            "--color",
            type=click.Choice(["auto", "always", "never"]),
            default="auto",
            help="Colour on standard output.",
        ),
        placing,
    )
    for option in reversed(options):
        command = option(command)
    return command


def effective_policy(
    policy_file: Path | None, fail_on: str | None, targets: Sequence[Path]
) -> tuple[Policy, tuple[Diagnostic, ...]]:
    """The policy from ``--policy``, the nearest file or the defaults, with ``--fail-on`` over it."""
    notes: tuple[Diagnostic, ...] = ()
    if policy_file is None:
        policy_file, notes = find_policy(Path.cwd(), targets)
    policy = read_policy(policy_file) if policy_file is not None else Policy()
    return with_gate(policy, fail_on), notes


def with_gate(policy: Policy, fail_on: str | None) -> Policy:
    """The policy with ``--fail-on`` over it; None leaves it as it is."""
    if fail_on is None:
        return policy
    severity = None if fail_on == NO_GATE else Severity(fail_on)
    return replace(policy, gate=replace(policy.gate, fail_on=severity))


def packs(
    rule_folders: Sequence[Path],
    targets: Sequence[Path],
    policy: Policy | None = None,
    policy_file: Path | None = None,
) -> tuple[Pack, ...]:
    """The built-in pack, those of installed distributions, those of the policy and the named ones.

    ``policy_file`` is what was given on the command line; folders in a policy are relative to it.

    Raises:
        UsageError: a pack cannot be used, or one that the policy requires is not there.
    """
    wanted = policy.packs if policy is not None else PacksPolicy()
    folders = list(rule_folders)
    if wanted.folders:
        found = policy_file or find_policy(Path.cwd(), targets)[0]
        base = found.parent if found is not None else Path.cwd()
        folders = [*(base / folder for folder in wanted.folders), *folders]
    loaded = load_packs(folders, targets=targets)
    names = {pack.used.name for pack in loaded}
    for name in wanted.required:
        if name not in names:
            raise UsageError(f"the policy requires the rule pack {name!r}, which is not installed or named")
    return loaded


class Clock:
    """Start and end of a run. ``SOURCE_DATE_EPOCH`` stands still for reproducible output."""

    def __init__(self) -> None:
        self.started = _now()

    def run(self, jobs: int) -> Run:
        """The run block as of now."""
        command = shlex.join(["owaudit", *(_relative(word) for word in sys.argv[1:])])
        return Run(
            started=self.started,
            ended=_now(),
            command=command.encode("utf-8", "backslashreplace").decode(),
            python=sys.version.partition(" ")[0],
            machine=machine_kind(),
            jobs=jobs,
            engines=engines(),
        )


def machine_kind() -> str:
    """``compiled`` or ``pure``: how the pickle machine runs here."""
    from owaudit.codec import pickle_machine

    return "pure" if str(pickle_machine.__file__).endswith(".py") else "compiled"


def engines() -> tuple[tuple[str, str], ...]:
    """Versions of the libraries that may speak in a report."""
    from importlib import metadata

    found = []
    for name in ("safetensors", "modelscan"):
        # Only those that were asked: looking up the versions of others costs more than the audit.
        if name in sys.modules:
            try:
                found.append((name, metadata.version(name)))
            except metadata.PackageNotFoundError:
                continue
    return tuple(found)


def _now() -> str:
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    seconds = int(epoch) if epoch.isascii() and epoch.isdigit() else time.time()
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def _relative(word: str) -> str:
    """A word of the command line without the folders of this machine."""
    if not os.path.isabs(word):
        return word
    inside = os.path.relpath(word)
    return os.path.basename(word.rstrip(os.sep)) or word if inside.startswith("..") else inside


def read_text(path: str) -> str:
    """The text of a file, ``-`` for standard input.

    Raises:
        UsageError: it cannot be read as UTF-8.
    """
    try:
        if path == "-":
            return sys.stdin.buffer.read().decode("utf-8")
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{'standard input' if path == '-' else path}: {error}") from error
