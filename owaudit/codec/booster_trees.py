"""The law of gradient boosted trees in arrays: sizes that agree, and indices that stay inside.

Predictors in native code follow child and feature indices without looking at them again.

Source: xgboost 3.3, doc/model.schema; LightGBM 4.6, src/io/tree.cpp.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from owaudit.codec.breaches import Breaches
from owaudit.codec.reader import Place

NODE_ARRAYS: Final = (
    "left_children", "right_children", "parents", "split_indices", "split_conditions", "default_left",
)  # fmt: skip
_ROOT_PARENT: Final = 2**31 - 1


def integer(value: Any) -> int | None:
    """A whole number as xgboost writes it: a number, or a text with one."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, str) and 0 < len(value) < 20 and value.removeprefix("-").isdecimal():
        return int(value)
    return None


class Forest:
    """What one xgboost model says, taken value by value; ``settle`` says what does not fit."""

    def __init__(self, breaches: Breaches, place: Place) -> None:
        self._breaches = breaches
        self._place = place
        self.trees = 0
        self.largest_feature = -1
        self.said: dict[str, Any] = {}

    def tree(self, parts: Mapping[str, Any], offset: int) -> None:
        """Check one tree, whose object begins at ``offset``."""
        self.trees += 1
        where = self._place.at(offset)
        nodes = integer(parts.get("num_nodes"))
        if nodes is None or nodes < 1:
            self._breaches.note("num_nodes", "a count of nodes", repr(parts.get("num_nodes")), where)
            return
        for name in NODE_ARRAYS:
            values = parts.get(name)
            if not isinstance(values, Sequence) or isinstance(values, str):
                self._breaches.note(name, "an array", "none", where)
            elif len(values) != nodes:
                self._breaches.outside(name, f"{nodes} nodes", f"{len(values)}", where)
        left, right = parts.get("left_children"), parts.get("right_children")
        features = parts.get("split_indices")
        if all(isinstance(values, Sequence) and len(values) == nodes for values in (left, right, features)):
            self._indices(left, right, features, nodes, offset)  # type: ignore[arg-type]

    def _indices(
        self, left: Sequence[Any], right: Sequence[Any], features: Sequence[Any], nodes: int, offset: int
    ) -> None:
        where = self._place.at(offset)
        for index, (one, other, feature) in enumerate(zip(left, right, features, strict=True)):
            for child in (one, other):
                if not isinstance(child, int) or not (child == -1 or index < child < nodes):
                    expected = f"a node after {index} of {nodes}, or none"
                    if isinstance(child, int) and 0 <= child < nodes and child != index:
                        continue  # grown trees may reuse the places of deleted nodes
                    self._breaches.outside("child", expected, repr(child)[:40], where)
            if one != -1 and isinstance(feature, int):
                self.largest_feature = max(self.largest_feature, feature)
                if feature < 0:
                    self._breaches.outside("feature", "0 or more", str(feature), where)

    def settle(self) -> None:
        """Hold the counts of the model against what was found."""
        where = self._place.at()
        features = integer(self.said.get("num_feature"))
        if features is None or features < 0:
            self._breaches.note("num_feature", "0 or more", repr(self.said.get("num_feature")), where)
        elif self.largest_feature >= max(features, 1):
            self._breaches.outside("feature", f"below {features}", str(self.largest_feature), where)
        trees = integer(self.said.get("num_trees"))
        if "num_trees" in self.said and trees != self.trees:
            self._breaches.outside("num_trees", f"the {self.trees} trees that follow", repr(trees), where)
        for key in ("num_class", "num_target"):
            value = integer(self.said.get(key, 0))
            if value is None or value < 0:
                self._breaches.note(key, "0 or more", repr(self.said.get(key)), where)
