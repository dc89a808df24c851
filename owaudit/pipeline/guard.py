"""A crash of our own while records are read or checked: one line, and never a pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from owaudit.errors import OwauditError

T = TypeVar("T")


def guarded(step: Callable[[], T], words: str) -> T:
    """Run a step; what it raises without meaning to ends the audit, since a record that was not
    checked may be the one that refutes everything.

    Raises:
        OwauditError: what the step raised on purpose, or its crash in words.
    """
    try:
        return step()
    except (OwauditError, OSError):
        raise
    except Exception as error:
        raise OwauditError(
            f"{words} stopped with {type(error).__name__}; this is a fault of owaudit, and nothing was judged"
        ) from error
