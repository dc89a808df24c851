"""HDF5 object headers: the messages of a group, a dataset or a named datatype.

Version 1 is a 16-byte prefix and messages padded to 8 bytes; version 2 begins with ``OHDR`` and
goes on in ``OCHK`` blocks. Either goes on where a continuation message says.

Source: HDF5 File Format Specification 3.0, "Disk Format: Level 2A, Data Object Headers".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from owaudit.codec.hdf5_file import Fields, Hdf5File, expect_signature
from owaudit.errors import FormatError, LimitExceeded

DATASPACE: Final = 0x01
LINK_INFO: Final = 0x02
DATATYPE: Final = 0x03
LINK: Final = 0x06
EXTERNAL_FILES: Final = 0x07
LAYOUT: Final = 0x08
FILTERS: Final = 0x0B
ATTRIBUTE: Final = 0x0C
SHARED_TABLE: Final = 0x0F
CONTINUATION: Final = 0x10
SYMBOL_TABLE: Final = 0x11
TREE_SIZES: Final = 0x13
ATTRIBUTE_INFO: Final = 0x15
FILE_SPACE: Final = 0x17

_IS_SHARED: Final = 0x02
_MOST_BLOCKS: Final = 100_000
_LONGEST_BLOCK: Final = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Message:
    """One message: its type, and its body at byte ``start`` of the window.

    ``shared`` says that the body tells where the real one is.
    """

    kind: int
    body: bytes
    start: int
    shared: bool = False


def read_messages(file: Hdf5File, address: int) -> Iterator[Message]:
    """Yield the messages of the object header at ``address``, continuations included.

    Raises:
        FormatError: the header breaks the law, or a block is continued twice.
        LimitExceeded: more blocks than any header needs.
    """
    if file.starts_with(address, b"OHDR"):
        yield from _second_version(file, address)
    else:
        yield from _first_version(file, address)


def _first_version(file: Hdf5File, address: int) -> Iterator[Message]:
    prefix = file.fields(address, 16, "object-header")
    version = prefix.number(1)
    if version != 1:
        raise FormatError(
            "object-header", expected="version 1 or 2", found=f"version {version}", start=prefix.start
        )
    prefix.take(1)
    count = prefix.number(2)
    prefix.take(4)
    blocks = _Blocks(file)
    blocks.add(address + 16, prefix.number(4))
    for fields in blocks:
        while count > 0 and fields.left >= 8:
            kind, size, flags = fields.number(2), fields.number(2), fields.number(1)
            fields.take(3)
            message = Message(kind, fields.take(size), fields.place - size, bool(flags & _IS_SHARED))
            count -= 1
            if kind == CONTINUATION:
                blocks.follow(message, file)
            else:
                yield message


def _second_version(file: Hdf5File, address: int) -> Iterator[Message]:
    prefix = file.fields(address, 6, "object-header")
    expect_signature(prefix, b"OHDR", 2)
    flags = prefix.number(1)
    width = 1 << (flags & 3)
    before = 6 + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0)
    size = file.fields(address + before, width, "object-header").number(width)
    file.claim(address, before, "object-header")
    blocks = _Blocks(file, signature=b"OCHK")
    blocks.add(address + before + width, size)
    file.claim(address + before + width + size, 4, "object-header")
    file.check_sum(address, before + width + size + 4, "object-header-checksum")
    head = 6 if flags & 4 else 4
    for fields in blocks:
        while fields.left >= head:
            kind, length, marks = fields.number(1), fields.number(2), fields.number(1)
            fields.take(head - 4)
            message = Message(kind, fields.take(length), fields.place - length, bool(marks & _IS_SHARED))
            if kind == CONTINUATION:
                blocks.follow(message, file)
            else:
                yield message


class _Blocks:
    """The blocks of one header, in the order in which they are found; none twice."""

    def __init__(self, file: Hdf5File, signature: bytes = b"") -> None:
        self._file = file
        self._signature = signature
        self._todo: list[tuple[int, int, bool]] = []
        self._known: set[int] = set()

    def add(self, address: int, size: int, *, continued: bool = False) -> None:
        if address in self._known:
            raise FormatError(
                "continuation",
                expected="each block once",
                found=f"address {address} again",
                start=self._file.place_of(address),
            )
        if len(self._known) >= _MOST_BLOCKS or size > _LONGEST_BLOCK:
            raise LimitExceeded("header_bytes", actual=size, allowed=_LONGEST_BLOCK)
        self._known.add(address)
        self._todo.append((address, size, continued))

    def follow(self, message: Message, file: Hdf5File) -> None:
        fields = Fields(message.body, message.start, file.superblock.widths, "continuation")
        address, size = fields.address(), fields.length()
        if address is None:
            raise FormatError("continuation", expected="an address", found="none", start=message.start)
        self.add(address, size, continued=True)

    def __iter__(self) -> Iterator[Fields]:
        while self._todo:
            address, size, continued = self._todo.pop(0)
            fields = self._file.fields(address, size, "object-header")
            if continued and self._signature:
                found = fields.take(4)
                if found != self._signature:
                    expected = self._signature.decode()
                    raise FormatError(
                        "continuation", expected=expected, found=found.hex(" "), start=fields.start
                    )
                self._file.check_sum(address, size, "object-header-checksum")
                fields.raw = fields.raw[:-4]
            yield fields


def resolved(file: Hdf5File, message: Message) -> Message:
    """The message itself, or the one that it shares with another object.

    Raises:
        FormatError: it leads to no message of its type, or into the heap of shared messages, which
            libraries write only when asked and which is not read.
    """
    if not message.shared:
        return message
    fields = Fields(message.body, message.start, file.superblock.widths, "shared-message")
    version, kind = fields.number(1), fields.number(1)
    if version == 1:
        fields.take(6)
    elif version == 3 and kind == 1:
        found = "one in the heap of shared messages"
        raise FormatError(
            "shared-message", expected="a message in a header", found=found, start=message.start
        )
    address = fields.address()
    if address is not None:
        for other in read_messages(file, address):
            if other.kind == message.kind and not other.shared:
                return other
    raise FormatError(
        "shared-message", expected=f"a message of type {message.kind}", found="none", start=message.start
    )
