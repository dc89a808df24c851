"""Exported programs of torch (``.pt2``): a zip archive with a graph in JSON, weights and compiled parts.

Below one root folder: ``archive_format`` (``pt2``), ``models/<m>.json``, ``data/weights`` and
``data/constants`` with a config that says which of their files are pickles, ``data/aotinductor`` with
libraries or their sources, ``data/sample_inputs/<m>.pt``. Older ones hold ``serialized_*`` files alone.

Source: torch 2.13, torch/export/pt2_archive/_package.py and constants.py,
torch/csrc/inductor/aoti_package/model_package_loader.cpp; CVE-2026-4538.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from owaudit.codec.carried import account, opened
from owaudit.codec.json_text import document
from owaudit.codec.payload import payload_start
from owaudit.codec.program_heads import program_at_start
from owaudit.codec.reader import PAYLOAD, Halt, Head, Member, Place, Reader, Span, Yield
from owaudit.codec.window import Window
from owaudit.codec.zip_facts import archive_facts, archive_members
from owaudit.codec.zip_records import read_archive
from owaudit.errors import FormatError, LimitExceeded
from owaudit.model.artifact import Format
from owaudit.model.format_facts import FormatFeature
from owaudit.model.limits import Limits
from owaudit.model.observation import SpecViolation

_FORMAT = Format("pt2")
_MARKS: Final = (b"/archive_format", b"serialized_exported_program.json", b"/data/aotinductor/")
_CONFIG: Final = re.compile(r"/data/(?:weights|constants)/[^/]*_config\.json\Z")
_RAW: Final = re.compile(r"/data/(?:weights|constants)/[^/]+\Z")
_LIBRARY: Final = re.compile(r"\.(?:so(?:\.\d+)*|dll|dylib|pyd|o|a|exe)\Z", re.IGNORECASE)
_SOURCE: Final = re.compile(r"\.(?:c|cc|cpp|cxx|cu|h|hpp|s)\Z", re.IGNORECASE)
_FLAGS: Final = re.compile(r"(?:compile|linker|link)_flags\.json\Z", re.IGNORECASE)
_OPAQUE: Final = re.compile(r"/opaque_obj_[^/]*\Z")
_ON_HOST: Final = frozenset(("elf", "pe", "mach-o", "ape", "static-library"))


def looks_like(head: Head) -> bool:
    """A zip archive whose directory names a part that only such packages have."""
    is_zip = head.start.startswith(b"PK\x03\x04")
    return is_zip and (head.name.endswith(".pt2") or any(mark in head.end for mark in _MARKS))


def read(window: Window, place: Place, limits: Limits) -> Iterator[Yield]:
    """Yield the archive's facts, what its parts make a loader run, and its members."""
    archive = read_archive(window, limits)
    yield from archive_facts(archive, place)
    members = list(archive_members(archive))
    pickled: dict[str, bool] = {}
    configs: set[str] = set()
    for entry, member in members:
        if isinstance(member, Member) and not member.sealed and _CONFIG.search("/" + entry.name):
            configs.add(entry.name)
            yield from _config(window, place, member, entry.name.rpartition("/")[0], pickled, limits)
    for entry, member in members:
        if isinstance(member, Halt):
            yield member
        elif entry.name not in configs:
            yield from _part(window, place, entry.name, member, pickled.get(entry.name), limits)


def _config(
    window: Window, place: Place, member: Member, folder: str, pickled: dict[str, bool], limits: Limits
) -> Iterator[Yield]:
    """Note which files of the folder are pickles; ``pickled`` holds what each is said to be."""
    inner, halt = opened(window, member, limits)
    inside = place.inside(member.name)
    try:
        config: Any = document(inner)[0] if halt is None else {}
    except FormatError as error:
        yield SpecViolation(
            locations=inside.at(error.start),
            format=_FORMAT,
            clause="config",
            expected="JSON",
            found=error.found,
        )
        halt, config = Halt("malformed", str(error)), {}
    except LimitExceeded as error:
        halt, config = Halt(f"limit:{error.limit}", str(error)), {}
    entries = config.get("config", config) if isinstance(config, dict) else {}
    for name, entry in entries.items() if isinstance(entries, dict) else ():
        if isinstance(entry, dict) and isinstance(entry.get("path_name"), str):
            path = f"{folder}/{entry['path_name']}"
            pickled[path] = pickled.get(path, False) or bool(entry.get("use_pickle"))
            if entry.get("use_pickle"):
                where = inside.at(pointer=f"/config/{name[:80]}/use_pickle")
                yield _feature("use-pickle", path, where)
    yield account(member, inner.size, halt, "json")


def _part(
    window: Window, place: Place, name: str, member: Member, is_pickle: bool | None, limits: Limits
) -> Iterator[Yield]:
    where = place.at(member.start, member.end)
    if _OPAQUE.search("/" + name):
        yield _feature("opaque-object", name, where)
    elif _SOURCE.search(name) and "/aotinductor/" in name:
        yield _feature("compiled-source", name, where)
    elif _FLAGS.search(name):
        yield _feature("compiler-flags", name, where)
    elif not member.sealed and _is_library(window, name, member, limits):
        yield _feature("native-library", name, where)
    if is_pickle is False and _RAW.search("/" + name) and not member.sealed:
        if member.unpack == "stored":
            yield Span(PAYLOAD, member.start, member.end)
            yield from payload_start(window, place, member.start, member.end)
        else:
            yield replace(member, hint="payload")
        return
    yield member


def _is_library(window: Window, name: str, member: Member, limits: Limits) -> bool:
    if _LIBRARY.search(name):
        return True
    if member.unpack != "stored" and "/aotinductor/" not in name:
        return False
    inner, _ = opened(window, member, limits)
    program = program_at_start(inner.read(0, 4096), inner)
    return program is not None and program.family in _ON_HOST


def _feature(feature: str, name: str, where: tuple[Any, ...]) -> FormatFeature:
    return FormatFeature(locations=where, format=_FORMAT, feature=feature, name=name[:200])


READER = Reader(
    format=_FORMAT,
    source="torch 2.13, torch/export/pt2_archive/_package.py",
    looks_like=looks_like,
    read=read,
    rank=15,
    hides=("zip", "torch-zip"),
    extensions=(".pt2",),
)
