"""The safetensors reader: every clause of the law, what it explains, and what it leaves open."""

from __future__ import annotations

import itertools
import json
import struct
import time
import tracemalloc
from typing import Any

import pytest

from owaudit.codec.reader import PARSED, PAYLOAD, Head, Place, Span, Yield
from owaudit.codec.window import Window
from owaudit.errors import FormatError, LimitExceeded
from owaudit.model.limits import Limits
from owaudit.model.location import Location
from owaudit.model.observation import (
    MetadataEntry,
    RangeOverlap,
    SpecViolation,
    TensorTable,
    UnclaimedBytes,
)
from owaudit.readers.safetensors import HEADER_CEILING, READER

PLACE = Place("m.safetensors")
GOOD = '{"dtype":"F32","shape":[1],"data_offsets":[0,4]}'


def packed(header: str | bytes, payload: bytes = b"") -> bytes:
    raw = header.encode() if isinstance(header, str) else header
    return struct.pack("<Q", len(raw)) + raw + payload


SOUND = packed(f'{{"a":{GOOD}}}', bytes(4))


def tensor(dtype: str, shape: list[Any], begin: int, end: int) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def read(content: bytes, limits: Limits | None = None) -> list[Yield]:
    return list(READER.read(Window.of(content), PLACE, limits or Limits()))


def clauses(content: bytes) -> list[tuple[str, bool]]:
    """The breaches of a file: clause and tolerance, a typed error as its own clause."""
    found: list[tuple[str, bool]] = []
    try:
        for item in READER.read(Window.of(content), PLACE, Limits()):
            if isinstance(item, SpecViolation):
                found.append((item.clause, item.tolerated))
            elif isinstance(item, UnclaimedBytes):
                found.append((item.position, False))
            elif isinstance(item, RangeOverlap):
                found.append(("overlap", False))
    except FormatError as error:
        found.append((error.clause, False))
    return found


def looks_like(content: bytes, name: str = "x") -> bool:
    return READER.looks_like(Head(content[:4096], content[-65_578:], len(content), name, Window.of(content)))


def test_an_honest_file_is_explained_to_the_last_byte() -> None:
    header = json.dumps(
        {
            "__metadata__": {"format": "pt", "training": "ä" * 600_000},
            "b": tensor("BF16", [2, 3], 4, 16),
            "a": tensor("F32", [], 0, 4),
            "empty": tensor("I64", [0, 7], 16, 16),
            "c": tensor("F4", [4], 16, 18),
        },
        ensure_ascii=False,
    )
    content = packed(header + "   ", bytes(18))
    end = len(content) - 18
    assert read(content) == [
        MetadataEntry(locations=PLACE.at(26, 40, pointer="/__metadata__"), key="format", value="pt", size=2),
        MetadataEntry(
            locations=PLACE.at(42, 1_200_056, pointer="/__metadata__"),
            key="training",
            value="ä" * 1000 + "…",
            size=1_200_000,
        ),
        Span(PARSED, 0, end),
        TensorTable(
            locations=PLACE.at(8, end),
            tensors=4,
            parameters=11,
            size=18,
            element_types=(("BF16", 1), ("F32", 1), ("F4", 1), ("I64", 1)),
        ),
        Span(PAYLOAD, end, end + 18),
    ]


