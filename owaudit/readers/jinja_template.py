"""Chat templates: Jinja text parsed to its tree and listed, never rendered or compiled.

Files (``chat_template.jinja``, ``*.j2``) and texts that other readers find in settings and hand on
with the hint ``jinja-template``. jinja2 gives the tree: ``Parser`` alone runs nothing, while its
optimizer, its compiler and ``as_const`` evaluate and are never called. Honest templates use tags
that plain Jinja does not know (``generation``, ``break``), so those are parsed too.

Source: Jinja 3.1 documentation; transformers 5.23, ``utils/chat_template_utils.py``.
"""

from __future__ import annotations

import functools
import re
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING

from owaudit.codec.reader import PARSED, Halt, Head, Place, Reader, Span, Yield
from owaudit.codec.window import Window
from owaudit.errors import FormatError, LimitExceeded
from owaudit.model.artifact import Format
from owaudit.model.code_facts import TemplateExpression, TemplateRead
from owaudit.model.limits import Limits
from owaudit.model.location import Location
from owaudit.model.observation import KEPT_LOCATIONS

if TYPE_CHECKING:
    from jinja2 import Environment, nodes

HINT = "jinja-template"
LONGEST = 256 * 1024
"""Bytes of one template: the longest published ones have some 100,000."""
DEEPEST = 150
"""Brackets inside one another in one tag: the parser recurses for each of them."""
MOST_USES = 2000
"""Different uses kept of one template."""

_SUFFIXES = (".jinja", ".jinja2", ".j2")
_MARKS = re.compile(r"""\\.|\{\{|\{%|\}\}|%\}|['"(\[{)\]}]""", re.DOTALL)
_HIDDEN = re.compile("[\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\U000e0000-\U000e007f]")
"""Characters that show nothing, or turn the order of what is shown around."""


def looks_like(head: Head) -> bool:
    return head.hint == HINT or (head.name.endswith(_SUFFIXES) and b"\0" not in head.start)


def read(window: Window, place: Place, _limits: Limits) -> Iterator[Yield]:
    """Yield what the template uses; a template that cannot be parsed is read in part.

    Raises:
        FormatError: not UTF-8, or not a template that the parser knows.
        LimitExceeded: longer or deeper than templates are.
    """
    source = _source(window)
    yield from _hidden(source, place)
    tree = _parse(source)
    from owaudit.codec.jinja_walk import TreeWalk, Used

    walk = TreeWalk(tree)
    kept: dict[tuple[str, str, str, bool], tuple[Used, list[Location], list[int]]] = {}
    left_out = 0
    for used in walk.used():
        key = (used.feature, used.name, used.on, used.computed)
        if key not in kept and len(kept) >= MOST_USES:
            left_out += 1
            continue
        _, places, count = kept.setdefault(key, (used, [], [0]))
        count[0] += 1
        if len(places) < KEPT_LOCATIONS:
            places.extend(place.at(line=used.line))
    for used, places, count in kept.values():
        yield TemplateExpression(
            locations=tuple(places),
            count=count[0],
            feature=used.feature,
            name=used.name,
            expression=used.expression,
            on=used.on,
            computed=used.computed,
        )
    yield TemplateRead(locations=place.at(), nodes=walk.nodes, variables=walk.variables[:100])
    if left_out:
        yield Halt("limit:facts", f"{left_out} further uses in the template were not kept")
    yield Span(PARSED, 0, window.size)


def _source(window: Window) -> str:
    if window.size > LONGEST:
        raise LimitExceeded("header_bytes", actual=window.size, allowed=LONGEST)
    try:
        return window.read(0, window.size).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FormatError("template-text", expected="UTF-8", found="other bytes", start=error.start) from None


def _hidden(source: str, place: Place) -> Iterator[TemplateExpression]:
    found = [match.start() for match in _HIDDEN.finditer(source)]
    if found:
        names = sorted({f"U+{ord(source[at]):04X}" for at in found})
        yield TemplateExpression(
            locations=place.at(line=source.count("\n", 0, found[0]) + 1),
            count=len(found),
            feature="literal",
            name="hidden",
            expression=", ".join(names[:8]),
        )


def _parse(source: str) -> nodes.Template:
    _bound_depth(source)
    from jinja2 import TemplateSyntaxError
    from jinja2.parser import Parser

    try:
        with warnings.catch_warnings():
            # Texts with unknown escapes ("\d") are honest; Python warns of each.
            warnings.simplefilter("ignore")
            return Parser(_environment(), source).parse()
    except RecursionError:
        raise LimitExceeded("nesting_depth", actual=DEEPEST + 1, allowed=DEEPEST) from None
    except (TemplateSyntaxError, ValueError, OverflowError, MemoryError) as error:
        line = getattr(error, "lineno", 1) or 1
        raise FormatError(
            "template-syntax",
            expected="a template that can be parsed",
            found=f"{ascii(str(error))[1:-1][:100]} in line {line}",
        ) from None


def _bound_depth(source: str) -> None:
    """Refuse deep brackets in one pass, because the parser would recurse for each of them."""
    depth = 0
    quote = ""
    inside = False
    for mark in _MARKS.finditer(source):
        sign = mark.group()
        if sign in ("{{", "{%", "}}", "%}"):
            depth, quote, inside = 0, "", sign[0] == "{"
        elif not inside:
            continue
        elif sign in ("'", '"'):
            quote = sign if not quote else "" if quote == sign else quote
        elif not quote and sign[0] != "\\":
            depth += 1 if sign in "([{" else -1
            if depth > DEEPEST:
                raise LimitExceeded("nesting_depth", actual=depth, allowed=DEEPEST)


@functools.cache
def _environment() -> Environment:
    from jinja2 import Environment
    from jinja2.ext import Extension
    from jinja2.parser import Parser

    class Generation(Extension):
        """``{% generation %}``: marks what the model wrote; its body is ordinary template text."""

        tags = {"generation"}  # noqa: RUF012 - the shape that jinja2 gives the attribute

        def parse(self, parser: Parser) -> list[nodes.Node]:
            next(parser.stream)
            return parser.parse_statements(("name:endgeneration",), drop_needle=True)

    # autoescape concerns rendering, and nothing is rendered here
    return Environment(  # noqa: S701
        extensions=["jinja2.ext.loopcontrols", "jinja2.ext.do", Generation], optimized=False, cache_size=0
    )


READER = Reader(
    format=Format("jinja-template"),
    source="Jinja 3.1 documentation; transformers 5.23, utils/chat_template_utils.py",
    looks_like=looks_like,
    read=read,
    rank=60,
    hides=("source-code", "text", "lfs-pointer"),
    extensions=_SUFFIXES,
)
