"""Marshalled code: names, texts and functions of what this Python writes, and of other layouts."""

from __future__ import annotations

import marshal
import struct

import pytest

from owaudit.codec.marshal_code import CodeFacts, code_facts


def compiled(source: str, version: int = 4) -> bytes:
    return marshal.dumps(compile(source, "m", "eval"), version)


def text(content: str) -> bytes:
    return b"z" + bytes([len(content)]) + content.encode()


def strings(*items: str) -> bytes:
    return b")" + bytes([len(items)]) + b"".join(map(text, items))


def blob(content: bytes) -> bytes:
    return b"s" + struct.pack("<I", len(content)) + content


@pytest.mark.parametrize("version", [2, 3, 4])
def test_code_of_this_python_is_followed_to_its_end(version: int) -> None:
    facts = code_facts(compiled("(lambda x: __import__('os').system('echo hi', x, 1.5, 2**70))", version))
    assert facts.ending == ""
    assert list(facts.names) == ["__import__", "system", "x"]
    assert list(facts.texts) == ["os", "echo hi", "<lambda>"] or "echo hi" in facts.texts
    assert facts.python == "3.11 or later"


def older(numbers: int) -> bytes:
    head = b"c" + struct.pack(f"<{numbers}I", *[1] * numbers) + blob(b"d\0S\0")
    body = strings("echo hi") + strings("os", "system") + strings("x") + strings() + strings()
    return head + body + text("m.py") + text("f") + struct.pack("<I", 1) + blob(b"")


@pytest.mark.parametrize(("numbers", "python"), [(4, "2"), (5, "3.0 to 3.7"), (6, "3.8 to 3.10")])
def test_older_layouts_are_told_by_what_stands_in_them(numbers: int, python: str) -> None:
    assert code_facts(older(numbers)) == CodeFacts(
        names={"os": None, "system": None, "x": None},
        texts={"echo hi": None},
        functions={"f": None},
        python=python,
    )


@pytest.mark.parametrize(
    ("raw", "ending"),
    [
        (b"", "marshal: expected 1 bytes, found 0 bytes (at byte 0)"),
        (b"N", "there is no code object"),
        (b"?", "marshal: expected a known type, found '?' (at byte 0)"),
        (b")\x02" * 200, "limit fields: 102 is over 200000"),
        (b"s\xff\xff\xff\x7f", "marshal: expected 2147483647 bytes, found 0 bytes (at byte 5)"),
        (b"s\xff\xff\xff\xff", "marshal: expected -1 bytes, found 0 bytes (at byte 5)"),
    ],
)
def test_what_is_no_code_is_said(raw: bytes, ending: str) -> None:
    assert code_facts(raw) == CodeFacts(ending=ending)


def test_what_came_before_the_end_stays() -> None:
    facts = code_facts(older(6)[:-10])
    assert list(facts.names) == ["os", "system", "x"]
    assert facts.ending.startswith("marshal: expected")
