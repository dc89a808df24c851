"""The npy reader: headers of every version, sizes held against the file, pickles handed on."""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
import pytest

from owaudit.codec.reader import PARSED, PAYLOAD, Head, Member, Place, Span, Yield
from owaudit.codec.window import Window
from owaudit.errors import FormatError, LimitExceeded
from owaudit.model.limits import Limits
from owaudit.model.observation import SpecViolation, TensorTable, UnclaimedBytes
from owaudit.readers.numpy_array import READER

PLACE = Place("a.npy")


def saved(array: Any, version: tuple[int, int] | None = None) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.asarray(array), version=version)
    return stream.getvalue()


def npy(header: str, payload: bytes = b"", version: int = 1) -> bytes:
    raw = header.encode("utf-8" if version == 3 else "latin-1")
    length = struct.pack("<H" if version == 1 else "<I", len(raw))
    return b"\x93NUMPY" + bytes([version, 0]) + length + raw + payload


def read(content: bytes, limits: Limits | None = None) -> list[Yield]:
    return list(READER.read(Window.of(content), PLACE, limits or Limits()))


def until_error(content: bytes) -> tuple[list[Yield], FormatError]:
    items: list[Yield] = []
    walk = READER.read(Window.of(content), PLACE, Limits())
    with pytest.raises(FormatError) as caught:
        items.extend(walk)
    return items, caught.value


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_an_array_is_explained_to_the_last_byte(version: tuple[int, int]) -> None:
    content = saved(np.zeros((3, 4), "<f4"), version)
    end = len(content)
    assert read(content) == [
        Span(PARSED, 0, end - 48),
        Span(PAYLOAD, end - 48, end),
        TensorTable(
            locations=PLACE.at(0, end), tensors=1, parameters=12, size=48, element_types=(("<f4", 1),)
        ),
    ]


@pytest.mark.filterwarnings("ignore:Stored array in format")
@pytest.mark.parametrize(
    "array",
    [
        np.zeros((), "<i8"),
        np.zeros((0, 5)),
        np.array(["ab", "c"]),
        np.array([b"ab"]),
        np.array(["2020-01-01"], "M8[D]"),
        np.zeros(3, [("a", "<f4", (2,)), ("ö", "U3"), ("n", [("x", "?")])]),
        np.zeros(3, np.dtype([("a", "i1"), ("b", "f8")], align=True)),
        np.asfortranarray(np.zeros((2, 3), ">c16")),
        np.zeros(2, "V5"),
    ],
    ids=lambda array: str(array.dtype),
)
def test_what_numpy_writes_is_quiet_and_complete(array: Any) -> None:
    content = saved(array)
    found = read(content)
    assert sum(item.end - item.start for item in found if isinstance(item, Span)) == len(content)
    (table,) = (item for item in found if not isinstance(item, Span))
    assert isinstance(table, TensorTable)
    assert (table.parameters, table.size) == (array.size, array.nbytes)


def test_arrays_in_a_row_are_read_on() -> None:
    one, two = saved(np.zeros(2, "<f4")), saved(np.zeros(3, "<i2"))
    found = read(one + two + one)
    assert found[-1] == TensorTable(
        locations=PLACE.at(0, len(one + two + one)),
        tensors=3,
        parameters=7,
        size=22,
        element_types=(("<f4", 2), ("<i2", 1)),
    )
    assert sum(item.end - item.start for item in found if isinstance(item, Span)) == len(one + two + one)
    with pytest.raises(LimitExceeded, match="members"):
        read(one * 5, Limits(members=3))


@pytest.mark.parametrize(
    "descr",
    [
        "'|O'",
        "'O4'",
        "'object'",
        "u'|O'",
        "'|' 'O'",
        "[('a', '<f4'), ('b', [('c', '|O')])]",
        "('|O', (2,))",
        "'i4,O'",
    ],
)
def test_objects_are_handed_on_as_a_pickle(descr: str) -> None:
    content = npy(f"{{'shape': (1,), 'descr': {descr},'fortran_order': False}}", b"\x80\x04N.")
    found = read(content)
    end = len(content)
    assert found[:2] == [
        Span(PARSED, 0, end - 4),
        Member(name="objects", start=end - 4, end=end, hint="pickle"),
    ]
    assert [type(item) for item in found[2:]] == [TensorTable]


@pytest.mark.parametrize(
    ("header", "payload", "clauses"),
    [
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (3,)}", 11, ["array-size"]),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (3,)}", 13, ["after"]),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}", 8, ["shape", "after"]),
        (
            "{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296)}",
            8,
            ["shape-product", "after"],
        ),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775807,)}", 8, ["array-size"]),
        ("{'descr': '|O', 'descr': '<f4', 'fortran_order': False, 'shape': ()}", 4, ["duplicate-key"]),
        ("{'descr': '|O', 'fortran_order': False, 'shape': ()}", 0, ["array-size"]),
        ("{'descr': '|V0', 'fortran_order': False, 'shape': (9223372036854775807,)}", 0, []),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': ()}" + " " * 10_000, 4, ["header-size~"]),
    ],
)
def test_each_clause(header: str, payload: int, clauses: list[str]) -> None:
    found = []
    for item in read(npy(header, b"\1" * payload)):
        if isinstance(item, SpecViolation):
            found.append(item.clause + "~" * item.tolerated)
        elif isinstance(item, UnclaimedBytes):
            found.append(item.position)
    assert found == clauses


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': __import__('os').system('true'), 'fortran_order': False, 'shape': ()}",
        "{'descr': '<f3', 'fortran_order': False, 'shape': ()}",
        "{'descr': '<f4', 'fortran_order': 0, 'shape': ()}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': [1]}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1.0,)}",
        "{'descr': '<f4', 'fortran_order': False}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (), 'x': 1}",
        "[]",
        "(" * 5000,
    ],
)
def test_a_header_that_cannot_be_read_hands_on_what_follows(header: str) -> None:
    content = npy(header, b"\x80\x04N.")
    items, error = until_error(content)
    assert items == [Member(name="array", start=len(content) - 4, end=len(content))]
    assert error.clause == "header"


@pytest.mark.parametrize(
    ("content", "clause"),
    [
        (b"\x93NUMPY", "header-start"),
        (b"\x93NUMPY\x04\x00\x00\x00", "version"),
        (b"\x93NUMPY\x01\x01\x00\x00", "version"),
        (b"\x93NUMPY\x02\x00\x00", "header-length"),
        (b"\x93NUMPY\x02\x00\xff\xff\xff\xff{}", "header-length"),
        (b"\x93NUMPY\x03\x00\x01\x00\x00\x00\xff", "header"),
    ],
)
def test_broken_starts_are_refused(content: bytes, clause: str) -> None:
    items, error = until_error(content)
    assert (items, error.clause) == ([], clause)


def test_a_break_in_the_second_array_keeps_the_first() -> None:
    one = saved(np.zeros(2, "<f4"))
    items, error = until_error(one + b"\x93NUMPY\x09\x00")
    assert [type(item) for item in items] == [Span, Span, TensorTable]
    assert error.start == len(one) + 6


def test_a_long_header_is_a_limit() -> None:
    content = npy("{" + " " * 2_000_000 + "}", version=2)
    with pytest.raises(LimitExceeded, match="header_bytes"):
        read(content)


def test_recognition_is_by_the_magic() -> None:
    def recognised(content: bytes) -> bool:
        return READER.looks_like(Head(content, content, len(content), "a.npy", Window.of(content)))

    assert recognised(saved(np.zeros(1)))
    assert not recognised(b"\x80\x04N.")
    assert not recognised(b"")
