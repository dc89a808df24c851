"""The readers. This folder is the registry: every module with a ``READER`` or ``READERS`` is in."""

from __future__ import annotations

import functools
import importlib
import pkgutil

from owaudit.codec.reader import Reader

VERSION = "1"
"""Changes when any reader may see other facts in the same bytes."""


@functools.cache
def readers() -> tuple[Reader, ...]:
    """All readers, the most specific formats first."""
    found: list[Reader] = []
    for module_info in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{module_info.name}")
        found.extend(getattr(module, "READERS", ()))
        if hasattr(module, "READER"):
            found.append(module.READER)
    return tuple(sorted(found, key=lambda reader: (reader.rank, reader.format)))
