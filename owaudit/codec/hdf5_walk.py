"""Walks an HDF5 file from its root group: every object once, whatever leads to it.

What a loader reads (links, attributes, the place of every dataset) becomes facts. A structure that
breaks the law stops only the message it belongs to, so nothing hides behind a broken neighbour.

Source: HDF5 File Format Specification 3.0; HDF5 1.14.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from owaudit.codec.bounds import OutOfBounds
from owaudit.codec.breaches import Breaches
from owaudit.codec.hdf5_dataset import Datasets
from owaudit.codec.hdf5_file import Fields, Hdf5File, expect_signature
from owaudit.codec.hdf5_heaps import FractalHeap, GlobalHeap, LocalHeap, claim_free_space
from owaudit.codec.hdf5_messages import (
    EXTERNAL,
    HARD,
    SOFT,
    Link,
    read_attribute,
    read_dataspace,
    read_datatype,
    read_link,
)
from owaudit.codec.hdf5_objects import (
    ATTRIBUTE,
    ATTRIBUTE_INFO,
    FILE_SPACE,
    LAYOUT,
    LINK,
    LINK_INFO,
    SYMBOL_TABLE,
    TREE_SIZES,
    Message,
    read_messages,
    resolved,
)
from owaudit.codec.hdf5_trees import SecondTree, group_leaves
from owaudit.codec.hdf5_values import Values
from owaudit.codec.reader import Halt, Place, Yield
from owaudit.codec.spans import Ranges
from owaudit.errors import FormatError, LimitExceeded
from owaudit.model.keras_facts import FileOpened

FORMAT: Final = "hdf5"
_COLLECTION: Final = b"GCOL\x01"
_LONGEST_PATH: Final = 500
_CACHED_SOFT_LINK: Final = 2
_LINK_ORDER_TREES: Final = {5: 4, 6: 8}
"""Kinds of tree of links, and the bytes of a record before the identifier."""
_MARKS: Final = frozenset(
    ("model_weights", "optimizer_weights", "layers", "_layer_checkpoint_dependencies", "vars",
     "layer_names", "model_config", "keras_version")
)  # fmt: skip
"""What stands in the root group of a file that Keras wrote."""


class Walk:
    """One walk over one file."""

    def __init__(self, file: Hdf5File, place: Place, breaches: Breaches) -> None:
        self._file = file
        self._place = place
        self._breaches = breaches
        self._heap = GlobalHeap(file)
        self._values = Values(file, self._heap)
        self._datasets = Datasets(file, self._heap, self._values, place, breaches)
        self._todo: list[tuple[str, int]] = []
        self._known: set[int] = set()
        self._soft: list[Link] = []
        self._is_keras = False
        self._error: FormatError | None = None

    def read(self) -> Iterator[Yield]:
        """Yield the facts and members of the whole file, then a halt if a part could not be read.

        Raises:
            FormatError: there is no root group.
            LimitExceeded: more objects, or more bytes of structures, than the limits allow.
        """
        superblock = self._file.superblock
        yield from self._guarded(self._beside_the_root())
        if superblock.root is None:
            raise FormatError("root-group", expected="an address", found="none", start=superblock.place)
        self._lead("", superblock.root)
        while self._todo:
            yield from self._object(*self._todo.pop())
        for clause, expected, found, start in self._file.wrong_sums:
            self._breaches.note(clause, expected, found, self._place.at(start))
        yield from self._collections()
        yield from self._datasets.summary()
        for link in self._soft if self._is_keras else ():
            where = self._place.at(link.start)
            self._breaches.note("keras-soft-link", "weights in the group itself", ascii(link.target), where)
        if self._error is not None:
            yield Halt("malformed", str(self._error))

    @property
    def is_whole(self) -> bool:
        """Could every structure be read?"""
        return self._error is None

    def _beside_the_root(self) -> Iterator[Yield]:
        superblock = self._file.superblock
        if superblock.driver is not None:
            where = self._place.at(superblock.place)
            self._breaches.note("driver", "a file of one part", "a driver for several", where)
        if superblock.free_space is not None:
            claim_free_space(self._file, superblock.free_space)
        if superblock.extension is not None:
            for message in read_messages(self._file, superblock.extension):
                yield from self._guarded(self._file_message(message))

    def _file_message(self, message: Message) -> Iterator[Yield]:
        fields = self._fields(message, "file-message")
        if message.kind == TREE_SIZES:
            fields.take(1)
            self._file.chunk_k = fields.number(2)
        elif message.kind == FILE_SPACE and fields.number(1) == 1:
            fields.take(1)
            is_kept = fields.number(1)
            fields.take(2 * fields.length_size + 2 + fields.offset_size)
            while is_kept and fields.left >= fields.offset_size:
                claim_free_space(self._file, fields.address())
        yield from ()

    def _collections(self) -> Iterator[Yield]:
        """Values of variable length that only the bytes of datasets lead to."""
        known = Ranges(self._file.parsed)
        known.update(self._file.payload)
        for start, end in list(known.gaps(self._file.window.size)):
            while end - start >= 16 and self._file.window.read(start, 5) == _COLLECTION:
                try:
                    self._heap.collection(start - self._file.superblock.place)
                except FormatError:
                    break  # bytes of a collection that was freed: nothing leads to them
                start = next((stop for at, stop in self._file.parsed if at <= start < stop), end)
        yield from self._values.rest_of_heap()

    # Objects -----------------------------------------------------------------------------------

    def _lead(self, path: str, address: int) -> None:
        if address in self._known:
            return
        if len(self._known) >= self._file.limits.tensors:
            raise LimitExceeded("tensors", actual=len(self._known) + 1, allowed=self._file.limits.tensors)
        self._known.add(address)
        self._todo.append((path[:_LONGEST_PATH], address))

    def _object(self, path: str, address: int) -> Iterator[Yield]:
        kept: dict[int, Message] = {}
        readers = {
            LINK: self._link_message,
            SYMBOL_TABLE: self._symbols,
            LINK_INFO: self._dense_links,
            ATTRIBUTE: self._attribute,
            ATTRIBUTE_INFO: self._dense_attributes,
        }
        try:
            for message in read_messages(self._file, address):
                reader = readers.get(message.kind)
                if reader is None:
                    kept[message.kind] = message
                else:
                    yield from self._guarded(reader(path, message))
        except FormatError as error:
            self._broken(error)
        if LAYOUT in kept:
            yield from self._guarded(self._datasets.read(path, kept))

    def _guarded(self, items: Iterator[Yield]) -> Iterator[Yield]:
        try:
            yield from items
        except FormatError as error:
            self._broken(error)

    def _broken(self, error: FormatError) -> None:
        self._error = self._error or error
        note = self._breaches.outside if isinstance(error, OutOfBounds) else self._breaches.note
        note(error.clause, error.expected, error.found, self._place.at(error.start))

    def _fields(self, message: Message, clause: str) -> Fields:
        return Fields(message.body, message.start, self._file.superblock.widths, clause)

    # Links -------------------------------------------------------------------------------------

    def _link_message(self, path: str, message: Message) -> Iterator[Yield]:
        yield from self._link(path, read_link(self._fields(message, "link")))

    def _link(self, path: str, link: Link) -> Iterator[Yield]:
        self._mark(path, link.name)
        name = f"{path}/{link.name}"
        if link.kind == HARD and link.address is not None:
            self._lead(name, link.address)
        elif link.kind == SOFT:
            self._soft.append(link)
        elif link.kind == EXTERNAL:
            yield FileOpened(
                locations=self._place.at(link.start, tensor=name[:_LONGEST_PATH]),
                mechanism="external_link",
                key=name[:_LONGEST_PATH],
                path=link.file[:_LONGEST_PATH],
            )
        elif link.kind not in (HARD, SOFT):
            where = self._place.at(link.start)
            self._breaches.note("link-kind", "hard, soft or external", f"kind {link.kind}", where)

    def _mark(self, path: str, name: str) -> None:
        self._is_keras = self._is_keras or (not path and name in _MARKS)

    def _symbols(self, path: str, message: Message) -> Iterator[Yield]:
        """The links of a group as the first versions write them."""
        fields = self._fields(message, "symbol-table")
        tree, heap = fields.address(), fields.address()
        if tree is None or heap is None:
            raise FormatError("symbol-table", expected="two addresses", found="none", start=message.start)
        names = LocalHeap(self._file, heap)
        offset = self._file.superblock.widths[0]
        size = 8 + 2 * self._file.superblock.leaf_k * (2 * offset + 24)
        for leaf in group_leaves(self._file, tree):
            node = self._file.fields(leaf, size, "symbol-node")
            expect_signature(node, b"SNOD", 1)
            node.take(1)
            for _ in range(node.number(2)):
                start = node.place
                name = names.text(node.number(offset))
                address, cached = node.address(), node.number(4)
                node.take(4)
                scratch = node.take(16)
                if cached == _CACHED_SOFT_LINK:
                    target = names.text(int.from_bytes(scratch[:4], "little"))
                    yield from self._link(path, Link(name=name, start=start, kind=SOFT, target=target))
                else:
                    yield from self._link(path, Link(name=name, start=start, kind=HARD, address=address))

    def _dense_links(self, path: str, message: Message) -> Iterator[Yield]:
        fields = self._fields(message, "link-info")
        fields.take(1)
        flags = fields.number(1)
        fields.take(8 if flags & 1 else 0)
        heap = fields.address()
        trees = [fields.address(), fields.address() if flags & 2 else None]
        for part in self._heap_objects(heap, trees, _LINK_ORDER_TREES):
            yield from self._guarded(self._link(path, read_link(part)))

    def _heap_objects(
        self, heap: int | None, trees: list[int | None], before: dict[int, int]
    ) -> Iterator[Fields]:
        """Yield each object of a heap that one of the trees names; ``before`` is by kind of tree."""
        if heap is None:
            return
        objects = FractalHeap(self._file, heap)
        seen: set[bytes] = set()
        for address in trees:
            if address is None:
                continue
            tree = SecondTree(self._file, address)
            if tree.kind not in before:
                raise FormatError("tree-header", expected="a tree of names", found=f"kind {tree.kind}")
            for record in tree.records():
                record.take(before[tree.kind])
                identifier = record.take(min(objects.id_size, record.left))
                if identifier not in seen:
                    seen.add(identifier)
                    yield objects.object(identifier)

    # Attributes --------------------------------------------------------------------------------

    def _attribute(self, path: str, message: Message) -> Iterator[Yield]:
        yield from self._attribute_value(path, self._fields(resolved(self._file, message), "attribute"))

    def _attribute_value(self, path: str, fields: Fields) -> Iterator[Yield]:
        attribute = read_attribute(fields)
        self._mark(path, attribute.name)
        widths = self._file.superblock.widths
        kind = resolved(self._file, attribute.datatype)
        space = resolved(self._file, attribute.dataspace)
        datatype = read_datatype(Fields(kind.body, kind.start, widths, "datatype"))
        shape = read_dataspace(Fields(space.body, space.start, widths, "dataspace"))
        key = f"{path}@{attribute.name}"[:_LONGEST_PATH]
        yield from self._values.elements(key, datatype, shape, attribute.content, attribute.start)

    def _dense_attributes(self, path: str, message: Message) -> Iterator[Yield]:
        fields = self._fields(message, "attribute-info")
        fields.take(1)
        flags = fields.number(1)
        fields.take(2 if flags & 1 else 0)
        heap = fields.address()
        trees = [fields.address(), fields.address() if flags & 2 else None]
        for part in self._heap_objects(heap, trees, {8: 0, 9: 0}):
            yield from self._guarded(self._attribute_value(path, part))
