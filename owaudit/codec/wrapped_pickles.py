"""Pickles that texts carry: base64 under a key that says the value is to be loaded.

Source: Stable-Baselines3 2.7, common/save_util.py (``:serialized:``, loaded with cloudpickle).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Any, Final

from owaudit.codec.config_values import members_of
from owaudit.codec.reader import Member

_KEY: Final = re.compile(r":?serialized:?|pickle", re.IGNORECASE)
LONGEST: Final = 16 * 1024 * 1024
MOST: Final = 1000


def wrapped_pickles(value: Any, name: str) -> Iterator[Member]:
    """Yield what stands in base64 below such a key, decoded; the range of the text is not known."""
    found = 0
    for pointer, key, child in members_of(value):
        if not isinstance(child, str) or not 4 <= len(child) <= LONGEST or found >= MOST:
            continue
        if not (_KEY.search(key) or child.startswith(("gAR", "gAS", "gAV", "gAJ", "gAU"))):
            continue
        try:
            content = base64.b64decode("".join(child.split()), validate=True)
        except (binascii.Error, ValueError):
            continue
        found += 1
        yield Member(
            name=f"{name}{pointer}"[:400], start=0, end=0, size=len(content), hint="pickle", content=content,
            tentative=True,
        )  # fmt: skip
