"""Laws of the npy reader and the literals in its headers."""

from __future__ import annotations

import ast
import io
import struct
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from owaudit.codec.literal import read_literal
from owaudit.codec.reader import Member, Place, Span
from owaudit.codec.window import Window
from owaudit.errors import FormatError, LimitExceeded
from owaudit.model.limits import Limits
from owaudit.model.observation import Observation
from owaudit.readers.numpy_array import READER

LITERALS: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6) | st.binary(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=12,
)
HEADER_PARTS = st.sampled_from(
    ["{", "}", "'descr': ", "'<f4'", "'|O'", ", ", "'fortran_order': False", "'shape': ", "(", ")",
     "2", "-1", "[",
     "]", "('a', '<i2')", "\\", "#", "\n", "b'", '"""', "9" * 30]
)  # fmt: skip
FIELDS = "{'descr': %s, 'fortran_order': False, 'shape': %s}"


class TestLiterals:
    """What Python writes with ``repr`` is read back; any text gives a value or ``FormatError``."""

    @given(value=LITERALS)
    def test_round_trip(self, value: Any) -> None:
        assert read_literal(repr(value)) == value

    @given(parts=st.lists(HEADER_PARTS, max_size=15))
    def test_no_other_value_than_python(self, parts: list[str]) -> None:
        text = "".join(parts)
        try:
            value = read_literal(text)
        except FormatError:
            return
        assert value == ast.literal_eval(f"(\n{text}\n)" if text.count("\n") or "#" in text else text)


class TestReader:
    """Any bytes give facts, spans and members inside the window, or a typed error."""

    @given(
        parts=st.lists(HEADER_PARTS, max_size=15),
        fields=st.none() | st.tuples(LITERALS, LITERALS),
        version=st.integers(0, 4),
        shift=st.integers(-2, 2),
        payload=st.binary(max_size=20),
    )
    def test_any_header(
        self, parts: list[str], fields: tuple[Any, Any] | None, version: int, shift: int, payload: bytes
    ) -> None:
        text = "".join(parts) if fields is None else FIELDS % (repr(fields[0]), repr(fields[1]))
        raw = text.encode("utf-8", "surrogatepass")
        length = struct.pack("<H" if version == 1 else "<I", max(0, len(raw) + shift))
        content = b"\x93NUMPY" + bytes([version, 0]) + length + raw + payload
        try:
            for item in READER.read(Window.of(content), Place("a"), Limits()):
                assert isinstance(item, Observation | Span | Member)
                if isinstance(item, Span | Member):
                    assert 0 <= item.start < item.end <= len(content)
        except (FormatError, LimitExceeded):
            pass

    @given(
        shape=st.lists(st.integers(0, 4), max_size=3),
        dtype=st.sampled_from(["<f4", "U3", "i1,f8", "?", ">c8"]),
    )
    def test_what_numpy_writes_is_complete(self, shape: list[int], dtype: str) -> None:
        stream = io.BytesIO()
        np.save(stream, np.zeros(shape, dtype))
        items = READER.read(Window.of(stream.getvalue()), Place("a"), Limits())
        assert sum(item.end - item.start for item in items if isinstance(item, Span)) == stream.tell()
