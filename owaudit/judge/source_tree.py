"""Python sources as a tree of modules, classes and functions, read with ``ast`` and never imported.

A name in a module is resolved through imports, aliases and re-exports to a class or function of
the same sources, or to a dotted name outside of them. A name with several definitions (``if``,
``try``) has several targets; whoever asks must be content with each of them.

Bounds: ``FILES`` files of at most ``FILE_BYTES`` bytes each. Symbolic links are not followed.
"""

from __future__ import annotations

import ast
import builtins
import os
import stat
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from owaudit.errors import UsageError

FILES = 20_000
FILE_BYTES = 8 * 1024 * 1024
"""The longest honest sources are generated tables of a few MiB."""
_HOPS = 16
"""Aliases followed for one name; longer chains are loops."""
_NESTING = 120
"""Compound statements inside one another; Python itself refuses more than 100 levels of indentation."""

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
Node = FunctionNode | ast.ClassDef | ast.expr


@dataclass(frozen=True, slots=True)
class Unread:
    """A file that could not be read or parsed."""

    path: str
    module: str
    reason: str


@dataclass(frozen=True, slots=True)
class External:
    """A dotted name that the sources do not define."""

    name: str


@dataclass(frozen=True, slots=True)
class Opaque:
    """A value that is computed: what it is cannot be told from the text."""

    what: str


@dataclass(eq=False, slots=True)
class SourceModule:
    """One file. ``bindings`` are the definitions and values of each module-level name."""

    name: str
    path: str
    is_package: bool
    bindings: dict[str, list[Node | str]] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)
    patched: dict[str, int] = field(default_factory=dict)
    """``Class.attribute`` assigned from outside the class body, and in which line."""


@dataclass(eq=False, slots=True)
class SourceFunction:
    """A function of a module, or a method."""

    module: SourceModule
    node: FunctionNode


@dataclass(eq=False, slots=True)
class SourceClass:
    """A class; ``name`` is what a pickle calls it, ``members`` what its body binds."""

    module: SourceModule
    qualname: str
    node: ast.ClassDef
    name: str
    members: dict[str, list[Node]]

    @property
    def place(self) -> str:
        """File and line of the definition."""
        return f"{self.module.path}:{self.node.lineno}"


Target = SourceClass | SourceFunction | External | Opaque


