"""What a step of GitHub Actions writes: outputs, the job summary, annotations.

The files of outputs are read line by line, so a value stands between two lines of a delimiter that
nobody can know before: 128 random bits. The log is read for commands; reports are printed while the
runner is told to take none.

Source: GitHub documentation, workflow commands, "Multiline strings", "Stopping and starting".
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from pathlib import Path

from owaudit.errors import UsageError

OF_A_KIND = 10
"""Annotations of one kind that GitHub shows of a step."""


def append_outputs(file: Path, values: Iterable[tuple[str, str]]) -> None:
    """Append names and values to the file that ``GITHUB_OUTPUT`` names.

    Raises:
        UsageError: it cannot be written.
    """
    parts = []
    for name, value in values:
        delimiter = f"owaudit_{secrets.token_hex(16)}"
        parts.append(f"{name}<<{delimiter}\n{value}\n{delimiter}\n")
    append(file, "".join(parts))


def append(file: Path, text: str) -> None:
    """Append text to a file of the runner, UTF-8 with LF on every system.

    Raises:
        UsageError: it cannot be written.
    """
    try:
        with file.open("ab") as stream:
            stream.write(text.encode("utf-8", "backslashreplace"))
    except OSError as error:
        raise UsageError(f"cannot write {file}: {error.strerror or error}") from error


def quoted(text: str) -> str:
    """The text for the log, between commands that stop and start commands."""
    token = secrets.token_hex(16)
    return f"::stop-commands::{token}\n{text.rstrip()}\n::{token}::\n"


def joined_annotations(rendered: Sequence[str], closing: str) -> str:
    """Join the annotations of several reports: ten errors, ten warnings, and one notice that sums up."""
    lines = [line for text in rendered for line in text.splitlines()]
    kept = [line for kind in ("error", "warning") for line in _of_kind(lines, kind)[:OF_A_KIND]]
    notices = _of_kind(lines, "notice")
    kept += notices if len(rendered) == 1 else [closing]
    return "\n".join(kept) + "\n"


def _of_kind(lines: Sequence[str], kind: str) -> list[str]:
    return [line for line in lines if line.startswith(f"::{kind} ")]
