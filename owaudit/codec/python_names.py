"""What the names of a Python program stand for, as far as its text says so: never by running it.

Imports and plain assignments are followed, with ``getattr``, ``__import__`` and
``import_module`` on texts that are written out or joined from pieces. A name that cannot be
followed keeps its spelling.

Source: Python language reference, "Import statements"; ``ast`` module.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

DEEPEST = 24
LONGEST = 4096
MOST_STARS = 6
"""Modules taken in whole that are followed: each is asked for every plain name."""
UNKNOWN = "?"
"""Stands for an attribute whose name is computed."""

_BUILTINS = {
    "exec", "eval", "compile", "open", "__import__", "getattr", "setattr", "delattr", "globals", "locals",
    "vars", "input", "breakpoint", "execfile", "file",
}  # fmt: skip
_IMPORTERS = {"importlib.import_module", "builtins.__import__", "importlib.__import__"}


class Names:
    """The names that one program binds at any place; a name bound twice keeps both meanings."""

    def __init__(self, tree: ast.AST) -> None:
        self._meanings: dict[str, list[str]] = {}
        self._texts: dict[str, str | None] = {}
        self.stars: list[str] = []
        self.packages: set[str] = set()
        nodes = list(walk(tree))
        for node in nodes:
            if isinstance(node, ast.Import | ast.ImportFrom):
                self._import(node)
        for node in nodes:
            if isinstance(node, ast.Assign) and len(node.targets) == 1:
                self._assign(node.targets[0], node.value)
            elif isinstance(node, ast.AnnAssign | ast.NamedExpr) and node.value is not None:
                self._assign(node.target, node.value)

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        if isinstance(node, ast.Import):
            for alias in node.names:
                self.packages.add(alias.name.partition(".")[0])
                meaning = alias.name if alias.asname else alias.name.partition(".")[0]
                self._add(alias.asname or meaning, meaning)
            return
        module = "." * node.level + (node.module or "")
        if not node.level:
            self.packages.add(module.partition(".")[0])
        for alias in node.names:
            if alias.name == "*":
                if module not in self.stars and len(self.stars) < MOST_STARS:
                    self.stars.append(module)
            else:
                self._add(alias.asname or alias.name, f"{module}.{alias.name}")

    def _assign(self, target: ast.expr, value: ast.expr) -> None:
        if not isinstance(target, ast.Name):
            return
        text = self.text(value)
        self._texts[target.id] = text if target.id not in self._texts else None
        dotted = self.dotted(value)
        if dotted and dotted != target.id:
            self._add(target.id, dotted)

    def _add(self, name: str, meaning: str) -> None:
        known = self._meanings.setdefault(name, [])
        if meaning not in known and len(known) < 8:
            known.append(meaning)

    def meanings(self, node: ast.expr) -> Iterator[str]:
        """Yield the dotted names that an expression may stand for."""
        dotted = self.dotted(node)
        if not dotted:
            return
        first, dot, rest = dotted.partition(".")
        found = self._meanings.get(first, []) if isinstance(_root(node), ast.Name) else []
        for meaning in dict.fromkeys([*found, dotted]):
            yield meaning if meaning == dotted else f"{meaning}{dot}{rest}"
        if not dot and dotted in _BUILTINS:
            yield f"builtins.{dotted}"
        elif not dot:
            for star in self.stars:
                yield f"{star}.{dotted}"

    def dotted(self, node: ast.expr, depth: int = 0) -> str:
        """Return the dotted name of an expression, empty where it has none."""
        if depth > DEEPEST:
            return ""
        if isinstance(node, ast.Name):
            return node.id if depth == 0 else self._first(node.id)
        if isinstance(node, ast.Attribute):
            below = self.dotted(node.value, depth + 1)
            return f"{below}.{node.attr}" if below else ""
        if isinstance(node, ast.Call):
            return self._reached(node, depth)
        if isinstance(node, ast.Subscript):
            return self._looked_up(node, depth)
        return ""

    def _first(self, name: str) -> str:
        known = self._meanings.get(name)
        return known[0] if known else f"builtins.{name}" if name in _BUILTINS else name

    def _reached(self, node: ast.Call, depth: int) -> str:
        """``getattr(os, 'system')`` and ``__import__('os')`` stand for what they give."""
        called = self.dotted(node.func, depth + 1)
        called = f"builtins.{called}" if called in _BUILTINS else called
        if called in _IMPORTERS and node.args:
            return (self.text(node.args[0]) or UNKNOWN)[:200]
        if called == "builtins.getattr" and len(node.args) >= 2:
            owner = self.dotted(node.args[0], depth + 1)
            return f"{owner}.{self.text(node.args[1]) or UNKNOWN}" if owner else ""
        if called.endswith(".__getattribute__") and node.args:
            return f"{called.removesuffix('.__getattribute__')}.{self.text(node.args[-1]) or UNKNOWN}"
        return ""

    def _looked_up(self, node: ast.Subscript, depth: int) -> str:
        """``sys.modules['os']``, ``os.__dict__['system']`` and ``globals()['eval']``."""
        owner = node.value
        key = self.text(node.slice) or UNKNOWN
        if isinstance(owner, ast.Call):
            called = self.dotted(owner.func, depth + 1)
            if called in (
                "globals",
                "locals",
                "vars",
                "builtins.globals",
                "builtins.locals",
                "builtins.vars",
            ):
                inner = self.dotted(owner.args[0], depth + 1) if owner.args else ""
                return f"{inner}.{key}" if inner else (f"builtins.{key}" if key in _BUILTINS else key)
            return ""
        name = self.dotted(owner, depth + 1)
        if name == "sys.modules":
            return key
        if name.endswith(".__dict__"):
            return f"{name.removesuffix('.__dict__')}.{key}"
        return f"builtins.{key}" if name in ("__builtins__", "builtins") else ""

    def text(self, node: ast.expr | None, depth: int = 0) -> str | None:
        """Return the text that an expression spells, or None; nothing longer than ``LONGEST``."""
        if node is None or depth > DEEPEST:
            return None
        found = self._spelled(node, depth)
        return found if found is not None and len(found) <= LONGEST else None

    def _spelled(self, node: ast.expr, depth: int) -> str | None:
        if isinstance(node, ast.Constant):
            if isinstance(node.value, bytes):
                return node.value.decode("latin-1")
            return node.value if isinstance(node.value, str) else None
        if isinstance(node, ast.Name):
            return self._texts.get(node.id)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            left, right = self.text(node.left, depth + 1), self.text(node.right, depth + 1)
            return left + right if left is not None and right is not None else None
        if isinstance(node, ast.JoinedStr):
            return self._woven([self.text(part, depth + 1) for part in node.values])
        if isinstance(node, ast.FormattedValue):
            return self.text(node.value, depth + 1)
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
            step = node.slice.step
            inner = self.text(node.value, depth + 1)
            backwards = isinstance(step, ast.UnaryOp) and isinstance(step.op, ast.USub)
            return inner[::-1] if inner is not None and backwards else None
        if isinstance(node, ast.Call):
            return self._called_text(node, depth)
        return None

    def _called_text(self, node: ast.Call, depth: int) -> str | None:
        if isinstance(node.func, ast.Name) and node.func.id == "chr" and node.args:
            code = node.args[0]
            whole = isinstance(code, ast.Constant) and isinstance(code.value, int)
            return chr(code.value) if whole and 0 <= code.value < 0x110000 else None  # type: ignore[attr-defined]
        if not isinstance(node.func, ast.Attribute):
            return None
        inner = self.text(node.func.value, depth + 1)
        if node.func.attr == "join" and inner is not None and node.args:
            parts = node.args[0]
            if isinstance(parts, ast.List | ast.Tuple):
                woven = [self.text(part, depth + 1) for part in parts.elts]
                return None if None in woven else inner.join(part or "" for part in woven)
        if node.func.attr == "replace" and inner is not None and len(node.args) == 2:
            old, new = (self.text(argument, depth + 1) for argument in node.args)
            if old and new is not None and len(inner) * (len(new) + 1) <= LONGEST * 8:
                return inner.replace(old, new)
        return inner if node.func.attr in ("strip", "lower", "encode", "decode") else None

    @staticmethod
    def _woven(parts: list[str | None]) -> str | None:
        return None if None in parts else "".join(part or "" for part in parts)


def walk(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield every node, parents first, in the order of the text."""
    todo = [tree]
    while todo:
        node = todo.pop()
        yield node
        todo.extend(reversed(list(ast.iter_child_nodes(node))))


def _root(node: ast.expr) -> ast.expr:
    for _ in range(DEEPEST):
        if not isinstance(node, ast.Attribute):
            break
        node = node.value
    return node
