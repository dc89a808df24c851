"""Laws of the JSON scanner, against the standard library's."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from owaudit.codec.json_text import JsonScanner, document
from owaudit.codec.window import Window
from owaudit.errors import FormatError, LimitExceeded

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=20,
)
ALMOST = st.lists(
    st.sampled_from(
        ['{"a":', "}", "[", "]", ",", '"', "\\u", "d800", "1", "-0", "1e9", "NaN", "é", " ", ":", "null"]
    ),
    max_size=25,
).map(lambda parts: "".join(parts).encode())


class TestDocument:
    """What is JSON is read as the standard library reads it; anything else is a typed error."""

    @given(value=VALUES, ascii_only=st.booleans(), indent=st.sampled_from([None, 1]))
    def test_round_trip(self, value: Any, ascii_only: bool, indent: int | None) -> None:
        text = json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode()
        assert document(Window.of(text)) == (value, ())

    @given(text=st.binary(max_size=200) | ALMOST)
    def test_any_bytes(self, text: bytes) -> None:
        try:
            value, _ = document(Window.of(text))
        except (FormatError, LimitExceeded):
            return
        assert value == json.loads(text.decode())


class TestMembers:
    """Walking an object gives its members, and offsets at which their names stand."""

    @given(value=st.dictionaries(st.text(max_size=5), VALUES, max_size=5), ascii_only=st.booleans())
    def test_walk(self, value: dict[str, Any], ascii_only: bool) -> None:
        text = json.dumps(value, ensure_ascii=ascii_only).encode()
        scanner = JsonScanner(Window.of(text))
        for name, start in scanner.members():
            assert text[start:].decode().startswith(json.dumps(name, ensure_ascii=ascii_only))
            string = scanner.text(100) if scanner.peek() == '"' else None
            assert (string.start if string else scanner.value()[0]) == value[name]
        scanner.finish()
