"""Where a class comes from: its bases, inside the sources and outside, and what it inherits.

A base outside the sources is accepted when it is a plain type of Python or stands on a reviewed
list with at least ``build``. Any other base may do anything when it is loaded, so a class that
has one cannot be told to be inert.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from owaudit.judge.plain_names import (
    CALLED_BY_REDUCE,
    CLASS_DECORATORS,
    NAMED_TUPLES,
    PLAIN_BASES,
    PURE,
)
from owaudit.judge.rows import ReviewedRow, use_rank
from owaudit.judge.source_tree import (
    External,
    FunctionNode,
    Node,
    SourceClass,
    SourceFunction,
    SourceTree,
    dotted_of,
)
from owaudit.model.observation import Use

_DEEPEST = 64
"""Bases of bases; deeper chains are loops or made to be slow."""


ENUM_BASES = frozenset({"enum.Enum", "enum.IntEnum", "enum.StrEnum", "enum.Flag", "enum.IntFlag"})


_METACLASSES = frozenset({"builtins.type", "abc.ABCMeta", "enum.EnumMeta", "enum.EnumType"})
_ON_CLASSES = frozenset(
    {"__call__", "__getattr__", "__getattribute__", "__setattr__", "__instancecheck__", "__hash__", "__eq__"}
)
"""Methods of a metaclass that loading may run. The others run when the class is made, on import."""

_EXCEPTION_ENDINGS = ("Error", "Exception", "Warning", "Interrupt", "Exit", "Iteration")
_COMPUTED = ("property", "cached_property", "getter", "setter")


class NotInert(Exception):
    """The first reason why something is more than assignments; ``place`` is file and line."""

    def __init__(self, reason: str, place: str) -> None:
        super().__init__(f"{reason} ({place})")
        self.reason = reason
        self.place = place


class ReviewedNames:
    """What the reviewed lists say of names outside the sources."""

    def __init__(self, rows: Iterable[ReviewedRow], assumed: Iterable[str] = ()) -> None:
        self._use: dict[str, Use] = dict.fromkeys(assumed, Use.BUILD)
        self._free: set[str] = set()
        self._short: dict[tuple[str, str], set[str]] = defaultdict(set)
        for row in rows:
            for name in row.match:
                if name not in self._use or use_rank(row.use) > use_rank(self._use[name]):
                    self._use[name] = row.use
                if row.use is Use.CALL and row.arity is None and not row.conditions:
                    self._free.add(name)
        for name in self._use:
            package, _, last = name.rpartition(".")
            while package:
                self._short[package, last].add(name)
                package = package.rpartition(".")[0]

    def full_name(self, name: str) -> str:
        """The listed name behind a re-export such as ``torch.nn.Linear``, or the name itself."""
        if name in self._use:
            return name
        package, _, last = name.rpartition(".")
        longer = self._short.get((package, last), set())
        return next(iter(longer)) if len(longer) == 1 else name

    def may_extend(self, name: str) -> bool:
        """May a class have this outside base and still be inert?"""
        if name in PLAIN_BASES or name in ENUM_BASES or _is_exception(name):
            return True
        if name == "builtins.type":  # constructing an instance of a metaclass makes a class
            return False
        use = self._use.get(self.full_name(name))
        return use is not None and use_rank(use) >= use_rank(Use.BUILD)

    def may_init(self, name: str) -> bool:
        """Does the initializer of an outside base only store what it is given?"""
        plain = name in PLAIN_BASES or name in CALLED_BY_REDUCE or name in PURE
        return plain or _is_exception(name) or self.may_call(name)

    def may_call(self, name: str) -> bool:
        """Is the name reviewed for calls whatever its arguments?"""
        return self.full_name(name) in self._free


@dataclass(slots=True)
class Lineage:
    """One class with its bases in the order in which attributes are looked up."""

    cls: SourceClass
    bases: list[SourceClass] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)

    def lookup(self, name: str, after: SourceClass | None = None) -> list[SourceFunction] | None:
        """The definitions of a method, behind ``after`` in the order of bases.

        None: the sources define none. An attribute that is no function gives an empty list.
        """
        start = 0 if after is None else next((i + 1 for i, c in enumerate(self.bases) if c is after), 0)
        for cls in self.bases[start:]:
            if name in cls.members:
                return [
                    SourceFunction(cls.module, node)
                    for node in cls.members[name]
                    if isinstance(node, FunctionNode)
                ]
        return None

    def members(self, name: str) -> tuple[SourceClass, list[Node]] | None:
        """The class that binds ``name`` first, and to what."""
        for cls in self.bases:
            if name in cls.members:
                return cls, cls.members[name]
        return None

    def holder(self, node: FunctionNode) -> SourceClass | None:
        """The class of the lineage whose body holds the function."""
        for cls in self.bases:
            if any(member is node for member in cls.members.get(node.name, [])):
                return cls
        return None

    def is_property(self, name: str) -> bool:
        """Is the attribute computed when it is read?"""
        return any(
            (dotted_of(decorator) or "").rpartition(".")[2]
            in ("property", "cached_property", "getter", "setter")
            for method in self.lookup(name) or ()
            for decorator in method.node.decorator_list
        )

    @property
    def is_enum(self) -> bool:
        """Are its instances the members of an enumeration?"""
        return any(name in ENUM_BASES for name in self.outside)

    @property
    def is_called_by_reduce(self) -> bool:
        """Does an outside base make pickle call the class?"""
        return any(name in CALLED_BY_REDUCE or _is_exception(name) for name in self.outside)


def lineage_of(tree: SourceTree, reviewed: ReviewedNames, cls: SourceClass) -> Lineage:
    """Resolve the bases of a class.

    Raises:
        NotInert: a base, metaclass or class decorator is not known to be plain.
    """
    outside: list[str] = []
    bases = _linear(tree, reviewed, cls, outside, 0, ())
    found = Lineage(cls=cls, bases=bases, outside=list(dict.fromkeys(outside)))
    for base in bases:
        _check_metaclass(tree, base)
        _check_decorators(tree, base)
    return found


def _linear(
    tree: SourceTree,
    reviewed: ReviewedNames,
    cls: SourceClass,
    outside: list[str],
    depth: int,
    below: tuple[SourceClass, ...],
) -> list[SourceClass]:
    if depth > _DEEPEST or cls in below:
        raise NotInert(f"the bases of `{cls.qualname}` go in a circle", cls.place)
    chains: list[list[SourceClass]] = []
    direct: list[SourceClass] = []
    for node in cls.node.bases:
        for base in _base(tree, reviewed, cls, node):
            if isinstance(base, str):
                outside.append(base)
            else:
                direct.append(base)
                chains.append(_linear(tree, reviewed, base, outside, depth + 1, (*below, cls)))
    return [cls, *_merge([*chains, direct], cls)]


def _merge(chains: Sequence[list[SourceClass]], cls: SourceClass) -> list[SourceClass]:
    """C3: each class before its bases, bases in the order in which they were written."""
    todo = [list(chain) for chain in chains if chain]
    merged: list[SourceClass] = []
    while todo:
        head = next((chain[0] for chain in todo if not any(chain[0] in other[1:] for other in todo)), None)
        if head is None:
            raise NotInert(f"the bases of `{cls.qualname}` have no consistent order", cls.place)
        merged.append(head)
        todo = [rest for chain in todo if (rest := [one for one in chain if one is not head])]
    return merged


def _base(
    tree: SourceTree, reviewed: ReviewedNames, cls: SourceClass, node: ast.expr
) -> list[SourceClass | str]:
    place = f"{cls.module.path}:{node.lineno}"
    if isinstance(node, ast.Call):
        made_by = dotted_of(node.func)
        if made_by and all(
            isinstance(target, External) and target.name in NAMED_TUPLES
            for target in tree.resolve(cls.module, made_by)
        ):
            return ["builtins.tuple"]
        raise NotInert(f"base class `{made_by or 'computed'}(...)` is computed", place)
    written = dotted_of(node)
    if written is None:
        raise NotInert("a base class is computed", place)
    found: list[SourceClass | str] = []
    for target in tree.resolve(cls.module, written):
        if isinstance(target, SourceClass):
            found.append(target)
        elif isinstance(target, External) and (
            reviewed.may_extend(target.name) or _is_exception(target.name)
        ):
            found.append(reviewed.full_name(target.name))
        else:
            shown = target.name if isinstance(target, External) else written
            raise NotInert(f"base class `{shown}` is not in the source or a reviewed list", place)
    if len(found) > 1 and any(one != found[0] for one in found):
        raise NotInert(f"base class `{written}` has several definitions", place)
    return found[:1]


def _is_exception(name: str) -> bool:
    """Built-in exceptions store their arguments, and pickle calls their class."""
    package, _, last = name.rpartition(".")
    return package == "builtins" and last.endswith(
        ("Error", "Exception", "Warning", "Interrupt", "Exit", "Iteration")
    )


def _check_metaclass(tree: SourceTree, cls: SourceClass) -> None:
    for keyword in cls.node.keywords:
        if keyword.arg is None:
            raise NotInert("its class keywords are computed", cls.place)
        if keyword.arg != "metaclass":
            continue
        written = dotted_of(keyword.value)
        for target in tree.resolve(cls.module, written) if written else ():
            if isinstance(target, External) and target.name in _METACLASSES:
                continue
            if isinstance(target, SourceClass):
                _check_source_metaclass(tree, target, 0)
                continue
            shown = target.name if isinstance(target, External) else written
            raise NotInert(f"metaclass `{shown}` is not in the source and not one of Python's", cls.place)
        if written is None:
            raise NotInert("its metaclass is computed", cls.place)


def _check_source_metaclass(tree: SourceTree, cls: SourceClass, depth: int) -> None:
    for name in cls.members:
        if name in _ON_CLASSES:
            raise NotInert(f"its metaclass defines `{cls.qualname}.{name}`", cls.place)
    for node in cls.node.bases:
        for target in tree.resolve(cls.module, dotted_of(node) or "?"):
            if isinstance(target, SourceClass) and depth < _DEEPEST:
                _check_source_metaclass(tree, target, depth + 1)
            elif not (isinstance(target, External) and target.name in _METACLASSES):
                raise NotInert(
                    f"the base of its metaclass `{cls.qualname}` is not one of Python's", cls.place
                )


def _check_decorators(tree: SourceTree, cls: SourceClass) -> None:
    for node in cls.node.decorator_list:
        written = dotted_of(node.func if isinstance(node, ast.Call) else node)
        if written is not None and written.rpartition(".")[2] == "set_module":
            continue
        targets = tree.resolve(cls.module, written) if written else ()
        if not targets or not all(
            isinstance(one, External) and one.name in CLASS_DECORATORS for one in targets
        ):
            raise NotInert(
                f"decorator `{written or 'computed'}` may replace the class",
                f"{cls.module.path}:{node.lineno}",
            )
