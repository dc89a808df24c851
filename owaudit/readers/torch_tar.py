"""Parts of the tar checkpoints of torch 0.1.0: members ``storages`` and ``tensors``.

Each part is a count and then entries, every one a pickle followed by raw numbers: for storages the
tuple ``(key, location, type)``, an i64 element count and the elements; for tensors the tuple
``(key, storage key, type)``, an i32 number of dimensions, 4 bytes of padding, the sizes, the
strides and the offset as i64. The members ``pickle`` and ``sys_info`` are plain pickles.

Source: torch 2.13, torch/serialization.py, ``legacy_load``.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator

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
from owaudit.codec.pickle_trace import Trace
from owaudit.codec.pickle_values import Name
from owaudit.codec.reader import PARSED, PAYLOAD, Halt, Head, Place, Reader, Span, Yield
from owaudit.codec.torch_storage import element_size
from owaudit.codec.window import Window
from owaudit.model.artifact import Format
from owaudit.model.limits import Limits
from owaudit.model.observation import UnclaimedBytes

_MOST_DIMENSIONS = 64
PARTS = ("storages", "tensors")


def looks_like(head: Head) -> bool:
    """A member of one of the two names that starts with a pickled count."""
    return head.name in PARTS and head.start[:1] == b"\x80" and looks_like_pickle(head.window, lenient=True)


def read(window: Window, place: Place, limits: Limits) -> Iterator[Yield]:
    trace = new_trace(limits)
    part = place.members[-1].rpartition("/")[2] if place.members else place.artifact.rpartition("/")[2]
    walk = _Part(window, place, trace, limits, is_storages=part.lower() == PARTS[0])
    yield from walk.entries()
    yield from trace_facts(trace, place)
    yield from nested_members(trace)


class _Part:
    def __init__(
        self, window: Window, place: Place, trace: Trace, limits: Limits, *, is_storages: bool
    ) -> None:
        self.window = window
        self.place = place
        self.trace = trace
        self.limits = limits
        self.is_storages = is_storages
        self.at = 0
        self.index = 0

    def entries(self) -> Iterator[Yield]:
        """Yield the pickles and the numbers behind each; stops where the part does not add up."""
        count, halt = yield from self._pickle()
        if halt is not None:
            yield halt
            return
        if not isinstance(count, int) or not 0 <= count <= self.limits.tensors:
            yield Halt("malformed", "the part does not begin with a count")
            return
        for _ in range(count):
            entry, halt = yield from self._pickle()
            if halt is not None:
                yield halt
                return
            size = self._numbers(entry)
            if size is None or self.at + size > self.window.size:
                yield Halt("malformed", f"the numbers of entry {self.index - 2} do not add up")
                return
            yield Span(PAYLOAD if self.is_storages else PARSED, self.at, self.at + size)
            self.at += size
        if self.at < self.window.size:
            yield UnclaimedBytes(
                locations=self.place.at(self.at, self.window.size),
                position="after",
                size=self.window.size - self.at,
            )

    def _pickle(self) -> Generator[Yield, None, tuple[object, Halt | None]]:
        self.trace.begin()
        machine = Machine(self.window, self.at, self.trace, self.limits)
        run_pickle(machine, self.trace)
        yield stream_fact(machine, self.trace, self.place, self.index)
        yield from stream_spans(machine)
        self.at = machine.position
        self.index += 1
        return machine.result, halt_of(machine)

    def _numbers(self, entry: object) -> int | None:
        """Bytes that follow the pickle of an entry; None where they cannot be told."""
        if not self.is_storages:
            head = self.window.read(self.at, 4)
            dimensions = int.from_bytes(head, "little", signed=True)
            return 8 + 16 * dimensions + 8 if len(head) == 4 and 0 <= dimensions <= _MOST_DIMENSIONS else None
        head = self.window.read(self.at, 8)
        count = int.from_bytes(head, "little", signed=True)
        if not isinstance(entry, tuple) or len(entry) < 3 or not isinstance(entry[2], Name) or count < 0:
            return None
        size = element_size(entry[2].dotted)
        return None if size is None or len(head) < 8 else 8 + count * size


READER = Reader(
    format=Format("torch-tar-part"),
    source="torch 2.13, torch/serialization.py",
    looks_like=looks_like,
    read=read,
    rank=55,
    hides=("pickle", "text"),
)
