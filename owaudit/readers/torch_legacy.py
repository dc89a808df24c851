"""The torch file of before 1.6: five pickles, then the storages they name.

Magic number, protocol version, system information, the object, the list of storage keys; then
for each key in that order its element count (i64) and its elements. Each of the five pickles runs
when the file is loaded.

Source: torch 2.13, torch/serialization.py, ``_legacy_load``.
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
from owaudit.codec.pickle_trace import Trace
from owaudit.codec.pickle_values import Items
from owaudit.codec.reader import PARSED, PAYLOAD, Halt, Head, Place, Reader, Span, Yield
from owaudit.codec.torch_storage import element_size, storage_table
from owaudit.codec.window import Window
from owaudit.model.artifact import Format
from owaudit.model.limits import Limits
from owaudit.model.observation import SpecViolation, UnclaimedBytes

MAGIC = bytes.fromhex("80028a0a6cfc9c46f9206aa850192e")
_PICKLES = 5
KEPT_KEYS = 1_000_000
"""Storage keys of one file; the fifth pickle lists them all."""


def looks_like(head: Head) -> bool:
    return head.start.startswith(MAGIC)


def read(window: Window, place: Place, limits: Limits) -> Iterator[Yield]:
    trace = new_trace(limits)
    at = 0
    halt: Halt | None = None
    keys: object = None
    for index in range(_PICKLES):
        trace.begin()
        machine = Machine(window, at, trace, limits, ceiling=KEPT_KEYS if index == _PICKLES - 1 else 256)
        run_pickle(machine, trace)
        yield stream_fact(machine, trace, place, index)
        yield from stream_spans(machine)
        at = machine.position
        keys = machine.result
        halt = halt_of(machine)
        if halt is not None:
            break
    yield from trace_facts(trace, place)
    yield from storage_table(trace, place)
    yield from nested_members(trace)
    if halt is not None:
        yield halt
    else:
        yield from _storages(window, place, trace, keys, at)


def _storages(window: Window, place: Place, trace: Trace, keys: object, at: int) -> Iterator[Yield]:
    """The raw storages, in the order of the key list."""
    if not isinstance(keys, Items) or keys.shape != "list" or keys.count != len(keys.kept):
        yield Halt("malformed", "the fifth pickle is no list of storage keys")
        return
    listed: set[str] = set()
    for key in keys.kept:
        storage = trace.storages.get(key) if isinstance(key, str) else None
        size = element_size(storage.element) if storage is not None else None
        if storage is None or size is None:
            yield Halt("malformed", "a storage key that no tensor names")
            return
        listed.add(storage.key)
        count = int.from_bytes(window.exactly(at, 8, "storage element count"), "little", signed=True)
        if count != storage.count:
            yield SpecViolation(
                locations=place.at(at, at + 8),
                format="torch-legacy",
                clause="storage-size",
                expected=f"{storage.count} elements, as the tensors say",
                found=f"{count} elements",
            )
        end = at + 8 + max(0, count) * size
        yield Span(PARSED, at, at + 8)
        yield Span(PAYLOAD, at + 8, min(end, window.size))
        if end > window.size or count < 0:
            yield Halt("truncated", f"a storage of {count} elements passes the end of the file")
            return
        at = end
    for key in sorted(trace.storages.keys() - listed):
        yield SpecViolation(
            locations=place.at(trace.storages[key].start, trace.storages[key].end),
            format="torch-legacy",
            clause="storage-missing",
            expected="every storage of a tensor in the list of keys",
            found=f"no storage {key[:80]!r}",
        )
    if at < window.size:
        rest = window.read(at, 65_536)
        yield UnclaimedBytes(
            locations=place.at(at, window.size),
            position="after",
            size=window.size - at,
            zeros=window.size - at <= len(rest) and not rest.strip(b"\0"),
        )


READER = Reader(
    format=Format("torch-legacy"),
    source="torch 2.13, torch/serialization.py",
    looks_like=looks_like,
    read=read,
    rank=20,
    hides=("pickle", "text"),
    extensions=(".pt", ".pth", ".bin", ".ckpt"),
)
