"""Reading a member of an archive that a reader has to know itself."""

from __future__ import annotations

from owaudit.codec.reader import INERT, PARSED, Halt, Member, MemberRead, Span
from owaudit.codec.unpack import Budget, open_unpacked
from owaudit.codec.window import Window
from owaudit.model.limits import Limits

LARGEST = 64 * 1024 * 1024
"""Bytes that such a member may unpack to."""


def opened(window: Window, member: Member, limits: Limits) -> tuple[Window, Halt | None]:
    """The unpacked content of ``member`` of ``window``, and why there is no more of it."""
    packed = window.sub(member.start, member.end)
    inner, report = open_unpacked(packed, member.unpack, limits, Budget(LARGEST), member.size)
    return inner, Halt(report.reason, report.detail) if report.reason else None


def account(member: Member, size: int, halt: Halt | None, *formats: str, inert: bool = False) -> MemberRead:
    """The member as read in full, or as halted."""
    spans = () if halt is not None else (Span(INERT if inert else PARSED, 0, size),)
    return MemberRead(member=member, size=size, formats=formats, spans=spans, halt=halt)
