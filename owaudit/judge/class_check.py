"""Is loading an object of one class inert: every method, setter and class attribute it may run.

Raises ``NotInert`` with the first reason, in the order in which a reader would look: methods of
the object, then what stands in the class body.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator

from owaudit.judge.inert import Body, Phase
from owaudit.judge.lineage import Lineage, NotInert, ReviewedNames, lineage_of
from owaudit.judge.plain_names import PLAIN_BASES, PURE, PURE_BUILTINS
from owaudit.judge.source_tree import (
    External,
    FunctionNode,
    Node,
    SourceClass,
    SourceFunction,
    SourceTree,
    dotted_of,
)

ON_LOAD = (
    "__new__",
    "__setstate__",
    "__getattr__",
    "__getattribute__",
    "__setattr__",
    "__hash__",
    "__eq__",
    "append",
    "extend",
    "add",
    "__setitem__",
    "__del__",
)
"""Methods that loading may run whatever the class says about its own pickles.

``__init_subclass__``, class decorators and most of a metaclass are not among them: they run when the
module is imported, as the rest of its top level does.
"""
_ON_CALL = ("__new__", "__init__", "__post_init__")
_MAKING = frozenset({"__new__", "__init__", "__post_init__"})


class ClassCheck:
    """One class while it is checked; what ``inert.Body`` asks about the rest of the sources."""

    def __init__(self, tree: SourceTree, reviewed: ReviewedNames) -> None:
        self.tree = tree
        self.reviewed = reviewed
        self.passed: set[tuple[int, int, Phase]] = set()
        self._called: set[int] = set()

    def check_load(self, lineage: Lineage) -> list[str]:
        """Return the methods of the sources that loading runs, all inert; raise NotInert otherwise."""
        self._check_patches(lineage, ON_LOAD)
        own = [name for name in ON_LOAD if self._check_method(lineage, name)]
        for cls in lineage.bases:
            for name, nodes in cls.members.items():
                for node in nodes:
                    self._check_descriptor(lineage, cls, name, node)
        return own

    def check_call(self, cls: SourceClass, depth: int) -> None:
        """Raise NotInert unless ``cls(...)`` is inert."""
        if id(cls) in self._called:
            return
        self._called.add(id(cls))
        lineage = lineage_of(self.tree, self.reviewed, cls)
        self._check_patches(lineage, _ON_CALL)
        for name in _ON_CALL:
            if self._check_method(lineage, name, depth):
                continue
            for outside in lineage.outside if name == "__init__" else ():
                if not self.reviewed.may_init(outside):
                    raise NotInert(f"the initializer of `{outside}` was not reviewed", cls.place)
        for base in lineage.bases:
            self._check_factories(base)

    def _check_patches(self, lineage: Lineage, names: tuple[str, ...]) -> None:
        for cls in lineage.bases:
            for name in (*names, "*"):
                line = cls.module.patched.get(f"{cls.qualname}.{name}")
                if line is not None:
                    raise NotInert(
                        f"`{cls.qualname}.{name}` is set from outside the class", f"{cls.module.path}:{line}"
                    )

    def _check_method(self, lineage: Lineage, name: str, depth: int = 0) -> bool:
        """Is the method defined in the sources? Raise NotInert if it is, and does more than assign."""
        found = lineage.members(name)
        if found is None:
            return False
        cls, nodes = found
        for node in nodes:
            if isinstance(node, FunctionNode):
                self._check_body(lineage, SourceFunction(cls.module, node), name, depth)
            elif not (isinstance(node, ast.Constant) and node.value is None):
                for target in self._functions(cls, node, name):
                    self._check_body(lineage, target, name, depth)
        return True

    def _functions(self, cls: SourceClass, node: Node, name: str) -> Iterator[SourceFunction]:
        """The functions behind ``__setstate__ = other``."""
        written = dotted_of(node) if isinstance(node, ast.expr) else None
        inner = cls.members.get(written or "", [])
        if inner and all(isinstance(one, FunctionNode) for one in inner):
            yield from (SourceFunction(cls.module, one) for one in inner if isinstance(one, FunctionNode))
            return
        for target in self.tree.resolve(cls.module, written) if written else (External("computed"),):
            if isinstance(target, SourceFunction):
                yield target
            elif not (isinstance(target, External) and target.name.rpartition(".")[0] in PLAIN_BASES):
                raise NotInert(f"`{name}` is set to something that cannot be read", cls.place)

    def _check_body(self, lineage: Lineage, function: SourceFunction, name: str, depth: int = 0) -> None:
        phase = Phase.MADE if name in _MAKING else Phase.STATE
        try:
            Body(
                library=self,
                module=function.module,
                node=function.node,
                phase=phase,
                owner=lineage,
                cls=lineage.holder(function.node) or lineage.cls,
                depth=depth,
            ).check()
        except NotInert as error:
            raise NotInert(f"`{name}` {error.reason}", error.place) from None

    def check_missing(self, lineage: Lineage) -> None:
        """Raise NotInert unless the look-up of unknown values of an enumeration is inert."""
        self._check_method(lineage, "_missing_")

    def check_function(self, function: SourceFunction) -> None:
        """Raise NotInert unless a module-level function is inert whatever it is given."""
        Body(library=self, module=function.module, node=function.node, phase=Phase.MADE).check()

    # Class attributes that take part in assignment -------------------------------------------------

    def _check_descriptor(self, lineage: Lineage, cls: SourceClass, name: str, node: Node) -> None:
        place = f"{cls.module.path}:{node.lineno}"
        if isinstance(node, ast.FunctionDef):
            if any((dotted_of(one) or "").endswith(".setter") for one in node.decorator_list):
                self._check_body(lineage, SourceFunction(cls.module, node), f"{name}.setter")
            return
        if not isinstance(node, ast.Call):
            return
        written = dotted_of(node.func)
        for target in self.tree.resolve(cls.module, written) if written else ():
            if isinstance(target, External) and target.name == "builtins.property":
                self._check_property(lineage, cls, name, node)
            elif isinstance(target, SourceClass):
                self._check_data_descriptor(target, name, place)
            elif not (isinstance(target, External) and self._makes_no_descriptor(target.name)):
                raise NotInert(
                    f"class attribute `{name}` is made by `{written}` and may be a descriptor", place
                )
        if written is None:
            raise NotInert(f"class attribute `{name}` is computed and may be a descriptor", place)

    def _makes_no_descriptor(self, name: str) -> bool:
        top = name.partition(".")[0]
        return top in sys.stdlib_module_names or name in PURE or self.reviewed.may_extend(name)

    def _check_property(self, lineage: Lineage, cls: SourceClass, name: str, node: ast.Call) -> None:
        """``x = property(get, set)``."""
        setters = [*node.args[1:2], *(keyword.value for keyword in node.keywords if keyword.arg == "fset")]
        for setter in setters:
            if not (isinstance(setter, ast.Constant) and setter.value is None):
                for function in self._functions(cls, setter, f"{name}.setter"):
                    self._check_body(lineage, function, f"{name}.setter")

    def _check_data_descriptor(self, descriptor: SourceClass, name: str, place: str) -> None:
        lineage = lineage_of(self.tree, self.reviewed, descriptor)
        if lineage.lookup("__set__") is not None:
            raise NotInert(f"class attribute `{name}` is a descriptor with its own `__set__`", place)

    def _check_factories(self, cls: SourceClass) -> None:
        """``default_factory`` of dataclass fields is called by the generated ``__init__``."""
        for name, nodes in cls.members.items():
            for node in nodes:
                for keyword in node.keywords if isinstance(node, ast.Call) else ():
                    if keyword.arg == "default_factory":
                        self._check_factory(cls, name, keyword.value)

    def _check_factory(self, cls: SourceClass, name: str, node: ast.expr) -> None:
        written = dotted_of(node)
        for target in self.tree.resolve(cls.module, written) if written else (External("computed"),):
            if isinstance(target, SourceClass):
                self.check_call(target, 1)
            elif isinstance(target, SourceFunction):
                self.check_function(target)
            elif not (isinstance(target, External) and self._is_plain_factory(target.name)):
                raise NotInert(
                    f"`default_factory` of `{name}` is `{written or 'computed'}`",
                    f"{cls.module.path}:{node.lineno}",
                )

    def _is_plain_factory(self, name: str) -> bool:
        head, _, last = name.rpartition(".")
        return (head == "builtins" and last in PURE_BUILTINS) or name in PURE or self.reviewed.may_call(name)
