"""Laws of the safetensors reader."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from owaudit.codec.reader import Head, Place, Span
from owaudit.codec.window import Window
from owaudit.errors import FormatError, LimitExceeded
from owaudit.model.limits import Limits
from owaudit.model.observation import Observation
from owaudit.readers.safetensors import READER

PARTS = st.sampled_from(
    [
        '{"a":',
        '"dtype":"F32"',
        '"shape":[1]',
        '"data_offsets":[0,4]',
        "{",
        "}",
        ",",
        "[",
        "]",
        "9" * 20,
        '"__metadata__":',
    ]
)
HEADERS = st.lists(PARTS | st.text(max_size=2), max_size=12).map("".join)


class TestAnyBytes:
    """Any bytes give observations and spans inside the window, or a typed error."""

    @given(header=HEADERS, tail=st.binary(max_size=20), shift=st.integers(-2, 2), raw=st.binary(max_size=64))
    def test_read(self, header: str, tail: bytes, shift: int, raw: bytes) -> None:
        text = header.encode("utf-8", "surrogatepass")
        for content in (raw, struct.pack("<Q", max(0, len(text) + shift)) + text + tail):
            window = Window.of(content)
            assert READER.looks_like(Head(content, content, len(content), "x", window)) in (True, False)
            try:
                for item in READER.read(window, Place("m"), Limits()):
                    assert isinstance(item, Observation | Span)
                    if isinstance(item, Span):
                        assert 0 <= item.start < item.end <= len(content)
            except (FormatError, LimitExceeded):
                pass
