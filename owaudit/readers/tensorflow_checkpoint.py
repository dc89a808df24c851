"""The index of a TensorFlow checkpoint: which bytes of which data file belong to which tensor.

A table whose empty key holds the number of data files, every other key a tensor. The data files
beside it have no format of their own; they are numbers as far as the index says so.

Source: TensorFlow 2.21, core/protobuf/tensor_bundle.proto; core/util/tensor_bundle/naming.cc.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from owaudit.codec.bounds import reported
from owaudit.codec.breaches import Breaches
from owaudit.codec.external_ranges import ExternalRanges
from owaudit.codec.leveldb_table import FOOTER, MAGIC, Entry, Table
from owaudit.codec.protobuf import Message, Walk, signed
from owaudit.codec.reader import PARSED, Head, Place, Reader, Span, Yield
from owaudit.codec.tensorflow_schema import ELEMENT_TYPES, TENSORFLOW
from owaudit.codec.window import Window
from owaudit.errors import ReadError
from owaudit.model.artifact import Format
from owaudit.model.limits import Limits
from owaudit.model.observation import TensorTable

MOST_SHARDS = 100_000
_FORMAT = Format("tensorflow-checkpoint")
_SUFFIX = ".index"


def looks_like(head: Head) -> bool:
    return head.size >= FOOTER and head.end.endswith(MAGIC)


def read(window: Window, place: Place, limits: Limits) -> Iterator[Yield]:
    """Yield the table of tensors and a reference to each data file.

    Raises:
        FormatError: the table or an entry is broken.
        LimitExceeded: over ``limits.tensors`` entries.
    """
    breaches = Breaches(_FORMAT)
    yield from reported(_Index(window, place, limits, breaches).read(), _FORMAT, place, breaches)


class _Index:
    """One index while it is read."""

    def __init__(self, window: Window, place: Place, limits: Limits, breaches: Breaches) -> None:
        self._window = window
        self._place = place
        self._limits = limits
        self._breaches = breaches
        self._external = ExternalRanges()
        self._types: Counter[str] = Counter()
        self._size = 0
        self._shards = 0

    def read(self) -> Iterator[Yield]:
        table = Table(self._window, self._limits)
        stopped: ReadError | None = None
        try:
            for entry in table.entries():
                self._entry(entry)
        except ReadError as error:
            stopped = error
        yield TensorTable(
            locations=self._place.at(),
            tensors=sum(self._types.values()),
            parameters=0,
            size=self._size,
            element_types=tuple(sorted(self._types.items())),
        )
        yield from self._external.references()
        for start, end in table.explained:
            yield Span(PARSED, start, end)
        if stopped is not None:
            raise stopped

    def _entry(self, entry: Entry) -> None:
        kind = "BundleEntryProto" if entry.key else "BundleHeaderProto"
        walk = Walk(Window.of(entry.value), TENSORFLOW, self._limits)
        for message in walk.messages(kind, 0, len(entry.value)):
            if message.kind == "BundleHeaderProto":
                self._shards = message.number("num_shards")
                if not 0 < self._shards <= MOST_SHARDS:
                    where = self._place.at(entry.start, entry.end)
                    self._breaches.note("shards", f"1 to {MOST_SHARDS}", str(self._shards), where)
            elif message.kind == "BundleEntryProto":
                self._tensor(message, entry)
        if walk.unknown:
            where = self._place.at(entry.start, entry.end)
            self._breaches.note("field", "fields of an entry", "others", where)

    def _tensor(self, message: Message, entry: Entry) -> None:
        name = entry.key.decode("utf-8", "backslashreplace")
        where = self._place.at(entry.start, entry.end, tensor=name[:200])
        kind = message.number("dtype")
        known = 0 < kind < len(ELEMENT_TYPES)
        self._types[ELEMENT_TYPES[kind] if known else "unknown"] += 1
        offset, size = signed(message.number("offset")), signed(message.number("size"))
        shard = message.number("shard_id")
        if offset < 0 or size < 0:
            found = f"{size} bytes from {offset}"
            self._breaches.outside("tensor-range", "offset and size of 0 or more", found, where)
        elif shard >= max(1, self._shards):
            self._breaches.outside("shard", f"less than {self._shards}", str(shard), where)
        else:
            self._size += size
            path = self._data_file(shard)
            if path:
                self._external.add(path, offset, size, where)

    def _data_file(self, shard: int) -> str:
        name = (self._place.members[-1] if self._place.members else self._place.artifact).rpartition("/")[2]
        if not name.endswith(_SUFFIX):
            return ""
        return f"{name.removesuffix(_SUFFIX)}.data-{shard:05}-of-{max(1, self._shards):05}"


READER = Reader(
    format=_FORMAT,
    source="TensorFlow 2.21, core/protobuf/tensor_bundle.proto",
    looks_like=looks_like,
    read=read,
    rank=20,
    extensions=(".index",),
)
