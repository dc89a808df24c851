"""What the pickle machine takes note of: names, uses, program lines, nested content.

One ``Trace`` serves all pickles of one file or member, so the same name used the same way is one
record with a count, however many streams and opcodes there are.
"""

from __future__ import annotations

import _compat_pickle
import time
from typing import TYPE_CHECKING, Final

from owaudit.codec.pickle_values import (
    Blob,
    Getter,
    Instance,
    Items,
    Line,
    Method,
    Name,
    Partial,
    Persistent,
    Unknown,
    UseRecord,
    Wrapped,
    names_in,
    show,
    show_args,
)
from owaudit.model.limits import Limits

if TYPE_CHECKING:
    from owaudit.codec.pickle_machine import Machine

REFERENCE: Final = "reference"
CONSTRUCT: Final = "construct"
BUILD: Final = "build"
CALL: Final = "call"
ALTER: Final = "alter"

STOPPED: Final = "stop"
TRUNCATED: Final = "truncated"
INVALID: Final = "invalid"
LIMITED: Final = "limit"

SHOWN_USES: Final = 3
"""Uses of one name that get a line of their own; later ones are folded into one line."""
KEPT_LINES: Final = 400
KEPT_PLACES: Final = 3
KEPT_NESTED: Final = 2000
KEPT_UNRESOLVED: Final = 200

_KEEPS_ARGUMENTS: Final = frozenset(
    (
        "numpy.dtype",
        "joblib.numpy_pickle.NumpyArrayWrapper",
        "sklearn.externals.joblib.numpy_pickle.NumpyArrayWrapper",
    )
)
"""What an inline array needs to be measured: its element type is made by calls."""

_ANCESTORS: Final = _compat_pickle.NAME_MAPPING
_MODULES: Final = _compat_pickle.IMPORT_MAPPING
_WRITTEN_NAMES: Final = _compat_pickle.REVERSE_NAME_MAPPING
_WRITTEN_MODULES: Final = _compat_pickle.REVERSE_IMPORT_MAPPING


class Stop(Exception):
    """The stream cannot be followed any further, from byte ``at`` on."""

    def __init__(self, ending: str, detail: str, at: int) -> None:
        super().__init__(detail)
        self.ending = ending
        self.detail = detail
        self.at = at


class Unresolved:
    """A use of something whose name only exists at run time."""

    def __init__(self, use: str, expression: str, reason: str, start: int, end: int) -> None:
        self.use = use
        self.expression = expression
        self.reason = reason
        self.places = [(start, end)]
        self.count = 1


class Storage:
    """A torch storage that a persistent id names; ``count`` is in elements."""

    def __init__(self, key: str, element: str, count: int, start: int, end: int) -> None:
        self.key = key
        self.element = element
        self.count = count
        self.start = start
        self.end = end


class Nested:
    """Content inside the stream that may be read on its own.

    Either a range of the window (``content`` is None) or bytes that had to be computed.
    ``certain`` is True when the stream hands it to a loading function; ``transcoded`` as in ``Blob``.
    """

    def __init__(
        self, start: int, end: int, content: bytes | None, certain: bool, transcoded: bool = False
    ) -> None:
        self.start = start
        self.end = end
        self.content = content
        self.certain = certain
        self.transcoded = transcoded


