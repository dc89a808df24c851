"""Matching dotted names by whole components, through a trie.

An entry covers the name it spells and all its children: ``subprocess`` covers
``subprocess.Popen``, never ``subprocesses``. A last component ``*`` means the children only. A
component may end in ``*`` and then matches every component that starts with what stands before it
(``os.spawn*``). ``**.name`` matches one component wherever it stands after the first. Looking a
name up costs its number of components, not the number of entries.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

V = TypeVar("V")

ANYWHERE = "**."

DEEPEST = 24
"""Components of an entry. It bounds what is compared of a name, however long a pickle makes it."""


@dataclass(frozen=True, slots=True)
class Hit(Generic[V]):
    """An entry that covers the name; ``depth`` is how many components it spells."""

    entry: str
    depth: int
    value: V


class _Node(Generic[V]):
    __slots__ = ("below", "children", "globs", "here")

    def __init__(self) -> None:
        self.children: dict[str, _Node[V]] = {}
        self.globs: dict[str, _Node[V]] = {}
        self.here: list[Hit[V]] = []
        self.below: list[Hit[V]] = []


def problem(entry: str) -> str:
    """Say what is wrong with an entry, or return an empty string."""
    if entry.count(".") >= DEEPEST:
        return f"more than {DEEPEST} components"
    if entry.startswith(ANYWHERE):
        tail = entry.removeprefix(ANYWHERE)
        return "" if tail and "." not in tail and "*" not in tail else "no single component after '**.'"
    for component in entry.split("."):
        if not component:
            return "an empty component"
        if "*" in component[:-1]:
            return f"a '*' that is not at the end of the component {component!r}"
    return ""


class PatternIndex(Generic[V]):
    """Entries with a value each. Filled once, then only asked."""

    def __init__(self) -> None:
        self._root: _Node[V] = _Node()
        self._anywhere: dict[str, list[Hit[V]]] = {}

    def add(self, entry: str, value: V) -> None:
        """Add an entry for which ``problem`` has nothing to say."""
        if entry.startswith(ANYWHERE):
            tail = entry.removeprefix(ANYWHERE)
            self._anywhere.setdefault(tail, []).append(Hit(entry, 2, value))
            return
        components = entry.split(".")
        only_children = components[-1] == "*"
        node = self._root
        for component in components[:-1] if only_children else components:
            glob = component.endswith("*")
            branch = node.globs if glob else node.children
            node = branch.setdefault(component.removesuffix("*") if glob else component, _Node())
        hit = Hit(entry, len(components) - only_children, value)
        (node.below if only_children else node.here).append(hit)

    def find(self, name: str) -> Iterator[Hit[V]]:
        """Yield every entry that covers ``name``, the widest first."""
        return self.walk(name.split("."))

    def walk(self, components: Sequence[str]) -> Iterator[Hit[V]]:
        """Like ``find`` for a name that is in components already."""
        if self._anywhere:
            for component in dict.fromkeys(components[1:]):
                yield from self._anywhere.get(component, ())
        nodes = [self._root]
        for component in components:
            for node in nodes:
                yield from node.below
            following: list[_Node[V]] = []
            for node in nodes:
                child = node.children.get(component)
                if child is not None:
                    following.append(child)
                if node.globs:
                    following += [n for p, n in node.globs.items() if component.startswith(p)]
            nodes = following
            if not nodes:
                return
            for node in nodes:
                yield from node.here
