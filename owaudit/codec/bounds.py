"""Numbers that reach beyond what holds them, and paths that leave the folder they belong to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from owaudit.codec.breaches import Breaches
from owaudit.codec.reader import Halt, Place, Yield
from owaudit.errors import FormatError, ReadError
from owaudit.model.observation import BoundsViolation

_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
_ESCAPE: Final = re.compile(r"%([0-9A-Fa-f]{2})")


class OutOfBounds(FormatError):
    """An offset, size, count or index reaches beyond what holds it, so reading cannot go on."""


def reported(items: Iterator[Yield], format_name: str, place: Place, breaches: Breaches) -> Iterator[Yield]:
    """Pass ``items`` on, then what ``breaches`` counted, also where reading broke off.

    An ``OutOfBounds`` becomes its observation and a ``Halt``; other errors are raised again.
    """
    stopped: ReadError | None = None
    try:
        yield from items
    except ReadError as error:
        stopped = error
    yield from breaches.observations()
    if isinstance(stopped, OutOfBounds):
        yield BoundsViolation(
            locations=place.at(stopped.start),
            format=format_name,
            clause=stopped.clause,
            expected=stopped.expected,
            found=stopped.found,
        )
        yield Halt("malformed", str(stopped))
    elif stopped is not None:
        raise stopped


def path_problem(path: str) -> str:
    """Say how a path, read as POSIX or Windows would, leaves its folder; empty if it does not.

    The answer is one of ``nul``, ``url``, ``drive``, ``absolute``, ``home``, ``parent`` and
    ``encoded`` (it leaves once its percent escapes are resolved, as some loaders do).
    """
    problem = _plain_problem(path)
    if problem or "%" not in path:
        return problem
    for _ in range(3):
        path = _ESCAPE.sub(lambda match: chr(int(match[1], 16)), path)
    return "encoded" if _plain_problem(path) else ""


def _plain_problem(path: str) -> str:
    if "\0" in path:
        return "nul"
    if path[1:2] == ":" and path[:1].isalpha():
        return "drive"
    if _SCHEME.match(path) or "://" in path:
        return "url"
    if path.startswith(("/", "\\")):
        return "absolute"
    if path.startswith(("~", "$", "%USERPROFILE%", "%APPDATA%")):
        return "home"
    return "parent" if ".." in re.split(r"[/\\]", path) else ""
