"""Is this a pickle? Answered by running the machine over the first bytes.

Protocols 0 and 1 have no magic, and the magic of the others is two bytes that random numbers
have too, so only what the machine makes of the bytes tells.
"""

from __future__ import annotations

from typing import Final

from owaudit.codec.pickle_facts import new_trace
from owaudit.codec.pickle_machine import Machine
from owaudit.codec.pickle_trace import STOPPED, TRUNCATED, Trace
from owaudit.codec.pickle_values import Instance, Items, Name, Partial
from owaudit.codec.window import Window
from owaudit.errors import LimitExceeded
from owaudit.model.limits import Limits

PROBE_SIZE: Final = 65_536
ZIP_MAGIC: Final = b"PK\x03\x04"
"""As a pickle this asks for a persistent object at once, where every plain unpickler stops."""
_LONG_ENOUGH: Final = 64
"""Instructions in a row that bytes of another kind do not survive."""
_PROBE_LIMITS: Final = Limits(pickle_instructions=PROBE_SIZE, pickle_stack=PROBE_SIZE, facts=2000)


def looks_like_pickle(window: Window, start: int = 0, *, lenient: bool = False) -> bool:
    """Does a pickle stand at ``start``? Reads at most 64 KiB.

    ``lenient`` accepts any stream that reaches STOP, and any protocol header with at least one
    more instruction: for files whose name or place says that they are pickles.
    """
    size = min(window.size - start, PROBE_SIZE)
    if size < 2:
        return False
    if window.read(start, 4) == ZIP_MAGIC:
        return False
    trace = new_trace(_PROBE_LIMITS)
    machine = Machine(window.sub(start, start + size), 0, trace, _PROBE_LIMITS)
    try:
        machine.run()
    except LimitExceeded:
        return True
    head = window.read(start, 2)
    has_header = head[0] == 0x80 and head[1] <= 5
    if machine.ending == STOPPED:
        return has_header or lenient or _is_something(machine.result) or has_uses(trace)
    if has_uses(trace):
        return True
    cut_by_us = size == PROBE_SIZE and machine.ending == TRUNCATED
    survived = machine.instructions >= (2 if has_header else _LONG_ENOUGH)
    if has_header:
        return survived and (head[1] >= 2 or lenient)
    return cut_by_us and survived


def holds_import(window: Window, start: int) -> bool:
    """Does a pickle at ``start`` reach STOP with an import, or break after using one?

    The test for bytes that merely might be a pickle: padding, arrays, byte strings.
    """
    size = min(window.size - start, PROBE_SIZE)
    if size < 4:
        return False
    trace = new_trace(_PROBE_LIMITS)
    machine = Machine(window.sub(start, start + size), 0, trace, _PROBE_LIMITS)
    machine.run()
    if machine.ending == STOPPED:
        return any(_plausible(name) for name in trace.names.values())
    if size == PROBE_SIZE and machine.ending == TRUNCATED and machine.instructions >= _LONG_ENOUGH:
        return any(_plausible(name) for name in trace.names.values())
    return has_uses(trace)


def has_uses(trace: Trace) -> bool:
    """Was something with a plausible name called, constructed or built?"""
    return any(_plausible(name) and (name.calls or len(name.uses) > 1) for name in trace.names.values())


def _plausible(name: Name) -> bool:
    """Names that bytes of another kind spell are short or no identifiers."""
    return len(name.dotted) > 3 and all(part.isidentifier() for part in name.dotted.split("."))


def _is_something(value: object) -> bool:
    if isinstance(value, tuple):
        return any(_is_something(item) for item in value) or len(value) > 1
    return isinstance(value, Items | Instance | Partial)
