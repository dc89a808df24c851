"""Which classes of a library may a policy allow, read from its sources alone.

A pickle creates an object of a class (``__new__``), gives it a state (``__setstate__``, or plain
assignment, which may run ``__setattr__`` and property setters), may ask for attributes
(``__getattr__``), may put it into a set or use it as a key (``__hash__``, ``__eq__``), may fill it
(``append``, ``extend``, ``add``, ``__setitem__``), and drops it in the end (``__del__``). A class is
inert when all of these only assign fields. Where the class pickles itself by being called
(``__reduce__``, exceptions, enumerations), ``__init__`` must pass the same test.

What cannot be told is not inert, with the reason. Nothing is imported or run.

Source: CPython 3.11, Lib/pickle.py (load_build, load_newobj, load_reduce) and Lib/copyreg.py.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from owaudit.judge.class_check import ClassCheck
from owaudit.judge.lineage import Lineage, NotInert, ReviewedNames, lineage_of
from owaudit.judge.plain_names import NAMED_TUPLES
from owaudit.judge.rows import ReviewedRow, read_reviewed, use_rank
from owaudit.judge.source_tree import (
    External,
    SourceClass,
    SourceFunction,
    SourceModule,
    SourceTree,
    dotted_of,
    statements,
)
from owaudit.judge.strict import parse
from owaudit.model.observation import Use
from owaudit.shipped import shipped


@dataclass(frozen=True, slots=True, kw_only=True)
class DerivedName:
    """A dotted name of the sources: the strongest use that was found inert, and why.

    ``use`` is None where nothing can be allowed; ``reason`` then is the first one against it, and
    ``place`` the file (POSIX, relative to the source directory) and line that it is about.
    """

    name: str
    use: Use | None
    reason: str
    place: str


def derive(source_dir: Path, *, assume: Iterable[str] = ()) -> tuple[DerivedName, ...]:
    """Read all sources below a directory and judge every class, sorted by name.

    ``assume`` are dotted names of classes outside the sources that the caller has read himself;
    they count as if they stood on a reviewed list with ``build``. Files that cannot be parsed
    are listed as names without a use.

    Raises:
        UsageError: the directory cannot be read, or holds too many files.
    """
    tree = SourceTree(source_dir)
    reviewed = ReviewedNames(_reviewed_rows(), assume)
    found: dict[str, list[DerivedName]] = defaultdict(list)
    for unread in tree.unread:
        reason = f"the file was not read: {unread.reason}"
        found[unread.module].append(
            DerivedName(name=unread.module, use=None, reason=reason, place=unread.path)
        )
    for cls in tree.classes:
        for derived in _of_class(tree, reviewed, cls):
            found[derived.name].append(derived)
    for module in tree.modules.values():
        for derived in _named_tuples(tree, module):
            found[derived.name].append(derived)
    return tuple(_weakest(found[name]) for name in sorted(found))


def _reviewed_rows() -> list[ReviewedRow]:
    rows: list[ReviewedRow] = []
    for path in sorted((shipped("rules") / "reviewed").glob("*.toml")):
        rows += read_reviewed(parse(path.read_bytes(), path.name))
    return rows


def _weakest(same: list[DerivedName]) -> DerivedName:
    """Of several definitions of one name, the one that allows least."""
    return min(same, key=lambda one: -1 if one.use is None else use_rank(one.use))


# One class ---------------------------------------------------------------------------------------


def _of_class(tree: SourceTree, reviewed: ReviewedNames, cls: SourceClass) -> Iterator[DerivedName]:
    check = ClassCheck(tree, reviewed)
    try:
        lineage = lineage_of(tree, reviewed, cls)
        own = check.check_load(lineage)
        if lineage.is_enum:
            yield from _of_enum(check, lineage)
            return
        called, functions, note = _pickles_by(tree, lineage)
        if called:
            check.check_call(cls, 0)
            own = ["__init__", *own] if lineage.members("__init__") else own
    except NotInert as error:
        yield DerivedName(name=cls.name, use=None, reason=error.reason, place=error.place)
        return
    use = Use.CALL if called else Use.BUILD
    yield DerivedName(name=cls.name, use=use, reason=_praise(own, called) + note, place=cls.place)
    for function in functions:
        yield _of_function(tree, reviewed, function)


def _praise(own: list[str], called: bool) -> str:
    start = "pickle calls the class; " if called else ""
    if not own:
        return f"{start}loading only assigns fields"
    listed = ", ".join(f"`{name}`" for name in own)
    return f"{start}{listed} only assign{'s' if len(own) == 1 else ''} fields"


def _of_enum(check: ClassCheck, lineage: Lineage) -> Iterator[DerivedName]:
    """An enumeration is called with a value, or its members are taken by name."""
    cls = lineage.cls
    check.check_missing(lineage)
    yield DerivedName(
        name=cls.name,
        use=Use.CALL,
        place=cls.place,
        reason="an enumeration; its members are looked up by value",
    )
    for name, nodes in sorted(cls.members.items()):
        if not name.startswith("_") and not any(isinstance(node, _DEFINITIONS) for node in nodes):
            yield DerivedName(
                name=f"{cls.name}.{name}",
                use=Use.REFERENCE,
                reason="a member of an enumeration",
                place=f"{cls.module.path}:{nodes[0].lineno}",
            )


_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def _of_function(tree: SourceTree, reviewed: ReviewedNames, function: SourceFunction) -> DerivedName:
    """A function that ``__reduce__`` of some class names."""
    name = f"{function.module.name}.{function.node.name}"
    try:
        ClassCheck(tree, reviewed).check_function(function)
    except NotInert as error:
        return DerivedName(name=name, use=None, reason=error.reason, place=error.place)
    return DerivedName(
        name=name,
        use=Use.CALL,
        reason="named by `__reduce__`; it only makes and fills objects",
        place=f"{function.module.path}:{function.node.lineno}",
    )


def _named_tuples(tree: SourceTree, module: SourceModule) -> Iterator[DerivedName]:
    """``Point = namedtuple("Point", "x y")`` makes a class without a ``class`` statement."""
    for name, nodes in module.bindings.items():
        for node in nodes:
            if not isinstance(node, ast.Call) or not node.args:
                continue
            first, made_by = node.args[0], dotted_of(node.func)
            targets = tree.resolve(module, made_by) if made_by else ()
            if (
                isinstance(first, ast.Constant)
                and first.value == name
                and targets
                and all(isinstance(one, External) and one.name in NAMED_TUPLES for one in targets)
            ):
                yield DerivedName(
                    name=f"{module.name}.{name}",
                    use=Use.BUILD,
                    reason="a named tuple",
                    place=f"{module.path}:{node.lineno}",
                )


# How its own pickles spell it ----------------------------------------------------------------------


def _pickles_by(tree: SourceTree, lineage: Lineage) -> tuple[bool, list[SourceFunction], str]:
    """Does pickle call the class; which functions of the sources does it call; what is not clear."""
    methods = lineage.lookup("__reduce_ex__") or lineage.lookup("__reduce__")
    if methods is None:
        return lineage.is_called_by_reduce, [], ""
    called, functions, clear = False, [], True
    for method in methods:
        for returned in statements(method.node.body):
            if not isinstance(returned, ast.Return):
                continue
            first = _first_of(returned.value)
            if first is None:
                clear = False
            elif _is_own_class(tree, lineage, method, first):
                called = True
            else:
                known = _reduced_to(tree, method, first)
                clear = clear and known is not None
                functions += known or []
    note = "" if clear else "; its `__reduce__` may call names that need lines of their own"
    return called, functions, note


def _first_of(value: ast.expr | None) -> ast.expr | None:
    """What pickle calls: the first item of the returned tuple."""
    if isinstance(value, ast.Tuple) and value.elts:
        return value.elts[0]
    return None


def _is_own_class(tree: SourceTree, lineage: Lineage, method: SourceFunction, node: ast.expr) -> bool:
    if isinstance(node, ast.Call) and dotted_of(node.func) == "type" and len(node.args) == 1:
        return True
    written = dotted_of(node) or ""
    if written.endswith(".__class__") and written.count(".") == 1:
        return True
    targets = tree.resolve(method.module, written) if written else ()
    return any(target is base for target in targets for base in lineage.bases)


def _reduced_to(tree: SourceTree, method: SourceFunction, node: ast.expr) -> list[SourceFunction] | None:
    """The functions of the sources that pickle will call; None where it cannot be told."""
    written = dotted_of(node)
    targets = tree.resolve(method.module, written) if written else ()
    functions = [target for target in targets if isinstance(target, SourceFunction)]
    plain = [one for one in targets if isinstance(one, External) and one.name.startswith("copyreg.")]
    return functions if targets and len(functions) + len(plain) == len(targets) else None


# As a policy ---------------------------------------------------------------------------------------


def policy_text(derived: Iterable[DerivedName]) -> str:
    """Return TOML for a policy: the names to allow, and as comments those left out and why."""
    names = list(derived)
    allowed = [one for one in names if one.use is not None]
    refused = [one for one in names if one.use is None]
    lines = [
        "# Derived from sources without running them. Read each line before you keep it.",
        "[imports]",
        "allow = [",
    ]
    lines += [_allow_line(one) for one in allowed]
    lines.append("]")
    if refused:
        lines += ["", "# Left out, because loading them may do more than assign fields:"]
        lines += [f"# {_printable(f'{one.name}: {one.reason} ({one.place})')}" for one in refused]
    return "\n".join(lines) + "\n"


def _allow_line(one: DerivedName) -> str:
    reason = _quoted(f"{one.reason} ({one.place})")
    return f'  {{ name = {_quoted(one.name)}, use = "{one.use}", reason = {reason} }},'


def _printable(text: str) -> str:
    """One line without control characters, so that no source text can leave its comment or string."""
    return "".join(one if one.isprintable() else "?" for one in text)


def _quoted(text: str) -> str:
    return '"' + _printable(text.replace("\\", "\\\\").replace('"', '\\"')) + '"'
