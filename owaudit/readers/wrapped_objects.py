"""JSON settings whose values are pickles in base64, as Stable-Baselines writes them (``data``).

Source: Stable-Baselines3 2.7, common/save_util.py, ``json_to_data``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from owaudit.codec.json_text import document
from owaudit.codec.reader import PARSED, Head, Place, Reader, Span, Yield
from owaudit.codec.window import Window
from owaudit.codec.wrapped_pickles import wrapped_pickles
from owaudit.model.artifact import Format
from owaudit.model.limits import Limits

_KEY: Final = re.compile(rb'":serialized:"')
_CHARACTERS: Final = 32 * 1024 * 1024


def looks_like(head: Head) -> bool:
    if not head.start.lstrip().startswith((b"{", b"[")):
        return False
    tail = b""
    for _, piece in head.window.pieces():
        if _KEY.search(tail + piece):
            return True
        tail = piece[-32:]
    return False


def read(window: Window, place: Place, _limits: Limits) -> Iterator[Yield]:
    """Yield each wrapped pickle as a member. Raises FormatError and LimitExceeded as ``document``."""
    value, _ = document(window, ceiling=_CHARACTERS, constants=True)
    name = (place.members[-1] if place.members else place.artifact).rpartition("/")[2]
    yield from wrapped_pickles(value, name)
    yield Span(PARSED, 0, window.size)


READER = Reader(
    format=Format("wrapped-objects"),
    source="Stable-Baselines3 2.7, common/save_util.py",
    looks_like=looks_like,
    read=read,
    rank=50,
    hides=("hub-config", "source-code", "text", "settings"),
)
