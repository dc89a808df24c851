"""ONNX: one protocol buffer with a graph, its tensors, functions and references to other files.

There is no magic: a file is ONNX when its fields are those of a model and it has a graph. Only
structure is walked, in one pass; the numbers of tensors are stepped over by their length.

Source: onnx 1.23, onnx/onnx.proto3, docs/ExternalData.md; ONNX Runtime, contrib operators, EPContext.
"""

from __future__ import annotations

from collections.abc import Iterator

from owaudit.codec.bounds import path_problem, reported
from owaudit.codec.breaches import Breaches
from owaudit.codec.onnx_schema import ONNX
from owaudit.codec.onnx_tensors import Tensors
from owaudit.codec.operators import Operators
from owaudit.codec.protobuf import LENGTH, VARINT, Message, Walk, Wire, fits
from owaudit.codec.protobuf_facts import account
from owaudit.codec.reader import Head, Place, Reader, Yield
from owaudit.codec.window import Window
from owaudit.errors import FormatError, ReadError
from owaudit.model.artifact import Format
from owaudit.model.graph_facts import ExternalReference, OperatorDefined
from owaudit.model.limits import Limits
from owaudit.model.location import Location
from owaudit.model.observation import MetadataEntry

KEPT_METADATA = 100
KEPT_VALUE = 1000
LONGEST_PATH = 4096
MOST_FUNCTIONS = 100_000
DEFAULT_DOMAIN = "ai.onnx"
LARGEST_MESSAGE = 2**31 - 1
"""Bytes: parsers refuse a longer message."""

_FORMAT = Format("onnx")
_GRAPH, _VERSION = 7, 1
_MOST_FIELDS = 4096
"""Fields of the model that identification looks at: an operator set and a function is one each."""
_RUNTIME_DOMAINS = ("ai.onnx", "com.microsoft", "com.ms.internal", "org.pytorch")
"""Domains that runtimes bring along: a name in them is not settled by a function of the same name."""


def looks_like(head: Head) -> bool:
    """Are the fields those of a model, with a version and a graph that begins as one?"""
    wire = Wire(head.window)
    seen: set[tuple[int, int]] = set()
    graph = None
    at = 0
    for _ in range(_MOST_FIELDS):
        if at >= head.size:
            break
        try:
            tag, place = wire.varint(at, head.size)
            if tag >> 3 not in ONNX["ModelProto"] and not head.name.endswith(".onnx"):
                return False
            seen.add((tag >> 3, tag & 7))
            if tag == _GRAPH << 3 | LENGTH and graph is None:
                size, start = wire.varint(place, head.size)
                graph = (start, min(start + size, head.size))
            at = wire.field(at, head.size).end
        except FormatError:
            # A cut file is still what it was meant as.
            break
    if graph is None:
        return False
    version = (_VERSION, VARINT) in seen or head.name.endswith(".onnx")
    inner = fits(wire, ONNX, "GraphProto", *graph, tolerant=head.name.endswith(".onnx"))
    return version and inner is not None and (bool(inner) or len(seen) > 2)


def read(window: Window, place: Place, limits: Limits) -> Iterator[Yield]:
    """Yield operators, functions, tensors, references to other files and breaches of the law.

    Raises:
        FormatError: the bytes are no protocol buffer from some point on.
        LimitExceeded: over ``limits.fields`` fields.
    """
    breaches = Breaches(_FORMAT)
    yield from reported(_Model(window, place, limits, breaches).read(), _FORMAT, place, breaches)


class _Model:
    """One model while it is walked."""

    def __init__(self, window: Window, place: Place, limits: Limits, breaches: Breaches) -> None:
        self._window = window
        self._place = place
        self._breaches = breaches
        self._walk = Walk(window, ONNX, limits)
        self._operators = Operators(_FORMAT)
        self._tensors = Tensors(breaches, place)
        self._functions: dict[tuple[str, str], tuple[Location, ...]] = {}
        self._metadata: list[MetadataEntry] = []
        self._native: list[ExternalReference] = []
        self._has_graph = False

    def read(self) -> Iterator[Yield]:
        window = self._window
        if window.size > LARGEST_MESSAGE:
            where = self._place.at()
            self._breaches.note("size", f"at most {LARGEST_MESSAGE} bytes", str(window.size), where)
        stopped: ReadError | None = None
        try:
            for message in self._walk.messages("ModelProto", 0, window.size):
                self._take(message)
        except ReadError as error:
            stopped = error
        yield from self._facts()
        yield from account(self._walk, window, self._place)
        if stopped is not None:
            raise stopped
        if not self._has_graph:
            self._breaches.note("graph", "a graph", "none", self._place.at())

    def _take(self, message: Message) -> None:
        match message.kind, message.label:
            case ("Pair", "external_data") | ("Segment", _):
                message.attach()
            case "Pair", "metadata_props":
                self._property(message)
            case "TensorProto", _:
                self._tensors.add(message)
            case "AttributeProto", "attribute":
                if message.texts.get("s") or message.numbers:
                    message.attach()
            case "NodeProto", _:
                self._node(message)
            case "FunctionProto", _:
                self._function(message)
            case "GraphProto", "graph":
                self._has_graph = True

    def _node(self, node: Message) -> None:
        domain, name = node.text("domain") or DEFAULT_DOMAIN, node.text("op_type")
        where = self._place.at(node.start, node.end)
        texts: dict[str, str] = {}
        numbers: dict[str, int] = {}
        for one in node.nested.get("attribute", ()):
            if "s" in one.texts:
                texts[one.text("name")] = one.text("s")
            else:
                numbers[one.text("name")] = one.number("i")
        given = tuple(f"{key}={value}" for key, value in sorted(texts.items()))
        self._operators.add("onnx", domain, name, where, texts=given)
        if name == "EPContext" and numbers.get("embed_mode", 1) == 0 and len(self._native) < KEPT_METADATA:
            path = texts.get("ep_cache_context", "")[:LONGEST_PATH]
            self._native.append(
                ExternalReference(locations=where, purpose="native", path=path, problem=path_problem(path))
            )

    def _function(self, function: Message) -> None:
        if len(self._functions) < MOST_FUNCTIONS:
            key = (function.text("domain") or DEFAULT_DOMAIN, function.text("name"))
            self._functions.setdefault(key, self._place.at(function.start, function.end))

    def _property(self, pair: Message) -> None:
        if len(self._metadata) < KEPT_METADATA:
            value = pair.text("value")
            self._metadata.append(
                MetadataEntry(
                    locations=self._place.at(pair.start, pair.end),
                    key=pair.text("key")[:200],
                    value=value[:KEPT_VALUE] + ("…" if len(value) > KEPT_VALUE else ""),
                    size=pair.end - pair.start,
                )
            )

    def _facts(self) -> Iterator[Yield]:
        yield from self._metadata
        local = frozenset(
            (domain, name) for domain, name in self._functions if not domain.startswith(_RUNTIME_DOMAINS)
        )
        yield from self._operators.observations(local)
        for (domain, name), where in sorted(self._functions.items()):
            if (domain, name) not in local:
                yield OperatorDefined(locations=where, format=_FORMAT, domain=domain, name=name)
        yield from self._tensors.observations()
        yield from self._native


READER = Reader(
    format=_FORMAT,
    source="onnx 1.23, onnx/onnx.proto3",
    looks_like=looks_like,
    read=read,
    rank=40,
    extensions=(".onnx",),
)
