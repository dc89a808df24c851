"""Element types of numpy as headers describe them: bytes per element, and whether they are objects.

A description is a type string, ``(type, shape)``, or a list of fields ``(name, type[, shape])``,
nested at will. Besides the strings that numpy writes, the spellings that its loader takes are
read: type names, comma-separated lists, leading repeat counts.

Source: numpy reference, "Data type objects"; ``numpy.lib.format.descr_to_dtype`` of numpy 2.4.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from owaudit.codec.literal import Literal, read_literal
from owaudit.errors import FormatError

_LARGEST = 2**31 - 1
"""Bytes of one element, and sizes of a subarray, are C integers in numpy."""

_TYPE = re.compile(r"([<>|=]?)([?a-zA-Z])([0-9]{0,10})(\[[^\]]{0,40}\])?")
_REPEATED = re.compile(r"\s*(\([0-9, ]*\)|[0-9]+)?\s*([^\s].*?)\s*", re.DOTALL)
_LONGEST_LIST = 65_536
"""Characters of a comma-separated list; writers use lists of fields instead."""

_BY_KIND = {  # letters followed by a number of bytes
    "b": {1}, "i": {1, 2, 4, 8}, "u": {1, 2, 4, 8}, "f": {2, 4, 8, 12, 16}, "c": {8, 16, 24, 32},
    "M": {8}, "m": {8},
}  # fmt: skip
_BY_LETTER = {
    "?": 1, "b": 1, "B": 1, "h": 2, "H": 2, "i": 4, "I": 4, "l": 8, "L": 8, "q": 8, "Q": 8, "p": 8, "P": 8,
    "n": 8, "N": 8, "e": 2, "f": 4, "d": 8, "g": 16, "F": 8, "D": 16, "G": 32, "c": 1, "M": 8, "m": 8,
    "S": 0, "a": 0, "U": 0, "V": 0,
}  # fmt: skip
_BY_NAME = {
    **{f"{kind}{bits}": bits // 8 for kind in ("int", "uint") for bits in (8, 16, 32, 64)},
    **{f"float{bits}": bits // 8 for bits in (16, 32, 64, 96, 128)},
    **{f"complex{bits}": bits // 8 for bits in (64, 128, 192, 256)},
    "bool": 1, "bool_": 1, "byte": 1, "ubyte": 1, "short": 2, "ushort": 2, "intc": 4, "uintc": 4, "int": 8,
    "int_": 8, "uint": 8, "intp": 8, "uintp": 8, "long": 8, "ulong": 8, "longlong": 8, "ulonglong": 8,
    "half": 2, "single": 4, "double": 8, "float": 8, "float_": 8, "longdouble": 16, "longfloat": 16,
    "csingle": 8, "cdouble": 16, "complex": 16, "complex_": 16, "clongdouble": 32,
    "str": 0, "str_": 0, "unicode": 0, "unicode_": 0, "bytes": 0, "bytes_": 0, "string_": 0, "void": 0,
}  # fmt: skip
_OBJECT_NAMES = {"O", "object", "object_", "T"}
"""``T``, strings of any length, is stored as a pickle like the others."""


@dataclass(frozen=True, slots=True)
class ElementType:
    """``size`` is in bytes per element, 0 for objects; ``name`` is short and may be shown."""

    name: str
    size: int
    has_object: bool = False


def element_type(description: Literal) -> ElementType:
    """Return the size of a described element, and whether an object is anywhere in it.

    Raises:
        FormatError: not a description that numpy takes, or one too large for it.
    """
    if isinstance(description, str):
        if "," in description or description[:1] in tuple("(0123456789"):
            return _listed(description)
        return _one(description)
    if isinstance(description, tuple):
        return _subarray(description)
    if isinstance(description, list):
        return _structured(description)
    raise _wrong("a type string, tuple or list of fields", description)


def _subarray(description: tuple[Literal, ...]) -> ElementType:
    if len(description) < 2:
        raise _wrong("a type and a shape", description)
    return _repeated(element_type(description[0]), description[1])


def _structured(fields: list[Literal]) -> ElementType:
    size = 0
    has_object = False
    for field in fields:
        if not isinstance(field, list | tuple) or len(field) not in (2, 3):
            raise _wrong("a field of name, type and perhaps shape", field)
        title = field[0]
        names = title if isinstance(title, tuple) else (title,)
        if not all(isinstance(name, str) for name in names) or len(names) > 2:
            raise _wrong("a field name", title)
        element = element_type(field[1])
        if len(field) == 3:
            element = _repeated(element, field[2])
        has_object = has_object or element.has_object
        size += element.size
        _check(size, fields)
    return ElementType("structured", size, has_object)


def _repeated(element: ElementType, shape: Literal) -> ElementType:
    sizes = shape if isinstance(shape, list | tuple) else (shape,)
    size = element.size
    for length in sizes:
        if type(length) is not int or not 0 <= length <= _LARGEST:
            raise _wrong("the shape of a subarray", shape)
        size *= length
        _check(size, shape)
    return ElementType(element.name, size, element.has_object)


def _one(text: str) -> ElementType:
    if text in _OBJECT_NAMES:
        return ElementType("object", 0, has_object=True)
    if text in _BY_NAME:
        return ElementType(text, _BY_NAME[text])
    if match := _TYPE.fullmatch(text):
        return _simple(text, match)
    if match := re.fullmatch(r"(datetime64|timedelta64)(\[[^\]]{0,40}\])?", text):
        return ElementType(match.group(1), 8)
    raise _wrong("a known element type", text)


def _simple(text: str, match: re.Match[str]) -> ElementType:
    letter, digits, unit = match.group(2), match.group(3), match.group(4)
    if unit is not None and letter not in "Mm":
        raise _wrong("a known element type", text)
    if letter == "O":
        return ElementType("object", 0, has_object=True)
    if letter in "SaUV" and digits:
        size = int(digits) * (4 if letter == "U" else 1)
        _check(size, text)
        return ElementType(text, size)
    if digits and int(digits) in _BY_KIND.get(letter, ()):
        return ElementType(text, int(digits))
    if not digits and letter in _BY_LETTER:
        return ElementType(text, _BY_LETTER[letter])
    raise _wrong("a known element type", text)


def _listed(text: str) -> ElementType:
    """Read ``i4,(2,3)f8``: types in a row, each with an optional repeat count."""
    parts = re.findall(r"(?:\([^)]*\)|[^,(])+", text[: _LONGEST_LIST + 1])
    if not parts or len(text) > _LONGEST_LIST:
        raise _wrong("a list of element types", text)
    size = 0
    has_object = False
    for part in parts:
        match = _REPEATED.fullmatch(part)
        if match is None:
            raise _wrong("a known element type", text)
        element = _one(match.group(2))
        if match.group(1) is not None:
            element = _repeated(element, read_literal(match.group(1)))
        has_object = has_object or element.has_object
        size += element.size
        _check(size, text)
    name = "structured" if len(parts) > 1 or "," in text else element.name
    return ElementType(name, size, has_object)


def _check(size: int, description: object) -> None:
    if size > _LARGEST:
        raise FormatError(
            "descr", expected=f"at most {_LARGEST} bytes per element", found=_shown(description)
        )


def _wrong(expected: str, found: object) -> FormatError:
    return FormatError("descr", expected=expected, found=_shown(found))


def _shown(description: object) -> str:
    return ascii(description)[:80] if isinstance(description, str) else type(description).__name__
