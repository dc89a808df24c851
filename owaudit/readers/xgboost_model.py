"""XGBoost models as JSON and as UBJSON: numbers and names alone, no code.

Both hold the same tree: ``learner`` with its parameters, ``gradient_booster`` and, for trees, one object
of arrays for each.

Source: xgboost 3.3, doc/tutorials/saving_model.rst and doc/model.schema.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from owaudit.codec.booster_trees import NODE_ARRAYS, Forest
from owaudit.codec.bounds import reported
from owaudit.codec.breaches import Breaches
from owaudit.codec.cursor import Cursor
from owaudit.codec.json_text import JsonScanner
from owaudit.codec.reader import PARSED, Head, Place, Reader, Span, Yield
from owaudit.codec.ubjson import Path, Ubjson
from owaudit.codec.window import Window
from owaudit.errors import LimitExceeded
from owaudit.model.artifact import Format
from owaudit.model.limits import Limits
from owaudit.model.observation import UnclaimedBytes

_JSON, _UBJ = Format("xgboost-json"), Format("xgboost-ubj")
_IS_JSON: Final = re.compile(
    rb'\s*\{\s*"(?:learner"\s*:\s*\{|version"\s*:\s*\[[\d,\s]*\]\s*,\s*"learner"\s*:\s*\{)'
)
_IS_UBJ: Final = re.compile(rb"\{(?:i|U|I.|l...|L.{7})(?:\x07learner\{|\x07version\[)", re.DOTALL)
_COUNTS: Final = ("num_feature", "num_trees", "num_class", "num_target")
_LARGEST_ARRAY: Final = 8 * 1024 * 1024


def _is_json(head: Head) -> bool:
    return _IS_JSON.match(head.start) is not None


def _is_ubj(head: Head) -> bool:
    return _IS_UBJ.match(head.start) is not None


def _read_json(window: Window, place: Place, _limits: Limits) -> Iterator[Yield]:
    """Yield what does not fit. Raises FormatError and LimitExceeded as ``JsonScanner``."""
    breaches = Breaches(_JSON)
    yield from reported(_json(window, Forest(breaches, place)), _JSON, place, breaches)


def _json(window: Window, forest: Forest) -> Iterator[Yield]:
    scanner = JsonScanner(window, ceiling=_LARGEST_ARRAY, constants=True)
    _json_value(scanner, (), forest, {})
    scanner.finish()
    forest.settle()
    yield Span(PARSED, 0, window.size)


def _json_value(scanner: JsonScanner, path: Path, forest: Forest, tree: dict[str, Any]) -> None:
    """Take one value, without ever holding more than one array of one tree."""
    first = scanner.peek()
    if first == "{" and len(path) < 20:
        start = scanner.offset
        for name, _ in scanner.members():
            _json_value(scanner, (*path, name), forest, tree)
        _leaf((*path, "}"), start, None, forest, tree)
    elif first == "[" and path[-1:] == ("trees",):
        for offset in scanner.elements():
            _json_tree(scanner, (*path, "[]"), offset, forest)
    else:
        _leaf(path, 0, scanner.value()[0], forest, tree)


def _json_tree(scanner: JsonScanner, path: Path, offset: int, forest: Forest) -> None:
    """Take one tree at once, or array by array where it is too large for that."""
    try:
        value = scanner.value()[0]
    except LimitExceeded:
        _json_value(scanner, path, forest, {})
        return
    parts = value if isinstance(value, dict) else {}
    said = parts.get("tree_param")
    forest.tree({**parts, "num_nodes": said.get("num_nodes") if isinstance(said, dict) else None}, offset)


def _leaf(path: Path, offset: int, value: Any, forest: Forest, tree: dict[str, Any]) -> None:
    if "trees" in path:
        if path[-3:] == ("trees", "[]", "}"):
            forest.tree(tree, offset)
            tree.clear()
        elif path[-1] in NODE_ARRAYS or path[-1] == "num_nodes":
            tree[path[-1]] = value
    elif path and path[-1] in _COUNTS:
        forest.said[path[-1]] = value


def _read_ubj(window: Window, place: Place, _limits: Limits) -> Iterator[Yield]:
    """Yield what does not fit. Raises FormatError and LimitExceeded as ``Ubjson.events``."""
    breaches = Breaches(_UBJ)
    yield from reported(_ubj(window, place, Forest(breaches, place)), _UBJ, place, breaches)


def _ubj(window: Window, place: Place, forest: Forest) -> Iterator[Yield]:
    cursor = Cursor(window, 0, ">")
    tree: dict[str, Any] = {}
    for path, offset, value in Ubjson(
        cursor, lambda path: path[-1:] != () and path[-1] in NODE_ARRAYS
    ).events():
        _leaf(path, offset, value, forest, tree)
    forest.settle()
    yield Span(PARSED, 0, cursor.at)
    if cursor.at < window.size:
        yield UnclaimedBytes(
            locations=place.at(cursor.at, window.size), position="after", size=window.size - cursor.at
        )


_SOURCE = "xgboost 3.3, doc/model.schema"
READERS = (
    Reader(
        format=_JSON,
        source=_SOURCE,
        looks_like=_is_json,
        read=_read_json,
        rank=40,
        hides=("hub-config", "source-code", "text"),
        extensions=(".json", ".xgb", ".model"),
    ),
    Reader(
        format=_UBJ,
        source=_SOURCE,
        looks_like=_is_ubj,
        read=_read_ubj,
        rank=40,
        hides=("pickle",),
        extensions=(".ubj", ".xgb", ".model"),
    ),
)
