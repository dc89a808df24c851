"""The calls of a Python program that can do something beyond computing, and when they happen.

A call happens at ``import`` (top level, class bodies, decorators, defaults, and functions that
the top level calls), at ``build`` (when a class of the file is built) or at ``call``. The block
``if __name__ == "__main__"`` counts as ``call``. Programs inside a text that is handed to
``exec`` are read in the same way.

Source: Python language reference, "Execution model".
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

from owaudit.codec.python_capabilities import CODE, FILE, UNPICKLE, capability_of, capability_of_method
from owaudit.codec.python_names import UNKNOWN, Names, walk

IMPORT_TIME = "import"
BUILD_TIME = "build"
CALL_TIME = "call"
MOST_NODES = 400_000
DEEPEST_TEXT = 3
"""Programs inside texts inside programs."""

_BUILDING = {
    "__init__", "__new__", "__init_subclass__", "__set_name__", "__post_init__", "__del__", "__call__",
    "forward", "__getattr__", "__setstate__", "__reduce__", "from_pretrained", "__enter__",
}  # fmt: skip
_DECODERS = {
    "b64decode", "b32decode", "b16decode", "b85decode", "a85decode", "decodebytes", "decompress", "fromhex",
    "unhexlify", "a2b_base64", "a2b_hex", "loads", "decode", "urlopen", "get", "translate", "recv",
}  # fmt: skip
_DECODING_MODULES = (
    "base64",
    "zlib",
    "codecs",
    "binascii",
    "marshal",
    "bz2",
    "lzma",
    "gzip",
    "requests",
    "urllib",
)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True, slots=True)
class Call:
    """One call: its dotted name, what it can do, when, where and as written."""

    name: str
    capability: str
    moment: str
    line: int
    example: str
    computed: bool


def parse(source: str) -> ast.Module:
    """Return the tree of a program.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: the text is no program, or too deep.
    """
    with warnings.catch_warnings():
        # Odd escapes in a stranger's texts are no concern of the person who runs the audit.
        warnings.simplefilter("ignore")
        return ast.parse(source)


def calls(tree: ast.Module, depth: int = 0) -> tuple[Names, Iterator[Call]]:
    """Return the names of a program and an iterator over its calls of note."""
    names = Names(tree)
    return names, _calls(tree, names, depth)


def _calls(tree: ast.Module, names: Names, depth: int) -> Iterator[Call]:
    early = _called_early(tree)
    todo: list[tuple[ast.AST, str]] = [(tree, IMPORT_TIME)]
    seen = 0
    while todo and seen < MOST_NODES:
        node, moment = todo.pop()
        seen += 1
        if isinstance(node, ast.Call):
            yield from _call(node, names, moment, depth)
        inner = _moment_inside(node, moment, early)
        body = {id(statement) for statement in getattr(node, "body", ())} if inner != moment else set()
        children = reversed(list(ast.iter_child_nodes(node)))
        todo.extend((child, inner if id(child) in body else moment) for child in children)


def _moment_inside(node: ast.AST, moment: str, early: set[int]) -> str:
    """When the body of a node runs; its other parts run when the node does."""
    if isinstance(node, ast.If) and moment == IMPORT_TIME and _is_main(node.test):
        return CALL_TIME
    if isinstance(node, _FUNCTIONS):
        if id(node) in early:
            return IMPORT_TIME
        return BUILD_TIME if node.name in _BUILDING and moment != CALL_TIME else CALL_TIME
    return moment


def _is_main(test: ast.expr) -> bool:
    if not isinstance(test, ast.Compare) or len(test.comparators) != 1:
        return False
    sides = (test.left, test.comparators[0])
    return any(isinstance(side, ast.Name) and side.id == "__name__" for side in sides) and any(
        isinstance(side, ast.Constant) and side.value == "__main__" for side in sides
    )


def _called_early(tree: ast.Module) -> set[int]:
    """The functions and methods that the top level calls, directly or through others."""
    known: dict[str, list[ast.FunctionDef | ast.AsyncFunctionDef]] = {}
    for node in walk(tree):
        if isinstance(node, _FUNCTIONS):
            known.setdefault(node.name, []).append(node)
        elif isinstance(node, ast.ClassDef):
            built = [s for s in node.body if isinstance(s, _FUNCTIONS) and s.name in ("__init__", "__new__")]
            known.setdefault(node.name, []).extend(built)
    found: set[int] = set()
    todo: list[ast.AST] = [
        node for node in tree.body if not (isinstance(node, ast.If) and _is_main(node.test))
    ]
    while todo:
        node = todo.pop()
        for name in _names_called(node):
            for function in known.get(name, ()):
                if id(function) not in found:
                    found.add(id(function))
                    todo.extend(function.body)
        # the body of a definition does not run where it stands
        inside = {id(statement) for statement in node.body} if isinstance(node, _FUNCTIONS) else set()
        todo.extend(child for child in ast.iter_child_nodes(node) if id(child) not in inside)
    return found


def _names_called(node: ast.AST) -> Iterator[str]:
    called = [node.func] if isinstance(node, ast.Call) else list(getattr(node, "decorator_list", []))
    for expression in called:
        if isinstance(expression, ast.Call):
            expression = expression.func
        if isinstance(expression, ast.Name):
            yield expression.id
        elif isinstance(expression, ast.Attribute):
            yield expression.attr


def _call(node: ast.Call, names: Names, moment: str, depth: int) -> Iterator[Call]:
    capability, name = _capability(node, names)
    if not capability or _is_harmless(name, capability, node, names):
        return
    argument = node.args[0] if node.args else None
    text = names.text(argument) if name.startswith("builtins.") and capability == CODE else None
    if text is not None and depth < DEEPEST_TEXT:
        yield from _inside(text, moment, node.lineno, depth)
        return
    computed = UNKNOWN in name or (
        capability == CODE and argument is not None and _is_decoded(argument, names)
    )
    yield Call(name, capability, moment, node.lineno, _shown(node), computed)


def _capability(node: ast.Call, names: Names) -> tuple[str, str]:
    for meaning in names.meanings(node.func):
        capability = capability_of(meaning)
        if capability:
            return capability, meaning[:200]
        if meaning == "builtins.open" and _writes(node, names):
            return FILE, meaning
    if isinstance(node.func, ast.Attribute):
        if node.func.attr == "open" and _writes(node, names, position=0):
            return FILE, ".open"
        return capability_of_method(node.func.attr), f".{node.func.attr}"
    return "", ""


def _writes(node: ast.Call, names: Names, position: int = 1) -> bool:
    mode = node.args[position] if len(node.args) > position else None
    for keyword in node.keywords:
        if keyword.arg == "mode":
            mode = keyword.value
    text = names.text(mode)
    return text is not None and len(text) <= 4 and any(letter in text for letter in "wax+")


def _is_harmless(name: str, capability: str, node: ast.Call, names: Names) -> bool:
    """Calls that are known to do nothing with the arguments they have."""
    keywords = {keyword.arg: keyword.value for keyword in node.keywords}
    if capability == UNPICKLE:
        if name == "torch.load":
            return _is_constant(keywords.get("weights_only"), True)
        if name == "numpy.load":
            return not _is_truthy(keywords.get("allow_pickle"))
        if name.startswith("yaml."):
            chosen = [*node.args[1:2], keywords.get("Loader")]
            return any(node is not None and "Safe" in names.dotted(node) for node in chosen)
        return name == "torch.jit.load"
    if name in ("tarfile.open", "zipfile.ZipFile", "os.open"):
        return not _writes(node, names)
    if name in ("importlib.import_module", "builtins.__import__"):
        # a module that is written out is an import like any other; what is called of it counts
        return bool(node.args) and names.text(node.args[0]) is not None
    return name == "builtins.compile" and 0 < len(node.args) < 3


def _is_constant(node: ast.expr | None, value: object) -> bool:
    return isinstance(node, ast.Constant) and node.value is value


def _is_truthy(node: ast.expr | None) -> bool:
    return node is not None and not (isinstance(node, ast.Constant) and not node.value)


def _inside(text: str, moment: str, line: int, depth: int) -> Iterator[Call]:
    try:
        _, found = calls(parse(text), depth + 1)
        for call in found:
            yield Call(call.name, call.capability, moment, line, call.example, True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        yield Call("builtins.exec", CODE, moment, line, ascii(text[:60]), True)


def _is_decoded(argument: ast.expr, names: Names) -> bool:
    """Is what runs unpacked, decoded or fetched on the spot?"""
    for node in walk(argument):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            dotted = names.dotted(node.func)
            if node.func.attr in _DECODERS and dotted.partition(".")[0] in _DECODING_MODULES:
                return True
            if node.func.attr in ("fromhex", "b64decode", "decompress", "unhexlify"):
                return True
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if any(meaning.partition(".")[0] in _DECODING_MODULES for meaning in names.meanings(node.func)):
                return True
            if node.func.id == "chr":
                return True
        if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes) and len(node.value) > 400:
            return True
    return False


def _shown(node: ast.Call) -> str:
    try:
        text = ast.unparse(node)
    except (RecursionError, ValueError):
        return ""
    return text if len(text) <= 160 else text[:159] + "…"