class SourceTree:
    """All modules below one directory."""

    def __init__(self, root: Path) -> None:
        """Read every ``.py`` file.

        Raises:
            UsageError: ``root`` is no directory, cannot be read, or holds more than ``FILES`` files.
        """
        if not root.is_dir():
            raise UsageError(f"{root.name}: not a directory of Python sources")
        self.modules: dict[str, SourceModule] = {}
        self.unread: list[Unread] = []
        self.classes: list[SourceClass] = []
        self._class_of: dict[int, SourceClass] = {}
        for path in sorted(_python_files(root)):
            self._read(root, path)

    def _read(self, root: Path, path: Path) -> None:
        name, is_package = module_name(root, path)
        shown = path.relative_to(root).as_posix()
        parsed = _parse(path)
        if isinstance(parsed, str):
            self.unread.append(Unread(shown, name, parsed))
            return
        if name in self.modules:
            self.unread.append(Unread(shown, name, "another file is already the module of this name"))
            return
        module = SourceModule(name, shown, is_package)
        self.modules[name] = module
        for statement in statements(parsed.body):
            _bind(module, statement)
        for definitions in list(module.bindings.values()):
            for node in definitions:
                if isinstance(node, ast.ClassDef):
                    self._add_class(module, node, "")

    def _add_class(self, module: SourceModule, node: ast.ClassDef, outer: str) -> None:
        qualname = f"{outer}.{node.name}" if outer else node.name
        members: dict[str, list[Node]] = {}
        for statement in statements(node.body):
            for name, value in _bound_by(statement):
                if not isinstance(value, str):
                    members.setdefault(name, []).append(value)
        pickled = _declared_module(node, members) or module.name
        made = SourceClass(module, qualname, node, f"{pickled}.{qualname}", members)
        self.classes.append(made)
        self._class_of[id(node)] = made
        if qualname.count(".") < _HOPS:
            for values in members.values():
                for inner in values:
                    if isinstance(inner, ast.ClassDef):
                        self._add_class(module, inner, qualname)

    # Resolving ----------------------------------------------------------------------------------

    def resolve(self, module: SourceModule, dotted: str, hops: int = 0) -> tuple[Target, ...]:
        """Return what ``dotted``, as written in ``module``, may be; never empty."""
        head, _, rest = dotted.partition(".")
        if hops > _HOPS:
            return (Opaque(dotted),)
        found: list[Target] = []
        for bound in _informative(module.bindings.get(head, [])):
            found += self._follow(module, bound, rest, hops)
        if found:
            return tuple(dict.fromkeys(found))
        for star in module.stars:
            starred = self.modules.get(star)
            if starred is not None and head in starred.bindings:
                return self.resolve(starred, dotted, hops + 1)
        if hasattr(builtins, head):
            return (External(f"builtins.{dotted}"),)
        if len(module.stars) == 1 and module.stars[0] not in self.modules:
            return (External(f"{module.stars[0]}.{dotted}"),)
        return (Opaque(dotted),)

    def _follow(self, module: SourceModule, bound: Node | str, rest: str, hops: int) -> Iterable[Target]:
        if isinstance(bound, str):
            return self.resolve_dotted(f"{bound}.{rest}" if rest else bound, hops + 1)
        if isinstance(bound, ast.ClassDef):
            return self._inside(self._class_of.get(id(bound)), rest)
        if isinstance(bound, FunctionNode):
            return () if rest else (SourceFunction(module, bound),)
        alias = dotted_of(bound)
        if alias is not None and not isinstance(bound, ast.Subscript):
            return self.resolve(module, f"{alias}.{rest}" if rest else alias, hops + 1)
        return (Opaque(f"{rest or 'value'}"),)

    def _inside(self, owner: SourceClass | None, rest: str) -> Iterable[Target]:
        while owner is not None and rest:
            head, _, rest = rest.partition(".")
            inner = [node for node in owner.members.get(head, []) if isinstance(node, ast.ClassDef)]
            methods = [node for node in owner.members.get(head, []) if isinstance(node, FunctionNode)]
            if methods and not rest:
                return [SourceFunction(owner.module, node) for node in methods]
            owner = self._class_of.get(id(inner[0])) if len(inner) == 1 else None
        return (owner,) if owner is not None else (Opaque(rest),)

    def resolve_dotted(self, dotted: str, hops: int = 0) -> tuple[Target, ...]:
        """Return what an absolute dotted name may be; never empty."""
        parts = dotted.split(".")
        for length in range(len(parts), 0, -1):
            module = self.modules.get(".".join(parts[:length]))
            if module is None:
                continue
            if length == len(parts):
                return (Opaque(f"module {dotted}"),)
            rest = ".".join(parts[length:])
            if parts[length] in module.bindings or module.stars:
                return self.resolve(module, rest, hops + 1)
            return (Opaque(dotted),)
        return (External(dotted),)

    def class_of(self, node: ast.ClassDef) -> SourceClass | None:
        """The class of a definition, or None for one inside a function."""
        return self._class_of.get(id(node))


def dotted_of(node: ast.expr) -> str | None:
    """``a.b.c`` for names and attributes, also below a subscript (``Generic[T]``); otherwise None."""
    if isinstance(node, ast.Subscript):
        return dotted_of(node.value)
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    return ".".join((node.id, *reversed(parts)))


def statements(body: Iterable[ast.stmt], depth: int = 0) -> Iterator[ast.stmt]:
    """The statements that may run as part of a body: those below ``if``, ``try``, ``with`` and loops too."""
    for statement in body:
        yield statement
        if depth >= _NESTING or isinstance(statement, (*_FUNCTIONS, ast.ClassDef)):
            continue
        for attribute in ("body", "orelse", "finalbody"):
            yield from statements(getattr(statement, attribute, ()), depth + 1)
        for handler in getattr(statement, "handlers", ()):
            yield from statements(handler.body, depth + 1)
        for case in getattr(statement, "cases", ()):
            yield from statements(case.body, depth + 1)


_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def module_name(root: Path, path: Path) -> tuple[str, bool]:
    """The name under which a file is imported, and whether it is a package.

    Packages (folders with ``__init__.py``) count from the outermost one, also above ``root``;
    other files from ``root``, without a leading ``src``.
    """
    folder = path.parent
    parts: list[str] = []
    if (folder / "__init__.py").is_file():
        while (folder / "__init__.py").is_file() and folder.parent != folder:
            parts.insert(0, folder.name)
            folder = folder.parent
    else:
        parts = list(folder.relative_to(root).parts)
        if parts[:1] == ["src"]:
            parts = parts[1:]
    is_package = path.name == "__init__.py"
    if not is_package:
        parts.append(path.stem)
    return ".".join(parts) or path.stem, is_package


