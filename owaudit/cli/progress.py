"""A bar in bytes on a terminal, for work that takes longer than a second."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

PATIENCE_SECONDS = 1.0


class Bar:
    """Told how much there is and how much is done; shows itself only when it is worth it."""

    def __init__(self, *, enabled: bool) -> None:
        self._enabled = enabled and sys.stderr.isatty()
        self._begun = time.monotonic()
        self._done = 0
        self._total = 0
        self._files = 0
        self._progress: Progress | None = None
        self._task: TaskID | None = None

    def started(self, files: int, size: int) -> None:
        """``files`` files with ``size`` bytes will be read."""
        self._files, self._total = files, size

    def advance(self, size: int) -> None:
        """``size`` more bytes were read."""
        self._done += size
        if not self._enabled:
            return
        if self._progress is None:
            if time.monotonic() - self._begun < PATIENCE_SECONDS:
                return
            self._show()
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, completed=self._done)

    def _show(self) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
            TransferSpeedColumn,
        )

        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._progress.start()
        self._task = self._progress.add_task(f"{self._files} files", total=self._total)

    def close(self) -> None:
        """Take the bar off the screen."""
        if self._progress is not None:
            self._progress.stop()


@contextmanager
def progress_bar(*, enabled: bool) -> Iterator[Bar]:
    """A bar that is gone when the work is done or fails."""
    bar = Bar(enabled=enabled)
    try:
        yield bar
    finally:
        bar.close()