class Trace:
    """The notes of all pickles of one file or member."""

    def __init__(self, limits: Limits, deadline: float = float("inf")) -> None:
        self.limits = limits
        self.deadline = deadline
        self.names: dict[str, Name] = {}
        self.by_spelling: dict[tuple[str, str], Name] = {}
        self.unresolved: dict[tuple[str, str], Unresolved] = {}
        self.lines: list[Line] = []
        self.lines_left_out = 0
        self.storages: dict[str, Storage] = {}
        self.persistent_shapes: dict[str, tuple[int, int, str, int]] = {}
        self.nested: list[Nested] = []
        self.nested_seen: set[tuple[int, int]] = set()
        self.odd: dict[str, tuple[str, str, int]] = {}
        """Breaches of the pickle law: clause to expected, found and offset."""
        self.instructions_before = 0
        self._variables = 0

    def begin(self) -> None:
        """A new stream starts: its program is its own, names and counts go on."""
        self.lines = []
        self.lines_left_out = 0
        self._variables = 0
        for name in self.names.values():
            name.seen = 0
            name.fold = None
            name.instance = None

    def spend(self, machine: Machine) -> int:
        """The instructions so far; also looks at the clock."""
        if time.monotonic() > self.deadline:
            raise Stop(LIMITED, "seconds", machine.position)
        return self.instructions_before + machine.instructions

    # Names --------------------------------------------------------------------------------------

    def name(self, module: str, qualname: str, start: int, end: int) -> Name:
        """The stream imports ``module`` and takes ``qualname`` from it."""
        found = self.by_spelling.get((module, qualname))
        if found is None:
            new_module, new_qualname = _ANCESTORS.get((module, qualname), (module, qualname))
            if (new_module, new_qualname) == (module, qualname):
                new_module = _MODULES.get(module, module)
            found = self._intern(new_module, new_qualname, f"{module} {qualname}".strip())
            self.by_spelling[(module, qualname)] = found
            if not _is_written_today(found, module, qualname):
                # No pickler of Python 3 spells it so: without fix_imports another module is imported.
                self._count(
                    self._use(self._intern(module, qualname, f"{module} {qualname}"), REFERENCE), start, end
                )
            text = f"from {module} import {qualname}" if qualname else f"import {module}"
            if found.dotted != f"{module}.{qualname}":
                text += f"  # is {found.dotted}"
            self.line(start, end, text, (found.dotted,))
        record = found.uses.get(REFERENCE)
        if record is None:
            record = self._use(found, REFERENCE)
        record.spellings[f"{module} {qualname}".strip()] = None
        self._count(record, start, end)
        return found

    def _intern(self, module: str, qualname: str, spelling: str) -> Name:
        dotted = f"{module}.{qualname}" if qualname else module
        found = self.names.get(dotted)
        if found is None:
            if len(self.names) >= self.limits.facts:
                raise Stop(LIMITED, "facts", 0)
            found = Name(module, qualname, spelling)
            self.names[dotted] = found
        return found

    def name_from_stack(self, module: object, qualname: object, start: int, end: int) -> object:
        """STACK_GLOBAL: both parts are values of the stack."""
        if isinstance(module, str) and isinstance(qualname, str):
            return self.name(module, qualname, start, end)
        expression = f"{show(module)}.{show(qualname)}"
        self.note_unresolved(REFERENCE, expression, "the name is computed at run time", start, end)
        return Unknown("computed name")

    def module(self, name: str, start: int, end: int) -> Name:
        """``importlib.import_module(name)``."""
        return self.name(name, "", start, end)

    def attribute(self, owner: Name, attribute: str, start: int, end: int) -> Name:
        """``getattr(owner, attribute)`` of an imported object."""
        qualname = f"{owner.qualname}.{attribute}" if owner.qualname else attribute
        found = self._intern(owner.module, qualname, f"{owner.module} {qualname}")
        record = found.uses.get(REFERENCE)
        if record is None:
            record = self._use(found, REFERENCE)
        record.spellings[f"{owner.module} {qualname}"] = None
        self._count(record, start, end)
        return found

    def extension(self, code: int, start: int, end: int) -> Unknown:
        """EXT1, EXT2, EXT4: the name stands in a registry that only the running program has."""
        self.note_unresolved(
            REFERENCE,
            f"copyreg extension {code}",
            "the name stands in the extension registry of the loading program",
            start,
            end,
        )
        return Unknown(f"copyreg extension {code}")

    def note_unresolved(self, use: str, expression: str, reason: str, start: int, end: int) -> None:
        """Something is used that has no name in the bytes."""
        known = self.unresolved.get((use, reason))
        if known is not None:
            known.count += 1
            if len(known.places) < KEPT_PLACES:
                known.places.append((start, end))
        elif len(self.unresolved) < KEPT_UNRESOLVED:
            self.unresolved[(use, reason)] = Unresolved(use, expression, reason, start, end)
        self.line(start, end, f"{expression}  # {reason}", ())

    # Uses ---------------------------------------------------------------------------------------

    def plain_call(self, callee: Name, args: tuple[object, ...], start: int, end: int) -> object:
        """One more call of a name whose calls are folded: count it and keep its argument kinds."""
        instance = callee.instance
        if instance is None:
            return self.record(callee, CALL, args, start, end)
        arity = len(args)
        record = callee.calls.get(arity)
        if record is None:
            record = self._use_call(callee, arity, args)
        record.count += 1
        slots = record.slots
        for i in range(len(slots)):
            value = args[i]
            slot = slots[i]
            if isinstance(value, bytes):
                slot.types["bytes"] = None
            elif isinstance(value, float):
                slot.types["float"] = None
            else:
                slot.add(value)
        fold = callee.fold
        if fold is not None:
            fold.times += 1
            fold.end = end
        return instance

    def record(self, callee: Name, use: str, args: tuple[object, ...], start: int, end: int) -> Instance:
        """A call or construction of a name; the result stands for what it gives."""
        callee.seen += 1
        if callee.seen > SHOWN_USES and callee.instance is None and callee.fold is None:
            self._fold(callee, start, end)
        if use == CALL:
            record = callee.calls.get(len(args))
            if record is None:
                record = self._use_call(callee, len(args), args)
        else:
            record = callee.uses.get(f"{use}{len(args)}") or self._use_with(callee, use, args)
        self._count(record, start, end)
        for i, slot in enumerate(record.slots):
            slot.add(args[i])
        keeps = callee.dotted in _KEEPS_ARGUMENTS
        if callee.fold is not None:
            callee.fold.times += 1
            callee.fold.end = end
            if callee.instance is not None and not keeps:
                return callee.instance
            return Instance(callee, "", args if keeps else ())
        self._variables += 1
        variable = f"v{self._variables}"
        expression = self._expression(callee, use, args)
        self.line(start, end, f"{variable} = {expression}", _dotted(callee, args))
        return Instance(callee, variable, args if keeps else ())

    def _fold(self, callee: Name, start: int, end: int) -> None:
        fold = self.line(start, end, f"# more uses of {callee.dotted}", (callee.dotted,))
        fold.times = 0
        callee.fold = fold
        if callee.dotted not in _KEEPS_ARGUMENTS:
            callee.instance = Instance(callee, "", ())

    def _expression(self, callee: Name, use: str, args: tuple[object, ...]) -> str:
        if use == CONSTRUCT:
            last = callee.dotted.rpartition(".")[2]
            return f"{callee.dotted}.__new__({last}{', ' if args else ''}{show_args(args)})"
        return f"{callee.dotted}({show_args(args)})"

    def construct(self, callee: object, args: tuple[object, ...], start: int, end: int) -> object:
        """NEWOBJ and NEWOBJ_EX: ``cls.__new__(cls, *args)``."""
        if isinstance(callee, Name):
            return self.record(callee, CONSTRUCT, args, start, end)
        self.note_unresolved(CONSTRUCT, show(callee), "the class is computed at run time", start, end)
        return Unknown("instance of a computed class")

    def build(self, target: object, state: object, start: int, end: int) -> None:
        """BUILD: give ``target`` its state."""
        if isinstance(target, Name):
            self._alter(target, f"{target.dotted}.__dict__.update({show(state)})", start, end, (state,))
            return
        owner = _made_by(target)
        if owner is None:
            if isinstance(target, Unknown | Method | Persistent):
                self.note_unresolved(
                    BUILD,
                    show(target),
                    "state is given to an object that is computed at run time",
                    start,
                    end,
                )
            return
        if isinstance(target, Instance) and owner.dotted in _KEEPS_ARGUMENTS:
            target.state = state
        self._note_methods(state, start, end)
        record = owner.uses.get(BUILD)
        if record is None:
            record = self._use(owner, BUILD)
            record.example = f"{show(target)}.__setstate__({show(state)})"
        self._count(record, start, end)
        if record.count <= SHOWN_USES:
            self.line(start, end, f"{show(target)}.__setstate__({show(state)})", (owner.dotted,))

    def _note_methods(self, state: object, start: int, end: int) -> None:
        """State that puts a callable under a special name such as ``__setstate__`` or ``__del__`` has it
        called by whatever uses the instance next, the stream itself among them."""
        for part in state if isinstance(state, tuple) else (state,):
            if not isinstance(part, Items) or part.shape != "dict":
                continue
            for i in range(0, len(part.kept) - 1, 2):
                key, value = part.kept[i], part.kept[i + 1]
                if isinstance(key, str) and key.startswith("__") and key.endswith("__"):
                    for name in names_in(value)[:1]:
                        self.record(name, CALL, (Unknown(f"as {key}"),), start, end)

    def fill(self, target: object, items: list[object], start: int) -> None:
        """APPEND(S), SETITEM(S) or ADDITEMS on something that is no container of the stream."""
        if isinstance(target, Name):
            self._alter(target, f"{target.dotted}[...] = {show_args(items)}", start, start + 1, tuple(items))
            return
        if isinstance(target, Persistent):
            self._misfilled("a persistent object", start)
            return
        owner = _made_by(target)
        if owner is None:
            if isinstance(target, Unknown | Method):
                self.note_unresolved(
                    BUILD,
                    show(target),
                    "items are set on an object that is computed at run time",
                    start,
                    start + 1,
                )
            elif target is None or isinstance(target, str | bytes | int | float | tuple | Blob):
                self._misfilled("a constant", start)
            return
        if owner.dotted.startswith(("torch._utils.", "torch._tensor.")):
            self._misfilled(owner.dotted, start)
        record = owner.uses.get(BUILD)
        if record is None:
            record = self._use(owner, BUILD)
            record.example = f"{show(target)}[...] = {show_args(items)}"
        self._count(record, start, start + 1)

    def _misfilled(self, found: str, start: int) -> None:
        self.note_odd("container-opcode", "a list, dict or set to put items into", found, start)

    def note_odd(self, clause: str, expected: str, found: str, start: int) -> None:
        """The stream does what no pickler writes; the first place of each clause is kept."""
        self.odd.setdefault(clause, (expected, found, start))

    def _alter(self, target: Name, text: str, start: int, end: int, values: tuple[object, ...]) -> None:
        record = target.uses.get(ALTER)
        if record is None:
            record = self._use(target, ALTER)
            record.example = text
        self._count(record, start, end)
        self.line(start, end, text, (target.dotted, *(n.dotted for n in names_in(values))))

    def _use(self, name: Name, use: str) -> UseRecord:
        record = UseRecord(use, -1)
        name.uses[use] = record
        return record

    def _use_with(self, name: Name, use: str, args: tuple[object, ...]) -> UseRecord:
        record = UseRecord(use, len(args))
        record.example = self._expression(name, use, args)
        name.uses[f"{use}{len(args)}"] = record
        return record

    def _use_call(self, name: Name, arity: int, args: tuple[object, ...]) -> UseRecord:
        record = UseRecord(CALL, arity)
        record.example = self._expression(name, CALL, args)
        name.calls[arity] = record
        return record

    def _count(self, record: UseRecord, start: int, end: int) -> None:
        record.count += 1
        if len(record.places) < KEPT_PLACES:
            record.places.append((start, end))

    # Program ------------------------------------------------------------------------------------

    def line(self, start: int, end: int, text: str, names: tuple[str, ...]) -> Line:
        """Add a line of pseudo-Python, within the bound."""
        line = Line(start, end, text, names)
        if len(self.lines) < KEPT_LINES:
            self.lines.append(line)
        else:
            self.lines_left_out += 1
        return line

    # Persistent ids and nested content ------------------------------------------------------------

    def persistent(self, pid: object, start: int, end: int) -> object:
        """PERSID, BINPERSID: the loader's ``persistent_load(pid)``.

        Torch gives back the class itself for ``("module", class, source file, source)``.
        """
        shape = "other"
        if isinstance(pid, str):
            shape = "text"
        elif isinstance(pid, tuple) and pid and pid[0] == "storage":
            shape = "storage"
            self._note_storage(pid, start, end)
        elif isinstance(pid, tuple) and pid and pid[0] == "module":
            is_torch = (
                len(pid) > 1 and isinstance(pid[1], Name) and pid[1].module.partition(".")[0] == "torch"
            )
            shape = "module" if is_torch else "foreign module"
        known = self.persistent_shapes.get(shape)
        if known is None:
            self.persistent_shapes[shape] = (start, end, show(pid), 1)
        else:
            self.persistent_shapes[shape] = (known[0], known[1], known[2], known[3] + 1)
        if shape.endswith("module") and isinstance(pid, tuple) and len(pid) > 1 and isinstance(pid[1], Name):
            return pid[1]
        return Persistent(pid)

    def _note_storage(self, pid: tuple[object, ...], start: int, end: int) -> None:
        if len(pid) < 5:
            return
        element, key, count = pid[1], pid[2], pid[4]
        if isinstance(element, Name) and isinstance(key, str) and isinstance(count, int):
            known = self.storages.get(key)
            if known is None and len(self.storages) < self.limits.tensors:
                self.storages[key] = Storage(key, element.dotted, count, start, end)
            elif known is not None and (known.element, known.count) != (element.dotted, count):
                self.storages[f"{key} (again)"] = Storage(key, element.dotted, count, start, end)

    def note_bytes(self, start: int, size: int, head: bytes) -> None:
        """A byte string that may be a pickle or an archive of its own, by its first bytes."""
        pickle_like = len(head) > 1 and head[0] == 0x80 and 2 <= head[1] <= 5
        if (pickle_like or head[:4] == b"PK\x03\x04") and len(self.nested) < KEPT_NESTED:
            self._nest(Nested(start, start + size, None, False))

    def note_loaded(self, content: object, start: int, end: int) -> None:
        """``content`` is handed to a function that unpickles it."""
        if isinstance(content, Wrapped):
            content = content.content
        if isinstance(content, Blob):
            end = content.start + content.size
            self._nest(Nested(content.start, end, None, True, content.transcoded))
        elif isinstance(content, str):
            self._nest(Nested(start, end, content.encode("latin-1", "replace"), True))
        elif isinstance(content, bytes):
            self._nest(Nested(start, end, content, True))
        elif isinstance(content, Items) and content.shape == "bytearray" and content.kept:
            self.note_loaded(content.kept[0], start, end)

    def _nest(self, nested: Nested) -> None:
        place = (nested.start, nested.end)
        if place in self.nested_seen and nested.content is None:
            for known in self.nested:
                if (known.start, known.end) == place:
                    known.certain = known.certain or nested.certain
            return
        if len(self.nested) < KEPT_NESTED:
            self.nested_seen.add(place)
            self.nested.append(nested)


def _is_written_today(name: Name, module: str, qualname: str) -> bool:
    """Is this how Python 3 writes the name, in protocols from 3 on or before?"""
    if (name.module, name.qualname) == (module, qualname):
        return True
    old = _WRITTEN_NAMES.get((name.module, name.qualname))
    return (old or (_WRITTEN_MODULES.get(name.module, name.module), name.qualname)) == (module, qualname)


def _made_by(value: object) -> Name | None:
    """The name whose call or construction gave this value."""
    if isinstance(value, Instance):
        return value.of
    if isinstance(value, Partial | Getter | Wrapped):
        return value.instance.of
    return None


def _dotted(callee: Name, args: tuple[object, ...]) -> tuple[str, ...]:
    found = [callee.dotted]
    for value in args[:8]:
        for name in names_in(value):
            if name.dotted not in found:
                found.append(name.dotted)
    return tuple(found[:16])
