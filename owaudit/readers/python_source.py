"""Python source, notebooks and path files: read as a tree, never imported or run.

``*.py``, programs that begin with a Python interpreter line, the code cells of ``*.ipynb``, and the
``import`` lines of ``*.pth`` files, which Python runs at every start.

Source: Python language reference; nbformat 4, "Notebook file format"; ``site`` module.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from owaudit.codec.json_text import document
from owaudit.codec.python_calls import CALL_TIME, Call, calls, parse
from owaudit.codec.reader import PARSED, Halt, Head, Place, Reader, Span, Yield
from owaudit.codec.secrets_seen import secrets
from owaudit.codec.window import Window
from owaudit.errors import FormatError, LimitExceeded
from owaudit.model.artifact import Format
from owaudit.model.code_facts import ProgramCall, ProgramRead
from owaudit.model.limits import Limits
from owaudit.model.location import Location
from owaudit.model.observation import KEPT_LOCATIONS

LONGEST = 512 * 1024
"""Bytes of one program: the longest modelling files have some 300,000."""
DEEPEST = 150
"""Brackets inside one another; Python's own tokenizer stops at 200."""
MOST_CALLS = 500
"""Different calls kept of one program."""

_SHEBANG = re.compile(rb"(?:\xef\xbb\xbf)?#![^\n]{0,100}\bpython")
_CODING = re.compile(rb"coding[:=]\s*([-\w.]+)")
_MAGIC = re.compile(r"\s*[!%]|\s*\?|.*\?\s*\Z")
_SHELL_MAGIC = re.compile(r"\s*(?:!|%%(?:bash|sh|script|cmd|perl|ruby|system)|%(?:system|sx|run|pip|conda))")


def _is_python(head: Head) -> bool:
    if b"\0" in head.start or not head.start:
        return False
    return head.name.endswith((".py", ".pyw")) or bool(_SHEBANG.match(head.start))


def _is_notebook(head: Head) -> bool:
    return head.name.endswith(".ipynb") and head.start.lstrip().startswith(b"{")


def _is_path_file(head: Head) -> bool:
    # torch checkpoints have the same suffix and are no text
    if not head.name.endswith(".pth") or b"\0" in head.start or not head.start.isascii():
        return False
    return re.search(rb"^import[ \t]", head.start, re.MULTILINE) is not None


def read_python(window: Window, place: Place, _limits: Limits) -> Iterator[Yield]:
    """Yield what the program can do.

    Raises:
        FormatError: no Python of today.
        LimitExceeded: longer or deeper than programs are.
    """
    source = _text(window)
    yield from _program(source, place, "python")
    yield from secrets(source, place)
    yield Span(PARSED, 0, window.size)


def _read_path_file(window: Window, place: Place, _limits: Limits) -> Iterator[Yield]:
    """Yield what the lines do that Python runs; the others are folders."""
    lines = _text(window).splitlines()
    yield from _program("\n".join(line if line.startswith(("import ", "import\t")) else "" for line in lines),
                        place, "python")  # fmt: skip
    yield Span(PARSED, 0, window.size)


def _read_notebook(window: Window, place: Place, _limits: Limits) -> Iterator[Yield]:
    """Yield what the code cells can do; commands that a notebook hands to a shell are calls."""
    notebook, _ = document(window, constants=True)
    found: list[Call] = []
    packages: set[str] = set()
    broken = 0
    for number, cell in enumerate(_cells(notebook), start=1):
        lines = cell.splitlines()
        shell = [line for line in lines if _SHELL_MAGIC.match(line)]
        found += [Call("shell", "process", CALL_TIME, number, line.strip()[:160], False) for line in shell]
        if lines and lines[0].startswith("%%"):
            continue
        kept = "\n".join(
            "pass" if _MAGIC.match(line) and not line.startswith(" ") else line for line in lines
        )
        try:
            names, made = calls(_parse(kept))
            found += [Call(c.name, c.capability, CALL_TIME, number, c.example, c.computed) for c in made]
            packages |= names.packages
        except FormatError:
            broken += 1
    yield from _calls_seen(found, place)
    yield _read_fact(place, "notebook", found, packages)
    yield from secrets(json.dumps(list(_cells(notebook))), place)
    if broken:
        yield Halt("partly-understood", f"{broken} code cells are no Python")
    yield Span(PARSED, 0, window.size)


def _cells(notebook: Any) -> Iterator[str]:
    sheets = notebook.get("worksheets", [notebook]) if isinstance(notebook, dict) else []
    for sheet in sheets if isinstance(sheets, list) else []:
        cells = sheet.get("cells", []) if isinstance(sheet, dict) else []
        for cell in cells if isinstance(cells, list) else []:
            if isinstance(cell, dict) and cell.get("cell_type") == "code":
                source = cell.get("source", cell.get("input", ""))
                lines = source if isinstance(source, list) else [source]
                yield "".join(line for line in lines if isinstance(line, str))


