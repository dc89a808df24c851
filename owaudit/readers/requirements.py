"""Lists of packages to install: requirements, constraints, conda environments, setup settings.

Only the form of each line is told: a name from the usual registry, an address, a repository, a
path, another list, or another place to look packages up. Nothing is resolved.

Source: pip documentation, "Requirements File Format"; PEP 508; conda, "Managing environments".
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from owaudit.codec.reader import PARSED, Head, Place, Reader, Span, Yield
from owaudit.codec.secrets_seen import secrets
from owaudit.codec.window import Window
from owaudit.errors import LimitExceeded
from owaudit.model.artifact import Format
from owaudit.model.code_facts import DependencyNamed
from owaudit.model.limits import Limits

LONGEST = 1024 * 1024
MOST_LINES = 5_000

_NAME = re.compile(
    r"(?:[\w.-]*requirements[\w.-]*|constraints[\w.-]*)\.(?:txt|in)\Z|(?:conda_?)?env(?:ironment)?s?\.ya?ml\Z"
    r"|conda\.ya?ml\Z|python_env\.ya?ml\Z|setup\.cfg\Z|pip\.conf\Z|pipfile\Z"
)
_INDEX = re.compile(
    r"--(?:extra-)?index-url|(?:\A|\s)-i\s|--find-links|(?:\A|\s)-f\s|^\s*(?:extra-)?index-url\s*="
)
_REPOSITORY = re.compile(r"\b(?:git|hg|svn|bzr)\+\S+|\bgit@[\w.-]+:\S+")
_ADDRESS = re.compile(r"\b(?:https?|ftp|file)://\S+")
_INCLUDE = re.compile(r"\A(?:-r|-c|--requirement|--constraint)[ =]")
_PATH = re.compile(r"\A(?:-e\s+)?(?:\.{1,2}/|/|~)|\A\S+\.(?:whl|tar\.gz|zip)\Z")
_PACKAGE = re.compile(r"\A[A-Za-z0-9][A-Za-z0-9._-]*\s*(?:\[[^\]]*\])?\s*(?:[=<>!~;@ (].*)?\Z")


def looks_like(head: Head) -> bool:
    return bool(_NAME.match(head.name)) and bool(head.start) and b"\0" not in head.start


def read(window: Window, place: Place, _limits: Limits) -> Iterator[Yield]:
    """Yield the entries of the list that are more than a name, and how many names there are.

    Raises:
        LimitExceeded: longer than such lists are.
    """
    if window.size > LONGEST:
        raise LimitExceeded("header_bytes", actual=window.size, allowed=LONGEST)
    text = window.read(0, window.size).decode("utf-8", "replace")
    plain = place.artifact.lower().endswith((".txt", ".in")) or place.members != ()
    for number, written in enumerate(text.replace("\\\n", "  ").splitlines()[:MOST_LINES], start=1):
        line = re.sub(r"(?:\A|\s)#.*", "", written).strip().removeprefix("- ").strip("\"', ")
        origin = _origin(line, plain)
        if origin:
            yield DependencyNamed(locations=place.at(line=number), requirement=line[:200], origin=origin)
    yield from secrets(text, place)
    yield Span(PARSED, 0, window.size)


def _origin(line: str, plain: bool) -> str:
    if not line:
        return ""
    if _INDEX.search(line):
        return "index"
    if _REPOSITORY.search(line):
        return "repository"
    if _ADDRESS.search(line) and (plain or "@" in line or line.startswith("http")):
        return "url"
    if plain and _INCLUDE.match(line):
        return "include"
    if plain and _PATH.match(line):
        return "path"
    return "registry" if plain and _PACKAGE.match(line) else ""


READER = Reader(
    format=Format("requirements"),
    source="pip documentation, Requirements File Format",
    looks_like=looks_like,
    read=read,
    rank=68,
    hides=("yaml", "source-code", "text"),
    extensions=(".txt", ".in", ".yaml", ".yml", ".cfg"),
)
