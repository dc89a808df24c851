"""Options about what is known already, and about frameworks, and what they become."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from owaudit.cli.options import read_text
from owaudit.errors import FormatError, UsageError
from owaudit.model.policy import Policy

if TYPE_CHECKING:
    from owaudit.judge.baseline import Baseline

F = TypeVar("F", bound=Callable[..., object])


def excusing(command: F) -> F:
    """The baseline and the frameworks, for every command that gives a verdict."""
    for option in reversed(
        (
            click.option(
                "--baseline",
                "baseline_file",
                metavar="FILE",
                help="Earlier JSON report: what it found on the same bytes does not decide again.",
            ),
            click.option(
                "--framework",
                "frameworks",
                multiple=True,
                metavar="NAME",
                help="Say what the audit shows about the controls of a framework; may be repeated. "
                "'owaudit policy frameworks' names them all.",
            ),
        )
    ):
        command = option(command)
    return command


def baseline_of(path: str | None, targets: Sequence[Path]) -> Baseline | None:
    """The baseline that was named, or None.

    Raises:
        UsageError: it cannot be read, is no report, or lies in what is audited.
    """
    if path is None:
        return None
    from owaudit.judge.baseline import read_baseline

    place = Path(path).resolve()
    if path != "-" and any(place.is_relative_to(target.resolve()) for target in targets):
        raise UsageError(f"--baseline {path}: lies in the target; what is audited cannot excuse itself")
    try:
        return read_baseline(read_text(path))
    except FormatError as error:
        raise UsageError(f"--baseline {path}: not a JSON report of owaudit: {error}") from error


def with_frameworks(policy: Policy, frameworks: Sequence[str]) -> Policy:
    """The policy with the frameworks of the command line after its own."""
    return replace(policy, frameworks=tuple(dict.fromkeys((*policy.frameworks, *frameworks))))
