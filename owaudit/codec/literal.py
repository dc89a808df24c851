"""Python literals without Python: dicts, lists, tuples, strings, integers, True, False and None.

Headers of ``.npy`` files are such text, and their loader hands it to ``ast.literal_eval``. Here it
is read by a tokenizer and a parser of bounded depth, so that no input reaches the compiler. What
``literal_eval`` takes besides (floats, complex numbers, sets, sums) is an error; two kinds of
deviation that honest or sly headers show are read: the ``L`` of Python 2 integers, and strings
in pieces, with prefixes or in triple quotes.

Source: Python language reference, 2.4 to 2.5 and 6.2.
"""

from __future__ import annotations

import re
from typing import NoReturn

from owaudit.errors import FormatError

Literal = dict["Literal", "Literal"] | list["Literal"] | tuple["Literal", ...] | str | bytes | int | None

DEPTH_CEILING = 60
"""Brackets inside one another; structured element types of real files have a handful."""

_LONGEST_INTEGER = 100
"""Digits; the largest 64-bit number has 20."""

_SPACE = re.compile(r"(?:[ \t\f\r\n]|\\\r?\n|#[^\r\n]*)*")
_INTEGER = re.compile(r"[+-]?[ \t]*(0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|[0-9][0-9_]*)[lL]?(?![\w.])")
_NAME = re.compile(r"(?:True|False|None)(?!\w)")
_STRING_START = re.compile(r"""(?P<prefix>[rR]?[bB]?|[bB][rR]|[uU])(?P<quote>'''|\"\"\"|'|")""")
_ESCAPE = re.compile(
    r"\\(\r?\n|[\\'\"abfnrtv]|[0-7]{1,3}|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|N\{[^}]*\}?)",
    re.DOTALL,
)
_SIMPLE = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_CONSTANTS: dict[str, Literal] = {"True": True, "False": False, "None": None}


class DuplicateKeys(list[str]):
    """Keys that stood several times in a dict of the text, in order."""


def read_literal(text: str, duplicates: DuplicateKeys | None = None) -> Literal:
    """Return the value of a literal; white space and comments around it are skipped.

    Of equal keys in a dict the last counts, as in Python; their names are added to ``duplicates``.

    Raises:
        FormatError: not such a literal, or nested deeper than ``DEPTH_CEILING``. ``start`` counts
            characters of ``text``.
    """
    reader = _Reader(text, DuplicateKeys() if duplicates is None else duplicates)
    value = reader.value(0)
    if reader.peek():
        reader.wrong("the end of the literal")
    return value


class _Reader:
    def __init__(self, text: str, duplicates: DuplicateKeys) -> None:
        self.text = text
        self.at = 0
        self.duplicates = duplicates

    def peek(self) -> str:
        match = _SPACE.match(self.text, self.at)
        assert match is not None
        self.at = match.end()
        return self.text[self.at : self.at + 1]

    def wrong(self, expected: str) -> NoReturn:
        found = ascii(self.text[self.at : self.at + 20]) if self.at < len(self.text) else "the end"
        raise FormatError("literal", expected=expected, found=found, start=self.at)

    def value(self, depth: int) -> Literal:
        character = self.peek()
        if character and character in "({[":
            if depth >= DEPTH_CEILING:
                self.wrong(f"at most {DEPTH_CEILING} levels")
            self.at += 1
            return {"{": self.dict_, "[": self.list_, "(": self.tuple_}[character](depth + 1)
        if _STRING_START.match(self.text, self.at):
            return self.strings()
        if match := _NAME.match(self.text, self.at):
            self.at = match.end()
            return _CONSTANTS[match.group()]
        match = _INTEGER.match(self.text, self.at)
        if match is None:
            self.wrong("a literal")
        return self.integer(match)

    def integer(self, match: re.Match[str]) -> int:
        digits = match.group(1).replace("_", "")
        if len(digits) > _LONGEST_INTEGER or (digits.isdecimal() and len(digits) > 1 and digits[0] == "0"):
            self.wrong(f"an integer of at most {_LONGEST_INTEGER} digits")
        try:
            number = int(digits, 0)
        except ValueError:
            self.wrong("an integer")
        self.at = match.end()
        return -number if match.group().startswith("-") else number

    def items(self, close: str, depth: int) -> tuple[list[Literal], bool]:
        """Take values up to the closing bracket; tell whether a comma stood after the last."""
        found: list[Literal] = []
        comma = False
        while self.peek() != close:
            if found and not comma:
                self.wrong(f"',' or {close!r}")
            found.append(self.value(depth))
            comma = self.peek() == ","
            self.at += comma
        self.at += 1
        return found, comma

    def list_(self, depth: int) -> Literal:
        return self.items("]", depth)[0]

    def tuple_(self, depth: int) -> Literal:
        found, comma = self.items(")", depth)
        if len(found) == 1 and not comma:
            return found[0]
        return tuple(found)

    def dict_(self, depth: int) -> Literal:
        found: dict[Literal, Literal] = {}
        comma = True
        while self.peek() != "}":
            if not comma:
                self.wrong("',' or '}'")
            key = self.value(depth)
            if not isinstance(key, str):
                self.wrong("a string as key")
            if self.peek() != ":":
                self.wrong("':'")
            self.at += 1
            if key in found:
                self.duplicates.append(key)
            found[key] = self.value(depth)
            comma = self.peek() == ","
            self.at += comma
        self.at += 1
        return found

    def strings(self) -> str | bytes:
        """Take one string, or several in a row, which Python joins."""
        parts: list[str] = []
        kinds: set[bool] = set()
        while match := _STRING_START.match(self.text, self.at):
            prefix, quote = match.group("prefix").lower(), match.group("quote")
            self.at = match.end()
            kinds.add("b" in prefix)
            raw = self.until(quote)
            parts.append(raw if "r" in prefix else _unescaped(raw, wide="b" not in prefix))
            self.peek()
        if len(kinds) > 1:
            self.wrong("strings of one kind")
        joined = "".join(parts)
        if True not in kinds:
            return joined
        try:
            return joined.encode("latin-1")
        except UnicodeEncodeError:
            self.wrong("bytes")

    def until(self, quote: str) -> str:
        start = self.at
        while True:
            if self.text.startswith(quote, self.at):
                self.at += len(quote)
                return self.text[start : self.at - len(quote)]
            character = self.text[self.at : self.at + 1]
            if not character or (character in "\r\n" and len(quote) == 1):
                self.wrong("the end of a string")
            self.at += 2 if character == "\\" else 1


def _unescaped(raw: str, *, wide: bool) -> str:
    if "\\" not in raw:
        return raw

    def replaced(match: re.Match[str]) -> str:
        body = match.group(1)
        kind = body[0]
        if kind in "\r\n":
            return ""
        if kind in "01234567":
            return chr(int(body, 8))
        if kind == "x":
            return chr(int(body[1:], 16))
        if kind in "uU" and wide and int(body[1:], 16) < 0x110000:
            return chr(int(body[1:], 16))
        if kind in "uUN":
            return match.group()
        return _SIMPLE.get(kind, kind)

    return _ESCAPE.sub(replaced, raw)
