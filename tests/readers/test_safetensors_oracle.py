"""The reader against the real ``safetensors`` library: one accepts exactly what the other does.

Where they differ on purpose is listed in ``STRICTER``: breaches that the library lets through and
that the reader reports as not tolerated all the same.
"""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from owaudit.codec.reader import Place
from owaudit.codec.window import Window
from owaudit.errors import FormatError
from owaudit.model.limits import Limits
from owaudit.model.location import Location
from owaudit.model.observation import RangeOverlap, SpecViolation, UnclaimedBytes
from owaudit.opinion.safetensors_library import answer
from owaudit.readers.safetensors import ELEMENT_BITS, READER

STRICTER = {"header-start", "duplicate-key", "duplicate-metadata-key"}
"""White space before ``{`` and names that repeat: forbidden by the README, let through by 0.8.0."""

NUMBERS = st.sampled_from([0, 1, 2, 3, 4, 8, 2**32, 2**63, 2**64 - 1, 2**64, -1, 1.5, True, None, "1"])
JUNK: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=4,
)


@st.composite
def sound(draw: st.DrawFn) -> tuple[list[tuple[str, Any]], int]:
    """Entries that follow one another in any order of names, and the size of their bytes."""
    entries: list[tuple[str, Any]] = []
    offset = 0
    for name in draw(st.lists(st.text(max_size=4), max_size=5, unique=True)):
        dtype = draw(st.sampled_from(sorted(ELEMENT_BITS)))
        shape = draw(st.lists(st.sampled_from([0, 1, 2, 4, 8]), max_size=3))
        bits = ELEMENT_BITS[dtype]
        for size in shape:
            bits *= size
        end = offset + bits // 8
        entries.append((name, {"dtype": dtype, "shape": shape, "data_offsets": [offset, end]}))
        offset = end
    if draw(st.booleans()):
        text = st.text(max_size=3)
        entries.append(("__metadata__", draw(st.none() | st.dictionaries(text, text, max_size=3))))
    return draw(st.permutations(entries)), offset


def text_of(entries: list[tuple[str, Any]]) -> str:
    """JSON that may repeat names."""
    pairs = (f"{json.dumps(name)}:{json.dumps(value)}" for name, value in entries)
    return "{" + ",".join(pairs) + "}"


@st.composite
def files(draw: st.DrawFn) -> bytes:
    entries, size = draw(sound())
    for _ in range(draw(st.integers(0, 2))):
        kind = draw(
            st.sampled_from(["value", "field", "drop", "extra", "repeat", "offset", "list", "metadata"])
        )
        index = draw(st.integers(0, len(entries) - 1)) if entries else None
        if index is None:
            continue
        name, value = entries[index]
        field = draw(st.sampled_from(["dtype", "shape", "data_offsets", "other"]))
        if kind == "value":
            entries[index] = (name, draw(JUNK))
        elif kind == "metadata":
            entries.append(("__metadata__", draw(JUNK)))
        elif kind == "repeat":
            entries.append((name, value))
        elif isinstance(value, dict) and name != "__metadata__":
            value = dict(value)
            if kind == "field":
                value[field] = draw(JUNK | st.lists(NUMBERS, max_size=3))
            elif kind == "drop":
                value.pop(field, None)
            elif kind == "extra":
                value["x"] = draw(JUNK)
            elif kind == "offset" and "data_offsets" in value:
                value["data_offsets"] = [draw(st.integers(0, 9)), draw(st.integers(0, 9))]
            elif kind == "list":
                entries[index] = (name, list(value.values()))
                continue
            entries[index] = (name, value)
    header = draw(st.sampled_from(["", "", "", " ", "\n", "\ufeff"])) + text_of(entries)
    header += draw(st.sampled_from(["", "", "", " ", "\t\n", "\0", ","]))
    raw = header.encode("utf-8", "surrogatepass")
    length = len(raw) + draw(st.sampled_from([0] * 8 + [-1, 1]))
    return (
        struct.pack("<Q", max(0, length))
        + raw
        + bytes(max(0, size + draw(st.sampled_from([0] * 6 + [-1, 1]))))
    )


def breaches(content: bytes) -> set[str]:
    """Clauses that the reader does not tolerate."""
    found = set()
    try:
        for item in READER.read(Window.of(content), Place("m"), Limits()):
            if isinstance(item, SpecViolation) and not item.tolerated:
                found.add(item.clause)
            elif isinstance(item, UnclaimedBytes | RangeOverlap):
                found.add(item.kind)
    except FormatError as error:
        found.add(error.clause)
    return found


def library_accepts(content: bytes, path: Path) -> bool:
    path.write_bytes(content)
    said = answer(str(path), (Location(artifact="m"),))
    assert said is not None
    return said.accepts


class TestAgreement:
    """What the library accepts has no breach that is not tolerated, and the other way round."""

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=400, deadline=None)
    @given(content=files())
    def test_generated_headers(self, content: bytes, tmp_path: Path) -> None:
        found = breaches(content)
        if found & STRICTER:
            # A name that repeats hides an entry from the library, with whatever is wrong in it.
            return
        assert library_accepts(content, tmp_path / "m") == (not found), found


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (' {"a":GOOD}', {"header-start"}),
        ('{"a":GOOD,"a":GOOD}', {"duplicate-key", "range.overlap"}),
        (
            '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,8]},"a":GOOD}',
            {"duplicate-key", "tensor-size", "range.overlap", "file-size"},
        ),
        ('{"a":GOOD,"__metadata__":{"k":"1","k":"2"}}', {"duplicate-metadata-key"}),
    ],
)
def test_where_the_reader_is_stricter(header: str, expected: set[str], tmp_path: Path) -> None:
    raw = header.replace("GOOD", '{"dtype":"F32","shape":[1],"data_offsets":[0,4]}').encode()
    content = struct.pack("<Q", len(raw)) + raw + bytes(4)
    assert breaches(content) == expected
    assert expected & STRICTER
    assert library_accepts(content, tmp_path / "m")


@pytest.mark.parametrize("depth", [124, 125, 126, 127, 128, 200])
def test_depth_ends_at_the_same_level(depth: int, tmp_path: Path) -> None:
    nested = "[" * depth + "]" * depth
    raw = f'{{"a":{{"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":{nested}}}}}'.encode()
    content = struct.pack("<Q", len(raw)) + raw + b"\0"
    assert library_accepts(content, tmp_path / "m") == (not breaches(content))


@pytest.mark.parametrize(
    "number", ["1e308", "1e309", "9" * 308, "9" * 309, "9" * 310, "-0", "1E+2", "00", "+1", ".5"]
)
def test_numbers_of_ignored_fields_have_the_same_range(number: str, tmp_path: Path) -> None:
    raw = f'{{"a":{{"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":{number}}}}}'.encode()
    content = struct.pack("<Q", len(raw)) + raw + b"\0"
    assert library_accepts(content, tmp_path / "m") == (not breaches(content))
