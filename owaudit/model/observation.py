"""Facts about bytes, without adjective.

Readers and the walk say what is there; rules say what it means. Every fact has a stable dotted
``kind``. The same fact seen often is one observation with a ``count`` and its first few
``locations``, so evidence stays small whatever the file does.
"""

from __future__ import annotations

import enum
import functools
import sys
from dataclasses import dataclass
from typing import ClassVar

from owaudit.model.location import Location

KEPT_LOCATIONS = 3
"""Places kept per observation; the count says how many there were."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """A fact: where it was seen first (at least one place) and how often."""

    kind: ClassVar[str] = ""

    locations: tuple[Location, ...]
    count: int = 1

    @property
    def location(self) -> Location:
        """The first place."""
        return self.locations[0]


# Names and calls ------------------------------------------------------------------------------


class Use(enum.StrEnum):
    """What a loader does with a name it has reached, from the least to the most."""

    REFERENCE = "reference"
    """Imports the module and takes the attribute; nothing is called."""
    CONSTRUCT = "construct"
    """``cls.__new__(cls, ...)``: the initializer does not run."""
    BUILD = "build"
    """Gives an instance its state: ``__setstate__`` or plain attribute assignment."""
    CALL = "call"
    """Calls it."""
    ALTER = "alter"
    """Sets attributes or items on the imported object itself, not on an instance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """What stood in one argument position over all calls with the same use and arity.

    ``names`` are dotted names that lay there themselves; ``held`` are dotted names inside a
    container, partial or instance that lay there; ``types`` are the kinds of the other values
    (``int``, ``str``, ``bytes``, ``tuple``, ``instance:pkg.Class``, ``unknown`` …); ``strings``
    are the texts, unless there were too many (``strings_complete`` is False);
    ``largest`` is the largest integer, or -1.
    """

    names: tuple[str, ...] = ()
    held: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    strings: tuple[str, ...] = ()
    strings_complete: bool = True
    largest: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class NameUsed(Observation):
    """A dotted name that a pickle reaches, and one thing the loader does with it.

    ``name`` is resolved through memo, attribute walks and re-exports; ``spellings`` are the
    module and attribute as written, space between them. ``arity`` is the number of arguments
    (-1: not known, or not a call). ``example`` is the first use as pseudo-Python.
    """

    kind: ClassVar[str] = "pickle.name"

    name: str
    use: Use
    spellings: tuple[str, ...] = ()
    arity: int = -1
    slots: tuple[Slot, ...] = ()
    example: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnresolvedUse(Observation):
    """Something is imported or called whose name only exists at run time."""

    kind: ClassVar[str] = "pickle.unresolved"

    use: Use
    expression: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramLine:
    """One line of pseudo-Python for bytes ``start`` to ``end`` (not included).

    ``names`` are the dotted names the line uses; ``times`` counts folded repetitions.
    """

    start: int
    end: int
    text: str
    names: tuple[str, ...] = ()
    times: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PickleStream(Observation):
    """One pickle: from its first opcode to STOP, or to where it breaks.

    ``ending`` is ``stop``, ``truncated``, ``invalid`` or ``limit``; ``index`` counts the pickles
    of the member from 0; ``program`` is what an unrestricted loader does, in order.
    """

    kind: ClassVar[str] = "pickle.stream"

    protocol: int
    index: int
    instructions: int
    ending: str
    detail: str = ""
    opcodes: tuple[str, ...] = ()
    program: tuple[ProgramLine, ...] = ()
    program_left_out: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PersistentIdUsed(Observation):
    """The stream hands an identifier to the loader's ``persistent_load``."""

    kind: ClassVar[str] = "pickle.persistent_id"

    shape: str
    """``storage``, ``module`` (a class of torch), ``foreign module``, ``text`` or ``other``."""
    example: str = ""


