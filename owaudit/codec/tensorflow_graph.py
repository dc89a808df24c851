"""The nodes of TensorFlow graphs and functions, and where the paths come from that they are given.

A graph is a program, so what matters is which operators it holds. Three kinds need a second look,
because every honest SavedModel has them: operators that save and restore variables where their
caller says, word lists among the assets, and operators that only touch files when given one. For
these the path is followed back through the graph, and through the calls of its functions.

Source: TensorFlow 2.21, core/framework/node_def.proto and function.proto; python/training/saver.py;
python/checkpoint/functional_saver.py.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from owaudit.codec.bounds import path_problem
from owaudit.codec.operators import Operators
from owaudit.codec.protobuf import Message
from owaudit.codec.reader import Place
from owaudit.codec.tensorflow_schema import STRING_TYPE

_FOLLOWED: Final = re.compile(
    r"File|Reader|Dataset|Restore|Save|Checkpoint|Rpc|PyFunc|Write|Dump|Load|Matching|^Cache"
)
"""Operators whose constant inputs are told."""
_PATH_INPUTS: Final = {
    "SaveV2": (0,), "Save": (0,), "SaveSlices": (0,), "MergeV2Checkpoints": (0, 1), "RestoreV2": (0,),
    "Restore": (0,), "RestoreSlice": (0,), "InitializeTableFromTextFile": (1,),
    "InitializeTableFromTextFileV2": (1,), "CacheDataset": (1,), "CacheDatasetV2": (1,),
}  # fmt: skip
_FILE_ATTRIBUTES: Final = {
    "PrintV2": "output_stream",
    "FixedUnigramCandidateSampler": "vocab_file",
    "TensorSliceDataset": "is_files",
}
"""Operators that touch a file only if this attribute says so."""
_SAVES: Final = frozenset(("SaveV2", "Save", "SaveSlices", "MergeV2Checkpoints"))
_RESTORES: Final = frozenset(("RestoreV2", "Restore", "RestoreSlice"))
SAVER_OPERATORS: Final = _SAVES | _RESTORES
_TABLES: Final = frozenset(("InitializeTableFromTextFile", "InitializeTableFromTextFileV2"))
_CACHES: Final = frozenset(("CacheDataset", "CacheDatasetV2"))

_PASSED_ON: Final = {
    "Identity": (0,), "StringJoin": None, "ShardedFilename": (0,), "Select": (1, 2), "SelectV2": (1, 2),
    "Pack": None, "ConcatV2": None, "Reshape": (0,), "ExpandDims": (0,), "Squeeze": (0,), "EnsureShape": (0,),
    "StopGradient": (0,), "PlaceholderWithDefault": (0,),
}  # fmt: skip
"""Operators that build a path from their inputs: which of them (None: all)."""
_VARIABLES: Final = frozenset(("ReadVariableOp", "AssignVariableOp"))
_CALLS: Final = frozenset(("PartitionedCall", "StatefulPartitionedCall"))
_MOST_STEPS: Final = 10_000
"""Nodes that one path is followed through."""
_ALL_STEPS: Final = 500_000
"""Nodes that all paths of a model are followed through; past that, nothing is known of a path."""
_KEPT_NODES: Final = 200_000

CALLER, CONSTANT, ASSET, OPAQUE = "caller", "constant", "asset", "opaque"


@dataclass(frozen=True, slots=True)
class Node:
    """A node that may be asked about again; ``texts`` is None where it is no readable constant."""

    name: str
    op: str
    inputs: tuple[str, ...]
    texts: tuple[str, ...] | None
    start: int
    end: int


@dataclass(slots=True)
class Graph:
    """The main graph (without a name), or the body of one function with its arguments."""

    name: str = ""
    arguments: dict[str, int] = field(default_factory=dict)
    nodes: dict[str, Node] = field(default_factory=dict)
    followed: list[Node] = field(default_factory=list)
    assigned: dict[str, list[str]] = field(default_factory=dict)
    """Variables of texts, and the nodes whose values they are given."""
    calls: list[tuple[str, tuple[str, ...] | None]] = field(default_factory=list)
    """Called functions and the inputs they are given; None where inputs are not arguments one by one."""


class Program:
    """The graphs of one model: filled node by node, then asked for its operators."""

    def __init__(self, operators: Operators, place: Place) -> None:
        self._operators = operators
        self._place = place
        self._graphs: list[Graph] = []
        self._kept = 0
        self.saver_files: set[str] = set()
        """Names of the nodes that a saver feeds with the name of the file."""
        self.assets: set[str] = set()
        """Names of the nodes that the loader feeds with the path of an asset."""

    def node(self, graph: Graph, message: Message) -> None:
        """Take one node: count its operator, or keep it for the end."""
        op, name = message.text("op"), message.text("name")
        inputs = tuple(_base(text) for text in message.texts.get("input", ()) if not text.startswith("^"))
        attributes = {entry.text("key"): _value(entry) for entry in message.nested.get("attr", ())}
        for value in attributes.values():
            for callee in _functions(value):
                direct = op in _CALLS or op == callee
                graph.calls.append((callee, inputs if direct else None))
        if op and not op[0].isupper():
            graph.calls.append((op, inputs))
        if op in _VARIABLES:
            self._variable(graph, op, name, inputs, attributes.get("dtype"))
        texts = _constant(attributes.get("value")) if op == "Const" else ()
        node = Node(name, op, inputs, texts, message.start, message.end)
        if self._kept < _KEPT_NODES and (
            op in _PASSED_ON or op == "Placeholder" or (op == "Const" and texts != ())
        ):
            self._kept += 1
            graph.nodes[name] = node
        if _FOLLOWED.search(op) and op not in _FILE_ATTRIBUTES and self._kept < _KEPT_NODES:
            self._kept += 1
            graph.followed.append(node)
        else:
            self._count(node, reached="file" if _names_file(op, attributes) else "")

    def _variable(
        self, graph: Graph, op: str, name: str, inputs: tuple[str, ...], kind: Message | None
    ) -> None:
        if kind is None or kind.number("type") != STRING_TYPE or not inputs or self._kept >= _KEPT_NODES:
            return
        self._kept += 1
        if op == "ReadVariableOp":
            graph.assigned.setdefault(name, []).append(inputs[0])
        elif len(inputs) > 1:
            graph.assigned.setdefault(inputs[0], []).append(inputs[1])

    def finish_graph(self, graph: Graph) -> None:
        """The nodes of a graph or function are complete."""
        self._graphs.append(graph)

    def functions(self) -> frozenset[tuple[str, str]]:
        """Domain and name of the functions that cannot be mistaken for operators of the registry."""
        return frozenset(
            ("", graph.name) for graph in self._graphs if graph.name and not graph.name.isalnum()
        )

    def finish(self) -> None:
        """Count the operators whose paths had to be followed, and forget the graphs' nodes."""
        follower = _Follower(self._graphs, self.saver_files, self.assets)
        for graph in self._graphs:
            for node in graph.followed:
                sources = follower.sources(graph, node, _PATH_INPUTS.get(node.op))
                texts = tuple(sorted(text for kind, text in sources if kind == CONSTANT))
                self._count(node, texts=texts, reached=_reached(node.op, sources, bool(self.assets)))
            for kept in (graph.followed, graph.nodes, graph.assigned):
                kept.clear()
        self._kept = 0

    def _count(self, node: Node, *, texts: tuple[str, ...] = (), reached: str = "") -> None:
        where = self._place.at(node.start, node.end, pointer=node.name[:200] or None)
        self._operators.add("tensorflow", "", node.op, where, texts=texts, reached=reached)


