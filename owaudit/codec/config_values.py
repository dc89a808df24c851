"""Walks the values of a settings file with their JSON pointers, and reads the paths in them.

Source: RFC 6901.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

MOST_NODES = 2_000_000
_DRIVE = re.compile(r"[A-Za-z]:[\\/]|\\\\")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,20}://")


def members_of(value: Any) -> Iterator[tuple[str, str, Any]]:
    """Yield pointer, key and value of every member of every object, outside in, in file order."""
    todo: list[tuple[str, Any]] = [("", value)]
    while todo:
        pointer, item = todo.pop()
        if isinstance(item, dict):
            for key, child in item.items():
                yield f"{pointer}/{token(key)}", key, child
            below = [(f"{pointer}/{token(key)}", child) for key, child in item.items()]
        elif isinstance(item, list):
            below = [(f"{pointer}/{index}", child) for index, child in enumerate(item)]
        else:
            continue
        todo.extend(pair for pair in reversed(below) if isinstance(pair[1], dict | list))


def token(key: str) -> str:
    """One step of a JSON pointer, shortened where the key is long."""
    return key[:80].replace("~", "~0").replace("/", "~1")


def strings_of(value: Any, pointer: str = "") -> Iterator[tuple[str, str]]:
    """Yield pointer and text of every text below a value."""
    todo: list[tuple[str, Any]] = [(pointer, value)]
    while todo:
        place, item = todo.pop()
        if isinstance(item, str):
            yield place, item
        elif isinstance(item, dict):
            todo.extend(reversed([(f"{place}/{token(key)}", child) for key, child in item.items()]))
        elif isinstance(item, list):
            todo.extend(reversed([(f"{place}/{index}", child) for index, child in enumerate(item)]))


def path_problem(path: str) -> str:
    """Say why a path does not stay below its folder, in one word, or return an empty string."""
    if "\0" in path:
        return "nul"
    if _URL.match(path):
        return "url"
    if _DRIVE.match(path):
        return "drive"
    if path.startswith(("/", "\\")):
        return "absolute"
    if path.startswith("~"):
        return "home"
    return "parent" if ".." in re.split(r"[/\\]", path) else ""
