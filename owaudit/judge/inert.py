"""Does a function of the sources only assign fields?

The body is read statement by statement. Allowed are assignments to the object itself, plain
expressions, and calls whose callee is known and inert in turn: pure built-ins, container methods,
other functions of the sources that pass the same test, and names on the reviewed lists without
conditions. Everything else raises ``NotInert`` with the first reason.

Two phases differ. While an object is *made* (``__new__``, ``__init__``) its methods are those of
its class. Once it has a *state* a pickle may have put other callables under their names, so a call
of ``self.method()`` is a call of whatever the pickle chose.
"""

from __future__ import annotations

import ast
import enum
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from owaudit.judge.lineage import Lineage, NotInert, ReviewedNames
from owaudit.judge.plain_names import (
    BASE_METHODS,
    CONTAINER_METHODS,
    METHOD_DECORATORS,
    PURE,
    PURE_BUILTINS,
)
from owaudit.judge.source_tree import (
    External,
    FunctionNode,
    Opaque,
    SourceClass,
    SourceFunction,
    SourceModule,
    SourceTree,
    dotted_of,
)

DEEPEST = 60
"""Expressions, statements and calls inside one another that are followed."""


class Phase(enum.Enum):
    """Whether a pickle has had the chance to fill the object."""

    MADE = "made"
    STATE = "state"


class Library(Protocol):
    """What is known outside the body, for the check of one class."""

    tree: SourceTree
    reviewed: ReviewedNames
    passed: set[tuple[int, int, Phase]]
    """Functions already followed to their end, for which class and in which phase."""

    def check_call(self, cls: SourceClass, depth: int) -> None:
        """Raise NotInert unless ``cls(...)`` is inert."""