def _reached(op: str, sources: frozenset[tuple[str, str]], has_assets: bool) -> str:
    kinds = {kind for kind, _ in sources}
    clean = OPAQUE not in kinds and not any(path_problem(text) for kind, text in sources if kind == CONSTANT)
    if op in _SAVES:
        return "saver" if clean and CALLER in kinds else ""
    if op in _RESTORES:
        return "saver" if clean and kinds else ""
    if op in _TABLES:
        return "asset" if has_assets and kinds and kinds <= {ASSET, CALLER} else ""
    if op in _CACHES:
        return "" if sources and all(source == (CONSTANT, "") for source in sources) else "file"
    return ""


class _Follower:
    """Follows inputs back to constants, placeholders and arguments of functions."""

    def __init__(self, graphs: list[Graph], saver_files: set[str], assets: set[str]) -> None:
        self._saver_files = saver_files
        self._assets = assets
        self._steps = 0
        self._known: dict[tuple[int, tuple[str, ...]], frozenset[tuple[str, str]]] = {}
        self._callers: dict[str, list[tuple[Graph, tuple[str, ...] | None]]] = defaultdict(list)
        for graph in graphs:
            for callee, inputs in graph.calls:
                self._callers[callee].append((graph, inputs))

    def sources(
        self, graph: Graph, node: Node, indices: tuple[int, ...] | None
    ) -> frozenset[tuple[str, str]]:
        """Kind and text of everything that the inputs of ``node`` are made of."""
        inputs = _chosen(node.inputs, indices)
        key = (id(graph), inputs)
        if key not in self._known:
            self._known[key] = self._follow(graph, inputs)
        return self._known[key]

    def _follow(self, graph: Graph, inputs: tuple[str, ...]) -> frozenset[tuple[str, str]]:
        found: set[tuple[str, str]] = set()
        todo = [(graph, name) for name in inputs]
        seen: set[tuple[int, str]] = set()
        while todo:
            where, name = todo.pop()
            if (id(where), name) in seen:
                continue
            seen.add((id(where), name))
            self._steps += 1
            if len(seen) > _MOST_STEPS or self._steps > _ALL_STEPS:
                return frozenset((*found, (OPAQUE, "")))
            found.update(self._step(where, name, todo))
        return frozenset(found)

    def _step(self, graph: Graph, name: str, todo: list[tuple[Graph, str]]) -> Iterator[tuple[str, str]]:
        if name in graph.arguments:
            yield from self._argument(graph, graph.arguments[name], todo)
            return
        node = graph.nodes.get(name)
        if not graph.name and name in self._assets:
            yield ASSET, ""
        elif name in graph.assigned:
            todo.extend((graph, source) for source in graph.assigned[name])
        elif node is None:
            yield OPAQUE, ""
        elif node.op == "Placeholder":
            yield CALLER, ""
        elif node.op == "Const":
            if not graph.name and name in self._saver_files:
                yield CALLER, ""  # the saver feeds it; whoever runs the operator otherwise does not
            yield from ((CONSTANT, text) for text in node.texts) if node.texts else ((OPAQUE, ""),)
        elif node.op in _PASSED_ON:
            if node.op == "PlaceholderWithDefault":
                yield CALLER, ""
            todo.extend((graph, source) for source in _chosen(node.inputs, _PASSED_ON[node.op]))
        else:
            yield OPAQUE, ""

    def _argument(self, graph: Graph, index: int, todo: list[tuple[Graph, str]]) -> Iterator[tuple[str, str]]:
        callers = self._callers.get(graph.name, ())
        if not callers:
            yield CALLER, ""
        self._steps += len(callers)
        for caller, inputs in callers:
            if inputs is None or index >= len(inputs):
                yield OPAQUE, ""
            else:
                todo.append((caller, inputs[index]))


