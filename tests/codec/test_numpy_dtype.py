"""Element types have the size that numpy gives them, and objects are found wherever they hide."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from owaudit.codec.numpy_dtype import ElementType, element_type
from owaudit.errors import FormatError

KNOWN: list[Any] = [
    "<f4", ">f8", "|b1", "=i2", "f4", "<U10", "|S3", "|V7", "S", "U", "V", "?", "b", "B", "e", "g", "G", "n",
    "p", "q", "c", "<c16", "<f16", "<M8[ns]", "<m8[25s]", "M8", "datetime64[D]", "timedelta64", "float32",
    "intp",
    "longdouble", "bool_", "str", "void", "double", "i4,f8", "i4 , f4", "2f4", "(2,3)f4", "(2,3)f4,i2",
    "3i4,U2",
    "f4,", "|O", "O", "|O8", "O4", "object", "object_", "T", "i4,O", "(2,)O", "f8,(2,)O",
    ("<f4", (2, 3)), ("<f4", 3), ("<f4", [2, 3]), ("<f4", ()), ("O", (2,)), ("<f4", 1, 2),
    [("a", "<f4"), ("", "|V4"), ("b", "<i2")], [("a", "<f4", (2,))], [(("t", "n"), "<i4")], [],
    [("a", [("b", "<f8"), ("c", [("d", "|O", (2,))])])], [("a", ("<f4", (2,)))], [("a", "<f4", 3)],
    [["a", "<f4"]],
    [("a", "i4,O")],
]  # fmt: skip


@pytest.mark.parametrize("description", KNOWN, ids=str)
def test_agrees_with_numpy(description: Any) -> None:
    expected = np.lib.format.descr_to_dtype(description)
    found = element_type(description)
    assert found.has_object == expected.hasobject
    if not expected.hasobject:
        assert found.size == expected.itemsize


@pytest.mark.parametrize(
    "description",
    ["", "f3", "i16", "!f4", "<<f4", " f4", "O[3]", "Object", "f4[ns]", "i4,,x", ",", "(2,", "()x",
    "V9999999999",
     b"<f4", None, 1, (), ("<f4",), ("<f4", -1), ("<f4", True), ("<f4", "x"), ("V8", {"x": ("O", 0)}),
     ("<f4", (2**20, 2**20)), [("a",)], ["a"], [("a", "<f4", 1, 1)], [(1, "<f4")], {"names": ["a"]},
     "(1)" * 50_000 + "f4", "f4," * 50_000],
    ids=lambda value: str(value)[:20],
)  # fmt: skip
def test_unknown_descriptions_are_refused(description: Any) -> None:
    with pytest.raises(FormatError) as caught:
        element_type(description)
    assert caught.value.clause in ("descr", "literal")


def test_names_are_short() -> None:
    assert element_type("<f4") == ElementType("<f4", 4)
    assert element_type("O4") == ElementType("object", 0, has_object=True)
    assert element_type([("x", "<f4")] * 1000) == ElementType("structured", 4000)
