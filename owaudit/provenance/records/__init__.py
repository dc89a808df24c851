"""The kinds of records. This folder is the registry: every module with a ``KIND`` is in."""

from __future__ import annotations

import functools
import importlib
import pkgutil

from owaudit.provenance.kinds import RecordKind


@functools.cache
def kinds() -> tuple[RecordKind, ...]:
    """All kinds, by rank and name."""
    found: list[RecordKind] = []
    for module_info in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{module_info.name}")
        if hasattr(module, "KIND"):
            found.append(module.KIND)
    return tuple(sorted(found, key=lambda kind: (kind.rank, kind.kind)))
