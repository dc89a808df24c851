"""The assemblers write what the real writers write, so that recipes lie only on purpose."""

from __future__ import annotations

import gzip
import io
import pickle
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load

from fixtures import Recipe, all_recipes, digest, write
from fixtures.recipes.honest_arrays import float_array
from fixtures.tensors import npy, npy_header, numbers, safetensors, tensor_header
from fixtures.values import Called, Made, Name, Unordered, Value, dump
from fixtures.zipfiles import DEFLATED, Entry, archive, gzip_stream, torch_archive, zlib_stream

_SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary()
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=5) | st.integers(), inner, max_size=4)
        | st.tuples(inner, inner)
        | st.tuples(inner, inner, inner, inner)
    ),
    max_leaves=12,
)
_HONEST = [recipe for recipe in all_recipes() if recipe.name.startswith("honest-")]


class TestEncoder:
    """``dump`` gives a pickle of the same value in every protocol."""

    @settings(max_examples=80, deadline=None)
    @given(value=_VALUES, protocol=st.integers(0, 5))
    def test_plain_values_come_back(self, value: Value, protocol: int) -> None:
        assert pickle.loads(dump(value, protocol)) == value

    @pytest.mark.parametrize("protocol", range(6))
    def test_bytes_are_those_of_the_standard_pickler(self, protocol: int) -> None:
        value = {"a": [1, 2.5, None, True], "b": (1, 2), "c": 2**70, "d": [[], {}, ()], "e": bytearray(b"x")}
        assert dump(value, protocol) == pickle.dumps(value, protocol)

    @pytest.mark.parametrize("protocol", range(6))
    def test_a_list_may_hold_itself(self, protocol: int) -> None:
        ring: list[Value] = []
        ring.append(ring)
        assert dump(ring, protocol) == pickle.dumps(ring, protocol)

    @pytest.mark.parametrize("protocol", range(6))
    def test_objects_come_back(self, protocol: int) -> None:
        value: list[Value] = [
            Called(Name("fractions", "Fraction"), (1, 3)),
            Unordered((1, 2)),
            Made(Name("argparse", "Namespace"), state={"rate": 1}),
            Called(Name("collections", "OrderedDict"), pairs=[("a", 1)]),
        ]
        fraction, numbers_set, space, ordered = pickle.loads(dump(value, protocol))
        assert (str(fraction), numbers_set, vars(space), dict(ordered)) == (
            "1/3",
            {1, 2},
            {"rate": 1},
            {"a": 1},
        )

    def test_what_has_no_opcodes_is_refused(self) -> None:
        with pytest.raises(TypeError, match="no opcodes for object"):
            dump(object())


class TestArchives:
    """``archive`` and ``torch_archive`` write zip files that the standard library reads."""

    def test_members_come_back(self) -> None:
        whole = archive([Entry(name="a", content=b"one"), Entry(name="b", content=b"two", method=DEFLATED)])
        with zipfile.ZipFile(io.BytesIO(whole)) as opened:
            assert opened.testzip() is None
            assert {name: opened.read(name) for name in opened.namelist()} == {"a": b"one", "b": b"two"}

    def test_torch_members_are_aligned_and_stored(self) -> None:
        whole = torch_archive([("data.pkl", b"N."), ("data/0", b"\x01" * 100)], root="model")
        with zipfile.ZipFile(io.BytesIO(whole)) as opened:
            assert [opened.read(name) for name in opened.namelist()] == [b"N.", b"\x01" * 100]
            assert {(i.flag_bits, i.compress_type) for i in opened.infolist()} == {(0x0808, 0)}
        assert [whole.index(b"N.") % 64, whole.index(b"\x01" * 100) % 64] == [0, 0]

    def test_streams_unpack(self) -> None:
        content = bytes(range(256)) * 300
        assert zlib.decompress(zlib_stream(content)) == content
        assert gzip.decompress(gzip_stream(content)) == content


class TestTensors:
    """Honest tensor files are read by the libraries of their formats."""

    def test_npy(self) -> None:
        array = np.load(io.BytesIO(float_array()))
        assert (array.shape, array.dtype.str, array.tobytes()) == ((3, 4), "<f4", numbers(48))

    def test_npy_bytes_are_those_of_numpy(self) -> None:
        stream = io.BytesIO()
        np.save(stream, np.zeros((2, 3), dtype="<f8"))
        assert npy(npy_header("'<f8'", (2, 3)), bytes(48)) == stream.getvalue()

    def test_safetensors(self) -> None:
        header, payload = tensor_header([("a", "F32", (2, 2)), ("b", "I64", ())], {"format": "pt"})
        tensors = load(safetensors(header, payload))
        assert {name: (t.shape, t.dtype.str) for name, t in tensors.items()} == {
            "a": ((2, 2), "<f4"),
            "b": ((), "<i8"),
        }


class TestRegistry:
    """Recipes have names of their own, stay in their folder and give the same bytes every time."""

    def test_names_are_sorted(self) -> None:
        names = [recipe.name for recipe in all_recipes()]
        assert names == sorted(set(names))

    @pytest.mark.parametrize("recipe", _HONEST[::7], ids=lambda recipe: recipe.name)
    def test_bytes_do_not_change(self, recipe: Recipe) -> None:
        assert recipe.build() == recipe.build()

    def test_digest_of_a_folder_names_its_paths(self) -> None:
        assert digest({"a": b"1", "b": b"2"}) != digest({"a": b"2", "b": b"1"})
        assert digest({"b": b"2", "a": b"1"}) == digest({"a": b"1", "b": b"2"})

    def test_a_path_cannot_leave_the_folder(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match="leaves its folder"):
            write({"../x": b""}, tmp_path / "in")
