"""Run the command line in this process and look at what it says; shared by several tests."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from fixtures import Files, write
from owaudit.cli import main

_LOADING = frozenset(
    {
        "pickle.find_class",
        "os.system",
        "os.exec",
        "os.fork",
        "os.posix_spawn",
        "os.spawn",
        "subprocess.Popen",
        "ctypes.dlopen",
        "webbrowser.open",
    }
)
_watchers: list[list[str]] = []


def _notice(event: str, arguments: tuple[object, ...]) -> None:
    if _watchers and event in _LOADING:
        _watchers[-1].append(event)


# An audit hook cannot be removed again; without a watcher it does nothing.
sys.addaudithook(_notice)


@contextmanager
def watched() -> Iterator[list[str]]:
    """Collect what the interpreter reports of unpickling, processes and native code meanwhile."""
    events: list[str] = []
    _watchers.append(events)
    try:
        yield events
    finally:
        _watchers.remove(events)


@dataclass(frozen=True, slots=True)
class Scan:
    """One run of ``owaudit scan``: exit code, the JSON text, and the text as values."""

    exit_code: int
    text: str
    report: dict[str, Any]

    @property
    def rules(self) -> list[str]:
        """The ids of all findings, each once, sorted."""
        return sorted({finding["rule"] for finding in self.report["findings"]})

    @property
    def lasting(self) -> dict[str, Any]:
        """The report without the block that differs from run to run."""
        return {key: value for key, value in self.report.items() if key != "run"}


def run(*arguments: str, stdin: str | None = None) -> tuple[int, str]:
    """Run ``owaudit`` and return exit code and standard output.

    A traceback or exit code 2 (could not run) fails the test.
    """
    outcome = CliRunner().invoke(main, list(arguments), input=stdin)
    if outcome.exception is not None and not isinstance(outcome.exception, SystemExit):
        raise outcome.exception
    assert outcome.exit_code != 2, outcome.stderr
    return outcome.exit_code, outcome.stdout


def scan(target: Path, *options: str) -> Scan:
    """Audit a path without a second opinion."""
    code, text = run("scan", str(target), "--format", "json", "--no-second-opinion", *options)
    return Scan(exit_code=code, text=text, report=json.loads(text))


def scan_files(files: Files, folder: Path, *options: str) -> Scan:
    """Write the files below ``folder`` and audit the folder."""
    write(files, folder)
    return scan(folder, *options)
