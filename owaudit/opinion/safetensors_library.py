"""What the real ``safetensors`` library says of a file: would a user's loader take it?

The library maps the file and reads its header; no tensor is made. Once the header is accepted it
imports the array package it was asked to serve. None is wanted here, so it is asked to serve one
that is not installed: its ``ModuleNotFoundError`` then means that the header was accepted.

Source: safetensors 0.8.0, ``bindings/python/src/lib.rs``, ``Open::new``.
"""

from __future__ import annotations

import functools
import importlib.util
import re
import sys

from owaudit.model.location import Location
from owaudit.model.observation import LibraryAnswer

LIBRARY = "safetensors"
LONGEST_MESSAGE = 200

_FRAMEWORKS = (("paddle", "paddle"), ("pt", "torch"), ("np", "numpy"))
"""Names the library knows, and the package it imports for each; the last is the cheapest to have."""

_UNSTABLE_NAME = re.compile(r"(invalid offset for tensor) .*", re.DOTALL)
"""Of several faulty tensors the library names one by the order of a seeded hash map."""

_PREFIX = "Error while deserializing header: "


def answer(path: str, where: tuple[Location, ...]) -> LibraryAnswer | None:
    """Ask the library about the file at ``path``, which may be ``/proc/self/fd/N``.

    None means no answer: the library is not installed, or the file cannot be opened or mapped.
    Nothing in the file's bytes makes this raise. The message is the same on any machine.
    """
    try:
        from safetensors import SafetensorError, safe_open
    except ImportError:
        return None
    try:
        with safe_open(path, framework=_framework()):
            pass
    except ModuleNotFoundError:
        return LibraryAnswer(locations=where, library=LIBRARY, accepts=True)
    except SafetensorError as error:
        return LibraryAnswer(locations=where, library=LIBRARY, accepts=False, message=_steady(str(error)))
    except OSError:
        return None
    except BaseException as error:
        # A panic of the library's Rust code arrives as a BaseException of a module that cannot be
        # imported by name; everything else is not about the file.
        if type(error).__name__ != "PanicException":
            raise
        return LibraryAnswer(locations=where, library=LIBRARY, accepts=False, message="the library panicked")
    return LibraryAnswer(locations=where, library=LIBRARY, accepts=True)


@functools.cache
def _framework() -> str:
    for framework, package in _FRAMEWORKS:
        if package not in sys.modules and importlib.util.find_spec(package) is None:
            return framework
    return _FRAMEWORKS[-1][0]


def _steady(message: str) -> str:
    text = _UNSTABLE_NAME.sub(r"\1", message.removeprefix(_PREFIX))
    text = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text[: 2 * LONGEST_MESSAGE])
    return text if len(text) <= LONGEST_MESSAGE else text[: LONGEST_MESSAGE - 1] + "…"
