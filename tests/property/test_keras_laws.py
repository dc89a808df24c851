"""Laws of the readers of HDF5 files and Keras settings, and of the walk through compiled code."""

from __future__ import annotations

import contextlib
import json
import marshal
import struct
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.hdf5s import checksum as other_checksum
from fixtures.hdf5s import keras_file
from owaudit.codec.hdf5_checksum import checksum
from owaudit.codec.marshal_code import code_facts
from owaudit.codec.reader import Halt, Member, Place, Span, Yield
from owaudit.codec.window import Window
from owaudit.errors import ReadError
from owaudit.model.limits import Limits
from owaudit.model.observation import Observation
from owaudit.readers import hdf5, keras_config

PLACE = Place("f")
HONEST = keras_file(b'{"class_name": "Sequential", "config": {"layers": []}}')
EDITS = st.lists(
    st.tuples(st.integers(0, len(HONEST) - 1), st.binary(min_size=1, max_size=8)), min_size=1, max_size=6
)
NAMES = st.sampled_from(
    ["class_name", "config", "module", "registered_name", "function", "function_type", "code", "vocabulary",
     "Lambda", "__lambda__", "__typespec__", "TorchModuleWrapper", "function_type", "spec_name", "lambda"]
)  # fmt: skip
CONFIGS: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.integers() | NAMES | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=20,
)


def items_of(reader: Any, content: bytes) -> list[Yield]:
    """What a reader says until it ends or raises what it may raise."""
    items: list[Yield] = []
    with contextlib.suppress(ReadError):
        items.extend(reader.READER.read(Window.of(content), PLACE, Limits()))
    return items


class TestHdf5:
    """Any bytes give facts, and spans and members inside the file, or a typed error."""

    @given(edits=EDITS, cut=st.integers(0, len(HONEST)))
    @settings(max_examples=300)
    def test_edited_files(self, edits: list[tuple[int, bytes]], cut: int) -> None:
        content = bytearray(HONEST)
        for at, new in edits:
            content[at : at + len(new)] = new
        self.holds(bytes(content[: cut or None]))

    @given(tail=st.binary(max_size=300))
    def test_bytes_behind_the_signature(self, tail: bytes) -> None:
        self.holds(b"\x89HDF\r\n\x1a\n" + tail)

    def holds(self, content: bytes) -> None:
        for item in items_of(hdf5, content):
            assert isinstance(item, Observation | Halt | Span | Member)
            if isinstance(item, Span | Member):
                assert 0 <= item.start <= item.end <= len(content)


class TestChecksum:
    """Two programs for the checksum agree."""

    @given(content=st.binary(max_size=60))
    def test_same(self, content: bytes) -> None:
        assert checksum(content) == other_checksum(content)


class TestSettings:
    """Any tree of settings gives facts; any bytes give facts or a typed error."""

    @given(value=CONFIGS, encoding=st.sampled_from(["utf-8", "utf-16", "utf-8-sig"]))
    def test_trees(self, value: Any, encoding: str) -> None:
        content = json.dumps(value).encode(encoding)
        items = items_of(keras_config, content)
        assert Span("parsed", 0, len(content)) in items

    @given(content=st.binary(max_size=200))
    def test_bytes(self, content: bytes) -> None:
        assert all(isinstance(item, Observation | Span | Member) for item in items_of(keras_config, content))


class TestMarshal:
    """Any bytes give facts, and what marshal writes is followed to its end."""

    @given(content=st.binary(max_size=200))
    def test_bytes(self, content: bytes) -> None:
        assert code_facts(content).ending != "" or content

    @given(
        value=st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
            lambda inner: (
                st.lists(inner, max_size=4)
                | st.lists(inner, max_size=4).map(tuple)
                | st.dictionaries(st.text(max_size=3), inner, max_size=3)
            ),
            max_leaves=15,
        ),
        version=st.integers(0, 4),
    )
    def test_values(self, value: Any, version: int) -> None:
        assert code_facts(marshal.dumps(value, version)).ending == "there is no code object"


def test_the_seed_is_read_whole() -> None:
    """The laws begin from a file that holds."""
    covered = sum(item.end - item.start for item in items_of(hdf5, HONEST) if isinstance(item, Span))
    assert covered == len(HONEST)
    assert struct.unpack_from("<Q", HONEST, 40) == (len(HONEST),)
