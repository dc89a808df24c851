"""Hostile strings on their way out: what a person cannot see, or a terminal obeys, is spelled out.

Every string that came from a file passes through here before a terminal, a log or a page. Spelled
out are control characters (C0, C1, so every ANSI sequence), line ends, bidirectional and
zero-width characters, spaces that are not U+0020, private, unassigned and surrogate code points,
and the letters and marks that leave no ink. What is unassigned follows the Unicode tables of the
running Python; everything else does not change from one version to the next.

Markdown, workflow commands and spreadsheet cells have readers of their own; each has a function
that also takes from a text what that reader would obey.

In a terminal or log a control is ``\\x1b`` and any other such character ``<U+202E>``. ``::`` and
``##`` are broken up as well, because CI runners read commands after them. On the page each is a
chip with the name of the character.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass

PATH_LIMIT = 160
"""Characters of a path, or of a value, that are shown; the whole is in the JSON."""
PATH_HEAD = 96
VALUE_HEAD = 112
TAIL = 48

# Assigned and called printable, but without ink: joiners, fillers, variation selectors, blanks.
_NO_INK = "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef"
_NO_INK_PATTERN = re.compile(f"[{_NO_INK}]")
_COMMANDS = (("::", ":\\x3a"), ("##", "#\\x23"))
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
# fmt: off
_CONTROL_NAMES = (
    "NUL", "SOH", "STX", "ETX", "EOT", "ENQ", "ACK", "BEL", "BS", "TAB", "LF", "VT", "FF", "CR", "SO", "SI",
    "DLE", "DC1", "DC2", "DC3", "DC4", "NAK", "SYN", "ETB", "CAN", "EM", "SUB", "ESC", "FS", "GS", "RS", "US",
)
# fmt: on
_MARKDOWN = re.compile(
    r"^[-+=]|(?<=[0-9])[.)](?=\s|$)|(?<=[wW])\.|:(?=\S)|[#$&*<>\[\\\]_`|~]|(?<!\w)@|@(?![0-9]+-[0-9]+(?![\w.-]))"
)
# GitHub links these after it has undone the backslash; a zero-width space between does not let it.
_MENTIONS = {"@": "\\@&#8203;", "#": "\\#&#8203;"}
_FORMULA_STARTS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
# Artifact paths spell bytes that are not UTF-8 in this way before they reach a report.
_SPELLED_BYTE = re.compile(r"\\x[89a-f][0-9a-f]")


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of plain text, or one hidden character with the name it is shown by."""

    text: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Shortened:
    """The two ends of a text and how many characters between them are not shown."""

    head: str
    left_out: int = 0
    tail: str = ""


def is_plain(text: str) -> bool:
    """Is every character of the text visible and harmless in a terminal or page?"""
    return text.isprintable() and (text.isascii() or not _NO_INK_PATTERN.search(text))


def pieces(text: str) -> Iterator[Piece]:
    """Split a text into plain runs and hidden characters, in order."""
    if is_plain(text):
        if text:
            yield Piece(text)
        return
    run: list[str] = []
    for character in text:
        if is_plain(character):
            run.append(character)
            continue
        if run:
            yield Piece("".join(run))
            run.clear()
        yield Piece(character, _name(character))
    if run:
        yield Piece("".join(run))


def visible(text: str) -> str:
    """Return one line of text for a terminal or a log, with hidden characters spelled out."""
    shown = spelled(text)
    for command, broken in _COMMANDS:
        shown = shown.replace(command, broken)
    return shown


def spelled(text: str) -> str:
    """Return one line of text with hidden characters spelled out, where no one takes commands."""
    return text if is_plain(text) else "".join(_spelled(piece) for piece in pieces(text))


def markup(text: str) -> str:
    """Return HTML for the text, with hidden characters as chips (``span.esc``)."""
    return "".join(_chip(p.name) if p.name else html.escape(p.text) for p in pieces(text))


def path_markup(text: str) -> str:
    """Return HTML for a path: as ``markup``, and bytes that are not UTF-8 are chips too."""
    shown: list[str] = []
    end = 0
    for match in _SPELLED_BYTE.finditer(text):
        shown += (markup(text[end : match.start()]), _chip(match.group()))
        end = match.end()
    return "".join(shown) + markup(text[end:])


def shorten(text: str, *, head: int = PATH_HEAD, tail: int = TAIL, limit: int = PATH_LIMIT) -> Shortened:
    """Cut the middle out of a text of more than ``limit`` characters."""
    if len(text) <= limit:
        return Shortened(text)
    return Shortened(text[:head], len(text) - head - tail, text[len(text) - tail :])


def visible_short(text: str, *, head: int = VALUE_HEAD, tail: int = TAIL, limit: int = PATH_LIMIT) -> str:
    """Return ``visible`` of a text, shortened with the count of what is left out."""
    short = shorten(text, head=head, tail=tail, limit=limit)
    if not short.left_out:
        return visible(short.head)
    return f"{visible(short.head)} ({short.left_out:,} characters left out) {visible(short.tail)}"


def markdown(text: str) -> str:
    """Return one line of Markdown that shows the text and is only text, also in a table cell."""
    return _MARKDOWN.sub(lambda m: _MENTIONS.get(m.group(), "\\" + m.group()), spelled(text))


def command_message(text: str) -> str:
    """Return the text as the message of a GitHub workflow command: percent signs encoded."""
    return visible(text).replace("%", "%25")


def command_property(text: str) -> str:
    """Return the text as the value of a property of a GitHub workflow command."""
    return command_message(text).replace(":", "%3A").replace(",", "%2C")


def cell(text: str) -> str:
    """Return the text for a spreadsheet cell: one line that no program takes for a formula."""
    shown = spelled(text)
    return f"'{shown}" if shown.lstrip(" ").startswith(_FORMULA_STARTS) else shown


def _name(character: str) -> str:
    code = ord(character)
    if code < len(_CONTROL_NAMES):
        return _CONTROL_NAMES[code]
    if code == 0x7F:
        return "DEL"
    if 0xDC80 <= code <= 0xDCFF:  # how Python carries a byte that is not UTF-8
        return f"\\x{code - 0xDC00:02x}"
    return f"U+{code:04X}"


def _spelled(piece: Piece) -> str:
    if not piece.name:
        return piece.text
    code = ord(piece.text)
    if piece.text in _SHORT:
        return _SHORT[piece.text]
    if code < 0xA0:
        return f"\\x{code:02x}"
    return piece.name if piece.name.startswith("\\") else f"<{piece.name}>"


def _chip(name: str) -> str:
    return f'<span class="esc">{name}</span>'