@dataclass(slots=True)
class Body:
    """One function while it is read. ``cls`` is the class that holds it, ``owner`` the one it runs for."""

    library: Library
    module: SourceModule
    node: FunctionNode
    phase: Phase
    owner: Lineage | None = None
    cls: SourceClass | None = None
    depth: int = 0
    local: dict[str, list[FunctionNode] | str | None] = field(default_factory=dict)
    fresh: set[str] = field(default_factory=set)
    own: str = ""
    own_class: str = ""

    def check(self) -> None:
        """Raise NotInert with the first reason against the body."""
        if self.depth > DEEPEST:
            raise self._no("goes too deep to follow", self.node)
        if isinstance(self.node, ast.AsyncFunctionDef):
            raise self._no("is asynchronous", self.node)
        self._decorators()
        arguments = self.node.args
        named = [*arguments.posonlyargs, *arguments.args]
        for argument in (*named, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg):
            if argument is not None:
                self.local[argument.arg] = None
        if self.owner is not None and named and not self._is_decorated("staticmethod"):
            if self.node.name == "__new__" or self._is_decorated("classmethod"):
                self.own_class = named[0].arg
            else:
                self.own = named[0].arg
        self._block(self.node.body, 0)

    def _no(self, reason: str, node: ast.AST) -> NotInert:
        return NotInert(reason, f"{self.module.path}:{getattr(node, 'lineno', self.node.lineno)}")

    def _is_decorated(self, name: str) -> bool:
        return any(dotted_of(decorator) == name for decorator in self.node.decorator_list)

    def _decorators(self) -> None:
        for decorator in self.node.decorator_list:
            written = decorator.func if isinstance(decorator, ast.Call) else decorator
            name = dotted_of(written) or "computed"
            if name.rpartition(".")[2] not in METHOD_DECORATORS:
                raise self._no(f"has the decorator `{name}`, which may replace it", decorator)

    # Statements ---------------------------------------------------------------------------------

    def _block(self, body: Iterable[ast.stmt], level: int) -> None:
        if level > DEEPEST:
            raise self._no("nests statements too deep to follow", self.node)
        for statement in body:
            self._statement(statement, level)

    def _statement(self, node: ast.stmt, level: int) -> None:
        if isinstance(node, ast.Pass | ast.Break | ast.Continue):
            return
        if isinstance(node, ast.Expr):
            self._expr(node.value)
        elif isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign):
            self._assign(node)
        elif isinstance(node, ast.Delete):
            for target in node.targets:
                self._target(target, node)
        elif isinstance(node, ast.Return | ast.Assert | ast.Raise):
            self._exprs(child for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr))
        elif isinstance(node, ast.If):
            self._expr(node.test)
            self._block((*node.body, *node.orelse), level + 1)
        elif isinstance(node, ast.For):
            self._expr(node.iter)
            self._target(node.target, node)
            self._block((*node.body, *node.orelse), level + 1)
        elif isinstance(node, ast.Try):
            handlers = [statement for handler in node.handlers for statement in handler.body]
            for handler in node.handlers:
                if handler.name:
                    self.local[handler.name] = None
            self._block((*node.body, *handlers, *node.orelse, *node.finalbody), level + 1)
        elif isinstance(node, ast.With):
            self._with(node, level)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            self._import(node)
        elif isinstance(node, ast.FunctionDef):
            self.local[node.name] = [node]
        else:
            raise self._no(f"has {_WORDS.get(type(node), 'a statement')}, which is not followed", node)

    def _with(self, node: ast.With, level: int) -> None:
        for item in node.items:
            name = dotted_of(item.context_expr.func) if isinstance(item.context_expr, ast.Call) else None
            if name not in _GUARDS:
                raise self._no(f"enters `{name or 'a computed object'}` with `with`", node)
            if item.optional_vars is not None:
                self._target(item.optional_vars, node)
        self._block(node.body, level + 1)

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        for alias in node.names:
            shown = alias.asname or alias.name.partition(".")[0]
            if isinstance(node, ast.Import):
                self.local[shown] = alias.name if alias.asname else shown
            elif node.level or alias.name == "*":
                raise self._no("imports from its own package inside the function", node)
            else:
                self.local[shown] = f"{node.module}.{alias.name}"

    def _assign(self, node: ast.Assign | ast.AugAssign | ast.AnnAssign) -> None:
        if node.value is not None:
            self._expr(node.value)
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        for target in targets:
            self._target(target, node)
            if isinstance(target, ast.Name) and node.value is not None and self._makes(node.value):
                self.fresh.add(target.id)

    def _makes(self, value: ast.expr) -> bool:
        """Is the value a new instance: ``super().__new__(cls)``, ``object.__new__(cls)``?"""
        return (
            isinstance(value, ast.Call)
            and isinstance(value.func, ast.Attribute)
            and value.func.attr == "__new__"
        )

    def _target(self, node: ast.expr, statement: ast.stmt) -> None:
        if isinstance(node, ast.Tuple | ast.List):
            for element in node.elts:
                self._target(element, statement)
        elif isinstance(node, ast.Starred):
            self._target(node.value, statement)
        elif isinstance(node, ast.Name):
            self.local[node.id] = None
            self.fresh.discard(node.id)
        elif isinstance(node, ast.Attribute):
            self._target_attribute(node)
        elif isinstance(node, ast.Subscript):
            self._exprs((node.value, node.slice))
            root = _root(node.value)
            if root is None or root not in self.local:
                shown = dotted_of(node.value) or "a computed object"
                raise self._no(f"changes `{shown}`, which is not its own", node)
            if root == self.own_class:
                raise self._no("changes an object of its class", node)

    def _target_attribute(self, node: ast.Attribute) -> None:
        owner = node.value
        if node.attr in ("__class__", "__bases__", "__code__", "__globals__"):
            raise self._no(f"sets `{node.attr}`", node)
        if isinstance(owner, ast.Name) and (owner.id == self.own or owner.id in self.fresh):
            return
        shown = dotted_of(owner) or "a computed object"
        raise self._no(f"sets an attribute of `{shown}`, which is not itself", node)

    # Expressions --------------------------------------------------------------------------------

    def _exprs(self, nodes: Iterable[ast.expr], level: int = 0) -> None:
        for node in nodes:
            self._expr(node, level)

    def _expr(self, node: ast.expr, level: int = 0) -> None:
        if level > DEEPEST:
            raise self._no("nests expressions too deep to follow", node)
        if isinstance(node, ast.Call):
            self._call(node, level)
        elif isinstance(node, ast.Attribute):
            self._attribute(node)
            self._expr(node.value, level + 1)
        elif isinstance(node, ast.Await | ast.Yield | ast.YieldFrom):
            raise self._no("suspends", node)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow | ast.LShift):
            if not isinstance(node.right, ast.Constant):
                raise self._no("computes a power whose exponent is not constant", node)
            self._expr(node.left, level + 1)
        elif isinstance(node, ast.Lambda):
            for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs):
                self.local.setdefault(argument.arg, None)
            self._expr(node.body, level + 1)
        elif isinstance(node, ast.NamedExpr):
            self._expr(node.value, level + 1)
            self._target(node.target, ast.Pass())
        else:
            for comprehension in getattr(node, "generators", ()):
                self._expr(comprehension.iter, level + 1)
                self._target(comprehension.target, ast.Pass())
                self._exprs(comprehension.ifs, level + 1)
            self._exprs(
                (child for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)), level + 1
            )

    def _attribute(self, node: ast.Attribute) -> None:
        if not (isinstance(node.value, ast.Name) and node.value.id == self.own and self.owner is not None):
            return
        if self.owner.is_property(node.attr):
            for method in self.owner.lookup(node.attr) or ():
                self._enter(method)

    # Calls --------------------------------------------------------------------------------------

    def _call(self, node: ast.Call, level: int) -> None:
        for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
            self._expr(argument.value if isinstance(argument, ast.Starred) else argument, level + 1)
        for keyword in node.keywords:
            if keyword.arg in ("key", "default_factory") and not isinstance(
                keyword.value, ast.Lambda | ast.Constant
            ):
                self._callee(keyword.value, node, level)
        self._callee(node.func, node, level)

    def _callee(self, func: ast.expr, node: ast.Call, level: int) -> None:
        if isinstance(func, ast.Name):
            self._call_name(func.id, node)
        elif isinstance(func, ast.Attribute):
            self._call_attribute(func, node, level)
        else:
            raise self._no("calls a computed value", node)

    def _call_name(self, name: str, node: ast.Call) -> None:
        if name in self.local:
            known = self.local[name]
            if isinstance(known, str):
                self._call_outside(known, node)
                return
            if known is None:
                raise self._no(f"calls the value `{name}`", node)
            for function in known:
                self._enter(SourceFunction(self.module, function), nested=True)
            return
        if name not in self.module.bindings and not self.module.stars:
            special = _SPECIAL.get(name)
            if special is not None:
                special(self, node)
                return
            if name in PURE_BUILTINS:
                return
        self._call_dotted(name, node)

    def _call_attribute(self, func: ast.Attribute, node: ast.Call, level: int) -> None:
        method, owner = func.attr, func.value
        if isinstance(owner, ast.Call) and isinstance(owner.func, ast.Name) and owner.func.id == "super":
            self._call_base(method, node, self.cls)
            return
        if isinstance(owner, ast.Name) and owner.id in (self.own, self.own_class) and owner.id:
            self._call_own(method, owner.id, node)
            return
        if isinstance(owner, ast.Call) and dotted_of(owner.func) == "type" and self.owner is not None:
            self._call_own_class(method, node)
            return
        dotted, root = dotted_of(func), _root(func)
        if dotted is not None and root is not None and root not in self.local:
            self._call_dotted(dotted, node)
            return
        known = self.local.get(root or "")
        if dotted is not None and isinstance(known, str):
            self._call_outside(f"{known}.{dotted.partition('.')[2]}", node)
            return
        self._expr(owner, level + 1)
        if method == "format" and isinstance(owner, ast.Constant):
            return
        if method not in CONTAINER_METHODS or (root == self.own_class and root):
            raise self._no(f"calls `{dotted or '….' + method}`", node)

    def _call_dotted(self, dotted: str, node: ast.Call) -> None:
        """A callee that starts at a name of the module."""
        head, _, method = dotted.rpartition(".")
        targets = self.library.tree.resolve(self.module, dotted)
        if head and any(isinstance(target, Opaque) for target in targets):
            owners = self.library.tree.resolve(self.module, head)
            if all(isinstance(owner, SourceClass) for owner in owners):
                raise self._no(f"calls `{dotted}`, which is not in the source", node)
        for target in targets:
            if isinstance(target, External):
                self._call_outside(target.name, node)
            elif isinstance(target, SourceClass):
                self.library.check_call(target, self.depth + 1)
            elif isinstance(target, SourceFunction):
                self._enter(target)
            elif head and method in _LOGGER and dotted_of(node.func) == dotted:
                continue
            else:
                raise self._no(f"calls `{dotted}`, which cannot be told", node)

    def _call_outside(self, name: str, node: ast.Call) -> None:
        head, _, method = name.rpartition(".")
        if head == "builtins" and method in PURE_BUILTINS:
            return
        if method in BASE_METHODS and method.startswith("__") and self._may_use_base(head, method):
            self._first_is_own(method, node)
            return
        if name not in PURE and not self.library.reviewed.may_call(name):
            raise self._no(f"calls `{name.removeprefix('builtins.')}`", node)

    def _may_use_base(self, base: str, method: str) -> bool:
        reviewed = self.library.reviewed
        return reviewed.may_init(base) if method == "__init__" else reviewed.may_extend(base)

    def _first_is_own(self, method: str, node: ast.Call) -> None:
        """``object.__setattr__(self, ...)``: only on the object that is loaded."""
        first = node.args[0] if node.args else None
        if method == "__new__" or (
            isinstance(first, ast.Name) and first.id in {self.own, *self.fresh} - {""}
        ):
            return
        raise self._no(f"calls `{method}` on something that is not itself", node)

    def _call_own(self, method: str, receiver: str, node: ast.Call) -> None:
        if self.phase is Phase.STATE and receiver == self.own:
            raise self._no(f"calls `{receiver}.{method}`, which a state can replace", node)
        found = self.owner.lookup(method) if self.owner is not None else None
        if found is None and method in BASE_METHODS and method.startswith("__"):
            return
        if not found:
            raise self._no(f"calls `{receiver}.{method}`, which is no method in the source", node)
        for target in found:
            self._enter(target)

    def _call_own_class(self, method: str, node: ast.Call) -> None:
        """``type(self).method(...)``: looked up in the class, so no state can replace it."""
        found = self.owner.lookup(method) if self.owner is not None else None
        if not found:
            raise self._no(f"calls `type(self).{method}`, which is no method in the source", node)
        for target in found:
            self._enter(target)

    def _call_base(self, method: str, node: ast.Call, after: SourceClass | None) -> None:
        found = self.owner.lookup(method, after) if self.owner is not None and after is not None else None
        if found is None:
            outside = self.owner.outside if self.owner is not None and method == "__init__" else []
            for name in outside:
                if not self.library.reviewed.may_init(name):
                    raise self._no(f"calls the initializer of `{name}`, which was not reviewed", node)
            if method in BASE_METHODS:
                return
            raise self._no(f"calls `super().{method}`, which is not in the source", node)
        for target in found:
            self._enter(target)

    def _enter(self, target: SourceFunction, *, nested: bool = False) -> None:
        """Read the body of another function as part of this one."""
        holder = None if self.owner is None or nested else self.owner.holder(target.node)
        key = (id(target.node), id(self.owner.cls) if holder and self.owner else 0, self.phase)
        if key in self.library.passed or target.node is self.node:
            return
        self.library.passed.add(key)
        Body(
            library=self.library,
            module=target.module,
            node=target.node,
            phase=self.phase,
            owner=self.owner if holder else None,
            cls=holder,
            depth=self.depth + 1,
            local=dict(self.local) if nested else {},
        ).check()

    def only_own(self, node: ast.Call) -> None:
        """``setattr`` and ``delattr``: the object must be the one that is loaded."""
        first = node.args[0] if node.args else None
        if not (
            isinstance(first, ast.Name) and first.id and (first.id == self.own or first.id in self.fresh)
        ):
            raise self._no("sets an attribute of something that is not itself", node)

    def only_literal(self, node: ast.Call) -> None:
        """``getattr`` and ``hasattr``: the attribute must be a literal name without double underscores."""
        named = node.args[1] if len(node.args) > 1 else None
        if not (isinstance(named, ast.Constant) and isinstance(named.value, str)):
            raise self._no("reads an attribute whose name is computed", node)
        if named.value.startswith("__") and named.value != "__dict__" and named.value != "__slots__":
            raise self._no(f"reads the attribute `{named.value}`", node)
        first = node.args[0]
        self._attribute(ast.Attribute(value=first, attr=named.value))

    def only_one(self, node: ast.Call) -> None:
        """``type``: with one argument it asks, with three it makes a class."""
        if len(node.args) != 1 or node.keywords:
            raise self._no("makes a class with `type`", node)

    def only_super(self, node: ast.Call) -> None:
        """``super()`` by itself does nothing."""


