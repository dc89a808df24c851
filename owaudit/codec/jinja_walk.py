"""Walks the tree of a template and lists what it uses, without rendering anything.

Attributes, subscripts, methods, filters, tests, called names, statements, sizes and conditions, each
with the name it reaches, followed through ``jinja_values`` where the name is put together. Which
of them matter is not decided here.

Source: Jinja 3.1, ``jinja2.nodes``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from jinja2 import nodes

from owaudit.codec.jinja_values import Known, Values, texts

HUGE = 1_000_000
"""A loop or repetition beyond this costs seconds or gigabytes; no honest template needs one."""
KEPT_NAME = 120
LONGEST_CHAIN = 32
"""Attributes one after another that are followed back to the name they begin with."""
_ENCODED = re.compile(r"[A-Za-z0-9+/_-]{200,}={0,2}")
_FRAGMENT = re.compile(r"__|_\Z|\A_|\\x5f|\\u005f")
_ATTRIBUTE_FILTERS = {"map", "selectattr", "rejectattr", "groupby", "sort", "unique", "sum", "min", "max"}
_BY_FIRST = {"selectattr", "rejectattr", "groupby"}
_STATEMENTS = {
    nodes.Include: "include",
    nodes.Import: "import",
    nodes.FromImport: "from",
    nodes.Extends: "extends",
    nodes.ExprStmt: "do",
}
_MESSAGE_PARTS = {"content", "text"}


@dataclass(frozen=True, slots=True)
class Used:
    """One use of a name: the fields of ``TemplateExpression`` and the line."""

    feature: str
    name: str
    line: int
    expression: str = ""
    on: str = ""
    computed: bool = False


class TreeWalk:
    """One template. ``used`` yields its uses; the rest can be asked afterwards."""

    def __init__(self, tree: nodes.Template) -> None:
        self._tree = tree
        self._known = Known()
        self._assigned: set[str] = set()
        self._read: set[str] = set()
        self._from_messages: set[str] = set()
        self._called: set[int] = set()
        self._collect()
        self.nodes = 0

    @property
    def variables(self) -> tuple[str, ...]:
        """Names that the template takes from outside, sorted."""
        return tuple(sorted(self._read - self._assigned))

    def used(self) -> Iterator[Used]:
        """Yield every use, in an order that the tree alone decides."""
        todo: list[tuple[nodes.Node, int, bool]] = [(self._tree, 1, False)]
        while todo:
            node, rounds, tested = todo.pop()
            self.nodes += 1
            yield from self._node(node)
            if tested and _is_date(node):
                yield Used("condition", "the date", node.lineno)
            if isinstance(node, nodes.For):
                inner = rounds * max(1, self._rounds(node.iter))
                if inner > HUGE >= rounds:
                    yield Used("size", "loops", node.lineno, str(inner))
                rounds = min(inner, 10**12)
            children = reversed(list(node.iter_child_nodes()))
            todo.extend((child, rounds, _is_test_of(node, child, tested)) for child in children)

    # What is set to what ------------------------------------------------------------------------

    def _collect(self) -> None:
        for node in _all(self._tree):
            if isinstance(node, nodes.Name):
                (self._assigned if node.ctx in ("store", "param") else self._read).add(node.name)
            elif isinstance(node, nodes.Macro):
                self._assigned.add(node.name)
            elif isinstance(node, nodes.Call):
                self._called.add(id(node.node))
        # Twice, because a variable may be set from one that is only set further down (in a loop).
        for _ in range(2):
            for node in _all(self._tree):
                if isinstance(node, nodes.Assign):
                    self._assign(node.target, node.node)
                elif isinstance(node, nodes.Call):
                    self._namespace(node)

    def _assign(self, target: nodes.Node, value: nodes.Node) -> None:
        pairs = [(target, value)]
        if isinstance(target, nodes.Tuple) and isinstance(value, nodes.Tuple | nodes.List):
            pairs = list(zip(target.items, value.items, strict=False))
        for place, what in pairs:
            name = place.name if isinstance(place, nodes.Name) else ""
            if isinstance(place, nodes.NSRef):
                name = f"{place.name}.{place.attr}"
            if name:
                self._known.assign(name, texts(what, self._known))
                if self._is_message(what):
                    self._from_messages.add(name)

    def _namespace(self, node: nodes.Call) -> None:
        """``namespace(a='x')`` and ``dict(a='x')`` set fields, whatever the variable is called."""
        if isinstance(node.node, nodes.Name) and node.node.name in ("namespace", "dict"):
            for pair in node.kwargs:
                self._known.assign(f"ns.{pair.key}", texts(pair.value, self._known))

    # One node ------------------------------------------------------------------------------------

    def _node(self, node: nodes.Node) -> Iterator[Used]:
        for kind, name in _STATEMENTS.items():
            if isinstance(node, kind):
                yield Used("statement", name, node.lineno)
        if isinstance(node, nodes.Getattr):
            yield from self._attribute(node)
        elif isinstance(node, nodes.Getitem):
            yield from self._item(node)
        elif isinstance(node, nodes.Call):
            yield from self._call(node)
        elif isinstance(node, nodes.Filter):
            yield from self._filter(node)
        elif isinstance(node, nodes.Test):
            yield Used("test", node.name[:KEPT_NAME], node.lineno)
        elif isinstance(node, nodes.Const):
            yield from self._literal(node)
        elif isinstance(node, nodes.Mul | nodes.Pow):
            yield from self._size(node)
        elif isinstance(node, nodes.Compare):
            yield from self._condition([node.expr, *(operand.expr for operand in node.ops)], node.lineno)

    def _attribute(self, node: nodes.Getattr) -> Iterator[Used]:
        called = id(node) in self._called
        on = self._root(node)
        yield Used("method" if called else "attribute", node.attr[:KEPT_NAME], node.lineno, shown(node), on)
        if not called and node.attr in ("format", "format_map"):
            yield Used("reference", node.attr, node.lineno, shown(node))

    def _item(self, node: nodes.Getitem) -> Iterator[Used]:
        if isinstance(node.arg, nodes.Slice):
            return
        plain = isinstance(node.arg, nodes.Const)
        called = id(node) in self._called
        values = texts(node.arg, self._known)
        for value in values:
            if plain and not isinstance(getattr(node.arg, "value", None), str):
                continue
            yield Used(
                "method" if called else "item",
                value[:KEPT_NAME],
                node.lineno,
                shown(node),
                self._root(node),
                computed=not plain,
            )
        if not plain:
            yield from self._fragments(node.arg, values)

    def _fragments(self, node: nodes.Node, values: Values) -> Iterator[Used]:
        """Pieces of a name that is put together and not followed to its end."""
        if values:
            return
        for inner in _all(node):
            text = inner.value if isinstance(inner, nodes.Const) else None
            if isinstance(text, str) and _FRAGMENT.search(text) and len(text) <= 40:
                yield Used("fragment", text, inner.lineno, shown(node), computed=True)

    def _call(self, node: nodes.Call) -> Iterator[Used]:
        called = node.node
        if isinstance(called, nodes.Name) and called.name not in self._assigned:
            yield Used("call", called.name[:KEPT_NAME], node.lineno, shown(node))
            if called.name == "range" and self._rounds(node) > HUGE:
                yield Used("size", "range", node.lineno, shown(node))
        if isinstance(called, nodes.Getattr) and called.attr in ("format", "format_map"):
            yield from self._format(called.node, node, called.attr)
        if isinstance(called, nodes.Getattr) and called.attr in ("startswith", "endswith") and node.args:
            yield from self._condition([called.node, node.args[0]], node.lineno)

    def _format(self, pattern: nodes.Node, node: nodes.Node, name: str) -> Iterator[Used]:
        values = texts(pattern, self._known)
        for value in values:
            yield Used("format", value[:KEPT_NAME], node.lineno, name, computed=False)
        if not values:
            yield Used("format", "", node.lineno, shown(node), computed=True)

    def _filter(self, node: nodes.Filter) -> Iterator[Used]:
        name = node.name
        yield Used("filter", name[:KEPT_NAME], node.lineno, shown(node))
        arguments = list(node.args)
        if name == "attr":
            yield from self._reached(arguments[:1], node)
        elif name in _ATTRIBUTE_FILTERS:
            named = [pair.value for pair in node.kwargs if pair.key == "attribute"]
            if name in _BY_FIRST:
                yield from self._reached([*arguments[:1], *named], node)
            else:
                yield from self._reached(named, node)
            if name == "map" and arguments:
                values = texts(arguments[0], self._known)
                for value in values or ("",):
                    yield Used("filter", value[:KEPT_NAME] or "(computed)", node.lineno, shown(node))
                if "attr" in values:
                    yield from self._reached(arguments[1:2], node)

    def _reached(self, arguments: list[nodes.Expr], node: nodes.Node) -> Iterator[Used]:
        for argument in arguments:
            values = texts(argument, self._known)
            plain = isinstance(argument, nodes.Const)
            for value in values:
                for part in value.split("."):
                    yield Used("item", part[:KEPT_NAME], node.lineno, shown(node), computed=not plain)
            if not values:
                yield from self._fragments(argument, values)

    def _literal(self, node: nodes.Const) -> Iterator[Used]:
        if isinstance(node.value, str):
            if _ENCODED.search(node.value):
                yield Used("literal", "encoded", node.lineno, node.value[:40] + "…")
            if re.fullmatch(r"__\w{1,60}__", node.value):
                yield Used("literal", node.value, node.lineno, node.value)

    def _size(self, node: nodes.Mul | nodes.Pow) -> Iterator[Used]:
        factors = [_number(side) for side in (node.left, node.right)]
        largest = max(factors)
        if isinstance(node, nodes.Mul) and largest > HUGE:
            yield Used("size", "repetition", node.lineno, shown(node))
        elif isinstance(node, nodes.Pow) and factors[0] > 1 and factors[1] > 20:
            yield Used("size", "power", node.lineno, shown(node))

    # Conditions on what the user says --------------------------------------------------------------

    def _condition(self, sides: list[nodes.Expr], line: int) -> Iterator[Used]:
        if not any(self._is_message(side) for side in sides):
            return
        for side in sides:
            for value in texts(side, Known()):
                if _is_phrase(value):
                    yield Used("condition", value[:KEPT_NAME], line)

    def _is_message(self, node: nodes.Node) -> bool:
        for inner in _all(node):
            if isinstance(inner, nodes.Getattr) and inner.attr in _MESSAGE_PARTS:
                return True
            if isinstance(inner, nodes.Getitem) and isinstance(inner.arg, nodes.Const):
                if inner.arg.value in _MESSAGE_PARTS:
                    return True
            elif isinstance(inner, nodes.Name) and inner.name in self._from_messages:
                return True
        return False

    def _rounds(self, node: nodes.Node) -> int:
        if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name) and node.node.name == "range":
            numbers = [_number(argument) for argument in node.args[:3]]
            if len(numbers) == 1:
                return numbers[0]
            if len(numbers) >= 2 and all(isinstance(a, nodes.Const | nodes.Neg) for a in node.args[:2]):
                step = max(1, numbers[2]) if len(numbers) > 2 else 1
                return max(0, numbers[1] - numbers[0]) // step
        return 1

    def _root(self, node: nodes.Expr) -> str:
        """The outside name that a chain of attributes begins with, empty for the template's own."""
        inner: nodes.Node = node
        for _ in range(LONGEST_CHAIN):
            if not isinstance(inner, nodes.Getattr | nodes.Getitem):
                break
            inner = inner.node
        if isinstance(inner, nodes.Name) and inner.name not in self._assigned:
            return inner.name[:KEPT_NAME]
        return ""


