"""Where the folders that ship with the package lie: ``rules`` and ``fixtures``.

In a wheel they are inside the package; in a checkout or an editable install they stand beside
it. This is the only place that knows.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

_PACKAGE = Path(__file__).resolve().parent


def shipped(name: str) -> Path:
    """Return the folder ``rules`` or ``fixtures``.

    Raises:
        FileNotFoundError: the installation lacks it.
    """
    for candidate in (_PACKAGE / "_shipped" / name, _PACKAGE.parent / name):
        if candidate.is_dir():
            return candidate
    raise FileNotFoundError(f"the installation lacks its folder {name!r}")


def load_package(name: str, module: str) -> ModuleType:
    """Import ``module`` (empty: the package itself) of the shipped package ``name``."""
    alias = f"owaudit_{name}"
    if alias not in sys.modules:
        folder = shipped(name)
        spec = importlib.util.spec_from_file_location(
            alias, folder / "__init__.py", submodule_search_locations=[str(folder)]
        )
        if spec is None or spec.loader is None:
            raise ImportError(f"the folder {name!r} is not a Python package")
        package = importlib.util.module_from_spec(spec)
        sys.modules[alias] = package
        spec.loader.exec_module(package)
    return importlib.import_module(f"{alias}.{module}") if module else sys.modules[alias]


def load_module(path: Path, name: str) -> ModuleType:
    """Import one Python file of a trusted folder under ``name``, whatever ``sys.path`` holds.

    Only for files that ship with owaudit, come from an installed distribution or were named by
    the user with ``--rules``; nothing of a scanned tree ever gets here.
    """
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path.name} is not a Python module")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
