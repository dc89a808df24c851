"""Ways to show a report. The folder is the registry: a module with a ``RENDERER`` is a format.

Nothing of a renderer is imported until a format is asked for, and a renderer imports its heavy
libraries when it runs.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import pkgutil
from collections.abc import Mapping

from owaudit.errors import UsageError
from owaudit.render.renderer import Renderer, RenderOptions

__all__ = ["RenderOptions", "Renderer", "format_for_suffix", "renderer_for", "renderers"]


@functools.cache
def renderers() -> Mapping[str, Renderer]:
    """Return every renderer by its name, in order of names."""
    found: dict[str, Renderer] = {}
    for module in pkgutil.iter_modules(__path__, __name__ + "."):
        if not module.ispkg:
            renderer = getattr(importlib.import_module(module.name), "RENDERER", None)
            if isinstance(renderer, Renderer):
                found[renderer.name] = renderer
    return dict(sorted(found.items()))


def renderer_for(format_name: str) -> Renderer:
    """Return the renderer of this name.

    Raises:
        UsageError: no renderer has the name.
    """
    own_module = importlib.util.find_spec(f"{__name__}.{format_name}") if format_name.isidentifier() else None
    if own_module is not None:
        # Most formats stand in a module of their own name: the others need not be imported for it.
        renderer = getattr(importlib.import_module(own_module.name), "RENDERER", None)
        if isinstance(renderer, Renderer) and renderer.name == format_name:
            return renderer
    try:
        return renderers()[format_name]
    except KeyError:
        known = ", ".join(renderers())
        raise UsageError(f"expected a format out of {known}, found {format_name!r}") from None


def format_for_suffix(path: str) -> str:
    """Return the name of the format that the end of ``path`` asks for; the longest suffix wins.

    Raises:
        UsageError: no renderer answers to the suffix.
    """
    lowered = path.lower()
    fitting = [
        (len(suffix), renderer.name)
        for renderer in renderers().values()
        for suffix in renderer.suffixes
        if lowered.endswith(suffix)
    ]
    if not fitting:
        known = " ".join(sorted(s for r in renderers().values() for s in r.suffixes))
        raise UsageError(f"expected a file name that ends in one of {known}, found {path!r}")
    return max(fitting)[1]
