"""Where formats for a repository show a finding: the folder of the target in it, or a stand-in.

GitHub and its like open the file that a finding names, relative to the repository. A model below the
working directory is named as seen from there; one from elsewhere is stood for by ``--anchor``, such as
the line of a lock file that names it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import click

from owaudit.errors import UsageError
from owaudit.render import RenderOptions

F = TypeVar("F", bound=Callable[..., object])

_BASE, _ANCHOR = f"{__name__}.base", f"{__name__}.anchor"


def placing(command: F) -> F:
    """The two options; they are checked before any work and kept for ``placed``."""
    for option in (
        click.option(
            "--anchor",
            metavar="FILE[:LINE]",
            callback=_keep_anchor,
            expose_value=False,
            help="File in the repository that stands for a model which is not in it (the same formats).",
        ),
        click.option(
            "--base",
            metavar="DIR",
            callback=_keep_base,
            expose_value=False,
            help="Folder of the target in the repository, for SARIF, annotations and Code Climate. "
            "Default: seen from here.",
        ),
    ):
        command = option(command)
    return command


def placed(options: RenderOptions) -> RenderOptions:
    """The options with the place that the command line gives, or where its targets are seen from here."""
    ctx = click.get_current_context(silent=True)
    if ctx is None:
        return options
    base = ctx.meta.get(_BASE)
    if base is None:
        base = _seen_from_here(ctx.params.get("targets") or ())
    anchor, line = ctx.meta.get(_ANCHOR, ("", 1))
    return replace(options, base=base, anchor=anchor, anchor_line=line)


def _keep_base(ctx: click.Context, _option: click.Parameter, value: str | None) -> None:
    if value is not None:
        ctx.meta[_BASE] = _inside(value)


def _keep_anchor(ctx: click.Context, _option: click.Parameter, value: str | None) -> None:
    if not value:
        return
    file, colon, line = value.rpartition(":")
    if colon and line.isascii() and line.isdigit():
        if not 0 < int(line) < 2**31:
            raise UsageError(f"expected a line from 1, found {value!r}")
        ctx.meta[_ANCHOR] = (_inside(file), int(line))
    else:
        ctx.meta[_ANCHOR] = (_inside(value), 1)


def _inside(path: str) -> str:
    if os.path.isabs(path) or ".." in Path(path).parts:
        raise UsageError(f"expected a path relative to the repository and inside it, found {path!r}")
    posix = Path(path).as_posix()
    return "" if posix == "." else posix


def _seen_from_here(targets: Sequence[Path]) -> str:
    """The folder that artifact paths are relative to, or nothing where it is not below this one."""
    one = len(targets) == 1
    folders = {target if one and target.is_dir() else target.parent for target in targets}
    if len(folders) != 1:
        return ""
    inside = Path(os.path.relpath(folders.pop())).as_posix()
    return "" if inside == "." or inside.startswith("../") or inside == ".." else inside
