"""The scanner reads what the grammar allows, says where it stops, and holds little."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any

import pytest

from owaudit.codec.json_text import DEPTH_CEILING, JsonScanner, KeyLedger, Text, document
from owaudit.codec.window import READ_CEILING, Window
from owaudit.errors import FormatError, LimitExceeded


def window(text: str | bytes) -> Window:
    return Window.of(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))


def members(text: str) -> list[tuple[str, int, Any]]:
    scanner = JsonScanner(window(text))
    found = [(name, start, scanner.value()) for name, start in scanner.members()]
    scanner.finish()
    return found


def test_members_come_in_order_with_byte_offsets() -> None:
    assert members(' {"ä" : [1, -2.5e1],"😀":{"x":null}, "\\u0061":"\\ud83d\\ude00"}\n') == [
        ("ä", 2, ([1, -25.0], ())),
        ("😀", 21, ({"x": None}, ())),
        ("a", 40, ("😀", ())),
    ]
    assert members("{}") == []


def test_repeated_names_are_pointed_at_and_the_last_value_is_kept() -> None:
    text = '{"a":1,"a":2,"b~/":[0,{"c":{"d":1,"d":2},"e":0,"c":{"d":1,"d":2,"d":3}}]}'
    assert document(window(text)) == (
        {"a": 2, "b~/": [0, {"c": {"d": 3}, "e": 0}]},
        ("/a", "/b~0~1/1/c", "/b~0~1/1/c/d"),
    )


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("", 0),
        ("  ", 2),
        ("{", 0),
        ("[1,]", 0),
        ('{"a":1,}', 0),
        ("nul", 0),
        ("NaN", 0),
        ("-Infinity", 0),
        ("1e999", 0),
        ("9" * 310, 0),
        ("9" * 5000, 0),
        ("01", 1),
        ("1 2", 2),
        ("\ufeff{}", 0),
        ('"\\ud800"', 0),
        ('{"\\udc00":1}', 0),
        ('"\x01"', 0),
        ('"\\x"', 0),
        ("'a'", 0),
        ("{}\0", 2),
    ],
)
def test_what_is_not_json_is_refused_with_its_offset(text: str, start: int) -> None:
    with pytest.raises(FormatError) as caught:
        document(window(text))
    assert (caught.value.clause, caught.value.start) == ("json", start)


@pytest.mark.parametrize(
    ("text", "start"),
    [(b'{"a\xff":1}', 3), (b'"\xed\xa0\x80"', 1), (b'["' + b"x" * 1_048_573 + b'\xc3\xa4\xc3"]', 1_048_577)],
)
def test_bytes_that_are_not_utf8_are_refused_with_their_offset(text: bytes, start: int) -> None:
    with pytest.raises(FormatError) as caught:
        document(window(text))
    assert (caught.value.clause, caught.value.start) == ("utf-8", start)


def test_a_number_keeps_the_sign_of_zero() -> None:
    value, _ = document(window("[-0, 0, 18446744073709551616]"))
    assert [repr(number) for number in value] == ["-0.0", "0", "18446744073709551616"]


@pytest.mark.parametrize("opening", ["[", '{"a":', '[{"]":'])
def test_depth_has_one_bound_however_deep(opening: str) -> None:
    closing = {"[": "]", "{": "}"}
    end = "".join(closing[c] for c in reversed(opening) if c in closing and opening != '[{"]":')
    end = "}]" if opening == '[{"]":' else end
    step = len(end)
    levels = DEPTH_CEILING // step
    assert document(window(opening * levels + "0" + end * levels))[1] == ()
    for depth in (levels + 1, 200_000):
        with pytest.raises(FormatError) as caught:
            document(window(opening * depth + "0" + end * depth))
        assert caught.value.clause == "json-depth"


def test_depth_counts_the_objects_that_are_walked() -> None:
    scanner = JsonScanner(window('{"a":' + "[" * DEPTH_CEILING + "]" * DEPTH_CEILING + "}"))
    walk = scanner.members()
    assert next(walk) == ("a", 1)
    with pytest.raises(FormatError, match="json-depth"):
        scanner.value()


def test_long_strings_are_shortened_while_they_are_walked() -> None:
    long = "äb" * 1_500_000
    scanner = JsonScanner(window(json.dumps({"a": long, "b": "x\\\n", "c": 1}, ensure_ascii=False)))
    walk = scanner.members()
    next(walk)
    assert scanner.text(4) == Text("äbäb", 4_500_000, cut=True)
    assert next(walk) == ("b", 4_500_010)
    assert scanner.text(4) == Text("x\\\n", 5, cut=False)
    next(walk)
    assert scanner.text(4) is None
    assert scanner.value() == (1, ())
    assert list(walk) == []


@pytest.mark.parametrize("text", ['"a', '"a\\', '"\\ud800"', '"\\ud800\\u0041"', '"\x00"'])
def test_broken_strings_are_refused_while_they_are_walked(text: str) -> None:
    with pytest.raises(FormatError):
        JsonScanner(window(text)).text(10)


@pytest.mark.parametrize(
    "text", ['["' + "x" * 3000 + '"]', "[" + "1," * 3000 + "1]", '"' + "x" * 3000, "9" * 3000]
)
def test_a_value_over_the_ceiling_is_a_limit(text: str) -> None:
    with pytest.raises((LimitExceeded, FormatError)) as caught:
        JsonScanner(window(text + " " * 2_000_000), ceiling=1000).value()
    # A number that long is refused by the grammar of numbers before its length matters.
    assert isinstance(caught.value, LimitExceeded) == (text[0] != "9")


def test_the_ledger_finds_names_that_stood_there_before() -> None:
    ledger = KeyLedger()
    for offset, name in enumerate(["a", "b", "a", "c", "b", "a", "\ud800"]):
        ledger.add(name, offset)
    assert ledger.repeated() == [2, 4, 5]
    assert len(ledger) == 7


class _Endless:
    """A header of any length that nobody holds, and a check that reads are bounded."""

    def __init__(self, entries: int) -> None:
        self.size = entries * 64 + 1

    def read_at(self, offset: int, size: int) -> bytes:
        assert size <= READ_CEILING
        first = offset // 64
        text = b"".join(self._entry(i) for i in range(first, (offset + size) // 64 + 1))
        return text[offset - first * 64 :][:size]

    def _entry(self, index: int) -> bytes:
        opening = b"{" if index == 0 else b","
        if index * 64 == self.size - 1:
            return b"}"
        return opening + b'"%011d":{"dtype":"F32","shape":[1],"data_offsets": [0,4]}' % index


def test_a_large_header_is_walked_in_little_memory() -> None:
    source = _Endless(60_000)
    ledger = KeyLedger()
    tracemalloc.start()
    scanner = JsonScanner(Window(source, 0, source.size))
    for name, offset in scanner.members():
        scanner.value()
        ledger.add(name, offset)
    scanner.finish()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(ledger) == 60_000
    assert ledger.repeated() == []
    assert peak < 10_000_000
