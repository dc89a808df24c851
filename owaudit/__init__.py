"""owaudit: audit open-weight model files without ever loading them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from owaudit.guarding import Guarded, NotPassed, guard

__all__ = ["Guarded", "NotPassed", "__version__", "guard"]

__version__ = "0.1.0"

_GUARDING = frozenset(("Guarded", "NotPassed", "guard"))


def __getattr__(name: str) -> Any:
    """Import the guard when it is asked for, so that ``import owaudit`` stays light."""
    if name not in _GUARDING:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from owaudit import guarding

    return getattr(guarding, name)
