"""TorchScript source inside an archive: the operators it calls, told from its tokens.

The text looks like Python and is not: a compiler of its own reads it, and calls reach operators
(``torch.relu`` is ``aten::relu``, ``ops.ns.name`` any other) or functions of the same archive.
Names are taken wherever they stand, since a function can be put in a variable before it is called.

Source: torch 2.13, ``torch/csrc/jit/serialization/python_print.cpp`` and ``import_source.cpp``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from owaudit.codec.reader import PARSED, Head, Place, Reader, Span, Yield
from owaudit.codec.window import Window
from owaudit.errors import FormatError, LimitExceeded
from owaudit.model.artifact import Format
from owaudit.model.code_facts import ProgramRead, ScriptOperator
from owaudit.model.limits import Limits
from owaudit.model.location import Location
from owaudit.model.observation import KEPT_LOCATIONS

HINT = "torchscript-code"
LONGEST = 16 * 1024 * 1024
"""Bytes of one source file: traced models of thousands of layers have some megabytes."""
MOST_OPERATORS = 4000

_TOKEN = re.compile(
    r"""(?P<text>"(?:[^"\\\n]|\\.)*+"?|'(?:[^'\\\n]|\\.)*+'?)
      | (?P<comment>\#[^\n]*)
      | (?P<name>\^?[A-Za-z_]\w*(?:\s*\.\s*[A-Za-z_]\w*)*)
      | (?P<number>\d[\w.]*)
      | (?P<sign>[^\s\w"'#])""",
    re.VERBOSE,
)
# A text that does not end is taken to the end of its line: no place is looked at twice.
_ROOTS = ("torch", "ops")
_SPACE = re.compile(r"\s+")


def looks_like(head: Head) -> bool:
    return head.hint == HINT


def read(window: Window, place: Place, _limits: Limits) -> Iterator[Yield]:
    """Yield every operator that the source names, with its first few places.

    Raises:
        FormatError: not UTF-8.
        LimitExceeded: longer, or with more different operators, than such source is.
    """
    if window.size > LONGEST:
        raise LimitExceeded("header_bytes", actual=window.size, allowed=LONGEST)
    try:
        source = b"".join(piece for _, piece in window.pieces()).decode("utf-8")
    except UnicodeDecodeError as error:
        raise FormatError("source-text", expected="UTF-8", found="other bytes", start=error.start) from None
    kept: dict[str, tuple[list[Location], list[int], str]] = {}
    line, counted = 1, 0
    for operator, at in operators(source):
        if operator not in kept and len(kept) >= MOST_OPERATORS:
            raise LimitExceeded("facts", actual=len(kept) + 1, allowed=MOST_OPERATORS)
        line += source.count("\n", counted, at)
        counted = at
        places, count, _ = kept.setdefault(operator, ([], [0], _line_at(source, at)))
        count[0] += 1
        if len(places) < KEPT_LOCATIONS:
            places.extend(place.at(line=line))
    for operator, (places, count, example) in kept.items():
        yield ScriptOperator(locations=tuple(places), count=count[0], operator=operator, example=example)
    yield ProgramRead(locations=place.at(), language="torchscript", understood=True)
    yield Span(PARSED, 0, window.size)


def operators(source: str) -> Iterator[tuple[str, int]]:
    """Yield the dotted name and offset of every operator and native class that the source names.

    A namespace that is named without an operator begins with ``unfollowed``: what is taken of it
    later is not seen.
    """
    for token in _TOKEN.finditer(source):
        if token.lastgroup != "name":
            continue
        dotted = _SPACE.sub("", token.group())[:200]
        if dotted.startswith("^"):
            yield "python." + dotted[1:], token.start()
            continue
        root, _, rest = dotted.partition(".")
        if root in _ROOTS:
            parts = rest.split(".") if rest else []
            wanted = 1 if root == "torch" else 2
            start = [root] if len(parts) >= wanted else ["unfollowed", root]
            yield ".".join([*start, *parts]), token.start()
        elif dotted.startswith("__torch__.torch.classes."):
            yield dotted.removeprefix("__torch__.torch."), token.start()


def _line_at(source: str, at: int) -> str:
    end = source.find("\n", at)
    line = source[source.rfind("\n", 0, at) + 1 : end if end >= 0 else len(source)]
    return line.strip()[:160]


READER = Reader(
    format=Format("torchscript-code"),
    source="torch 2.13, torch/csrc/jit/serialization/python_print.cpp",
    looks_like=looks_like,
    read=read,
    rank=60,
    hides=("python", "shell", "source-code", "text", "lfs-pointer"),
    extensions=(".py",),
)
