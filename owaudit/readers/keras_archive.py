"""Keras archives (``.keras``): a zip of settings, weights and assets.

``config.json`` is what is built, ``model.weights.h5`` (or ``.npz``, or ``.json`` and its shards)
what is put into it. Each member is read as what it is.

Source: Keras 3.15, ``src/saving/saving_lib.py``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from owaudit.codec.reader import Halt, Head, Place, Reader, Yield
from owaudit.codec.window import Window
from owaudit.codec.zip_facts import archive_facts, archive_members
from owaudit.codec.zip_local import LOCAL_SIGNATURE
from owaudit.codec.zip_records import read_archive
from owaudit.model.artifact import Format
from owaudit.model.limits import Limits
from owaudit.model.observation import SpecViolation

CONFIG_HINT = "keras-config"
_FORMAT = Format("keras")
_SETTINGS = "config.json"
_WEIGHTS = "model.weights."
_OF_TORCH = b"/data.pkl"


def looks_like(head: Head) -> bool:
    """Does it start as an archive, with the names that Keras writes or its suffix?"""
    if not head.start.startswith(LOCAL_SIGNATURE):
        return False
    seen = head.start + head.end
    is_named = head.name.endswith(".keras") and _OF_TORCH not in seen
    return is_named or (_SETTINGS.encode() in seen and _WEIGHTS.encode() in seen)


def read(window: Window, place: Place, limits: Limits) -> Iterator[Yield]:
    """Yield the facts of the archive and a member for every entry; the settings with their hint."""
    archive = read_archive(window, limits)
    yield from archive_facts(archive, place)
    names: set[str] = set()
    for entry, member in archive_members(archive):
        names.add(entry.name)
        if isinstance(member, Halt) or entry.name.lower() != _SETTINGS:
            yield member
        else:
            yield replace(member, hint=CONFIG_HINT)
    if archive.is_whole:
        yield from _missing(names, place)


def _missing(names: set[str], place: Place) -> Iterator[SpecViolation]:
    """What Keras asks for and does not find."""
    has_weights = any(name.startswith(_WEIGHTS) for name in names)
    for is_there, expected in ((_SETTINGS in names, _SETTINGS), (has_weights, f"{_WEIGHTS}h5")):
        if not is_there:
            yield SpecViolation(
                locations=place.at(),
                format=_FORMAT,
                clause="member-missing",
                expected=f"a member {expected!r}, which Keras asks for",
                found="none",
            )


READER = Reader(
    format=_FORMAT,
    source="Keras 3.15, src/saving/saving_lib.py",
    looks_like=looks_like,
    read=read,
    rank=25,
    hides=("zip",),
    extensions=(".keras",),
)
