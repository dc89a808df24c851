"""Pickles in a window, one after another, as observations.

Used by every reader whose format holds pickles, so that a call is the same fact in all of them.
"""

from __future__ import annotations

import pickletools
import time
from collections.abc import Iterator
from typing import Final

from owaudit.codec.pickle_machine import Machine
from owaudit.codec.pickle_trace import ALTER, LIMITED, STOPPED, Nested, Trace
from owaudit.codec.pickle_values import Name, UseRecord
from owaudit.codec.reader import PARSED, PAYLOAD, Halt, Member, Place, Span
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

_OPCODE_NAMES: Final = {ord(opcode.code): opcode.name for opcode in pickletools.opcodes}


def stream_fact(machine: Machine, trace: Trace, place: Place, index: int) -> PickleStream:
    """The fact that one pickle stands here, with its program."""
    return PickleStream(
        locations=place.at(machine.start, machine.position),
        protocol=machine.protocol,
        index=index,
        instructions=machine.instructions,
        ending=machine.ending,
        detail=printable(machine.detail),
        opcodes=tuple(
            sorted(
                _OPCODE_NAMES[op]
                for op, count in enumerate(machine.opcode_counts)
                if count and op in _OPCODE_NAMES
            )
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
    for target, (start, end) in sorted(trace.misfilled.items()):
        yield SpecViolation(
            locations=place.at(start, end),
            format="pickle",
            clause="container-opcode",
            expected="a list, dict or set to put items into",
            found=target,
        )


def nested_members(trace: Trace) -> Iterator[tuple[Nested, Member]]:
    """Content that the pickles carry as byte strings, as members that may be read on their own."""
    for index, nested in enumerate(trace.nested):
        label = "bytes" if nested.content is None else f"computed-{index}"
        yield (
            nested,
            Member(
                name=f"{label}@{nested.start}",
                start=nested.start,
                end=nested.end,
                hint="pickle" if nested.certain else "",
                content=nested.content,
                tentative=True,
            ),
        )


def halt_of(machine: Machine) -> Halt | None:
    """Why a pickle was not followed to STOP; None when it was."""
    if machine.ending == STOPPED:
        return None
    if machine.ending == LIMITED:
        return Halt(f"limit:{machine.detail}", f"the pickle machine stopped at byte {machine.position}")
    reason = "truncated" if machine.ending == "truncated" else "malformed"
    return Halt(reason, f"{machine.detail}, at byte {machine.position}")


def run_pickle(window_machine: Machine, trace: Trace) -> None:
    """Run one machine and add its instructions to those of the trace."""
    window_machine.run()
    trace.instructions_before += window_machine.instructions


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
