"""LightGBM models as text: ``key=value`` lines, one block for each tree, then names and parameters.

Layout: ``tree``, ``version=v4``, the header with ``tree_sizes`` (bytes of each block), the blocks from
``Tree=0`` on, ``end of trees``, feature importances, parameters. Numbers and names alone, no code.

Source: LightGBM 4.6, src/boosting/gbdt_model_text.cpp, src/io/tree.cpp; CVE-2024-43598.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from owaudit.codec.bounds import reported
from owaudit.codec.breaches import Breaches
from owaudit.codec.reader import PARSED, Head, Place, Reader, Span, Yield
from owaudit.codec.text_lines import lines
from owaudit.codec.window import Window
from owaudit.model.artifact import Format
from owaudit.model.format_facts import FormatFeature
from owaudit.model.limits import Limits
from owaudit.model.observation import UnclaimedBytes

_FORMAT = Format("lightgbm")
_STARTS: Final = (b"tree\nversion=", b"tree\r\nversion=")
_PER_SPLIT: Final = (
    "split_feature", "split_gain", "threshold", "decision_type", "left_child", "right_child",
    "internal_value", "internal_weight", "internal_count",
)  # fmt: skip
_PER_LEAF: Final = ("leaf_value", "leaf_weight", "leaf_count", "leaf_const")
_INDICES: Final = ("left_child", "right_child", "split_feature", "cat_boundaries")
_NO_TEXT: Final = re.compile(rb"[\x00-\x08\x0e-\x1f]")
_REST: Final = re.compile(
    r"\s*\Z|(?:feature_importances|parameters|parser|end of parameters|end of parser|pandas_categorical):?|"
    r"\[[^\]=]{1,100}:|[^=]{1,1000}=-?[\d.eE+-]+\Z|[{}\s\"]"
)
"""Lines behind the trees: importances of features, parameters, settings of a parser, categories."""
_MOST_TREES: Final = 10_000_000


def looks_like(head: Head) -> bool:
    return head.start.startswith(_STARTS)


def read(window: Window, place: Place, _limits: Limits) -> Iterator[Yield]:
    """Yield what does not fit. Raises LimitExceeded for lines over ``text_lines.LONGEST``."""
    breaches = Breaches(_FORMAT)
    yield from reported(_Model(window, place, breaches).read(), _FORMAT, place, breaches)


class _Model:
    def __init__(self, window: Window, place: Place, breaches: Breaches) -> None:
        self._window = window
        self._place = place
        self._breaches = breaches
        self._header: dict[str, str] = {}
        self._sizes: list[int] = []
        self._starts: list[int] = []
        self._tree: dict[str, str | int | list[int]] = {}
        self._features: list[FormatFeature] = []

    def read(self) -> Iterator[Yield]:
        part = "header"
        end = 0
        for at, line in lines(self._window):
            text = line.decode("utf-8", "replace")
            if _NO_TEXT.search(line) or (part == "rest" and not _REST.match(text)):
                yield Span(PARSED, 0, at)
                yield from self._after(at)
                return
            if part == "header" and text.startswith("Tree="):
                self._settle_header()
                part = "trees"
            if part == "header":
                self._header_line(text)
            elif part == "trees":
                if text.startswith("Tree="):
                    self._next_tree(at)
                elif text == "end of trees":
                    self._next_tree(at)
                    part = "rest"
                else:
                    self._tree_line(text)
            elif text == "parser:":
                self._features.append(
                    FormatFeature(locations=self._place.at(at), format=_FORMAT, feature="parser-settings")
                )
            end = at + len(line)
        if part == "header":
            self._settle_header()
        if part != "rest":
            self._breaches.note("ending", "a line 'end of trees'", "none", self._place.at(end))
        self._settle()
        yield from self._features
        yield Span(PARSED, 0, self._window.size)

    def _after(self, at: int) -> Iterator[Yield]:
        """What stands from ``at`` on is no line of a model."""
        self._settle()
        yield from self._features
        where = self._place.at(at, self._window.size)
        yield UnclaimedBytes(locations=where, position="after", size=self._window.size - at)

    def _header_line(self, text: str) -> None:
        key, _, value = text.partition("=")
        if key == "tree_sizes":
            self._sizes = [int(size) if size.isdecimal() and len(size) < 20 else -1 for size in value.split()]
        elif len(self._header) < 100:
            self._header[key] = value

    def _settle_header(self) -> None:
        for key in ("num_class", "max_feature_idx"):
            value = self._header.get(key, "")
            if not value.isdecimal():
                self._breaches.note(key, "0 or more", value or "none", self._place.at())
        names = self._header.get("feature_names", "").split()
        features = self._feature_count()
        if features is not None and len(names) != features:
            found = f"{len(names)} names"
            self._breaches.note("feature_names", f"{features} names", found, self._place.at())

    def _feature_count(self) -> int | None:
        value = self._header.get("max_feature_idx", "")
        return int(value) + 1 if value.isdecimal() and len(value) < 12 else None

    def _next_tree(self, at: int) -> None:
        if self._starts:
            self._check_tree(self._starts[-1])
        if len(self._starts) < _MOST_TREES:
            self._starts.append(at)
        self._tree = {}

    def _tree_line(self, text: str) -> None:
        key, equals, value = text.partition("=")
        if not equals:
            return
        if key in _INDICES:
            numbers = value.split()
            whole = all(len(one) < 20 and one.removeprefix("-").isdecimal() for one in numbers)
            self._tree[key] = [int(one) for one in numbers] if whole else "not whole numbers"
        elif key in _PER_SPLIT or key in _PER_LEAF:
            self._tree[key] = len(value.split())
        else:
            self._tree[key] = value[:80]

    def _check_tree(self, at: int) -> None:
        where = self._place.at(at)
        leaves = self._tree.get("num_leaves")
        if not isinstance(leaves, str) or not leaves.isdecimal() or not 0 < int(leaves[:12]) < 1 << 31:
            self._breaches.note("num_leaves", "1 or more", str(leaves), where)
            return
        count = int(leaves)
        for key, found in self._tree.items():
            expected = count - 1 if key in _PER_SPLIT else count if key in _PER_LEAF else None
            if isinstance(found, list):
                self._check_indices(key, found, count, at)
                found = len(found)
            # a tree that is one leaf may leave its arrays out
            if expected is not None and found != expected and not (count == 1 and found in (0, 1)):
                self._breaches.outside(key, f"{expected} numbers", str(found), where)

    def _check_indices(self, key: str, values: list[int], leaves: int, at: int) -> None:
        features = self._feature_count()
        for value in values:
            if key.endswith("_child"):
                fits = value < leaves - 1 if value >= 0 else ~value < leaves
                expected = f"one of {leaves - 1} splits or {leaves} leaves"
            elif key == "split_feature":
                fits = value >= 0 and (features is None or value < features)
                expected = f"below {features}"
            else:
                fits, expected = value >= 0, "0 or more"
            if not fits:
                self._breaches.outside(key, expected, str(value), self._place.at(at))

    def _settle(self) -> None:
        """The sizes in the header are where the loader cuts the text."""
        blocks = [end - start for start, end in zip(self._starts, self._starts[1:], strict=False)]
        if self._sizes and blocks != self._sizes:
            first = next(
                (pair for pair in zip(self._sizes, blocks, strict=False) if pair[0] != pair[1]), None
            )
            expected = f"{len(blocks)} blocks" if first is None else f"{first[1]} bytes"
            found = f"{len(self._sizes)} sizes" if first is None else f"{first[0]}"
            self._breaches.outside("tree_sizes", expected, found, self._place.at())


READER = Reader(
    format=_FORMAT,
    source="LightGBM 4.6, src/boosting/gbdt_model_text.cpp",
    looks_like=looks_like,
    read=read,
    rank=40,
    hides=("text", "source-code"),
    extensions=(".lgb", ".lgbm", ".txt", ".model"),
)
