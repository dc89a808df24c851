"""TFLite (LiteRT): a flatbuffer of operators, tensors and buffers, with every index checked.

The interpreter indexes tables by numbers from the file. Operators are built in, custom ones that the
caller registers, or ``Flex`` operators that run kernels of TensorFlow. Label files may follow as a zip
archive, which is read as one.

Source: TensorFlow 2.21, tensorflow/lite/schema/schema.fbs; lite/delegates/flex/kernel.cc.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator

from owaudit.codec.bounds import reported
from owaudit.codec.breaches import Breaches
from owaudit.codec.external_ranges import ExternalRanges
from owaudit.codec.flatbuffers import KEPT_VECTOR, Flatbuffer, Table
from owaudit.codec.flexbuffers import texts_in_vector
from owaudit.codec.operators import Operators
from owaudit.codec.payload import payload_start
from owaudit.codec.protobuf import Walk
from owaudit.codec.reader import INERT, PARSED, PAYLOAD, Head, Place, Reader, Span, Yield
from owaudit.codec.spans import Ranges
from owaudit.codec.tensorflow_schema import TENSORFLOW
from owaudit.codec.tflite_schema import CUSTOM, ELEMENT_BITS, ELEMENT_TYPES, OPERATORS, TFLITE, UNIONS
from owaudit.codec.window import Window
from owaudit.codec.zip_facts import archive_facts, archive_members
from owaudit.codec.zip_local import LOCAL_SIGNATURE
from owaudit.codec.zip_records import leads_to_directory, read_archive
from owaudit.errors import FormatError, ReadError
from owaudit.model.artifact import Format
from owaudit.model.limits import Limits
from owaudit.model.location import Location
from owaudit.model.observation import TensorTable, UnclaimedBytes

IDENTIFIER = b"TFL3"
VERSION = 3
PADDING = 64
"""Zero bytes between two parts that alignment explains."""
LONGEST_OPTIONS = 1024 * 1024
_FORMAT = Format("tflite")
_FLEX = "Flex"
_LARGEST = 2**63 - 1
_INDEX_FIELDS = ("inputs", "outputs", "intermediates")


def looks_like(head: Head) -> bool:
    return head.start[4:8] == IDENTIFIER


def read(window: Window, place: Place, limits: Limits) -> Iterator[Yield]:
    """Yield operators, the table of tensors, payload, and numbers that leave what holds them.

    Raises:
        LimitExceeded: over ``limits.fields`` entries or ``limits.tensors`` tables.
    """
    breaches = Breaches(_FORMAT)
    yield from reported(_Model(window, place, limits, breaches).read(), _FORMAT, place, breaches)


class _Model:
    """One model while it is walked: tables come before those that hold them."""

    def __init__(self, window: Window, place: Place, limits: Limits, breaches: Breaches) -> None:
        self._window = window
        self._place = place
        self._limits = limits
        self._breaches = breaches
        self._buffer = Flatbuffer(window, TFLITE, UNIONS, limits, per_parent=frozenset(("Operator",)))
        self._operators = Operators(_FORMAT)
        self._codes: list[tuple[str, str, str]] = []
        self._code_at: dict[int, int] = {}
        self._indices: list[tuple[str, int, int, int]] = []
        self._reach: dict[int, tuple[int, int]] = {}
        self._types: Counter[str] = Counter()
        self._elements = 0
        self._external = ExternalRanges()
        self._groups: list[str] = []
        self._external_buffers: list[Table] = []

    def read(self) -> Iterator[Yield]:
        stopped: ReadError | None = None
        try:
            for table in self._buffer.tables("Model"):
                self._take(table)
        except ReadError as error:
            stopped = error
        yield from self._facts()
        yield from self._account(complete=stopped is None)
        if stopped is not None:
            raise stopped

    def _take(self, table: Table) -> None:
        match table.kind:
            case "OperatorCode":
                self._code(table)
            case "Tensor":
                self._tensor(table)
            case "Operator":
                self._operator(table)
            case "SubGraph":
                self._subgraph(table)
            case "Buffer":
                self._behind(table, table.numbers.get("offset", 0), table.numbers.get("size", 0))
            case "ExternalBufferGroup":
                self._groups.append(table.texts.get("name", ""))
            case "ExternalBuffer":
                self._external_buffers.append(table)
            case "Metadata":
                self._index("buffers", table.numbers.get("buffer", 0), table.at)
            case "SignatureDef":
                self._index("subgraphs", table.numbers.get("subgraph", 0), table.at)
            case "Model":
                self._finish(table)
        for label in ("subgraph", "other_subgraph"):
            if label in table.numbers and table.kind != "SignatureDef":
                self._index("subgraphs", table.numbers[label], table.at)

    # Tables -------------------------------------------------------------------------------------

    def _code(self, table: Table) -> None:
        number = max(table.numbers.get("deprecated_builtin_code", 0), table.numbers.get("builtin_code", 0))
        custom = table.texts.get("custom_code", "")
        if number == CUSTOM or (custom and number == 0):
            flex = custom.startswith(_FLEX) and len(custom) > len(_FLEX)
            self._codes.append(
                ("tensorflow", "", custom[len(_FLEX) :]) if flex else ("tflite", "custom", custom)
            )
        elif 0 <= number < len(OPERATORS):
            self._codes.append(("tflite", "builtin", OPERATORS[number]))
        else:
            where = self._place.at(table.at)
            self._breaches.note("operator", f"0 to {len(OPERATORS) - 1}", str(number), where)
            self._codes.append(("tflite", "builtin", f"number {number}"))
        self._code_at[len(self._codes) - 1] = table.at

    def _tensor(self, table: Table) -> None:
        where = self._place.at(table.at, tensor=table.texts.get("name", "")[:200] or None)
        kind = table.numbers.get("type", 0)
        if not 0 <= kind < len(ELEMENT_TYPES):
            self._breaches.note("tensor-type", f"0 to {len(ELEMENT_TYPES) - 1}", str(kind), where)
        else:
            self._types[ELEMENT_TYPES[kind]] += 1
        elements = 1
        for extent in table.vectors.get("shape", ()):
            elements *= max(extent, 0)
            if extent < -1:
                self._breaches.outside("shape", "sizes of 0 or more", str(extent), where)
            elif elements * ELEMENT_BITS[kind if 0 <= kind < len(ELEMENT_BITS) else 0] > _LARGEST:
                self._breaches.outside("shape-product", "at most 2**63 - 1 bits", "more", where)
                elements = 0
        self._elements += elements
        self._index("buffers", table.numbers.get("buffer", 0), table.at)

    def _operator(self, table: Table) -> None:
        code = table.numbers.get("opcode_index", 0)
        self._index("operator_codes", code, table.at)
        for label in _INDEX_FIELDS:
            self._note_reach(table, table.vectors.get(label))
            if table.counts.get(label, 0) > KEPT_VECTOR:
                where = self._place.at(table.at)
                self._breaches.note(label, f"at most {KEPT_VECTOR}", str(table.counts[label]), where)
        self._behind(table, table.numbers.get("large_offset", 0), table.numbers.get("large_size", 0))
        if "custom_options" in table.places:
            start, end = table.places["custom_options"]
            if end - start <= LONGEST_OPTIONS:
                self._options(self._window.read(start, end - start), start)

    def _options(self, content: bytes, start: int) -> None:
        """A Flex operator runs the node in its options, whatever its own name says."""
        texts = texts_in_vector(content)
        if len(texts) != 2:
            return
        walk = Walk(Window.of(texts[1]), TENSORFLOW, self._limits)
        try:
            for message in walk.messages("NodeDef", 0, len(texts[1])):
                if message.kind == "NodeDef" and message.text("op"):
                    where = self._place.at(start, start + len(content))
                    self._operators.add("tensorflow", "", message.text("op"), where)
        except FormatError:
            return

    def _note_reach(self, table: Table, numbers: array[int] | None) -> None:
        """Keep the smallest and largest index into the tensors of the subgraph around ``table``."""
        if not numbers or table.parent is None:
            return
        known = self._reach.get(table.parent.at, (0, -1))
        self._reach[table.parent.at] = (min(known[0], min(numbers)), max(known[1], max(numbers)))

    def _subgraph(self, table: Table) -> None:
        tensors = table.counts.get("tensors", 0)
        least, most = self._reach.pop(table.at, (0, -1))
        for label in ("inputs", "outputs"):
            for number in table.vectors.get(label, ()):
                least, most = min(least, number), max(most, number)
        # -1 stands for an input that was left out.
        if least < -1 or most >= tensors:
            found = str(least if least < -1 else most)
            where = self._place.at(table.at)
            self._breaches.outside("tensor-index", f"less than {tensors}", found, where)

    def _behind(self, table: Table, offset: int, size: int) -> None:
        """Bytes that stand behind the flatbuffer; offsets of 0 and 1 mean that there are none."""
        if offset <= 1 or not size:
            return
        if offset > self._window.size or size > self._window.size - offset:
            expected = f"an end within {self._window.size} bytes"
            where = self._place.at(table.at)
            self._breaches.outside("buffer-range", expected, f"{offset} + {size}", where)
            return
        self._buffer.payload.add(offset, offset + size)

    def _index(self, what: str, number: int, at: int) -> None:
        if len(self._indices) < self._limits.tensors and number:
            self._indices.append((what, number, number, at))

    def _finish(self, model: Table) -> None:
        version = model.numbers.get("version", 0)
        if version != VERSION:
            self._breaches.note("version", str(VERSION), str(version), self._place.at(model.at))
        for what, least, most, at in self._indices:
            count = model.counts.get(what, 0)
            if what == "buffers" and not count:
                continue  # nothing to index; the interpreter refuses tensors with numbers then
            if least < 0 or most >= count:
                where = self._place.at(at)
                self._breaches.outside(f"{what}-index", f"less than {count}", str(most), where)
        for number in model.vectors.get("metadata_buffer", ()):
            if not 0 <= number < max(1, model.counts.get("buffers", 0)):
                where = self._place.at(model.at)
                self._breaches.outside("buffers-index", "a buffer", str(number), where)
        for table in self._external_buffers:
            self._outer_buffer(table)

    def _outer_buffer(self, table: Table) -> None:
        group = table.numbers.get("group", 0)
        where = self._place.at(table.at)
        if group >= len(self._groups):
            self._breaches.outside("group-index", f"less than {len(self._groups)}", str(group), where)
        elif self._groups[group]:
            offset, length = table.numbers.get("offset", 0), table.numbers.get("length", 0)
            self._external.add(self._groups[group], offset, length, where)

    # Facts --------------------------------------------------------------------------------------

    def _facts(self) -> Iterator[Yield]:
        for index, (runtime, domain, name) in enumerate(self._codes):
            where: tuple[Location, ...] = self._place.at(self._code_at[index])
            self._operators.add(runtime, domain, name, where)
        yield from self._operators.observations()
        if self._types:
            yield TensorTable(
                locations=self._place.at(),
                tensors=sum(self._types.values()),
                parameters=min(self._elements, _LARGEST),
                size=self._buffer.payload.covered(self._window.size),
                element_types=tuple(sorted(self._types.items())),
            )
        yield from self._external.references()

    def _account(self, *, complete: bool) -> Iterator[Yield]:
        window = self._window
        known = Ranges(self._buffer.explained)
        for start, end in self._buffer.payload:
            yield Span(PAYLOAD, start, end)
            yield from payload_start(window, self._place, start, end)
        for start, end in known:
            yield Span(PARSED, start, end)
        known.update(self._buffer.payload)
        if not complete:
            return
        last = max((end for _, end in known), default=0)
        for start, end in known.gaps(window.size):
            begin = self._archive_start(start) if end == window.size and start >= last else None
            if begin is not None:
                if begin > start:
                    yield Span(INERT, start, begin)
                yield from self._archive()
            elif end - start < PADDING and not window.read(start, end - start).strip(b"\0"):
                yield Span(INERT, start, end)
            else:
                zeros = all(not piece.strip(b"\0") for _, piece in window.pieces(start, end))
                yield UnclaimedBytes(
                    locations=self._place.at(start, end),
                    position="after" if start >= last else "between",
                    size=end - start,
                    zeros=zeros,
                )

    def _archive_start(self, start: int) -> int | None:
        """Where an archive begins, behind padding at most, if the file also ends as one."""
        head = self._window.read(start, PADDING)
        begin = len(head) - len(head.lstrip(b"\0"))
        if head[begin : begin + 4] != LOCAL_SIGNATURE or not leads_to_directory(self._window):
            return None
        return start + begin

    def _archive(self) -> Iterator[Yield]:
        """The label files; that a model stands in front of their archive is the law of this format."""
        archive = read_archive(self._window, self._limits)
        for fact in archive_facts(archive, self._place):
            if not (isinstance(fact, UnclaimedBytes) and fact.position == "before"):
                yield fact
        for _, member in archive_members(archive):
            yield member


READER = Reader(
    format=_FORMAT,
    source="TensorFlow 2.21, tensorflow/lite/schema/schema.fbs",
    looks_like=looks_like,
    read=read,
    rank=20,
    extensions=(".tflite", ".lite"),
)
