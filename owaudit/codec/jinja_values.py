"""What a template expression is worth where that is plain to see: texts, never by evaluation.

Names are put together to hide them: ``x['__cl' ~ 'ass__']``, ``'ssalc'[::-1]``, variables set
before. Only constants, joins of texts, slices and a few text methods and filters are followed, each
with a bound on length and on the number of possible values. Nothing of jinja2 is asked to compute.

Source: Jinja template designer documentation, "Expressions" and "List of Builtin Filters".
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from jinja2 import nodes

LONGEST = 4096
"""Characters of a text that is followed: names are short, and nothing may grow."""
MOST_VALUES = 16
"""Values that one expression may have; a variable can be set in several places."""
DEEPEST = 60
"""Expressions inside one another that are followed."""

Values = tuple[str, ...]
"""The texts that an expression may be; empty where that is not known."""


class Known:
    """The texts that the variables of one template may hold."""

    def __init__(self) -> None:
        self._values: dict[str, Values] = {}
        self._unknown: set[str] = set()

    def assign(self, name: str, values: Values) -> None:
        """A variable is set; one value that is not known makes the variable unknown."""
        if not values:
            self._unknown.add(name)
        self._values[name] = _bounded((*self._values.get(name, ()), *values))

    def get(self, name: str) -> Values:
        """Return what is known: values that were seen, even where others are not known."""
        return self._values.get(name, ())

    def is_known(self, name: str) -> bool:
        """Is every value of the variable known?"""
        return name in self._values and name not in self._unknown


def texts(node: nodes.Node | None, known: Known, depth: int = 0) -> Values:
    """Return the texts that ``node`` may be, at most ``MOST_VALUES`` of ``LONGEST`` characters."""
    if node is None or depth > DEEPEST:
        return ()
    if isinstance(node, nodes.Const):
        return _constant(node)
    if isinstance(node, nodes.Name):
        return known.get(node.name)
    if isinstance(node, nodes.NSRef):
        return known.get(f"{node.name}.{node.attr}")
    if isinstance(node, nodes.Getattr) and isinstance(node.node, nodes.Name):
        return known.get(f"{node.node.name}.{node.attr}")
    if isinstance(node, nodes.Concat):
        return _joined([texts(part, known, depth + 1) for part in node.nodes], "")
    if isinstance(node, nodes.CondExpr):
        both = (*texts(node.expr1, known, depth + 1), *texts(node.expr2, known, depth + 1))
        return _bounded(both)
    if isinstance(node, nodes.Add):
        return _joined([texts(node.left, known, depth + 1), texts(node.right, known, depth + 1)], "")
    if isinstance(node, nodes.Mul):
        times = node.right.value if isinstance(node.right, nodes.Const) else None
        times = times if type(times) is int and 0 <= times <= 100 else 0
        return _bounded(value * times for value in texts(node.left, known, depth + 1) if times)
    if isinstance(node, nodes.Mod):
        return _formatted(texts(node.left, known, depth + 1), _items(node.right), known, depth)
    if isinstance(node, nodes.Getitem):
        return _sliced(node, known, depth)
    if isinstance(node, nodes.Filter | nodes.Call):
        return _changed(node, known, depth)
    return ()


def _bounded(values: Iterable[str]) -> Values:
    short = (value for value in dict.fromkeys(values) if len(value) <= LONGEST)
    return tuple(itertools.islice(short, MOST_VALUES))


def _constant(node: nodes.Const) -> Values:
    if isinstance(node.value, str):
        return _bounded((node.value,))
    return (str(node.value),) if isinstance(node.value, int) and abs(node.value) < 10**18 else ()


def _joined(parts: list[Values], between: str) -> Values:
    if not parts or any(not part for part in parts) or len(parts) > LONGEST:
        return ()
    found: Values = parts[0]
    for part in parts[1:]:
        found = _bounded(a + between + b for a in found for b in part)
    return found


def _items(node: nodes.Node | None) -> list[nodes.Expr] | None:
    if isinstance(node, nodes.List | nodes.Tuple):
        return list(node.items)
    return [node] if isinstance(node, nodes.Expr) else None


def _formatted(patterns: Values, arguments: list[nodes.Expr] | None, known: Known, depth: int) -> Values:
    """``'%s%s' % (a, b)`` and its filter form, for texts alone."""
    if not patterns or arguments is None:
        return ()
    parts = [texts(argument, known, depth + 1) for argument in arguments]
    found: list[str] = []
    for pattern in patterns:
        pieces = pattern.split("%s")
        if "%" in "".join(pieces) or len(pieces) != len(parts) + 1:
            continue
        woven: list[Values] = [(pieces[0],)]
        for part, piece in zip(parts, pieces[1:], strict=True):
            woven += [part, (piece,)]
        found += _joined(woven, "")
    return _bounded(found)


def _sliced(node: nodes.Getitem, known: Known, depth: int) -> Values:
    values = texts(node.node, known, depth + 1)
    if not values:
        return ()
    if isinstance(node.arg, nodes.Slice):
        bounds = [_integer(part) for part in (node.arg.start, node.arg.stop, node.arg.step)]
        if any(bound is False for bound in bounds) or bounds[2] == 0:
            return ()
        return _bounded(value[slice(*bounds)] for value in values)
    index = _integer(node.arg)
    if index is None or index is False:
        return ()
    return _bounded(value[index] for value in values if -len(value) <= index < len(value))


def _integer(node: nodes.Node | None) -> int | None:
    """The integer a node is; None where there is no node and False where it is something else."""
    if node is None:
        return None
    if isinstance(node, nodes.Neg):
        inner = _integer(node.node)
        return -inner if inner is not None and inner is not False else False
    return node.value if isinstance(node, nodes.Const) and type(node.value) is int else False


def _changed(node: nodes.Filter | nodes.Call, known: Known, depth: int) -> Values:
    """A text method or filter with constant arguments."""
    if isinstance(node, nodes.Filter):
        name, receiver = node.name, node.node
    elif isinstance(node.node, nodes.Getattr):
        name, receiver = node.node.attr, node.node.node
        if name == "join":  # the text is the separator here, the first argument what is joined
            return _join(node.args[0] if node.args else None, receiver, known, depth)
    else:
        return ()
    if name == "join":
        return _join(receiver, node.args[0] if node.args else None, known, depth)
    values = texts(receiver, known, depth + 1)
    if not values:
        return ()
    if name == "format":
        if isinstance(node, nodes.Filter):
            return _formatted(values, list(node.args), known, depth)
        braces = tuple(value.replace("%", "%%").replace("{}", "%s") for value in values if "%" not in value)
        return _formatted(braces, list(node.args), known, depth)
    if name == "replace" and len(node.args) >= 2:
        old, new = (texts(argument, known, depth + 1) for argument in node.args[:2])
        return _bounded(
            value.replace(a, b)
            for value in values
            for a in old
            for b in new
            if len(value) * (len(b) + 1) <= LONGEST
        )
    return _bounded(_plain(name, value) for value in values) if name in _PLAIN else ()


_PLAIN = {"lower", "upper", "trim", "strip", "lstrip", "rstrip", "reverse", "string", "safe", "escape", "e",
          "capitalize", "title", "swapcase", "default", "d", "forceescape"}  # fmt: skip


def _plain(name: str, value: str) -> str:
    if name == "reverse":
        return value[::-1]
    if name in ("lower", "upper", "capitalize", "title", "swapcase"):
        return str(getattr(value, name)())
    return value.strip() if name in ("trim", "strip", "lstrip", "rstrip") else value


def _join(what: nodes.Node | None, between: nodes.Node | None, known: Known, depth: int) -> Values:
    items = _items(what)
    separators = texts(between, known, depth + 1) if between is not None else ("",)
    if items is None:
        return ()
    if len(items) == 1 and not isinstance(what, nodes.List | nodes.Tuple):
        return _bounded(s.join(value) for value in texts(items[0], known, depth + 1) for s in separators)
    parts = [texts(item, known, depth + 1) for item in items]
    return _bounded(value for separator in separators for value in _joined(parts, separator))
