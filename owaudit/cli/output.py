"""Reports to where they belong: standard output, and files that are whole or not there."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click

from owaudit.cli.repository import placed
from owaudit.errors import UsageError
from owaudit.model.report import Report
from owaudit.render import RenderOptions, format_for_suffix, renderer_for


def planned_outputs(outputs: Sequence[str], format_name: str | None) -> tuple[tuple[str, str], ...]:
    """Pairs of destination and format name, checked before any work is done.

    Raises:
        UsageError: a suffix or format that no renderer has or that needs something which is not
            installed, or a folder that does not exist.
    """
    planned = []
    if format_name is not None:
        renderer_for(format_name)
    for output in outputs:
        if output == "-":
            planned.append(("-", format_name or "text"))
            continue
        folder = Path(output).parent
        if not folder.is_dir():
            raise UsageError(f"cannot write {output}: the folder {folder} does not exist")
        planned.append((output, format_for_suffix(output)))
    if "-" not in outputs and (format_name is not None or not outputs):
        planned.append(("-", format_name or "text"))
    elif "-" not in outputs:
        planned.append(("-", "text"))
    for _, name in planned:
        renderer_for(name).require()
    return tuple(planned)


def deliver(report: Report, planned: Sequence[tuple[str, str]], options: RenderOptions) -> None:
    """Render and write every planned output. A file is replaced only when it is complete."""
    for destination, name in planned:
        plain = replace(options, width=100, colour=False, hyperlinks=False, quiet=False)
        content = renderer_for(name).content(report, options if destination == "-" else plain)
        if destination == "-":
            to_standard_output(content)
        else:
            write_whole(destination, content)


def to_standard_output(content: str | bytes) -> None:
    """Write bytes as they are, text as UTF-8 whatever the locale; lone surrogates become escapes."""
    sys.stdout.flush()
    content = _as_bytes(content)
    stream = getattr(sys.stdout, "buffer", None)
    if stream is None:
        sys.stdout.write(content.decode("utf-8", "backslashreplace"))
        return
    stream.write(content)
    stream.flush()


def _as_bytes(content: str | bytes) -> bytes:
    return content if isinstance(content, bytes) else content.encode("utf-8", "backslashreplace")


def write_whole(destination: str, content: str | bytes) -> None:
    """Write to a temporary file beside the destination, then rename it: never half a report.

    Raises:
        UsageError: it cannot be written; an older file stays as it was.
    """
    folder = os.path.dirname(os.path.abspath(destination))
    import tempfile

    temporary = ""
    try:
        descriptor, temporary = tempfile.mkstemp(prefix=".owaudit-", dir=folder)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(_as_bytes(content))
            stream.flush()
            os.fsync(stream.fileno())
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        os.replace(temporary, destination)
        temporary = ""
    except OSError as error:
        raise UsageError(f"cannot write {destination}: {error.strerror or error}") from error
    finally:
        if temporary and os.path.exists(temporary):
            os.unlink(temporary)


def options_for_terminal(color: str, *, quiet: bool, verbose: bool) -> RenderOptions:
    """How standard output looks, as terminal and environment say, and where a repository shows it."""
    is_terminal = sys.stdout.isatty()
    width = (
        shutil.get_terminal_size((100, 24)).columns if is_terminal else int(os.environ.get("COLUMNS", "100"))
    )
    allowed = is_terminal and os.environ.get("TERM") != "dumb"
    if os.environ.get("NO_COLOR"):
        allowed = False
    elif os.environ.get("FORCE_COLOR"):
        allowed = True
    if color != "auto":
        allowed = color == "always"
    return placed(
        RenderOptions(
            width=width, colour=allowed, hyperlinks=is_terminal and allowed, quiet=quiet, verbose=verbose
        )
    )


def note(message: str) -> None:
    """A line on standard error."""
    click.echo(message, err=True)
