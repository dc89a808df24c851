"""MXNet graphs as JSON (``*-symbol.json``): nodes with an operator each, and which of them are inputs.

Source: MXNet 1.9, 3rdparty/tvm/nnvm/src/pass/saveload_json.cc; docs, "Custom operators".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from owaudit.codec.breaches import Breaches
from owaudit.codec.json_text import document
from owaudit.codec.reader import PARSED, Head, Place, Reader, Span, Yield
from owaudit.codec.window import Window
from owaudit.model.artifact import Format
from owaudit.model.format_facts import FormatFeature
from owaudit.model.limits import Limits

_FORMAT = Format("mxnet-symbol")
_START: Final = re.compile(rb'\s*\{\s*"nodes"\s*:\s*\[\s*\{[^{}]{0,2000}"op"\s*:')
_CUSTOM: Final = frozenset(
    ("Custom", "_Native", "_NDArray", "_TensorRT", "_sg_mkldnn_custom", "_CustomFunction")
)
MOST_FEATURES: Final = 1000


def looks_like(head: Head) -> bool:
    return _START.match(head.start) is not None and (
        b'"arg_nodes"' in head.end or b'"heads"' in head.end or head.name.endswith("-symbol.json")
    )


def read(window: Window, place: Place, _limits: Limits) -> Iterator[Yield]:
    """Yield operators that call code of the program, and indices that lead nowhere.

    Raises:
        FormatError: not JSON.
        LimitExceeded: longer than a graph is.
    """
    graph, _ = document(window, constants=True)
    breaches = Breaches(_FORMAT)
    nodes = graph.get("nodes") if isinstance(graph, dict) else None
    if not isinstance(nodes, list):
        breaches.note("nodes", "a list of nodes", type(nodes).__name__, place.at())
        nodes = []
    shown = 0
    for index, node in enumerate(nodes):
        yield from _node(node, index, len(nodes), place, breaches) if shown < MOST_FEATURES else ()
        shown += isinstance(node, dict) and node.get("op") in _CUSTOM
    for key in ("arg_nodes", "heads"):
        for entry in _listed(graph.get(key) if isinstance(graph, dict) else None):
            _inside(
                entry[0] if isinstance(entry, list) and entry else entry, len(nodes), key, place, breaches
            )
    yield from breaches.observations()
    yield Span(PARSED, 0, window.size)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _node(node: Any, index: int, count: int, place: Place, breaches: Breaches) -> Iterator[FormatFeature]:
    where = place.at(pointer=f"/nodes/{index}")
    if not isinstance(node, dict) or not isinstance(node.get("op"), str):
        breaches.note("node", "an object with an operator", type(node).__name__, where)
        return
    for entry in _listed(node.get("inputs")):
        _inside(entry[0] if isinstance(entry, list) and entry else entry, count, "inputs", place, breaches)
    if node["op"] in _CUSTOM:
        attributes: dict[str, Any] = next(
            (node[key] for key in ("attrs", "attr", "param") if isinstance(node.get(key), dict)), {}
        )
        name = str(attributes.get("op_type", node["op"]))[:200]
        yield FormatFeature(locations=where, format=_FORMAT, feature="custom-operator", name=name)


def _inside(value: Any, count: int, clause: str, place: Place, breaches: Breaches) -> None:
    if not isinstance(value, int) or not 0 <= value < count:
        breaches.outside(clause, f"one of {count} nodes", repr(value), place.at(pointer=f"/{clause}"))


READER = Reader(
    format=_FORMAT,
    source="MXNet 1.9, saveload_json.cc",
    looks_like=looks_like,
    read=read,
    rank=45,
    hides=("hub-config", "source-code", "text"),
    extensions=(".json",),
)
