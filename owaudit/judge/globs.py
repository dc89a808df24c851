"""Patterns of paths: ``*`` and ``?`` within one folder, ``**`` across folders, all else as it stands."""

from __future__ import annotations

import functools
import re


def path_matches(pattern: str, path: str) -> bool:
    """Does the whole path fit the pattern? Letters of different case are different."""
    return _compiled(pattern).fullmatch(path) is not None


@functools.lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = []
    for piece in re.findall(r"\*\*/|\*+|\?|[^*?]+", pattern):
        if piece == "**/":
            parts.append("(?:.*/)?")
        elif piece.startswith("*"):
            parts.append("[^/]*" if piece == "*" else ".*")
        else:
            parts.append("[^/]" if piece == "?" else re.escape(piece))
    return re.compile("".join(parts), re.DOTALL)
