"""What is committed speaks of the project alone: no paths of a machine, no package registry."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]
_SKIPPED = {"__pycache__", "build", "dist", "node_modules", "_shipped"}
_SUFFIXES = {".py", ".toml", ".md", ".txt", ".html", ".css", ".json", ".yml", ".yaml", ".cfg", ".ini", ""}
_ABSOLUTE = re.compile(r"(?<![\w.])/(?:(?:work|root|opt|private)/[\w.-]+|(?:home|Users)/[\w.-]+/[\w.-]+)")
_REGISTRY = re.compile(r"https?://[\w.-]*(?:pypi|pythonhosted|conda|npmjs)[\w.-]*\.\w+[/\w.-]*")
_WINDOWS = re.compile(r"\b[A-Z]:\\\\?Users\b")


def _files() -> Iterator[Path]:
    for path in sorted(_ROOT.rglob("*")):
        parts = path.relative_to(_ROOT).parts
        if any(part.startswith(".") or part in _SKIPPED or part.endswith(".egg-info") for part in parts):
            continue
        if path.is_file() and path.suffix in _SUFFIXES and path != Path(__file__).resolve():
            yield path


def _faults(text: str) -> list[str]:
    return [match.group() for pattern in (_ABSOLUTE, _REGISTRY, _WINDOWS) for match in pattern.finditer(text)]


def test_no_machine_path_and_no_registry() -> None:
    found = {
        path.relative_to(_ROOT).as_posix(): faults
        for path in _files()
        if (faults := _faults(path.read_text(encoding="utf-8")))
    }
    assert found == {}


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("see /home/someone/models", 1),
        ("https://pypi.org/simple/owaudit", 1),
        ("a/home/of/words and https://example.org/", 0),
        ("C:\\Users\\someone", 1),
    ],
)
def test_the_search_itself_sees(text: str, count: int) -> None:
    assert len(_faults(text)) == count


def test_fixtures_import_only_the_standard_library() -> None:
    named: set[str] = set()
    for path in (_ROOT / "fixtures").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                named.update(alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                named.add(node.module.partition(".")[0])
    assert named - set(sys.stdlib_module_names) == set()