@pytest.mark.parametrize(
    ("header", "payload", "expected"),
    [
        ('{}', 0, ""),
        ('{"__metadata__":null,"a":GOOD}', 4, ""),
        ('{"a":GOOD,"b":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}', 4, ""),
        ('{"a":GOOD}  \n\t', 4, ""),
        (' {"a":GOOD}', 4, "header-start"),
        ('\ufeff{"a":GOOD}', 4, "json"),
        ('{"a":GOOD}\x00', 4, "json"),
        ('{"a":GOOD,}', 4, "json"),
        ('[]', 0, "json"),
        (b'{"\xff":1}', 0, "utf-8"),
        ('{"\\ud800":GOOD}', 4, "json"),
        ('{"a":GOOD,"a":GOOD}', 4, "overlap duplicate-key"),
        ('{"a":["F32",[1],[0,4]]}', 4, "entry-form~"),
        ('{"a":["F32",[1]]}', 4, "after entry"),
        ('{"a":null}', 0, "entry"),
        ('{"a":{"dtype":"F32","shape":[1]}}', 4, "after entry"),
        ('{"a":{"x":{"x":1,"x":2},"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', 4, "unknown-field~"),
        ('{"a":{"dtype":"F16","dtype":"F32","shape":[1],"data_offsets":[0,4]}}', 4, "duplicate-field"),
        ('{"a":{"dtype":{"F32":null},"shape":[1],"data_offsets":[0,4]}}', 4, "dtype-form~"),
        ('{"a":{"dtype":"f32","shape":[1],"data_offsets":[0,4]}}', 4, "after dtype"),
        ('{"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}}', 4, "after shape"),
        ('{"a":{"dtype":"F32","shape":[true],"data_offsets":[0,4]}}', 4, "after shape"),
        ('{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}', 4, "after shape"),
        ('{"a":{"dtype":"F32","shape":[1],"data_offsets":[-0,4]}}', 4, "after data-offsets"),
        ('{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}', 4, "after data-offsets"),
        ('{"a":{"dtype":"F32","shape":[1],"data_offsets":[4]}}', 4, "after data-offsets"),
        ('{"a":{"dtype":"F32","shape":[18446744073709551616,0],"data_offsets":[0,0]}}', 0, "shape"),
        ('{"a":{"dtype":"F32","shape":[4294967296,4294967296,0],"data_offsets":[0,0]}}', 0, "shape-product"),
        ('{"a":{"dtype":"F64","shape":[1152921504606846976],"data_offsets":[0,0]}}', 0, "shape-product"),
        ('{"a":{"dtype":"F32","shape":[0,18446744073709551615,9],"data_offsets":[0,0]}}', 0, ""),
        ('{"a":{"dtype":"F4","shape":[3],"data_offsets":[0,2]}}', 2, "after whole-bytes"),
        ('{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}', 4, "tensor-size"),
        ('{"a":GOOD,"b":{"dtype":"F32","shape":[0],"data_offsets":[2,2]}}', 4, "empty-tensor-offset"),
        ('{"a":{"dtype":"U8","shape":[0],"data_offsets":[8,8]}}', 4, "between empty-tensor-offset file-size"),
        ('{"a":GOOD}', 3, "file-size"),
        ('{"a":GOOD}', 5, "after"),
        ('{"__metadata__":[],"a":GOOD}', 4, "metadata"),
        ('{"__metadata__":{"a":1,"b":{}},"a":GOOD}', 4, "metadata-value"),
        ('{"__metadata__":null,"__metadata__":{},"a":GOOD}', 4, "duplicate-metadata"),
        ('{"__metadata__":{"k":"1","k":"2"},"a":GOOD}', 4, "duplicate-metadata-key"),
        ('{"a":' + "[" * 90_000 + "]" * 90_000 + "}", 0, "json-depth"),
    ],
)  # fmt: skip
def test_each_clause(header: str | bytes, payload: int, expected: str) -> None:
    """GOOD stands for a sound entry; a tolerated clause ends in a tilde."""
    raw = header.replace("GOOD", GOOD) if isinstance(header, str) else header
    found = clauses(packed(raw, bytes(payload)))
    assert [clause + "~" * tolerated for clause, tolerated in found] == expected.split()


@pytest.mark.parametrize("length", [0, 6, HEADER_CEILING + 1, 2**64 - 1])
def test_a_wrong_header_length_is_refused(length: int) -> None:
    content = struct.pack("<Q", length) + b"{}"
    with pytest.raises(FormatError) as caught:
        read(content)
    assert caught.value.clause == ("json" if length == 0 else "header-length")
    with pytest.raises(FormatError, match="header-length"):
        read(content[:7])


def test_limits_are_named() -> None:
    content = SOUND
    with pytest.raises(LimitExceeded) as caught:
        read(content, Limits(header_bytes=10))
    assert caught.value.limit == "header_bytes"
    with pytest.raises(LimitExceeded) as caught:
        read(packed('{"a":1,"b":1,"c":1}'), Limits(tensors=2))
    assert caught.value.limit == "tensors"


def test_holes_and_overlaps_are_located_in_the_file() -> None:
    entries = {
        "a": tensor("U8", [4], 2, 6),
        "b": tensor("U8", [4], 4, 8),
        "c": tensor("U8", [2], 5, 7),
        "d": tensor("U8", [1], 10, 11),
        "e": tensor("U8", [3], 10, 11),
    }
    content = packed(json.dumps(entries), b"\0\0aaaabb\0\0d" + b"tail")
    end = len(content) - 15
    found = read(content)
    assert found[2:7] == [
        Span(PAYLOAD, end + 2, end + 8),
        Span(PAYLOAD, end + 10, end + 11),
        RangeOverlap(locations=PLACE.at(end + 4, end + 6), first="a", second="b", size=2),
        RangeOverlap(locations=PLACE.at(end + 5, end + 7), first="b", second="c", size=2),
        RangeOverlap(locations=PLACE.at(end + 10, end + 11), first="d", second="e", size=1),
    ]
    assert found[7:9] == [
        UnclaimedBytes(
            locations=(*PLACE.at(end, end + 2), *PLACE.at(end + 8, end + 10)),
            count=2,
            position="between",
            size=4,
            zeros=True,
        ),
        UnclaimedBytes(locations=PLACE.at(end + 11, end + 15), position="after", size=4),
    ]
    assert [(v.clause, v.expected, v.found) for v in found if isinstance(v, SpecViolation)] == [
        ("tensor-size", "3 bytes for 3 U8", "1")
    ]


