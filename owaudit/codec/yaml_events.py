"""The pairs and tags of a YAML text, from parser events: nothing is built, no alias is expanded.

PyYAML's scanner and parser run in Python and keep one event at a time; its constructors, which build
objects from tags, are never reached. This is the only module that imports it.

Source: YAML 1.1; PyYAML 6.0, ``yaml.parse``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from owaudit.errors import FormatError, LimitExceeded

LONGEST = 512 * 1024
"""Characters: the scanner takes some seconds for as many."""
DEEPEST = 100


@dataclass(frozen=True, slots=True)
class Pair:
    """A scalar under its keys, outermost first, or a tag: ``tag`` is empty where none is written.

    ``line`` counts from 1; ``value`` is None where the node is no scalar.
    """

    path: tuple[str, ...]
    value: str | None
    tag: str
    line: int


@dataclass(slots=True)
class _Frame:
    mapping: bool
    key: str | None = None
    count: int = 0
    path: tuple[str, ...] = field(default_factory=tuple)


def pairs(text: str) -> Iterator[Pair]:
    """Yield the scalars of every document in order, and the tags of other nodes.

    An alias of a scalar yields the scalar again; other aliases yield nothing.

    Raises:
        FormatError: not YAML.
        LimitExceeded: longer or deeper than settings are.
    """
    import yaml

    if len(text) > LONGEST:
        raise LimitExceeded("header_bytes", actual=len(text), allowed=LONGEST)
    anchors: dict[str, str] = {}
    stack: list[_Frame] = []
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            line = event.start_mark.line + 1 if event.start_mark is not None else 1
            if isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
                path = _path(stack)
                if event.tag:
                    yield Pair(path, None, event.tag, line)
                if len(stack) >= DEEPEST:
                    raise LimitExceeded("nesting_depth", actual=len(stack) + 1, allowed=DEEPEST)
                stack.append(_Frame(isinstance(event, yaml.MappingStartEvent), path=path))
            elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
                stack.pop()
                _taken(stack, "?")
            elif isinstance(event, yaml.ScalarEvent | yaml.AliasEvent):
                value = anchors.get(event.anchor or "") if isinstance(event, yaml.AliasEvent) else event.value
                tag = "" if isinstance(event, yaml.AliasEvent) else event.tag or ""
                if isinstance(event, yaml.ScalarEvent) and event.anchor and len(anchors) < 10_000:
                    anchors[event.anchor] = event.value
                if not _is_key(stack) or tag:
                    yield Pair(_path(stack), value, tag, line)
                _taken(stack, value if value is not None else "*")
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = ascii(str(getattr(error, "problem", None) or type(error).__name__))[1:-1]
        where = f" in line {mark.line + 1}" if mark is not None else ""
        raise FormatError("yaml", expected="YAML", found=f"{problem[:80]}{where}") from None
    except (RecursionError, ValueError, OverflowError) as error:
        raise FormatError("yaml", expected="YAML", found=type(error).__name__) from None


def _is_key(stack: list[_Frame]) -> bool:
    return bool(stack) and stack[-1].mapping and stack[-1].key is None


def _path(stack: list[_Frame]) -> tuple[str, ...]:
    if not stack:
        return ()
    frame = stack[-1]
    step = (frame.key or "") if frame.mapping else str(frame.count)
    return (*frame.path, step[:80])


def _taken(stack: list[_Frame], text: str) -> None:
    """A node is complete: it was a key, the value of one, or an item."""
    if not stack:
        return
    frame = stack[-1]
    frame.count += 1
    if frame.mapping:
        frame.key = text if frame.key is None else None
