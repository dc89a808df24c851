"""The tree of a skops file: typed nodes, each naming a class or function and how to get at it.

Every node is an object with ``__loader__``, ``__module__``, ``__class__`` and, by loader, ``content``,
``attrs``, ``file`` … The loader decides what happens to the name: a function is imported, an object
built without its initializer and given its state, a constructor or operator called.

Source: skops 0.14, skops/io/_general.py, _numpy.py, _scipy.py, _sklearn.py and _audit.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from owaudit.model.observation import Use

MOST_NODES: Final = 5_000_000
MOST_TYPES: Final = 5000
"""Different names kept; honest files have some dozen."""

LOADERS: Final = {
    "DictNode": Use.CONSTRUCT, "DefaultDictNode": Use.CONSTRUCT, "ListNode": Use.CONSTRUCT,
    "SetNode": Use.CONSTRUCT, "TupleNode": Use.CONSTRUCT, "FunctionNode": Use.REFERENCE,
    "PartialNode": Use.CALL, "TypeNode": Use.REFERENCE, "SliceNode": Use.CONSTRUCT,
    "ObjectNode": Use.BUILD, "MethodNode": Use.REFERENCE, "JsonNode": Use.CONSTRUCT,
    "BytesNode": Use.CONSTRUCT, "BytearrayNode": Use.CONSTRUCT, "OperatorFuncNode": Use.CALL,
    "ConstructorFromReduceNode": Use.CALL, "NdArrayNode": Use.CONSTRUCT, "MaskedArrayNode": Use.CONSTRUCT,
    "RandomStateNode": Use.CONSTRUCT, "RandomGeneratorNode": Use.CONSTRUCT, "DTypeNode": Use.CONSTRUCT,
    "SparseMatrixNode": Use.CONSTRUCT, "ReduceNode": Use.CALL, "TreeNode": Use.BUILD,
    "SGDNode": Use.CALL, "LossNode": Use.BUILD, "_DictWithDeprecatedKeysNode": Use.CONSTRUCT,
    "CachedNode": Use.REFERENCE, "QuantileForestNode": Use.BUILD,
    "ObjectPlaceholderNode": Use.CONSTRUCT, "DatetimeNode": Use.CALL, "PatternNode": Use.CALL,
}  # fmt: skip
"""Loaders of all protocols, and what each does with its name."""

PLAIN: Final = frozenset(
    (
        "DictNode", "DefaultDictNode", "ListNode", "SetNode", "TupleNode", "SliceNode", "JsonNode",
        "BytesNode", "BytearrayNode", "NdArrayNode", "MaskedArrayNode", "RandomStateNode",
        "RandomGeneratorNode", "DTypeNode", "SparseMatrixNode", "CachedNode", "_DictWithDeprecatedKeysNode",
    )
)  # fmt: skip
"""Loaders for a fixed handful of classes: whether the name is one of them is the whole question."""


@dataclass(frozen=True, slots=True)
class Node:
    """One node: its loader, the dotted name it asks for, and the file it reads, if any."""

    loader: str
    name: str
    file: str
    method: str = ""


def is_node(value: Any) -> bool:
    """Does this value look like a node?"""
    return isinstance(value, dict) and isinstance(value.get("__loader__"), str)


def nodes(value: Any) -> Iterator[Node]:
    """Yield every node of a tree, outside in; at most ``MOST_NODES`` values are looked at."""
    todo = [value]
    for _ in range(MOST_NODES):
        if not todo:
            return
        item = todo.pop()
        if isinstance(item, dict):
            if is_node(item):
                yield _node(item)
            todo.extend(reversed([child for child in item.values() if isinstance(child, dict | list)]))
        elif isinstance(item, list):
            todo.extend(reversed([child for child in item if isinstance(child, dict | list)]))


def _node(item: dict[str, Any]) -> Node:
    loader, module, name = (str(item.get(key, "")) for key in ("__loader__", "__module__", "__class__"))
    content = item.get("content")
    method = content.get("func", "") if loader == "MethodNode" and isinstance(content, dict) else ""
    file = item.get("file")
    dotted = f"{module}.{name}" if module else name
    return Node(loader, dotted, file if isinstance(file, str) else "", str(method))
