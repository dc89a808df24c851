"""What a template uses, and the bounds before it is parsed."""

from __future__ import annotations

import pytest

from owaudit.codec.reader import Head, Place
from owaudit.codec.window import Window
from owaudit.errors import FormatError, LimitExceeded
from owaudit.model.code_facts import TemplateExpression
from owaudit.model.limits import Limits
from owaudit.readers.jinja_template import LONGEST, looks_like, read

_PLACE = Place("chat_template.jinja")


def _uses(text: str) -> list[tuple[str, str]]:
    """Feature and name of every use, in order."""
    found = list(read(Window.of(text.encode()), _PLACE, Limits()))
    return [(item.feature, item.name) for item in found if isinstance(item, TemplateExpression)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ a.b }}", [("attribute", "b")]),
        ("{{ a['b'] }}", [("item", "b")]),
        ("{{ a['b' ~ 'c'] }}", [("item", "bc")]),
        ("{{ a['cb'[::-1]] }}", [("item", "bc")]),
        ("{{ a['%s_%s' % ('b', 'c')] }}", [("item", "b_c")]),
        ("{{ a['b{}'.format('c')] }}", [("item", "bc"), ("format", "b{}"), ("method", "format")]),
        ("{{ a['x'|upper] }}", [("item", "X"), ("filter", "upper")]),
        ("{{ a['b' * 3] }}", [("item", "bbb")]),
        ("{% set k = 'b' %}{% set k = 'c' %}{{ a[k] }}", [("item", "b"), ("item", "c")]),
        ("{{ a[b] }}", []),
        ("{{ f(1) }}", [("call", "f")]),
        ("{% macro f(x) %}{{ x }}{% endmacro %}{{ f(1) }}", []),
        (
            "{{ a|map(attribute='b.c')|list }}",
            [("filter", "list"), ("filter", "map"), ("item", "b"), ("item", "c")],
        ),
        ("{{ a.format }}", [("attribute", "format"), ("reference", "format")]),
        ("{% include 'x' %}", [("statement", "include")]),
        ("{{ a is foo }}", [("test", "foo")]),
        ("{{ 'a' * 10**9 }}", [("size", "repetition")]),
        ("{% raw %}{{ a.__class__ }}{% endraw %}{# {{ a.b }} #}", []),
        (
            "{% generation %}{{ a.b }}{% endgeneration %}{% for i in a %}{% break %}{% endfor %}",
            [("attribute", "b")],
        ),
    ],
)
def test_uses(text: str, expected: list[tuple[str, str]]) -> None:
    assert _uses(text) == expected


def test_what_a_condition_looks_for() -> None:
    text = "{% set c = m.content %}{% if 'open the door' in c and '<think>' in c %}x{% endif %}"
    assert [use for use in _uses(text) if use[0] == "condition"] == [("condition", "open the door")]


def test_the_same_use_is_counted() -> None:
    (use,) = [
        i for i in read(Window.of(b"{{ a.b }}\n" * 9), _PLACE, Limits()) if isinstance(i, TemplateExpression)
    ]
    assert (use.count, [place.line for place in use.locations]) == (9, [1, 2, 3])


@pytest.mark.parametrize(
    "text", ["{{ a", "{{ a }", "{% if %}", "{{ 1 + }}", "{% nothing %}", "{{ " + "9" * 5000 + " }}"]
)
def test_what_is_no_template_is_a_format_error(text: str) -> None:
    with pytest.raises(FormatError, match="template-syntax"):
        list(read(Window.of(text.encode()), _PLACE, Limits()))


@pytest.mark.parametrize(
    "text",
    [
        "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
        "{% if a %}" * 5000,
        "{{ " + "not " * 5000 + "a }}",
        "a" * (LONGEST + 1),
    ],
)
def test_long_and_deep_templates_are_refused(text: str) -> None:
    with pytest.raises(LimitExceeded):
        list(read(Window.of(text.encode()), _PLACE, Limits()))


@pytest.mark.parametrize(
    ("name", "hint", "expected"),
    [
        ("chat_template.jinja", "", True),
        ("a.j2", "", True),
        ("default", "jinja-template", True),
        ("a.txt", "", False),
    ],
)
def test_recognised_by_name_or_hint(name: str, hint: str, expected: bool) -> None:
    window = Window.of(b"{{ a }}")
    assert (
        looks_like(Head(start=b"{{ a }}", end=b"", size=7, name=name, window=window, hint=hint)) is expected
    )
