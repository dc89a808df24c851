"""Laws of the readers of GGUF, ONNX, TensorFlow and TFLite, with the recipes as seeds."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fixtures import all_recipes
from owaudit.codec.protobuf import Wire, fits
from owaudit.codec.reader import Halt, Member, Place, Reader, Span
from owaudit.codec.tensorflow_schema import TENSORFLOW
from owaudit.codec.window import Window
from owaudit.errors import FormatError, LimitExceeded
from owaudit.model.limits import Limits
from owaudit.model.observation import Observation
from owaudit.pipeline.identify import head_of
from owaudit.readers import readers

_PREFIXES = ("gguf-", "ggml-", "onnx-", "tensorflow-", "tflite-")
_NAMES = ("gguf", "ggml-legacy", "onnx", "tflite", "keras-metadata")
READERS = {
    reader.format: reader
    for reader in readers()
    if reader.format in _NAMES or reader.format.startswith("tensorflow-")
}
SEEDS = [
    content
    for recipe in all_recipes()
    if recipe.name.removeprefix("honest-").startswith(_PREFIXES)
    for content in recipe.build().values()
    if len(content) < 20_000
]
_LIMITS = Limits(fields=20_000, tensors=5_000)
_BUDGET = settings(max_examples=150, deadline=2000, suppress_health_check=[HealthCheck.too_slow])


def _patched(seed: bytes, changes: list[tuple[int, bytes]]) -> bytes:
    out = bytearray(seed)
    for at, patch in changes:
        place = at % (len(out) + 1)
        out[place : place + len(patch)] = patch
    return bytes(out)


_PATCHES = st.sampled_from([b"\xff" * 8, b"\0" * 4, b"\xff\xff\xff\x7f", b"\x80" * 11, b"\x00"]) | st.binary(
    min_size=1, max_size=9
)
CONTENTS = (
    st.binary(max_size=200)
    | st.builds(
        _patched,
        st.sampled_from(SEEDS),
        st.lists(st.tuples(st.integers(0, 20_000), _PATCHES), max_size=4),
    )
    | st.builds(
        lambda seed, cut: seed[: cut % (len(seed) + 1)], st.sampled_from(SEEDS), st.integers(0, 20_000)
    )
)


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS.keys())
class TestAnyBytes:
    """Any bytes give facts, spans and members inside the window, or a typed error, in bounded time."""

    @_BUDGET
    @given(content=CONTENTS)
    def test_read(self, reader: Reader, content: bytes) -> None:
        window = Window.of(content)
        assert reader.looks_like(head_of(window, "model.onnx")) in (True, False)
        try:
            for item in reader.read(window, Place("m.index"), _LIMITS):
                assert isinstance(item, Observation | Span | Member | Halt)
                if isinstance(item, Observation):
                    assert item.count >= 1
                    assert item.locations
                elif isinstance(item, Span | Member):
                    assert 0 <= item.start < item.end <= len(content)
        except (FormatError, LimitExceeded):
            pass


class TestProtobuf:
    """The walker agrees with itself: fields tile the message, and what fits can be walked."""

    @_BUDGET
    @given(content=CONTENTS)
    def test_fields_tile(self, content: bytes) -> None:
        wire = Wire(Window.of(content))
        at = 0
        try:
            for field in wire.fields(0, len(content)):
                assert (field.at, field.end > field.at) == (at, True)
                assert field.at < field.start <= field.end <= len(content)
                at = field.end
        except FormatError:
            return
        assert at == len(content)
        assert fits(wire, TENSORFLOW, "NoneValue", 0, len(content)) in (None, frozenset())
