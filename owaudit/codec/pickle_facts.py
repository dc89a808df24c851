"""Pickles in a window, one after another, as observations.

Used by every reader whose format holds pickles, so that a call is the same fact in all of them.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from owaudit.codec.pickle_machine import Machine
from owaudit.codec.pickle_trace import ALTER, LIMITED, STOPPED, Trace
from owaudit.codec.pickle_values import Name, UseRecord
from owaudit.codec.reader import PARSED, PAYLOAD, Halt, Member, Place, Span
from owaudit.codec.window import Window
from owaudit.model.limits import Limits
from owaudit.model.location import Location
from owaudit.model.observation import (
    NameUsed,
    Observation,
    PersistentIdUsed,
    PickleStream,
    ProgramLine,
    Slot,
    SpecViolation,
    UnresolvedUse,
    Use,
)

if TYPE_CHECKING:
    from pickletools import OpcodeInfo


@functools.cache
def _opcodes() -> dict[int, OpcodeInfo]:
    """Names and argument kinds by opcode; the module that knows them is not light to import."""
    import pickletools

    return {ord(opcode.code): opcode for opcode in pickletools.opcodes}


TRANSCODED: Final = "latin1-as-utf8"
"""How ``codec.unpack`` calls byte strings that are written as text."""
MOST_CROSSINGS: Final = 8
"""Frames of one pickle that an instruction may pass before following both readings ends."""


def stream_fact(machine: Machine, trace: Trace, place: Place, index: int) -> PickleStream:
    """The fact that one pickle stands here, with its program."""
    known = _opcodes()
    return PickleStream(
        locations=place.at(machine.start, machine.position),
        protocol=machine.protocol,
        index=index,
        instructions=machine.instructions,
        ending=machine.ending,
        detail=printable(machine.detail),
        opcodes=tuple(
            sorted(known[op].name for op, count in enumerate(machine.opcode_counts) if count and op in known)
        ),
        program=tuple(
            ProgramLine(
                start=line.start,
                end=line.end,
                text=printable(line.text),
                names=tuple(printable(name) for name in line.names),
                times=line.times,
            )
            for line in trace.lines
        ),
        program_left_out=trace.lines_left_out,
    )


def stream_spans(machine: Machine) -> Iterator[Span]:
    """What one pickle explains: long constants and arrays are payload, the rest is parsed."""
    at = machine.start
    for start, end in machine.payload:
        if start > at:
            yield Span(PARSED, at, start)
        yield Span(PAYLOAD, start, end)
        at = end
    if machine.position > at:
        yield Span(PARSED, at, machine.position)


def trace_facts(trace: Trace, place: Place) -> Iterator[Observation]:
    """The names, uses and identifiers of all pickles that one trace has seen, sorted by name."""
    for dotted in sorted(trace.names):
        name = trace.names[dotted]
        records = [*name.uses.values(), *name.calls.values()]
        for record in sorted(records, key=lambda record: (record.use, record.arity)):
            yield _name_fact(name, record, place)
    for unresolved in trace.unresolved.values():
        yield UnresolvedUse(
            locations=_places(place, unresolved.places),
            count=unresolved.count,
            use=Use(unresolved.use),
            expression=printable(unresolved.expression),
            reason=unresolved.reason,
        )
    for shape, (start, end, example, count) in sorted(trace.persistent_shapes.items()):
        yield PersistentIdUsed(
            locations=place.at(start, end), count=count, shape=shape, example=printable(example)
        )
    for clause, (expected, found, start) in sorted(trace.odd.items()):
        yield SpecViolation(
            locations=place.at(start, start + 1),
            format="pickle",
            clause=clause,
            expected=expected,
            found=printable(found),
        )


def nested_members(trace: Trace) -> Iterator[Member]:
    """Content that the pickles carry as byte strings, as members that may be read on their own."""
    for index, nested in enumerate(trace.nested):
        label = "bytes" if nested.content is None else f"computed-{index}"
        yield Member(
            name=f"{label} at {nested.start}",
            start=nested.start,
            end=nested.end,
            hint="pickle" if nested.certain else "",
            content=nested.content,
            unpack=TRANSCODED if nested.transcoded else "stored",
            tentative=True,
        )


def halt_of(machine: Machine) -> Halt | None:
    """Why a pickle was not followed to STOP; None when it was."""
    if machine.ending == STOPPED:
        return None
    if machine.ending == LIMITED:
        return Halt(f"limit:{machine.detail}", f"the pickle machine stopped at byte {machine.position}")
    reason = "truncated" if machine.ending == "truncated" else "malformed"
    return Halt(reason, f"{machine.detail}, at byte {machine.position}")


def run_pickle(machine: Machine, trace: Trace) -> None:
    """Run one machine and add its instructions to those of the trace.

    Where an instruction passes the end of its frame, the C unpickler reading from a file drops
    what is left of the frame and takes the argument from behind it, while from memory it reads on.
    Both readings are followed; the names of both end up in the trace.
    """
    machine.run()
    trace.instructions_before += machine.instructions
    window, start = machine.window, machine.start
    current = machine
    for _ in range(MOST_CROSSINGS):
        if current.crossing is None:
            return
        at, frame_end = current.crossing
        trace.note_odd(
            "frame-end", "a frame that ends between two instructions", "an instruction across it", at
        )
        dropped = _read_across(window, at, frame_end)
        window = Window(SplicedSource(window, dropped, frame_end), 0, window.size - (frame_end - dropped))
        current = Machine(window, start, trace, machine.limits, ceiling=machine.ceiling)
        current.run()
        trace.instructions_before += current.instructions


class SplicedSource:
    """A window with the bytes ``start`` to ``end`` (not included) taken out."""

    def __init__(self, window: Window, start: int, end: int) -> None:
        self._window = window
        self._start = start
        self._end = end

    def read_at(self, offset: int, size: int) -> bytes:
        """Return up to ``size`` bytes from ``offset`` of the spliced content."""
        if offset >= self._start:
            return self._window.read(offset + self._end - self._start, size)
        before = self._window.read(offset, min(size, self._start - offset))
        return before + self._window.read(self._end, size - len(before))


_PREFIXES: Final = {
    "uint1": 0, "string1": 1, "unicodestring1": 1, "bytes1": 1, "long1": 1, "string4": 4, "unicodestring4": 4,
    "bytes4": 4, "long4": 4, "unicodestring8": 8, "bytes8": 8, "bytearray8": 8,
}  # fmt: skip
"""Bytes of the length that stands before an argument and is read on its own."""


def _read_across(window: Window, at: int, frame_end: int) -> int:
    """Where the read begins that passes ``frame_end``, for the instruction at ``at``."""
    opcode = _opcodes().get(window.read(at, 1)[0] if window.size > at else -1)
    prefix = _PREFIXES.get(opcode.arg.name, 0) if opcode is not None and opcode.arg is not None else 0
    return at + 1 + prefix if frame_end >= at + 1 + prefix else at + 1


def new_trace(limits: Limits) -> Trace:
    """A trace for all pickles of one file or member; its clock starts now."""
    return Trace(limits, time.monotonic() + limits.seconds)


def printable(text: str) -> str:
    """Text that JSON in UTF-8 can hold: lone surrogates become escapes."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")


def _places(place: Place, places: list[tuple[int, int]]) -> tuple[Location, ...]:
    found: tuple[Location, ...] = ()
    for start, end in places:
        found += place.at(start, end)
    return found or place.at()


def _name_fact(name: Name, record: UseRecord, place: Place) -> NameUsed:
    return NameUsed(
        locations=_places(place, record.places),
        count=record.count,
        name=printable(name.dotted),
        use=Use(record.use),
        spellings=tuple(printable(text) for text in sorted(record.spellings)[:8])
        or (printable(name.spelling),),
        arity=-1 if record.use == ALTER else record.arity,
        slots=tuple(
            Slot(
                names=tuple(printable(text) for text in sorted(slot.names)),
                held=tuple(printable(text) for text in sorted(slot.held)),
                types=tuple(printable(text) for text in sorted(slot.types)),
                strings=tuple(printable(text) for text in sorted(slot.strings))
                if slot.strings_complete
                else (),
                strings_complete=slot.strings_complete,
                largest=min(slot.largest, 1 << 62),
            )
            for slot in record.slots
        ),
        example=printable(record.example),
    )