def _all(node: nodes.Node) -> Iterator[nodes.Node]:
    todo = [node]
    while todo:
        inner = todo.pop()
        yield inner
        todo.extend(reversed(list(inner.iter_child_nodes())))


def _is_test_of(node: nodes.Node, child: nodes.Node, tested: bool) -> bool:
    """Is what ``child`` gives compared or used as a condition?"""
    if isinstance(node, nodes.If | nodes.CondExpr):
        return child is node.test or (tested and isinstance(node, nodes.CondExpr))
    return isinstance(node, nodes.Compare) or (tested and isinstance(node, nodes.Expr | nodes.Helper))


def _is_date(node: nodes.Node) -> bool:
    return (
        isinstance(node, nodes.Call)
        and isinstance(node.node, nodes.Name)
        and node.node.name in ("strftime_now", "now")
    )


def _number(node: nodes.Node) -> int:
    if isinstance(node, nodes.Neg):
        return -_number(node.node)
    if isinstance(node, nodes.Pow):
        base, exponent = _number(node.left), _number(node.right)
        return HUGE + 1 if base > 1 and exponent > 20 else base ** max(0, min(exponent, 20))
    if isinstance(node, nodes.Mul):
        return min(10**18, abs(_number(node.left)) * abs(_number(node.right)))
    return node.value if isinstance(node, nodes.Const) and type(node.value) is int else 0