def _python_files(root: Path) -> Iterator[Path]:
    todo, count = [root], 0
    while todo:
        folder = todo.pop()
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            raise UsageError(f"{folder.name}: {error.strerror or error}") from error
        if folder != root and any(entry.name == "pyvenv.cfg" for entry in entries):
            continue
        for entry in entries:
            if entry.name.startswith(".") or entry.name == "__pycache__":
                continue
            if entry.is_dir(follow_symlinks=False):
                todo.append(Path(entry.path))
            elif entry.name.endswith(".py") and entry.is_file(follow_symlinks=False):
                count += 1
                if count > FILES:
                    raise UsageError(f"{root.name}: more than {FILES} Python files")
                yield Path(entry.path)


def _parse(path: Path) -> ast.Module | str:
    """The syntax tree, or why there is none."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(descriptor, "rb") as stream:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return "not a regular file"
            raw = stream.read(FILE_BYTES + 1)
    except OSError as error:
        return error.strerror or "cannot be read"
    if len(raw) > FILE_BYTES:
        return f"longer than {FILE_BYTES} bytes"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(raw)
    except SyntaxError as error:
        return f"not valid Python: {error.msg} (line {error.lineno})"
    except (ValueError, RecursionError, MemoryError):
        return "cannot be parsed: nested too deep, or not text"


def _bind(module: SourceModule, statement: ast.stmt) -> None:
    if isinstance(statement, ast.ImportFrom):
        base = _absolute(module, statement)
        for alias in statement.names:
            if alias.name == "*":
                module.stars.append(base)
            else:
                module.bindings.setdefault(alias.asname or alias.name, []).append(f"{base}.{alias.name}")
        return
    for name, value in _bound_by(statement):
        module.bindings.setdefault(name, []).append(value)
    if isinstance(statement, ast.Assign):
        for target in statement.targets:
            if isinstance(target, ast.Attribute) and (dotted := dotted_of(target)) is not None:
                module.patched.setdefault(dotted, statement.lineno)
    elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        call = statement.value
        if isinstance(call.func, ast.Name) and call.func.id == "setattr" and call.args:
            owner = dotted_of(call.args[0])
            named = call.args[1] if len(call.args) > 1 else None
            text = named.value if isinstance(named, ast.Constant) and isinstance(named.value, str) else "*"
            module.patched.setdefault(f"{owner}.{text}", statement.lineno)


def _absolute(module: SourceModule, statement: ast.ImportFrom) -> str:
    if not statement.level:
        return statement.module or ""
    parts = module.name.split(".")
    drop = statement.level - 1 if module.is_package else statement.level
    kept = parts[: max(0, len(parts) - drop)]
    return ".".join((*kept, *filter(None, (statement.module,))))


def _bound_by(statement: ast.stmt) -> Iterator[tuple[str, Node | str]]:
    """The names that one statement binds, and to what; imports bind dotted names."""
    if isinstance(statement, (*_FUNCTIONS, ast.ClassDef)):
        yield statement.name, statement
    elif isinstance(statement, ast.Import):
        for alias in statement.names:
            if alias.asname:
                yield alias.asname, alias.name
            else:
                head = alias.name.partition(".")[0]
                yield head, head
    elif isinstance(statement, ast.ImportFrom) and not statement.level and statement.module:
        for alias in statement.names:
            yield alias.asname or alias.name, f"{statement.module}.{alias.name}"
    elif isinstance(statement, ast.Assign):
        for target in statement.targets:
            if isinstance(target, ast.Name):
                yield target.id, statement.value
            elif isinstance(target, ast.Tuple | ast.List):
                for index, element in enumerate(target.elts):
                    if isinstance(element, ast.Name):
                        part = ast.Subscript(value=statement.value, slice=ast.Constant(value=index))
                        yield element.id, ast.copy_location(part, statement)
    elif isinstance(statement, ast.AnnAssign) and statement.value and isinstance(statement.target, ast.Name):
        yield statement.target.id, statement.value


def _informative(bound: list[Node | str]) -> list[Node | str]:
    """Without the ``X = None`` of an import that failed, where there is something better."""
    kept = [node for node in bound if not isinstance(node, ast.Constant)]
    return kept or bound


def _declared_module(node: ast.ClassDef, members: dict[str, list[Node]]) -> str:
    """The module that the class claims: ``__module__ = "x"`` or ``@set_module("x")``."""
    for value in members.get("__module__", []):
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            return value.value
    for decorator in node.decorator_list:
        if isinstance(decorator, ast.Call) and (dotted_of(decorator.func) or "").endswith("set_module"):
            for argument in decorator.args[:1]:
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    return argument.value
    return ""
