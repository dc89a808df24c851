"""Files in parallel: in this process for little work, in worker processes for much.

Collecting one file is a pure function, so it runs unchanged under any executor. Hashing scales in
threads, reading pickles does not, hence processes.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from owaudit.intake.walk import Entry
from owaudit.model.limits import Limits
from owaudit.pipeline.artifact import Collected, collect_artifact

if TYPE_CHECKING:
    from concurrent.futures import Future
    from multiprocessing.sharedctypes import Synchronized

LEAST_BYTES = 48 * 1024 * 1024
"""Below this, and below ``LEAST_FILES``, starting workers costs more than it gives."""
LEAST_FILES = 400
BATCH_BYTES = 8 * 1024 * 1024
BATCH_FILES = 64
POLL_SECONDS = 0.1

_done_bytes: Synchronized[int] | None = None


def default_jobs() -> int:
    """The processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def collect_all(
    entries: tuple[Entry, ...], limits: Limits, jobs: int, progress: Callable[[int], None]
) -> list[Collected]:
    """Collect every entry, in the order of ``entries``; ``progress`` is told bytes as they are read."""
    total = sum(entry.size for entry in entries)
    if jobs <= 1 or len(entries) < 2 or (total < LEAST_BYTES and len(entries) < LEAST_FILES):
        return _here(entries, limits, progress)
    return _in_processes(entries, limits, min(jobs, len(entries)), progress)


def _here(entries: tuple[Entry, ...], limits: Limits, progress: Callable[[int], None]) -> list[Collected]:
    with paused_collector():
        return [collect_artifact(entry, limits, progress) for entry in entries]


@contextlib.contextmanager
def paused_collector() -> Iterator[None]:
    """Pause the cyclic garbage collector: the machine makes millions of values and no cycles that
    outlive a file, and the collector would look at each of them many times."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _batches(entries: tuple[Entry, ...]) -> list[list[int]]:
    """Indices in batches: large files alone and first, small ones together."""
    order = sorted(range(len(entries)), key=lambda i: (-entries[i].size, i))
    batches: list[list[int]] = []
    batch: list[int] = []
    size = 0
    for index in order:
        batch.append(index)
        size += entries[index].size
        if size >= BATCH_BYTES or len(batch) >= BATCH_FILES:
            batches.append(batch)
            batch, size = [], 0
    if batch:
        batches.append(batch)
    return batches


def _in_processes(
    entries: tuple[Entry, ...], limits: Limits, jobs: int, progress: Callable[[int], None]
) -> list[Collected]:
    import multiprocessing
    from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait

    # Forking is fast and safe here: the pool starts before this process has any other thread.
    method = "fork" if sys.platform == "linux" else "spawn"
    context = multiprocessing.get_context(method)
    counter: Synchronized[int] = context.Value("Q", 0)
    found: dict[int, Collected] = {}
    batches = _batches(entries)
    with ProcessPoolExecutor(
        jobs, mp_context=context, initializer=_start_worker, initargs=(counter,)
    ) as pool:
        try:
            waiting: dict[Future[list[Collected]], list[int]] = {
                pool.submit(_batch, [entries[i] for i in batch], limits): batch for batch in batches
            }
            reported = 0
            pending = set(waiting)
            while pending:
                finished, pending = wait(pending, timeout=POLL_SECONDS, return_when=FIRST_COMPLETED)
                for future in finished:
                    found.update(zip(waiting[future], future.result(), strict=True))
                progress(counter.value - reported)
                reported = counter.value
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in list((pool._processes or {}).values()):
                process.terminate()
            raise
    return [found[i] for i in range(len(entries))]


def _start_worker(counter: Synchronized[int]) -> None:
    global _done_bytes
    _done_bytes = counter
    gc.disable()
    # The terminal sends Ctrl-C to the whole group; the parent decides and ends the workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _count(size: int) -> None:
    if _done_bytes is not None:
        with _done_bytes.get_lock():
            _done_bytes.value += size


def _batch(entries: list[Entry], limits: Limits) -> list[Collected]:
    collected = [collect_artifact(entry, limits, _count) for entry in entries]
    gc.collect()
    return collected