def _root(node: ast.expr) -> str | None:
    """The name at which a chain of attributes, subscripts and calls starts."""
    while True:
        if isinstance(node, ast.Attribute | ast.Subscript | ast.Starred):
            node = node.value
        elif isinstance(node, ast.Call):
            node = node.func
        else:
            return node.id if isinstance(node, ast.Name) else None


_SPECIAL: dict[str, Callable[[Body, ast.Call], None]] = {
    "setattr": Body.only_own,
    "delattr": Body.only_own,
    "getattr": Body.only_literal,
    "hasattr": Body.only_literal,
    "super": Body.only_super,
    "type": Body.only_one,
}
_GUARDS = frozenset({"warnings.catch_warnings", "contextlib.suppress", "suppress", "torch.no_grad"})
_LOGGER = frozenset({"debug", "info", "warning", "error"})
_WORDS: dict[type[ast.stmt], str] = {
    ast.While: "a `while` loop",
    ast.ClassDef: "a class inside the function",
    ast.Global: "a `global` statement",
    ast.Nonlocal: "a `nonlocal` statement",
    ast.Match: "a `match` statement",
    ast.AsyncFor: "an asynchronous loop",
    ast.AsyncWith: "an asynchronous `with`",
    ast.AsyncFunctionDef: "an asynchronous function",
    ast.TryStar: "an `except*` statement",
}
