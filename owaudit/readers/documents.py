"""Documents and fonts: PDF, TrueType and OpenType, WOFF.

A PDF can carry scripts for its viewer; no model loader opens one.

Source: ISO 32000-1, 7.5; OpenType 1.9, "Organization of an OpenType font"; W3C WOFF 1.0 and 2.0.
"""

from __future__ import annotations

from owaudit.codec.measured import Steps, measured_reader, number, starts_with
from owaudit.codec.reader import Head
from owaudit.codec.window import Window
from owaudit.errors import FormatError
from owaudit.model.limits import Limits

_PDF_END = b"%%EOF"
_SFNT = (b"\0\1\0\0", b"OTTO", b"true")


def _pdf_end(window: Window, _limits: Limits) -> int:
    """The last end mark and its line break; earlier marks belong to earlier revisions."""
    last = -1
    tail = b""
    for offset, piece in window.pieces():
        seen = tail + piece
        found = seen.rfind(_PDF_END)
        if found >= 0:
            last = offset - len(tail) + found
        tail = seen[-len(_PDF_END) + 1 :]
    if last < 0:
        raise FormatError("end-mark", expected="%%EOF", found="none", start=window.size)
    after = window.read(last + len(_PDF_END), 2)
    return last + len(_PDF_END) + (2 if after == b"\r\n" else after[:1] in (b"\r", b"\n"))


def _is_font(head: Head) -> bool:
    if head.start.startswith(b"ttcf"):
        return head.start[4:8] in (b"\0\1\0\0", b"\0\2\0\0")
    tables = int.from_bytes(head.start[4:6], "big")
    first = head.start[12:16]
    return head.start.startswith(_SFNT) and 1 <= tables <= 512 and len(first) == 4 and _is_tag(first)


def _is_tag(tag: bytes) -> bool:
    return all(0x20 <= byte < 0x7F for byte in tag)


def _font_end(window: Window, limits: Limits) -> int:
    steps = Steps(limits)
    if window.read(0, 4) != b"ttcf":
        return _sfnt_end(window, 0, steps)
    end = 12
    for index in range(number(window, 8, 4)):
        end = max(end, _sfnt_end(window, number(window, 12 + 4 * index, 4), steps))
    return end


def _sfnt_end(window: Window, start: int, steps: Steps) -> int:
    count = number(window, start + 4, 2)
    end = start + 12 + 16 * count
    for entry in range(start + 12, end, 16):
        steps.take()
        finish = number(window, entry + 8, 4) + number(window, entry + 12, 4)
        # Tables are padded to four bytes; the last one need not be.
        end = max(end, min(finish + -finish % 4, max(finish, window.size)))
    return end


def _woff_end(window: Window, _limits: Limits) -> int:
    return number(window, 8, 4)


READERS = (
    measured_reader(
        "pdf",
        source="ISO 32000-1, 7.5",
        looks_like=starts_with(b"%PDF-"),
        end_of=_pdf_end,
        extensions=(".pdf",),
    ),
    measured_reader(
        "font",
        source="OpenType 1.9",
        looks_like=_is_font,
        end_of=_font_end,
        extensions=(".ttf", ".otf", ".ttc"),
    ),
    measured_reader(
        "woff",
        source="W3C WOFF 1.0 and 2.0",
        looks_like=starts_with(b"wOFF", b"wOF2"),
        end_of=_woff_end,
        extensions=(".woff", ".woff2"),
    ),
)
