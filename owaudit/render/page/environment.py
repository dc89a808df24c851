"""The template engine: everything a template writes is escaped, with chips for hidden characters.

Imported only when a page is made, because it needs jinja2.
"""

from __future__ import annotations

import functools
import html
from pathlib import Path
from typing import Any

import jinja2
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

from owaudit.render import escape, phrases

_SENTENCE = 480
_SENTENCE_HEAD = 360
_SENTENCE_TAIL = 96


@functools.cache
def environment(templates: Path) -> jinja2.Environment:
    """Return the engine for the templates of this folder."""
    engine = jinja2.Environment(
        loader=jinja2.FileSystemLoader(templates),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_final,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    engine.filters.update(
        attribute=_attribute,
        breakable=_breakable,
        counted=phrases.counted,
        full_stop=phrases.full_stop,
        label=_label,
        moment=_moment,
        number=phrases.number,
        path=_path,
        sentence=_sentence,
        share=phrases.share,
        value=_value,
        without_stop=_without_stop,
    )
    return engine


def as_is(text: str) -> Markup:
    """Mark a text of our own, never one from a report, as HTML that is written as it is."""
    return Markup(text)  # noqa: S704 - the style block, the script block and a line end


def json_block(value: Any) -> Markup:
    """Return JSON that may stand inside a script element: no markup character is left in it."""
    return htmlsafe_json_dumps(value, separators=(",", ":"))


def _final(value: Any) -> Any:
    if isinstance(value, Markup):
        return value
    return Markup(escape.markup(str(value)))  # noqa: S704 - escaped by the call


def _attribute(text: str) -> Markup:
    """For attributes and titles, which cannot hold a chip."""
    return Markup(html.escape(escape.visible_short(text)))  # noqa: S704 - escaped by the call


def _path(text: str, limit: int = escape.PATH_LIMIT) -> Markup:
    head = limit * escape.PATH_HEAD // escape.PATH_LIMIT
    tail = limit * escape.TAIL // escape.PATH_LIMIT
    return _ends(text, escape.shorten(text, head=head, tail=tail, limit=limit))


def _value(text: str) -> Markup:
    return _ends(text, escape.shorten(text, head=escape.VALUE_HEAD, tail=escape.TAIL))


def _ends(text: str, short: escape.Shortened) -> Markup:
    if not short.left_out:
        return Markup(f'<bdi class="path">{escape.path_markup(text)}</bdi>')  # noqa: S704 - escaped
    return Markup(  # noqa: S704 - both ends are escaped, the rest is ours
        f'<bdi class="path">{escape.path_markup(short.head)}</bdi>{_left_out(short.left_out)}'
        f'<bdi class="path">{escape.path_markup(short.tail)}</bdi>'
    )


def _left_out(count: int) -> str:
    return f' <span class="muted">({phrases.counted(count, "character")} left out)</span> '


def _sentence(text: str) -> Markup:
    short = escape.shorten(text, head=_SENTENCE_HEAD, tail=_SENTENCE_TAIL, limit=_SENTENCE)
    if not short.left_out:
        return Markup(escape.markup(text))  # noqa: S704 - escaped by the call
    shown = escape.markup(short.head) + _left_out(short.left_out) + escape.markup(short.tail)
    return Markup(shown)  # noqa: S704 - both ends are escaped, the rest is ours


def _without_stop(text: str) -> str:
    return text.removesuffix(".")


def _label(text: str) -> Markup:
    return _sentence(text[:1].upper() + text[1:])


def _breakable(text: str) -> Markup:
    """Code that may break after a dot or an opening bracket."""
    shown = escape.markup(text)
    return Markup(shown.replace(".", ".<wbr>").replace("(", "(<wbr>"))  # noqa: S704 - escaped above


def _moment(text: str) -> Markup:
    if not phrases.is_moment(text):
        return Markup(escape.markup(text or "not recorded"))  # noqa: S704 - escaped by the call
    shown = f"{text[:10]} {text[11:19]} UTC"
    return Markup(f'<time datetime="{text}">{shown}</time>')  # noqa: S704 - digits only, by the check
