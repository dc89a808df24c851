"""7z archives: folders of packed streams and the files inside them, read from the header at the end.

The signature header says where the header stands; the header may itself be packed. A folder is a
chain of coders over one packed stream and unpacks to one or more files in a row. Chains of one
stream are described as an ``unpack`` method; others (BCJ2) and encryption are named as such.

Source: LZMA SDK 25, ``DOC/7zFormat.txt``.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass

from owaudit.codec.unpack import Budget, open_unpacked
from owaudit.codec.window import READ_CEILING, Window
from owaudit.errors import FormatError, LimitExceeded
from owaudit.model.limits import Limits

SIGNATURE = b"7z\xbc\xaf\x27\x1c"
HEADER_SIZE = 32
_AES = b"\x06\xf1\x07\x01"
_MOST_CODERS = 16
_UNIX_EXTENSION = 0x8000
"""Bit of the attributes that says: the upper half is a Unix mode."""

_END, _HEADER, _PACKED_HEADER = 0x00, 0x01, 0x17
_ARCHIVE_PROPERTIES, _ADDITIONAL, _MAIN, _FILES = 0x02, 0x03, 0x04, 0x05
_PACK, _UNPACK, _SUBSTREAMS, _SIZES, _CRC, _FOLDERS, _FOLDER_SIZES, _COUNTS = range(0x06, 0x0E)
_EMPTY_STREAM, _NAMES, _ATTRIBUTES = 0x0E, 0x11, 0x15


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedFile:
    """A file: ``size`` bytes unpacked, in the order of its folder; ``mode`` is 0 where none stands."""

    name: str
    size: int
    crc32: int | None
    mode: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """Packed bytes ``start`` to ``end`` that ``unpack`` turns into ``files`` in a row."""

    start: int
    end: int
    unpack: str
    size: int
    is_sealed: bool
    files: tuple[PackedFile, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SevenZip:
    """An archive: ``structure`` are the ranges of headers. ``is_sealed`` is True when the header is
    encrypted, ``is_sound`` when its checksum holds; ``empty`` names files and folders without bytes."""

    folders: tuple[Folder, ...]
    structure: tuple[tuple[int, int], ...]
    empty: tuple[str, ...] = ()
    is_sealed: bool = False
    is_sound: bool = True


@dataclass(slots=True)
class _Chain:
    """A folder while it is read; ``streams`` is how many packed streams it takes."""

    unpack: str
    is_sealed: bool
    outputs: int
    last: int
    streams: int
    sizes: list[int]
    crc32: int | None = None
    files: list[tuple[int, int | None]] | None = None

    @property
    def size(self) -> int:
        return self.sizes[self.last]


@dataclass(slots=True)
class _Streams:
    """The packed ranges and the folders that a header describes."""

    packed: list[tuple[int, int]]
    chains: list[_Chain]


class _Cursor:
    """Reads the numbers of a header; every read past its end is a ``FormatError``."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.at = 0

    def take(self, size: int) -> bytes:
        taken = self.content[self.at : self.at + size] if size < len(self.content) + 1 else b""
        if len(taken) != size:
            raise FormatError("7z header", expected=f"{size} bytes", found=f"{len(taken)}", start=self.at)
        self.at += size
        return taken

    def byte(self) -> int:
        return self.take(1)[0]

    def number(self) -> int:
        """A number of one to nine bytes: leading ones of the first count the bytes that follow."""
        first = self.byte()
        value = 0
        for index in range(8):
            if not first & 0x80 >> index:
                return value | (first & (0x80 >> index) - 1) << 8 * index
            value |= self.byte() << 8 * index
        return value

    def bits(self, count: int) -> list[bool]:
        raw = self.take(-(-count // 8))
        return [bool(raw[index // 8] & 0x80 >> index % 8) for index in range(count)]

    def digests(self, count: int) -> list[int | None]:
        defined = [True] * self._bounded(count) if self.byte() else self.bits(count)
        return [int.from_bytes(self.take(4), "little") if known else None for known in defined]

    def _bounded(self, count: int) -> int:
        if 4 * count > len(self.content):
            raise FormatError("7z header", expected="room for digests", found=str(count), start=self.at)
        return count

    def expect(self, wanted: int) -> None:
        found = self.byte()
        if found != wanted:
            raise FormatError("7z header", expected=f"{wanted:02x}", found=f"{found:02x}", start=self.at - 1)


def read_sevenzip(window: Window, limits: Limits) -> SevenZip:
    """Read the headers of a 7z archive.

    Raises:
        FormatError: a header is not as specified.
        LimitExceeded: more files than ``limits.members``, a header that unpacks to more than
            ``limits.spool_memory_bytes``.
    """
    head = window.exactly(0, HEADER_SIZE, "7z signature header")
    if not head.startswith(SIGNATURE):
        raise FormatError("7z signature header", expected=SIGNATURE.hex(), found=head[:6].hex())
    offset, size, stated = (int.from_bytes(head[a:b], "little") for a, b in ((12, 20), (20, 28), (28, 32)))
    if size == 0:
        return SevenZip(folders=(), structure=((0, HEADER_SIZE),))
    if size > min(limits.spool_memory_bytes, READ_CEILING):
        raise LimitExceeded("spool_memory_bytes", actual=size, allowed=limits.spool_memory_bytes)
    start = HEADER_SIZE + offset
    content = window.exactly(start, size, "7z header")
    structure = [(0, HEADER_SIZE), (start, start + size)]
    is_sound = zlib.crc32(content) == stated
    while content[0] == _PACKED_HEADER and len(structure) < _MOST_CODERS:
        cursor = _Cursor(content)
        cursor.at = 1
        folders = _folders(_streams(cursor, limits))
        if len(folders) != 1:
            raise FormatError("7z packed header", expected="one folder", found=str(len(folders)), start=start)
        folder = folders[0]
        structure.append((folder.start, folder.end))
        if folder.is_sealed:
            return SevenZip(folders=(), structure=tuple(structure), is_sealed=True, is_sound=is_sound)
        content = _unpacked_header(window, folder, limits)
    return _archive(content, structure, is_sound, limits)


def _unpacked_header(window: Window, folder: Folder, limits: Limits) -> bytes:
    most = min(limits.spool_memory_bytes, READ_CEILING)
    if folder.size > most:
        raise LimitExceeded("spool_memory_bytes", actual=folder.size, allowed=most)
    packed = window.sub(folder.start, folder.end)
    unpacked, report = open_unpacked(packed, folder.unpack, limits, Budget(folder.size), folder.size)
    if unpacked.size != folder.size or not folder.size:
        found = f"{unpacked.size} ({report.reason})"
        raise FormatError(
            "7z packed header", expected=f"{folder.size} bytes", found=found, start=folder.start
        )
    return unpacked.read(0, folder.size)


def _archive(content: bytes, structure: list[tuple[int, int]], is_sound: bool, limits: Limits) -> SevenZip:
    cursor = _Cursor(content)
    cursor.expect(_HEADER)
    streams = _Streams([], [])
    names: list[str] = []
    empty: list[bool] = []
    modes: list[int] = []
    section = cursor.byte()
    while section != _END:
        if section == _ARCHIVE_PROPERTIES:
            while cursor.byte() != _END:
                cursor.take(cursor.number())
        elif section == _ADDITIONAL:
            _streams(cursor, limits)
        elif section == _MAIN:
            streams = _streams(cursor, limits)
        elif section == _FILES:
            names, empty, modes = _files(cursor, limits)
        else:
            raise FormatError("7z header", expected="a section", found=f"{section:02x}", start=cursor.at - 1)
        section = cursor.byte()
    named = [(name, mode) for name, mode, is_empty in zip(names, modes, empty, strict=True) if not is_empty]
    return SevenZip(
        folders=_folders(streams, named),
        structure=tuple(structure),
        empty=tuple(name for name, is_empty in zip(names, empty, strict=True) if is_empty),
        is_sound=is_sound,
    )


def _folders(streams: _Streams, named: list[tuple[str, int]] | None = None) -> tuple[Folder, ...]:
    """Give every folder its packed bytes and its files their names."""
    folders: list[Folder] = []
    stream = index = 0
    for chain in streams.chains:
        taken = streams.packed[stream : stream + chain.streams]
        stream += chain.streams
        if len(taken) != chain.streams or not taken:
            raise FormatError("7z folder", expected=f"{chain.streams} packed streams", found=str(len(taken)))
        files: list[PackedFile] = []
        for size, crc32 in chain.files if chain.files is not None else [(chain.size, chain.crc32)]:
            name, mode = named[index] if named and index < len(named) else (f"stream {index}", 0)
            files.append(PackedFile(name=name, size=size, crc32=crc32, mode=mode))
            index += 1
        folders.append(
            Folder(
                start=taken[0][0], end=taken[-1][1], unpack=chain.unpack, size=chain.size,
                is_sealed=chain.is_sealed, files=tuple(files),
            )
        )  # fmt: skip
    return tuple(folders)


def _streams(cursor: _Cursor, limits: Limits) -> _Streams:
    streams = _Streams([], [])
    readers: dict[int, Callable[[_Cursor, _Streams, Limits], None]] = {
        _PACK: _pack, _UNPACK: _unpack, _SUBSTREAMS: _substreams,
    }  # fmt: skip
    section = cursor.byte()
    while section != _END:
        if section not in readers:
            raise FormatError("7z streams", expected="a section", found=f"{section:02x}", start=cursor.at - 1)
        readers[section](cursor, streams, limits)
        section = cursor.byte()
    return streams


def _pack(cursor: _Cursor, streams: _Streams, limits: Limits) -> None:
    """Where the packed streams lie: one behind the other."""
    start = HEADER_SIZE + cursor.number()
    count = _counted(cursor.number(), limits)
    section = cursor.byte()
    while section != _END:
        if section == _SIZES:
            for _ in range(count):
                size = cursor.number()
                streams.packed.append((start, start + size))
                start += size
        elif section == _CRC:
            cursor.digests(count)
        else:
            raise FormatError("7z pack info", expected="sizes", found=f"{section:02x}", start=cursor.at - 1)
        section = cursor.byte()


def _unpack(cursor: _Cursor, streams: _Streams, limits: Limits) -> None:
    """The folders with their coders, the sizes of every output and checksums."""
    cursor.expect(_FOLDERS)
    count = _counted(cursor.number(), limits)
    cursor.expect(0)
    streams.chains = [_chain(cursor) for _ in range(count)]
    cursor.expect(_FOLDER_SIZES)
    for chain in streams.chains:
        chain.sizes = [cursor.number() for _ in range(chain.outputs)]
    section = cursor.byte()
    if section == _CRC:
        for chain, crc32 in zip(streams.chains, cursor.digests(count), strict=True):
            chain.crc32 = crc32
        section = cursor.byte()
    if section != _END:
        raise FormatError("7z unpack info", expected="its end", found=f"{section:02x}", start=cursor.at - 1)


def _chain(cursor: _Cursor) -> _Chain:
    """One folder: its coders, and which output feeds which input."""
    count = cursor.number()
    if not 0 < count <= _MOST_CODERS:
        raise FormatError("7z folder", expected="1 to 16 coders", found=str(count), start=cursor.at)
    coders: list[tuple[bytes, bytes]] = []
    inputs = outputs = 0
    for _ in range(count):
        flags = cursor.byte()
        method = cursor.take(flags & 15)
        more = (cursor.number(), cursor.number()) if flags & 0x10 else (1, 1)
        inputs, outputs = inputs + more[0], outputs + more[1]
        coders.append((method, cursor.take(cursor.number()) if flags & 0x20 else b""))
        if max(inputs, outputs) > 4 * _MOST_CODERS:
            raise FormatError("7z folder", expected="few streams", found=str(inputs), start=cursor.at)
    if not inputs or not outputs:
        raise FormatError("7z folder", expected="streams", found="none", start=cursor.at)
    pairs = {cursor.number(): cursor.number() for _ in range(outputs - 1)}
    streams = inputs - len(pairs)
    if streams > 1:
        for _ in range(streams):
            cursor.number()
    last = next((o for o in range(outputs) if o not in pairs.values()), 0)
    is_simple = inputs == outputs == count and streams == 1
    order = _order(pairs, last, count) if is_simple else []
    spec = "/".join(f"{coders[i][0].hex()}.{coders[i][1].hex()}" for i in order)
    return _Chain(
        unpack=f"7z:{spec}" if len(order) == count else "7z:branched",
        is_sealed=any(method == _AES for method, _ in coders),
        outputs=outputs, last=last, streams=max(1, streams), sizes=[],
    )  # fmt: skip


def _order(pairs: dict[int, int], last: int, count: int) -> list[int]:
    """The coders from the packed bytes to the unpacked ones."""
    order = [last]
    while order[-1] in pairs and len(order) <= count:
        order.append(pairs[order[-1]])
    return order[::-1] if len(order) == count and all(0 <= i < count for i in order) else []


def _substreams(cursor: _Cursor, streams: _Streams, limits: Limits) -> None:
    """How the output of each folder is cut into files."""
    counts = [1] * len(streams.chains)
    section = cursor.byte()
    if section == _COUNTS:
        counts = [cursor.number() for _ in streams.chains]
        _counted(sum(counts), limits)
        section = cursor.byte()
    sizes = _substream_sizes(cursor, streams, counts, section == _SIZES)
    if section == _SIZES:
        section = cursor.byte()
    unknown = [n != 1 or chain.crc32 is None for n, chain in zip(counts, streams.chains, strict=True)]
    digests: list[int | None] = []
    while section != _END:
        if section != _CRC:
            raise FormatError("7z substreams", expected="checksums", found=f"{section:02x}", start=cursor.at)
        digests = cursor.digests(sum(n for n, new in zip(counts, unknown, strict=True) if new))
        section = cursor.byte()
    at = 0
    for chain, own, is_new in zip(streams.chains, sizes, unknown, strict=True):
        crcs = digests[at : at + len(own)] if is_new else [chain.crc32]
        at += len(own) if is_new else 0
        crcs += [None] * (len(own) - len(crcs))
        chain.files = list(zip(own, crcs, strict=False))


def _substream_sizes(
    cursor: _Cursor, streams: _Streams, counts: list[int], is_written: bool
) -> list[list[int]]:
    """The sizes of the files of each folder; the last one is what is left of the folder."""
    found: list[list[int]] = []
    for chain, count in zip(streams.chains, counts, strict=True):
        own = [cursor.number() if is_written else 0 for _ in range(count - 1)]
        if count:
            own.append(chain.size - sum(own))
        if any(size < 0 for size in own):
            raise FormatError("7z substreams", expected="sizes inside the folder", found=str(sum(own)))
        found.append(own)
    return found


def _files(cursor: _Cursor, limits: Limits) -> tuple[list[str], list[bool], list[int]]:
    """Names, which files have no stream, and Unix modes."""
    count = _counted(cursor.number(), limits)
    names = [f"file {index}" for index in range(count)]
    empty = [False] * count
    modes = [0] * count
    kind = cursor.byte()
    while kind != _END:
        content = _Cursor(cursor.take(cursor.number()))
        if kind == _EMPTY_STREAM:
            empty = content.bits(count)
        elif kind == _NAMES and content.byte() == 0:
            raw = content.content[1:]
            texts = raw.decode("utf-16-le", "backslashreplace").split("\0")
            names = [*texts[:count], *names[len(texts) :]]
        elif kind == _ATTRIBUTES:
            defined = [True] * count if content.byte() else content.bits(count)
            content.expect(0)
            for index, known in enumerate(defined):
                attributes = int.from_bytes(content.take(4), "little") if known else 0
                modes[index] = attributes >> 16 if attributes & _UNIX_EXTENSION else 0
        kind = cursor.byte()
    return names, empty, modes


def _counted(count: int, limits: Limits) -> int:
    if count > limits.members:
        raise LimitExceeded("members", actual=count, allowed=limits.members)
    return count
