"""Nothing scanned is ever loaded: the package has no call that could do it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import owaudit

_PACKAGE = Path(owaudit.__file__).parent
_MODULES = {
    "pickle", "_pickle", "cPickle", "shelve", "marshal", "dill", "cloudpickle", "joblib", "torch", "numpy",
    "yaml", "subprocess", "socket", "ssl", "http", "urllib.request", "ftplib", "requests", "ctypes",
    "runpy", "code", "codeop", "pty", "h5py", "onnx", "tensorflow", "keras",
}  # fmt: skip
_BUILTINS = {"eval", "exec", "__import__", "compile", "breakpoint", "input"}
_ATTRIBUTES = {
    "system", "popen", "execv", "execve", "execvp", "spawnv", "spawnl", "posix_spawn", "fork", "startfile",
    "extractall", "literal_eval", "find_class", "frombuffer", "from_string",
}  # fmt: skip

_ALLOWED = {"codec/yaml_events.py": ["import yaml"]}
"""PyYAML's parser gives events; the same file is held to use nothing else of it, below."""


def _sources() -> list[Path]:
    return sorted(path for path in _PACKAGE.rglob("*.py") if "_shipped" not in path.parts)


def _banned(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name in _MODULES or alias.name.partition(".")[0] in _MODULES:
                    yield node.lineno, f"import {alias.name}"
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            if node.module in _MODULES or node.module.partition(".")[0] in _MODULES:
                yield node.lineno, f"from {node.module}"
        elif isinstance(node, ast.Call):
            called = node.func
            if isinstance(called, ast.Name) and called.id in _BUILTINS:
                yield node.lineno, f"{called.id}()"
            elif isinstance(called, ast.Attribute) and called.attr in _ATTRIBUTES:
                yield node.lineno, f".{called.attr}()"


@pytest.mark.parametrize("path", _sources(), ids=lambda path: path.relative_to(_PACKAGE).as_posix())
def test_module_makes_no_banned_call(path: Path) -> None:
    found = [what for _, what in _banned(ast.parse(path.read_text(encoding="utf-8")))]
    assert found == _ALLOWED.get(path.relative_to(_PACKAGE).as_posix(), [])


def test_of_yaml_only_events_are_used() -> None:
    tree = ast.parse((_PACKAGE / "codec/yaml_events.py").read_text(encoding="utf-8"))
    used = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "yaml"
    }
    assert {name for name in used if not name.endswith(("Event", "Error"))} == {"parse", "SafeLoader"}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import pickle", ["import pickle"]),
        ("from torch import load", ["from torch"]),
        ("import urllib.request", ["import urllib.request"]),
        ("import urllib.parse", []),
        ("eval('1')", ["eval()"]),
        ("import re\nre.compile('a')", []),
        ("archive.extractall()", [".extractall()"]),
        ("import os\nos.system('echo hi')", [".system()"]),
    ],
)
def test_the_scan_itself_sees(source: str, expected: list[str]) -> None:
    assert [what for _, what in _banned(ast.parse(source))] == expected