# Structure -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecViolation(Observation):
    """The bytes break a clause of their format's own law.

    ``tolerated`` is True where the format's own loader is known to accept it all the same.
    """

    kind: ClassVar[str] = "spec.violation"

    format: str
    clause: str
    expected: str
    found: str
    tolerated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordMismatch(Observation):
    """Two descriptions of one archive member differ in ``field``."""

    kind: ClassVar[str] = "archive.record_mismatch"

    member: str
    field: str
    central: str
    local: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicateName(Observation):
    """Several entries answer to one name, so loaders may read different ones."""

    kind: ClassVar[str] = "archive.duplicate_name"

    name: str
    spellings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class UnlistedRecord(Observation):
    """A member record that the archive's directory does not name."""

    kind: ClassVar[str] = "archive.unlisted_record"

    member: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsafeMemberName(Observation):
    """A member whose name leaves the folder it would be unpacked to, or is a link or device."""

    kind: ClassVar[str] = "archive.unsafe_name"

    member: str
    problem: str
    """``absolute``, ``parent``, ``link``, ``device``, ``nul``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EncryptedMember(Observation):
    """A member is encrypted, or says that it is."""

    kind: ClassVar[str] = "archive.encrypted"

    member: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeOverlap(Observation):
    """Two declared byte ranges share ``size`` bytes."""

    kind: ClassVar[str] = "range.overlap"

    first: str
    second: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundsViolation(Observation):
    """A declared offset, size, count or index reaches beyond what holds it.

    Kept apart from ``SpecViolation``: parsers in native code use such numbers to reach memory.
    """

    kind: ClassVar[str] = "bounds.violation"

    format: str
    clause: str
    expected: str
    found: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UnclaimedBytes(Observation):
    """Bytes that the format's own structure does not claim.

    ``position`` is ``before``, ``between`` or ``after``; ``size`` is in bytes; ``zeros`` is True
    when all of them are NUL.
    """

    kind: ClassVar[str] = "bytes.unclaimed"

    position: str
    size: int
    zeros: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeMember(Observation):
    """Source or machine code carried inside a container."""

    kind: ClassVar[str] = "archive.code"

    member: str
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorTable(Observation):
    """How many tensors a file declares, of which element types, and their bytes."""

    kind: ClassVar[str] = "tensors.table"

    tensors: int
    parameters: int
    size: int
    element_types: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MetadataEntry(Observation):
    """A free text that the file carries beside its tensors; ``value`` may be shortened."""

    kind: ClassVar[str] = "metadata.entry"

    key: str
    value: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryAnswer(Observation):
    """What the format's own library says of the same file."""

    kind: ClassVar[str] = "library.answer"

    library: str
    accepts: bool
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondOpinion(Observation):
    """Another scanner reports a name in the same file; ``name`` is as written, space between module
    and attribute, ``severity`` is that scanner's word."""

    kind: ClassVar[str] = "opinion.name"

    engine: str
    name: str
    severity: str


# The file as a whole -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtensionMismatch(Observation):
    """The name promises another format than the bytes hold."""

    kind: ClassVar[str] = "artifact.extension"

    extension: str
    promised: str
    formats: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SeveralFormats(Observation):
    """The bytes are valid as more than one format."""

    kind: ClassVar[str] = "artifact.several_formats"

    formats: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedContent(Observation):
    """Content of another format at a place where nothing should read it."""

    kind: ClassVar[str] = "artifact.embedded"

    format: str
    position: str
    """``unclaimed``, ``payload`` or ``argument``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkProblem(Observation):
    """A symbolic link that is not followed: ``outside`` the target, ``dangling`` or a ``loop``."""

    kind: ClassVar[str] = "walk.link"

    problem: str
    leads_to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReplaced(Observation):
    """The file changed while it was audited, so digest and facts may be of different bytes."""

    kind: ClassVar[str] = "artifact.replaced"

    changed: tuple[str, ...]


@functools.cache
def observation_types() -> dict[str, type[Observation]]:
    """Return every kind of observation and its class, from the classes themselves."""
    # The kinds of the other modules are subclasses as soon as they are imported.
    from owaudit.model import code_facts, format_facts, graph_facts, keras_facts  # noqa: F401

    found: dict[str, type[Observation]] = {}
    todo: list[type[Observation]] = [Observation]
    while todo:
        for cls in todo.pop().__subclasses__():
            # A slotted dataclass replaces the class it decorates; the first one stays in
            # __subclasses__ until it is collected. The module holds the real one.
            if getattr(sys.modules.get(cls.__module__), cls.__name__, None) is cls:
                found[cls.kind] = cls
    return found