def test_a_wrong_size_is_not_explained_as_payload() -> None:
    content = packed('{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,400]}}', bytes(400))
    assert [item.group for item in read(content) if isinstance(item, Span)] == [PARSED]


def test_many_faults_are_one_fact_with_a_count() -> None:
    header = {f"t{i}": {"dtype": "X", "shape": [], "data_offsets": [0, 0]} for i in range(500)}
    content = packed(json.dumps(header))
    (breach,) = (item for item in read(content) if isinstance(item, SpecViolation))
    assert breach == SpecViolation(
        locations=(
            Location(artifact="m.safetensors", start=9, end=66, tensor="t0"),
            Location(artifact="m.safetensors", start=68, end=125, tensor="t1"),
            Location(artifact="m.safetensors", start=127, end=184, tensor="t2"),
        ),
        count=500,
        format="safetensors",
        clause="dtype",
        expected="a known element type",
        found="'X'",
    )


def test_many_metadata_entries_are_counted() -> None:
    content = packed(json.dumps({"__metadata__": {f"k{i}": "abc" for i in range(150)}}))
    entries = [item for item in read(content) if isinstance(item, MetadataEntry)]
    assert len(entries) == 101
    assert entries[-1] == MetadataEntry(
        locations=PLACE.at(8, len(content), pointer="/__metadata__"),
        count=50,
        key="(further entries)",
        value="",
        size=150,
    )


def test_metadata_found_before_a_break_stays() -> None:
    found = READER.read(Window.of(packed('{"__metadata__":{"a":"b"},"x":nope}')), PLACE, Limits())
    assert next(found) == MetadataEntry(
        locations=PLACE.at(25, 32, pointer="/__metadata__"), key="a", value="b", size=1
    )
    with pytest.raises(FormatError):
        next(found)


@pytest.mark.parametrize(
    ("content", "name", "expected"),
    [
        (SOUND, "model.bin", True),
        (packed("{}"), "x", True),
        (packed(' {"a":1}'), "x", True),
        (SOUND[:30], "x", True),
        (b"\xff" * 8 + b'{"a":' + GOOD.encode() + b"}", "x", True),
        (packed("not json at all."), "model.safetensors", True),
        (packed("not json at all."), "model.bin", False),
        (b'       {"a": {"data_offsets": 1}}', "x", False),
        (b'[      {"data_offsets": 1}]', "model.safetensors", False),
        (b"package a;\n{", "x", False),
        (b"\x08\0\0\0\0\0\0\0{\x01\x02\x03binary", "x", False),
        (b"\x80\x04\x95\x19\0\0\0\0\0\0\0\x8c", "model.safetensors", False),
        (bytes(4096), "model.safetensors", False),
        (b"", "model.safetensors", False),
        (b"PK\x03\x04", "model.safetensors", False),
    ],
)
def test_recognition(content: bytes, name: str, expected: bool) -> None:
    assert looks_like(content, name) is expected


class _Sparse:
    """A file of any size of whose payload only the first bytes of tensors may be looked at."""

    def __init__(self, header: bytes) -> None:
        self.header = struct.pack("<Q", len(header)) + header
        self.looked_at = 0

    def read_at(self, offset: int, size: int) -> bytes:
        if offset >= len(self.header):
            assert size <= 8, "the payload was read"
            self.looked_at += size
            return bytes(size)
        return self.header[offset : offset + size]


def test_a_large_file_costs_its_header_alone() -> None:
    count, size = 20_000, 1 << 24
    entries = (
        f'"layers.{i}.w":{{"dtype":"F16","shape":[4096,2048],"data_offsets":[{i * size},{(i + 1) * size}]}}'
        for i in range(count)
    )
    source = _Sparse(("{" + ",".join(entries) + "}").encode())
    window = Window(source, 0, len(source.header) + count * size)
    tracemalloc.start()
    found = list(READER.read(window, PLACE, Limits()))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found[0] == Span(PARSED, 0, len(source.header))
    assert found[2:] == [Span(PAYLOAD, len(source.header), window.size)]
    assert peak < 16_000_000
    assert source.looked_at <= 8 * 4096


def test_hostile_orders_stay_fast() -> None:
    ranges = itertools.chain(range(0, 60_000, 2), range(59_999, 0, -2))
    entries = (f'"{i}":{{"dtype":"U8","shape":[9],"data_offsets":[{i},{i + 9}]}}' for i in ranges)
    began = time.monotonic()
    found = read(packed("{" + ",".join(entries) + "}", bytes(60_008)))
    assert time.monotonic() - began < 20
    assert sum(item.count for item in found if isinstance(item, RangeOverlap)) == 59_999
