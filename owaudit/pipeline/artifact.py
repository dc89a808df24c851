"""One file, from descriptor to facts: a pure function of its bytes, its name and the limits.

The worklist lives here: a reader says that there is content within content, this module opens it
and looks for the reader, within one set of limits for the whole file.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace

from owaudit.codec.embedded import embedded
from owaudit.codec.file_names import name_facts
from owaudit.codec.pickle_probe import holds_import
from owaudit.codec.reader import INERT, PAYLOAD, Halt, Member, MemberRead, Place, Reader, Span
from owaudit.codec.spans import Ranges
from owaudit.codec.unpack import Budget, open_unpacked, unpack_facts
from owaudit.codec.window import Window
from owaudit.errors import FormatError, LimitExceeded, ReadError
from owaudit.intake.opened import OpenedFile
from owaudit.intake.walk import Entry
from owaudit.model.artifact import Artifact, Digest, Format
from owaudit.model.claim import PartDigest, Record
from owaudit.model.coverage import Coverage, State
from owaudit.model.evidence import Diagnostic
from owaudit.model.limits import Limits
from owaudit.model.observation import (
    EmbeddedContent,
    ExtensionMismatch,
    FileReplaced,
    LinkProblem,
    Observation,
    SeveralFormats,
    SpecViolation,
    UnclaimedBytes,
)
from owaudit.opinion.safetensors_library import answer
from owaudit.pipeline.identify import head_of, identify, promised_formats
from owaudit.pipeline.ledger import Ledger
from owaudit.provenance.records import lfs_pointer

MOST_SEARCHED_GAPS = 64
SUMMED_BYTES = 16 * 1024 * 1024
"""Stored members up to this size have their checksum checked."""
UNPACK_FREE = 512 * 1024 * 1024
"""Bytes that any artifact may unpack to, whatever its size."""
PADDING = 4096
"""Trailing NUL bytes up to this many are padding, as file systems and writers leave them."""


@dataclass(frozen=True, slots=True)
class Collected:
    """Everything one file gave."""

    artifact: Artifact
    observations: tuple[Observation, ...] = ()
    coverage: tuple[Coverage, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    records: tuple[Record, ...] = ()
    parts: tuple[PartDigest, ...] = ()


def collect_artifact(entry: Entry, limits: Limits, progress: Callable[[int], None]) -> Collected:
    """Hash and read one file. Never raises for anything the file can do."""
    if entry.problem:
        return _not_opened(entry, entry.problem, entry.detail)
    try:
        with OpenedFile(entry.opens) as opened:
            return _Collection(entry, opened, limits, progress).run()
    except (OSError, ReadError) as error:
        return _not_opened(entry, "unreadable", _words(error))


def _words(error: OSError | ReadError) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)


def _not_opened(entry: Entry, reason: str, detail: str) -> Collected:
    place = Place(entry.path)
    observations: tuple[Observation, ...] = tuple(name_facts(entry.path, place))
    if reason.startswith("link-"):
        link = LinkProblem(locations=place.at(), problem=reason.removeprefix("link-"), leads_to=detail)
        observations = (link, *observations)
    coverage = Coverage(
        artifact=entry.path,
        state=State.UNREAD,
        reason=reason,
        detail=detail,
        size=entry.size,
        unexplained=entry.size,
    )
    return Collected(Artifact(path=entry.path, size=entry.size), observations, (coverage,))


class _Unit:
    """Content to read: the file itself, or a member that is opened when its turn comes."""

    def __init__(
        self, place: Place, name: str, parent: _Unit | None = None, member: Member | None = None
    ) -> None:
        self.place = place
        self.name = name
        self.parent = parent
        self.member = member
        self.tentative = member is not None and member.tentative
        self.hint = member.hint if member is not None else ""
        self.window = Window.of(b"")
        self.ledger = Ledger(place, 0)
        self.claimed = Ranges()
        self.open_children = 0
        self.formats: tuple[str, ...] = ()

    def opened(self, window: Window) -> None:
        """The content is there."""
        self.window = window
        self.ledger = Ledger(self.place, window.size)


class _Collection:
    def __init__(
        self, entry: Entry, opened: OpenedFile, limits: Limits, progress: Callable[[int], None]
    ) -> None:
        self.entry = entry
        self.opened = opened
        self.limits = limits
        self.progress = progress
        self.place = Place(entry.path)
        self.observations: list[Observation] = []
        self.dropped = 0
        self.coverage: list[Coverage] = []
        self.diagnostics: list[Diagnostic] = []
        self.members = 0
        self.budget = Budget(min(limits.unpacked_bytes, max(UNPACK_FREE, limits.unpack_ratio * opened.size)))
        self.deadline = time.monotonic() + limits.seconds
        self.worklist: list[_Unit] = []

    def run(self) -> Collected:
        root = _Unit(self.place, self.entry.path.rpartition("/")[2])
        root.opened(self.opened.window())
        digests: tuple[Digest, ...] = ()
        parts: tuple[PartDigest, ...] = ()
        try:
            hashed = self.opened.digests(self.progress, self.entry.algorithms, self.entry.parts)
            digests = hashed.digests
            parts = tuple(
                PartDigest(artifact=self.entry.path, start=start, end=end, digest=digest)
                for start, end, digest in hashed.parts
            )
            if hashed.size != self.opened.size:
                self._note(
                    FileReplaced(
                        locations=self.place.at(),
                        changed=(f"size: {self.opened.size} to {hashed.size} bytes",),
                    )
                )
        except OSError as error:
            root.ledger.halt(Halt("io-error", _words(error)))
        self.worklist.append(root)
        while self.worklist:
            # Last in, first out: only the containers above a member stay open with it.
            self._read_unit(self.worklist.pop())
        if "safetensors" in root.formats:
            self._ask_library()
        changed = self.opened.changes()
        if changed:
            self._note(FileReplaced(locations=self.place.at(), changed=changed))
        if self.dropped:
            self._limit_facts()
        self.coverage.sort(key=lambda coverage: coverage.members)
        artifact = Artifact(
            path=self.entry.path,
            size=self.opened.size,
            digests=digests,
            formats=tuple(Format(name) for name in root.formats),
        )
        return Collected(
            artifact,
            tuple(self.observations),
            tuple(self.coverage),
            tuple(self.diagnostics),
            records=self._stand_ins(root, digests),
            parts=parts,
        )

    def _stand_ins(self, root: _Unit, digests: tuple[Digest, ...]) -> tuple[Record, ...]:
        """What a pointer says of the file that it stands in for."""
        if lfs_pointer.KIND_NAME not in root.formats or not digests:
            return ()
        content = self.opened.read_at(0, lfs_pointer.LONGEST)
        return tuple(lfs_pointer.records_of(self.entry.path, content, digests[0].hex))

    def _note(self, observation: Observation) -> None:
        if len(self.observations) < self.limits.facts:
            self.observations.append(observation)
        else:
            self.dropped += 1

    def _limit_facts(self) -> None:
        for index, coverage in enumerate(self.coverage):
            if not coverage.members and coverage.state is State.READ:
                self.coverage[index] = _with_reason(
                    coverage, "limit:facts", f"{self.dropped} observations over the limit were only counted"
                )

    # One unit ----------------------------------------------------------------------------------

    def _read_unit(self, unit: _Unit) -> None:
        if unit.member is not None:
            self._open_unit(unit, unit.member)
        ledger = unit.ledger
        if unit.hint == "payload":
            ledger.add(Span(PAYLOAD, 0, unit.window.size))
            self._finish(unit)
            return
        fitting = self._identify(unit)
        if unit.tentative and not self._is_confirmed(unit, fitting):
            self._finish(unit, counted=False)
            return
        unit.formats = tuple(reader.format for reader in fitting)
        if unit.tentative:
            self._note_embedded(unit)
        for reader in fitting:
            self._run_reader(reader, unit, ledger)
        self._name_against_content(unit)
        if not fitting:
            self._explain_unknown(unit, ledger)
        if len(unit.place.members) < self.limits.nesting_depth and not _was_searched(unit):
            self._search(unit)
        if unit.open_children == 0:
            self._finish(unit)

    def _open_unit(self, unit: _Unit, member: Member) -> None:
        if member.content is not None:
            unit.opened(Window.of(member.content))
            return
        packed = unit.parent.window.sub(member.start, member.end) if unit.parent else unit.window
        content, unpacked = open_unpacked(packed, member.unpack, self.limits, self.budget, member.size)
        unit.opened(content)
        if unpacked.reason and not unit.tentative:
            unit.ledger.halt(Halt(unpacked.reason, unpacked.detail))
        if not unpacked.reason and not unit.tentative:
            self._check_sum(unit.place, unit.window, member, unpacked.crc32)
        if unit.parent is not None and not unit.tentative:
            for fact in unpack_facts(unpacked, unit.parent.place, member.start):
                if isinstance(fact, Observation):
                    self._note(fact)
            if unpacked.trailing and len(unit.place.members) < self.limits.nesting_depth:
                self._search_range(unit.parent, member.start + unpacked.consumed, member.end)

    def _check_sum(self, place: Place, window: Window, member: Member, found: int | None) -> None:
        """Hold the container's checksum against the content. Loaders differ in whether they look, so
        a difference is a fact and never a reason to stop; long stored members are not summed."""
        if member.crc32 is None or (found is None and window.size > SUMMED_BYTES):
            return
        if found is None:
            found = 0
            for _, piece in window.pieces():
                found = zlib.crc32(piece, found)
        if found != member.crc32:
            self._note(
                SpecViolation(
                    locations=place.at(),
                    format="zip",
                    clause="checksum",
                    expected=f"CRC {member.crc32:08x}",
                    found=f"{found:08x}",
                    tolerated=True,
                )
            )

    def _note_embedded(self, unit: _Unit) -> None:
        if unit.member is None or unit.parent is None:
            return
        argument = unit.hint != "search"
        self._note(
            EmbeddedContent(
                locations=unit.parent.place.at(unit.member.start, unit.member.end),
                format=unit.formats[0] if unit.formats else "unknown",
                position="argument" if argument else "unclaimed",
            )
        )

    def _identify(self, unit: _Unit) -> tuple[Reader, ...]:
        try:
            return identify(head_of(unit.window, unit.name, unit.hint))
        except OSError as error:
            unit.ledger.halt(Halt("io-error", _words(error)))
            return ()
        except Exception as error:  # noqa: BLE001 - a crash while identifying must not end the audit
            self._crashed(unit, "identification", error)
            return ()

    def _is_confirmed(self, unit: _Unit, fitting: tuple[Reader, ...]) -> bool:
        """A suspicion counts when a reader of something that can hold code recognises it."""
        formats = [reader.format for reader in fitting]
        if unit.hint == "pickle" and formats:
            return "pickle" in formats or not {"text", "json"} & set(formats)
        if formats == ["pickle"]:
            return holds_import(unit.window, 0)
        return bool({"zip", "torch-zip", "torch-legacy"} & set(formats)) or (
            bool(formats) and "pickle" not in formats and "text" not in formats and unit.hint == "search"
        )

    def _run_reader(self, reader: Reader, unit: _Unit, ledger: Ledger) -> None:
        try:
            for item in reader.read(unit.window, unit.place, self.limits):
                if isinstance(item, Span):
                    ledger.add(item)
                elif isinstance(item, Observation):
                    self._note(item)
                    if isinstance(item, UnclaimedBytes) and _is_padding(item):
                        for location in item.locations:
                            ledger.add(Span(INERT, location.start or 0, location.end or unit.window.size))
                elif isinstance(item, Member):
                    self._add_member(item, unit, ledger)
                elif isinstance(item, MemberRead):
                    self._take_member_read(item, unit, ledger)
                else:
                    ledger.halt(item)
                if time.monotonic() > self.deadline:
                    raise LimitExceeded(
                        "seconds", actual=self.limits.seconds + 1, allowed=self.limits.seconds
                    )
        except FormatError as error:
            self._note(
                SpecViolation(
                    locations=unit.place.at(error.start),
                    format=reader.format,
                    clause=error.clause,
                    expected=error.expected,
                    found=error.found,
                )
            )
            ledger.halt(Halt("malformed", str(error)))
        except LimitExceeded as error:
            ledger.halt(Halt(f"limit:{error.limit}", str(error)))
        except OSError as error:
            ledger.halt(Halt("io-error", _words(error)))
        except Exception as error:  # noqa: BLE001 - a crashing reader must not end the audit
            self._crashed(unit, f"reader {reader.format}", error)

    def _crashed(self, unit: _Unit, what: str, error: Exception) -> None:
        unit.ledger.halt(Halt(f"crash:{type(error).__name__}", f"{what} crashed; this is a fault of owaudit"))
        where = _innermost(error)
        self.diagnostics.append(
            Diagnostic(
                level="error",
                source=what,
                message=f"{type(error).__name__} {where} while reading {unit.place.artifact}",
            )
        )

    # Members ------------------------------------------------------------------------------------

    def _add_member(self, member: Member, unit: _Unit, ledger: Ledger) -> None:
        place = unit.place.inside(member.name)
        self.members += 1
        if self.members > self.limits.members:
            ledger.halt(Halt("limit:members", f"more than {self.limits.members} members"))
            return
        if not member.tentative:
            unit.claimed.add(member.start, member.end)
        if len(place.members) > self.limits.nesting_depth:
            self._unread_member(
                place, member, ledger, Halt("limit:nesting_depth", "containers are nested too deep")
            )
        elif member.sealed:
            self._unread_member(place, member, ledger, Halt("encrypted", "the member is encrypted"))
        else:
            unit.open_children += 1
            self.worklist.append(_Unit(place, member.name.rpartition("/")[2], unit, member))

    def _unread_member(self, place: Place, member: Member, ledger: Ledger, halt: Halt) -> None:
        if member.tentative:
            return
        inner = Ledger(place, member.end - member.start)
        inner.halt(halt)
        coverage = inner.coverage()
        self.coverage.append(coverage)
        ledger.take_member(member.start, member.end, coverage)

    def _take_member_read(self, item: MemberRead, unit: _Unit, ledger: Ledger) -> None:
        inner = Ledger(unit.place.inside(item.member.name), item.size)
        if item.member.unpack == "stored":
            content = unit.window.sub(item.member.start, item.member.end)
            self._check_sum(inner.place, content, item.member, None)
        for span in item.spans:
            inner.add(span)
        if item.halt is not None:
            inner.halt(item.halt)
        coverage = inner.coverage()
        self.coverage.append(coverage)
        ledger.take_member(item.member.start, item.member.end, coverage)

    def _finish(self, unit: _Unit, *, counted: bool = True) -> None:
        """Close a unit whose members are all closed, and with it perhaps its parent."""
        while True:
            parent = unit.parent
            if counted:
                coverage = unit.ledger.coverage()
                # A suspicion that turned out to be content speaks through its facts, not as a gap,
                # unless the stream hands it to a loader.
                if not unit.tentative or coverage.state is State.READ or unit.hint == "pickle":
                    self.coverage.append(coverage)
                if parent is not None and unit.member is not None and not unit.tentative:
                    parent.ledger.take_member(unit.member.start, unit.member.end, coverage)
            unit.window = Window.of(b"")
            if parent is None:
                return
            parent.open_children -= 1
            if parent.open_children:
                return
            unit, counted = parent, True

    # The rest of a unit ---------------------------------------------------------------------------

    def _explain_unknown(self, unit: _Unit, ledger: Ledger) -> None:
        head = unit.window.read(0, 16)
        if unit.window.size == 0:
            if unit.parent is None:
                ledger.halt(Halt("empty", "the file is empty"))
        elif not head.strip(b"\0") and _is_zeros(unit.window):
            ledger.expect(Halt("unknown-format", "all bytes are zero"))
        else:
            ledger.expect(
                Halt("unknown-format", f"no reader knows bytes that start with {head[:8].hex(' ')}")
            )

    def _search(self, unit: _Unit) -> None:
        """Look for content where nothing should read it, in the bytes that nothing explains."""
        for start, end in unit.ledger.gaps(unit.claimed)[:MOST_SEARCHED_GAPS]:
            self._search_range(unit, start, end)

    def _search_range(self, unit: _Unit, start: int, end: int) -> None:
        for find in embedded(unit.window, start, end):
            if find.start == 0:
                continue
            if find.opens:
                name = f"{find.format} at {find.start}"
                member = Member(name=name, start=find.start, end=end, hint="search", tentative=True)
                self._add_member(member, unit, unit.ledger)
                if find.format != "pickle":
                    # A container is read to the end of these bytes, gaps in it included.
                    break
            else:
                where = unit.place.at(find.start, end)
                self._note(EmbeddedContent(locations=where, format=find.format, position="unclaimed"))

    def _name_against_content(self, unit: _Unit) -> None:
        if unit.tentative:
            return
        path = unit.name if unit.member is not None else self.entry.path
        for fact in name_facts(path, unit.place):
            self._note(fact)
        extension, promised = promised_formats(unit.name.lower())
        formats = unit.formats
        if promised and formats and not set(promised) & set(formats):
            self._note(
                ExtensionMismatch(
                    locations=unit.place.at(),
                    extension=extension,
                    promised=", ".join(promised),
                    formats=formats,
                )
            )
        if len(formats) > 1:
            self._note(SeveralFormats(locations=unit.place.at(), formats=formats))

    def _ask_library(self) -> None:
        said = answer(self.opened.library_path(), self.place.at())
        if said is not None:
            self._note(said)


def _was_searched(unit: _Unit) -> bool:
    """A pickle that a search found: what follows it was found by the same search."""
    return unit.hint == "search" and unit.formats == ("pickle",)


def _is_padding(item: UnclaimedBytes) -> bool:
    return item.zeros and item.position == "after" and item.size < PADDING


def _is_zeros(window: Window) -> bool:
    return all(not piece.strip(b"\0") for _, piece in window.pieces())


def _with_reason(coverage: Coverage, reason: str, detail: str) -> Coverage:
    return replace(coverage, state=State.PARTIAL, reason=reason, detail=detail)


def _innermost(error: Exception) -> str:
    """File and line of our own code where it crashed: never a value from the scanned bytes."""
    trace = error.__traceback__
    where = "somewhere"
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename.rpartition("owaudit")[2].lstrip("/\\")
        where = f"in {name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return where