def _is_phrase(text: str) -> bool:
    """Words that a person would write, not the marks that templates look for."""
    return (
        len(text) >= 6 and text[0].isalnum() and sum(c.isalpha() or c == " " for c in text) >= 0.8 * len(text)
    )


def shown(node: nodes.Node, depth: int = 0) -> str:
    """Write an expression down for a person, at most ``KEPT_NAME`` characters."""
    if depth > 8:
        return "…"
    if isinstance(node, nodes.Name):
        text = str(node.name)
    elif isinstance(node, nodes.Const):
        text = ascii(node.value) if isinstance(node.value, str) else str(node.value)[:40]
    elif isinstance(node, nodes.Getattr):
        text = f"{shown(node.node, depth + 1)}.{node.attr}"
    elif isinstance(node, nodes.Getitem):
        text = f"{shown(node.node, depth + 1)}[{shown(node.arg, depth + 1)}]"
    elif isinstance(node, nodes.Call):
        text = f"{shown(node.node, depth + 1)}({', '.join(shown(a, depth + 1) for a in node.args[:4])})"
    elif isinstance(node, nodes.Filter):
        inner = shown(node.node, depth + 1) if node.node is not None else ""
        text = f"{inner}|{node.name}({', '.join(shown(a, depth + 1) for a in node.args[:4])})"
    elif isinstance(node, nodes.Concat):
        text = " ~ ".join(shown(part, depth + 1) for part in node.nodes[:6])
    elif isinstance(node, nodes.BinExpr):
        text = f"{shown(node.left, depth + 1)} {node.operator} {shown(node.right, depth + 1)}"
    else:
        text = "…"
    return text if len(text) <= KEPT_NAME else text[: KEPT_NAME - 1] + "…"
