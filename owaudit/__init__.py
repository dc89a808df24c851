"""owaudit: audit open-weight model files without ever loading them."""

from __future__ import annotations

__version__ = "0.1.0"
