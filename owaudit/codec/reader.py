"""The contract between a reader and the pipeline.

A reader is one module in ``owaudit/readers`` with a ``READER``. It takes a bounded ``Window`` and
yields what it sees, in any order:

* an ``Observation``: a fact. Its locations come from ``Place.at``;
* a ``Span``: "these bytes are explained". Bytes no span covers become gaps in the coverage;
* a ``Member``: content within content, which the pipeline reads next, within its limits;
* a ``MemberRead``: such content that the reader had to read itself;
* a ``Halt``: reading stopped early for a reason; what was yielded before stays.

A reader may also raise ``FormatError`` or ``LimitExceeded``; the pipeline makes a ``Halt`` of it
(and of a ``FormatError`` a ``SpecViolation`` too). It never calls another reader.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from owaudit.codec.window import Window
from owaudit.model.artifact import Format
from owaudit.model.limits import Limits
from owaudit.model.location import Location
from owaudit.model.observation import Observation

PARSED = "parsed"
PAYLOAD = "payload"
INERT = "inert"

HEAD_SIZE = 4096
TAIL_SIZE = 65_536 + 22 + 20
"""The longest zip comment, its record and the zip64 locator."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the window that a reader was given lies in the target."""

    artifact: str
    members: tuple[str, ...] = ()

    def at(
        self,
        start: int | None = None,
        end: int | None = None,
        *,
        tensor: str | None = None,
        pointer: str | None = None,
        line: int | None = None,
    ) -> tuple[Location, ...]:
        """One location in this window, as the tuple that observations take."""
        return (
            Location(
                artifact=self.artifact,
                members=self.members,
                start=start,
                end=end,
                tensor=tensor,
                pointer=pointer,
                line=line,
            ),
        )

    def inside(self, member: str) -> Place:
        """The place of a member of this window."""
        return Place(self.artifact, (*self.members, member))


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes ``start`` to ``end`` (not included) of the window belong to ``group``."""

    group: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Member:
    """Content within content, to be read on its own.

    ``start`` and ``end`` are the bytes that the member occupies in the window it was found in.
    ``unpack`` names how its content is stored there: ``stored``, or a codec that the pipeline
    knows (``deflate``, ``zlib``, ``gzip``, ``bz2``, ``xz``, ``lzma`` …). ``size`` is the unpacked
    size that the container claims, None if it does not say. ``hint`` is a format the container
    implies (identification by content still happens). ``crc32`` is the checksum the container
    states, None if it states none. ``content`` replaces the bytes of the window where they had to
    be computed. A ``tentative`` member is only a suspicion: where no reader recognises it, that is
    no gap. ``sealed`` members are
    encrypted and cannot be read.
    """

    name: str
    start: int
    end: int
    unpack: str = "stored"
    size: int | None = None
    hint: str = ""
    crc32: int | None = None
    content: bytes | None = None
    tentative: bool = False
    sealed: bool = False


@dataclass(frozen=True, slots=True)
class MemberRead:
    """Content within content that this reader has read itself, because it had to know it.

    ``spans`` and ``halt`` speak of the unpacked content, which has ``size`` bytes.
    """

    member: Member
    size: int
    formats: tuple[str, ...]
    spans: tuple[Span, ...]
    halt: Halt | None


@dataclass(frozen=True, slots=True)
class Halt:
    """Reading stopped. ``reason`` is a stable code, ``detail`` words for a person."""

    reason: str
    detail: str


Yield = Observation | Span | Member | MemberRead | Halt


@dataclass(frozen=True, slots=True)
class Head:
    """What identification sees: the first ``HEAD_SIZE`` and last ``TAIL_SIZE`` bytes, the size,
    the lower-case name of the file or member, the window for formats that must look further, and
    the hint of a member."""

    start: bytes
    end: bytes
    size: int
    name: str
    window: Window
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Reader:
    """A format: how to recognise it and how to read it.

    ``rank`` orders formats that fit the same bytes, most specific first (smaller is first);
    ``hides`` names formats that are mere carriers of this one and are not read as well;
    ``alone`` formats fit only where no other does: archives told by their end stand behind content
    that another reader explains, and are found again there if it does not;
    ``extensions`` are the suffixes the format usually has, for the extension check only.
    """

    format: Format
    source: str
    looks_like: Callable[[Head], bool]
    read: Callable[[Window, Place, Limits], Iterator[Yield]]
    rank: int = 50
    alone: bool = False
    hides: tuple[str, ...] = ()
    extensions: tuple[str, ...] = ()
