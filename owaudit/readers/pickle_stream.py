"""Raw pickles: any protocol, several in a row, bytes after the last STOP.

Source: CPython 3.11, Lib/pickletools.py and Lib/pickle.py; joblib 1.6.0 for arrays in the stream.
"""

from __future__ import annotations

from collections.abc import Iterator

from owaudit.codec.pickle_facts import (
    halt_of,
    nested_members,
    new_trace,
    run_pickle,
    stream_fact,
    stream_spans,
    trace_facts,
)
from owaudit.codec.pickle_machine import Machine
from owaudit.codec.pickle_probe import looks_like_pickle
from owaudit.codec.reader import Halt, Head, Place, Reader, Yield
from owaudit.codec.window import Window
from owaudit.model.artifact import Format
from owaudit.model.limits import Limits
from owaudit.model.observation import UnclaimedBytes

PICKLE_NAMES = (
    ".pkl",
    ".pickle",
    ".p",
    ".pck",
    ".pcl",
    ".joblib",
    ".dill",
    ".pt",
    ".pth",
    ".ckpt",
    ".bin",
    ".dat",
)


def looks_like(head: Head) -> bool:
    return looks_like_pickle(head.window, lenient=head.name.endswith(PICKLE_NAMES))


def read(window: Window, place: Place, limits: Limits) -> Iterator[Yield]:
    """Yield one stream after the other, then the names of all of them."""
    trace = new_trace(limits)
    at = 0
    index = 0
    halt: Halt | None = None
    while True:
        trace.begin()
        machine = Machine(window, at, trace, limits)
        run_pickle(machine, trace)
        yield stream_fact(machine, trace, place, index)
        yield from stream_spans(machine)
        halt = halt_of(machine)
        at = machine.position
        index += 1
        if halt is not None or at >= window.size:
            break
        if index >= limits.pickle_streams:
            halt = Halt("limit:pickle_streams", f"{index} pickles follow one another")
            break
        if not looks_like_pickle(window, at):
            rest = window.read(at, 65_536)
            yield UnclaimedBytes(
                locations=place.at(at, window.size),
                position="after",
                size=window.size - at,
                zeros=window.size - at <= len(rest) and not rest.strip(b"\0"),
            )
            break
    yield from trace_facts(trace, place)
    yield from nested_members(trace)
    if halt is not None:
        yield halt


READER = Reader(
    format=Format("pickle"),
    source="CPython 3.11, Lib/pickletools.py",
    looks_like=looks_like,
    read=read,
    rank=60,
    hides=("text", "json"),
    extensions=(".pkl", ".pickle", ".p", ".joblib", ".dill", ".bin", ".ckpt", ".dat"),
)