def _chosen(inputs: tuple[str, ...], indices: tuple[int, ...] | None) -> tuple[str, ...]:
    return inputs if indices is None else tuple(inputs[i] for i in indices if i < len(inputs))


def _base(text: str) -> str:
    return text.partition(":")[0]


def _value(entry: Message) -> Message | None:
    return entry.nested["value"][-1] if "value" in entry.nested else None


def _functions(value: Message | None) -> Iterator[str]:
    if value is not None:
        for holder in (value, *value.nested.get("list", ())):
            for function in holder.nested.get("func", ()):
                yield function.text("name")


def _constant(value: Message | None) -> tuple[str, ...] | None:
    """The texts of a constant: empty for numbers, None where they are stored another way."""
    if value is None or "tensor" not in value.nested:
        return ()
    tensor = value.nested["tensor"][-1]
    if tensor.number("dtype") != STRING_TYPE:
        return ()
    texts = tuple(tensor.texts.get("string_val", ()))
    return None if "tensor_content" in tensor.sizes or len(texts) > 1000 else texts or ("",)


def _names_file(op: str, attributes: dict[str, Message | None]) -> bool:
    """Is an operator that can do without a file given one?"""
    value = attributes.get(_FILE_ATTRIBUTES.get(op, ""))
    if value is None:
        return False
    text = value.text("s")
    return text.startswith("file:") if op == "PrintV2" else bool(text or value.number("b"))