def _text(window: Window) -> str:
    if window.size > LONGEST:
        raise LimitExceeded("header_bytes", actual=window.size, allowed=LONGEST)
    content = window.read(0, window.size)
    named = _CODING.search(b"\n".join(content.split(b"\n", 2)[:2]))
    encoding = "utf-8-sig" if named is None else named.group(1).decode("ascii", "replace").lower()
    if encoding.replace("_", "-") not in (
        "utf-8",
        "utf-8-sig",
        "utf8",
        "ascii",
        "us-ascii",
        "latin-1",
        "iso-8859-1",
    ):
        # other encodings can hide code in comments (utf-7, rot13, raw-unicode-escape)
        raise FormatError("source-encoding", expected="UTF-8", found=ascii(encoding[:40]))
    try:
        return content.decode("utf-8-sig" if encoding.startswith(("utf", "us", "ascii")) else "latin-1")
    except UnicodeDecodeError as error:
        raise FormatError("source-text", expected="UTF-8", found="other bytes", start=error.start) from None


def _parse(source: str) -> Any:
    _bound(source)
    try:
        return parse(source)
    except SyntaxError as error:
        found = f"{ascii(str(error.msg))[1:-1][:80]} in line {error.lineno}"
        raise FormatError("source-syntax", expected="Python", found=found) from None
    except (ValueError, OverflowError) as error:
        raise FormatError("source-syntax", expected="Python", found=ascii(str(error))[1:-1][:80]) from None
    except (RecursionError, MemoryError):
        raise LimitExceeded("nesting_depth", actual=DEEPEST + 1, allowed=DEEPEST) from None


def _bound(source: str) -> None:
    depth = 0
    for bracket in re.finditer(r"[(\[{)\]}]|[-+~]{300}", source):
        sign = bracket.group()
        depth = max(0, depth + (1 if sign in "([{" else -1)) if len(sign) == 1 else DEEPEST + 1
        if depth > DEEPEST and not _is_in_text(source, bracket.start()):
            raise LimitExceeded("nesting_depth", actual=depth, allowed=DEEPEST)


def _is_in_text(source: str, at: int) -> bool:
    """A long row of signs in a comment or text is honest: rulers, pictures."""
    line = source[source.rfind("\n", 0, at) + 1 : at]
    return any(mark in line for mark in "#'\"") or line.strip("-+~=* ") == ""


def _program(source: str, place: Place, language: str) -> Iterator[Yield]:
    try:
        names, made = calls(_parse(source))
        found = list(made)
    except RecursionError:
        raise LimitExceeded("nesting_depth", actual=DEEPEST + 1, allowed=DEEPEST) from None
    yield from _calls_seen(found, place)
    yield _read_fact(place, language, found, names.packages)


def _read_fact(place: Place, language: str, found: list[Call], packages: set[str]) -> ProgramRead:
    return ProgramRead(
        locations=place.at(),
        language=language,
        understood=True,
        capabilities=tuple(sorted({call.capability for call in found})),
        imports=tuple(sorted(packages))[:200],
    )


def _calls_seen(found: list[Call], place: Place) -> Iterator[Yield]:
    kept: dict[tuple[str, str, bool], tuple[Call, list[Location], list[int]]] = {}
    left_out = 0
    for call in found:
        key = (call.name, call.moment, call.computed)
        if key not in kept and len(kept) >= MOST_CALLS:
            left_out += 1
            continue
        _, places, count = kept.setdefault(key, (call, [], [0]))
        count[0] += 1
        if len(places) < KEPT_LOCATIONS:
            places.extend(place.at(line=call.line))
    for call, places, count in kept.values():
        yield ProgramCall(
            locations=tuple(places),
            count=count[0],
            name=call.name,
            capability=call.capability,
            moment=call.moment,
            example=call.example,
            computed=call.computed,
        )
    if left_out:
        yield Halt("limit:facts", f"{left_out} further calls were not kept")


READERS = (
    Reader(
        format=Format("python"),
        source="Python language reference",
        looks_like=_is_python,
        read=read_python,
        rank=75,
        hides=("shell", "source-code", "text"),
        extensions=(".py", ".pyw"),
    ),
    Reader(
        format=Format("notebook"),
        source="nbformat 4, Notebook file format",
        looks_like=_is_notebook,
        read=_read_notebook,
        rank=65,
        hides=("hub-config", "source-code", "text"),
        extensions=(".ipynb",),
    ),
    Reader(
        format=Format("python-path-file"),
        source="Python library reference, site",
        looks_like=_is_path_file,
        read=_read_path_file,
        rank=65,
        hides=("source-code", "text"),
    ),
)
