"""TensorFlow graphs: SavedModel, MetaGraph, GraphDef, and the small files beside them.

There is no magic: a file is what its fields say. A SavedModel holds meta graphs, a meta graph holds
a graph, a graph holds nodes with a name and an operator. Operators are facts; what a node is
given is followed where honest models use the same operator (``codec.tensorflow_graph``).

Source: TensorFlow 2.21, core/protobuf/saved_model.proto, meta_graph.proto, core/framework/graph.proto;
Keras 2.15, saved_metadata.proto.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator

from owaudit.codec.bounds import path_problem
from owaudit.codec.operators import Operators
from owaudit.codec.protobuf import LENGTH, Message, Walk, Wire, fits
from owaudit.codec.protobuf_facts import account
from owaudit.codec.reader import PARSED, Halt, Head, Member, Place, Reader, Span, Yield
from owaudit.codec.tensorflow_graph import SAVER_OPERATORS, Graph, Program
from owaudit.codec.tensorflow_schema import ELEMENT_TYPES, TENSORFLOW
from owaudit.codec.window import Window
from owaudit.errors import FormatError, ReadError
from owaudit.model.artifact import Format
from owaudit.model.graph_facts import ExternalReference
from owaudit.model.limits import Limits
from owaudit.model.observation import TensorTable

KEPT_REFERENCES = 1000
_MOST_FIELDS = 4096
_SOURCE = "TensorFlow 2.21, core/protobuf and core/framework"
_OPERATOR = re.compile(r"[A-Za-z_][\w>./-]*")
_KERAS = re.compile(r"_tf_keras_\w+")
_ASSETS = "saved_model_assets"
_REFERENCE = 100
"""Added to the number of an element type for a reference to it."""

_KEPT_MESSAGES = (
    "AttrValue", "ListValue", "NameAttrList", "AttrEntry", "SaverDef", "ArgDef", "TensorInfo", "Any",
    "AnyList", "CollectionDef",
)  # fmt: skip
"""Messages that the one around them is read with."""


class _Shape:
    """Looks at the beginnings of messages; ``tolerant`` accepts fields that no schema knows."""

    def __init__(self, window: Window, *, tolerant: bool) -> None:
        self.window = window
        self.wire = Wire(window)
        self.tolerant = tolerant

    def fits(self, kind: str, start: int, end: int) -> frozenset[int] | None:
        """See ``protobuf.fits``."""
        return fits(self.wire, TENSORFLOW, kind, start, end, tolerant=self.tolerant)

    def first(self, kind: str, number: int, start: int, end: int) -> tuple[int, int] | None:
        """The bytes of the first field ``number``, cut to ``end``, if all before it belong to ``kind``."""
        at = start
        for _ in range(_MOST_FIELDS):
            if at >= end:
                break
            try:
                tag, place = self.wire.varint(at, end)
                if tag >> 3 not in TENSORFLOW[kind] and not self.tolerant:
                    break
                if tag == number << 3 | LENGTH:
                    size, inner = self.wire.varint(place, end)
                    return inner, min(inner + size, end)
                at = self.wire.field(at, end).end
            except FormatError:
                break
        return None

    def is_node(self, start: int, end: int) -> bool:
        """Does a message have the name and the operator of a node?"""
        numbers = self.fits("NodeDef", start, end)
        place = self.first("NodeDef", 2, start, end)
        if numbers is None or 1 not in numbers or place is None:
            return False
        return bool(_OPERATOR.fullmatch(self.wire.text(*place)))

    def is_graph(self, start: int, end: int) -> bool:
        """Does it hold nodes, or a library of functions?"""
        if self.fits("GraphDef", start, end) is None:
            return False
        node = self.first("GraphDef", 1, start, end)
        if node is not None:
            return self.is_node(*node)
        library = self.first("GraphDef", 2, start, end)
        function = self.first("FunctionDefLibrary", 1, *library) if library else None
        return function is not None and bool(self.fits("FunctionDef", *function))

    def is_meta_graph(self, start: int, end: int) -> bool:
        """Does it hold a graph beside its description?"""
        if self.fits("MetaGraphDef", start, end) is None:
            return False
        graph = self.first("MetaGraphDef", 2, start, end)
        return graph is not None and self.is_graph(*graph)


def _shape(head: Head) -> _Shape:
    return _Shape(head.window, tolerant=head.name.endswith((".pb", ".meta")))


def _looks_like_saved_model(head: Head) -> bool:
    shape = _shape(head)
    meta = shape.first("SavedModel", 2, 0, head.size)
    if meta is None or shape.fits("SavedModel", 0, head.size) is None:
        return False
    named = head.name == "saved_model.pb" and shape.fits("MetaGraphDef", *meta) is not None
    return named or shape.is_meta_graph(*meta)


def _looks_like_meta_graph(head: Head) -> bool:
    return _shape(head).is_meta_graph(0, head.size)


def _looks_like_graph(head: Head) -> bool:
    return _shape(head).is_graph(0, head.size)


def _looks_like_fingerprint(head: Head) -> bool:
    fields = _shape(head).fits("FingerprintDef", 0, head.size)
    return head.name == "fingerprint.pb" and head.size < 4096 and bool(fields)


def _looks_like_metadata(head: Head) -> bool:
    shape = _shape(head)
    node = shape.first("SavedMetadata", 1, 0, head.size)
    place = shape.first("MetadataNode", 4, *node) if node else None
    return place is not None and bool(_KERAS.fullmatch(shape.wire.text(*place)))


def _read_as(root: str, format_name: str) -> Callable[[Window, Place, Limits], Iterator[Yield]]:
    def read(window: Window, place: Place, limits: Limits) -> Iterator[Yield]:
        """Yield operators, constants, assets, and members for the texts of Keras.

        Raises:
            FormatError: the bytes are no protocol buffer from some point on.
            LimitExceeded: over ``limits.fields`` fields.
        """
        return _Model(root, format_name, window, place, limits).read()

    return read


class _Model:
    """One file while it is walked."""

    def __init__(self, root: str, format_name: str, window: Window, place: Place, limits: Limits) -> None:
        self._root = root
        self._format = format_name
        self._window = window
        self._place = place
        self._limits = limits
        self._walk = Walk(window, TENSORFLOW, limits)
        self._operators = Operators(format_name)
        self._program = Program(self._operators, place)
        self._open: dict[int, Graph] = {}
        self._functions: set[tuple[str, str]] = set()
        self._references: list[ExternalReference] = []
        self._types: Counter[str] = Counter()
        self._members: list[Member] = []

    def read(self) -> Iterator[Yield]:
        stopped: ReadError | None = None
        try:
            for message in self._walk.messages(self._root, 0, self._window.size):
                self._take(message)
        except ReadError as error:
            stopped = error
            for graph in self._open.values():
                self._program.finish_graph(graph)
        self._finish_program()
        yield from self._operators.observations(frozenset(self._functions))
        yield from self._references
        if self._types:
            yield TensorTable(
                locations=self._place.at(),
                tensors=sum(self._types.values()),
                parameters=0,
                size=self._walk.payload.covered(),
                element_types=tuple(sorted(self._types.items())),
            )
        yield from account(self._walk, self._window, self._place, self._members)
        if stopped is not None:
            raise stopped

    def _take(self, message: Message) -> None:
        kind = message.kind
        if kind in _KEPT_MESSAGES or (kind == "OpDef" and message.label == "signature"):
            message.attach()
        elif kind == "TensorProto":
            self._tensor(message)
        elif kind == "NodeDef" and message.parent is not None:
            self._program.node(self._open.setdefault(id(message.parent), Graph()), message)
        elif kind == "FunctionDef":
            self._function(message)
        elif kind == "GraphDef":
            self._program.finish_graph(self._open.pop(id(message), Graph()))
        elif kind == "AssetFileDef":
            self._asset(message)
        elif kind == "MetaGraphDef":
            for saver in message.nested.get("saver_def", ()):
                self._program.saver_files.add(saver.text("filename_tensor_name").partition(":")[0])
            self._finish_program()
        elif kind in ("SavedUserObject", "MetadataNode"):
            self._keras(message)
        elif kind == "CollectionEntry" and message.text("key") == _ASSETS:
            self._collected_assets(message)

    def _finish_program(self) -> None:
        """Count what is known so far; a file may hold several meta graphs."""
        self._functions |= self._program.functions()
        self._program.finish()
        self._program = Program(self._operators, self._place)

    def _tensor(self, tensor: Message) -> None:
        kind = tensor.number("dtype") % _REFERENCE
        known = 0 < kind < len(ELEMENT_TYPES)
        self._types[ELEMENT_TYPES[kind] if known else "unknown"] += 1
        if tensor.label == "tensor":
            if "string_val" not in tensor.texts:
                tensor.numbers = {"dtype": [tensor.number("dtype")]}
            tensor.attach()

    def _function(self, function: Message) -> None:
        graph = self._open.pop(id(function), Graph())
        for signature in function.nested.get("signature", ()):
            graph.name = signature.text("name")
            arguments = signature.nested.get("input_arg", ())
            graph.arguments = {one.text("name"): index for index, one in enumerate(arguments)}
        self._program.finish_graph(graph)

    def _asset(self, asset: Message) -> None:
        for info in asset.nested.get("tensor_info", ()):
            self._program.assets.add(info.text("name").partition(":")[0])
        if len(self._references) < KEPT_REFERENCES:
            name = asset.text("filename")
            problem = path_problem(name)
            self._references.append(
                ExternalReference(
                    locations=self._place.at(asset.start, asset.end),
                    purpose="asset",
                    path=name if problem else f"assets/{name}",
                    problem=problem,
                )
            )

    def _collected_assets(self, entry: Message) -> None:
        """Assets as version 1 writes them: packed messages in a collection."""
        for collection in entry.nested.get("value", ()):
            for packed in (
                one for many in collection.nested.get("any_list", ()) for one in many.nested.get("value", ())
            ):
                start, end = packed.numbers.get("value", (0, 0))
                walk = Walk(self._window, TENSORFLOW, self._limits)
                for message in walk.messages("AssetFileDef", start, end):
                    if message.kind == "TensorInfo":
                        message.attach()
                    elif message.kind == "AssetFileDef":
                        self._asset(message)

    def _keras(self, message: Message) -> None:
        """Settings of a Keras layer may hold code; they are content of their own."""
        start, end = message.numbers.get("metadata", (0, 0))
        if end > start and _KERAS.fullmatch(message.text("identifier")):
            name = message.text("node_path") or f"user_object at {message.start}"
            self._members.append(Member(name=f"{name}.json", start=start, end=end, hint="keras-config"))


def _looks_like_text(head: Head) -> bool:
    return head.name.endswith(".pbtxt") and bool(_TEXT_OPERATOR.search(head.start))


_TEXT_OPERATOR = re.compile(rb"""\bop\s*:\s*["']([A-Za-z_][\w>./-]{0,200})["']""")


def _read_text(window: Window, place: Place, limits: Limits) -> Iterator[Yield]:  # noqa: ARG001
    """Yield the operators that the text form of a graph names; how they are fed is not read.

    So the operators of a saver are taken for its own, and the file never counts as read.
    """
    operators = Operators("tensorflow-text")
    tail = b""
    for offset, piece in window.pieces():
        block = tail + piece
        kept = max(0, len(block) - 512)
        for match in _TEXT_OPERATOR.finditer(block):
            if match.start() < kept or offset + len(piece) >= window.size:
                start = offset - len(tail) + match.start()
                where = place.at(start, start + len(match[0]))
                op = match[1].decode()
                operators.add("tensorflow", "", op, where, reached="saver" if op in SAVER_OPERATORS else "")
        tail = block[kept:]
    yield from operators.observations()
    if window.size:
        yield Span(PARSED, 0, window.size)
    yield Halt("text-form", "the text form of a graph, of which only the operators were read")


def _reader(
    name: str, root: str, looks_like: Callable[[Head], bool], extensions: tuple[str, ...] = ()
) -> Reader:
    return Reader(
        format=Format(name),
        source=_SOURCE,
        looks_like=looks_like,
        read=_read_as(root, name),
        rank=45,
        extensions=extensions,
    )


READERS = (
    _reader("tensorflow-saved-model", "SavedModel", _looks_like_saved_model, (".pb",)),
    _reader("tensorflow-meta-graph", "MetaGraphDef", _looks_like_meta_graph, (".meta",)),
    _reader("tensorflow-graph", "GraphDef", _looks_like_graph, (".pb",)),
    _reader("tensorflow-fingerprint", "FingerprintDef", _looks_like_fingerprint, (".pb",)),
    _reader("keras-metadata", "SavedMetadata", _looks_like_metadata, (".pb",)),
    Reader(
        format=Format("tensorflow-text"),
        source=_SOURCE,
        looks_like=_looks_like_text,
        read=_read_text,
        rank=45,
        hides=("text",),
    ),
)
