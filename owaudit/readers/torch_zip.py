"""Torch checkpoints in a zip archive (torch 1.6 and later): ``data.pkl`` and its storages.

The archive's root folder holds ``data.pkl`` (the object), ``data/<key>`` (raw storages) and a few
small records. Persistent ids in the pickle name the storages; a record must have exactly the
bytes they say. Member names are looked up without regard to case, so every ``data.pkl`` counts.

Source: torch 2.13, torch/serialization.py, caffe2/serialize/inline_container.cc.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from owaudit.codec.payload import payload_start
from owaudit.codec.pickle_facts import (
    halt_of,
    nested_members,
    new_trace,
    run_pickle,
    stream_fact,
    stream_spans,
    trace_facts,
)
from owaudit.codec.pickle_machine import Machine
from owaudit.codec.pickle_trace import Storage, Trace
from owaudit.codec.reader import PAYLOAD, Halt, Head, Member, MemberRead, Place, Reader, Span, Yield
from owaudit.codec.torch_storage import element_size, storage_table
from owaudit.codec.unpack import Budget, open_unpacked
from owaudit.codec.window import Window
from owaudit.codec.zip_facts import archive_facts, archive_members
from owaudit.codec.zip_records import read_archive
from owaudit.model.artifact import Format
from owaudit.model.code_facts import ScriptClass
from owaudit.model.limits import Limits
from owaudit.model.observation import CodeMember, NameUsed, SpecViolation, UnclaimedBytes, Use

OBJECT_BYTES = 1 << 30
"""Bytes that a packed ``data.pkl`` may unpack to."""
_CODE = re.compile(r"/code/.*\.py\Z", re.DOTALL)


def looks_like(head: Head) -> bool:
    """Torch looks for the archive at byte 0 and nowhere else, and for the object in the folder of
    the first member."""
    if not head.start.startswith(b"PK\x03\x04") or len(head.start) < 30:
        return False
    first = head.start[30 : 30 + int.from_bytes(head.start[26:28], "little")]
    root, slash, _ = first.partition(b"/")
    wanted = re.compile(re.escape(root) + rb"/data\.pkl", re.IGNORECASE)
    return bool(slash and (wanted.search(head.start) or wanted.search(head.end)))


def read(window: Window, place: Place, limits: Limits) -> Iterator[Yield]:
    archive = read_archive(window, limits)
    yield from archive_facts(archive, place)
    members = list(archive_members(archive))
    names = {entry.name for entry, _ in members}
    storages: dict[str, Storage] = {}
    objects: set[str] = set()
    for entry, member in members:
        if isinstance(member, Member) and _is_object(entry.name, names) and not member.sealed:
            objects.add(member.name)
            trace = new_trace(limits)
            script = _script_modules(names, entry.name)
            for fact in _object(window, place, member, trace, limits):
                yield _script_class(fact, script) if isinstance(fact, NameUsed) and script else fact
            folder = entry.name[: -len(".pkl")].lower()
            storages.update({f"{folder}/{key.lower()}": found for key, found in trace.storages.items()})
    for entry, member in members:
        if isinstance(member, Halt):
            yield member
        elif member.name not in objects:
            is_script = f"{entry.name.partition('/')[0]}/constants.pkl" in names
            storage = storages.get(entry.name.lower())
            yield from _record(window, place, entry.name, member, storage, is_script=is_script)
    if objects:
        yield from _missing(place, {entry.name.lower() for entry, _ in members}, storages, objects)


def _script_modules(names: set[str], data_name: str) -> dict[str, str]:
    """The modules that the archive's own source defines, and the members they stand in.

    Without ``constants.pkl`` the archive is no TorchScript, and its names are Python's.
    """
    root = data_name.rpartition("/")[0] + "/"
    if f"{root}constants.pkl" not in names:
        return {}
    start = f"{root}code/"
    code = (name for name in names if name.startswith(f"{start}__torch__") and name.endswith(".py"))
    return {name[len(start) : -len(".py")].replace("/", "."): name for name in code}


def _script_class(fact: NameUsed, script: dict[str, str]) -> NameUsed | ScriptClass:
    """The loader compiles such a class from the archive; no Python module is imported for it."""
    member = script.get(fact.name.rpartition(".")[0])
    if member is None or fact.use is Use.ALTER:
        return fact
    return ScriptClass(locations=fact.locations, count=fact.count, name=fact.name, member=member)


def _is_object(name: str, names: set[str]) -> bool:
    """``data.pkl``, and beside TorchScript source the constants, whose storages have a folder too."""
    if name.count("/") != 1:
        return False
    root = name.partition("/")[0]
    is_constants = name == f"{root}/constants.pkl" and any(n.startswith(f"{root}/code/") for n in names)
    return name.lower().endswith("/data.pkl") or is_constants


def _record(
    window: Window, place: Place, name: str, member: Member, storage: Storage | None, *, is_script: bool
) -> Iterator[Yield]:
    """A record that is not the object: a storage that the object names, or anything else."""
    if storage is not None and not member.sealed:
        size = member.end - member.start if member.unpack == "stored" else member.size
        yield from _check_size(place, name, storage, size)
        if member.unpack == "stored":
            yield Span(PAYLOAD, member.start, member.end)
            yield from payload_start(window, place, member.start, member.end)
        else:
            yield replace(member, hint="payload")
        return
    if _CODE.search(name):
        language = "TorchScript" if is_script else "Python"
        yield CodeMember(locations=place.at(member.start, member.end), member=name, language=language)
        if is_script:
            member = replace(member, hint="torchscript-code")
    yield member


def _missing(
    place: Place, listed: set[str], storages: dict[str, Storage], objects: set[str]
) -> Iterator[SpecViolation]:
    for name in sorted(storages.keys() - listed):
        yield SpecViolation(
            locations=place.at(),
            format="torch-zip",
            clause="storage-missing",
            expected=f"a record {name!r} for a storage of the pickle",
            found="none",
        )
    for name in sorted(objects):
        root = name[: -len("data.pkl")].lower()
        version = root + "version"
        # Files that use operators of several versions have it in a folder of its own.
        if name.lower().endswith("/data.pkl") and not {version, f"{root}.data/version"} & listed:
            yield SpecViolation(
                locations=place.at(),
                format="torch-zip",
                clause="version-record",
                expected=f"a record {version!r}, which torch asks for",
                found="none",
            )


def _object(window: Window, place: Place, member: Member, trace: Trace, limits: Limits) -> Iterator[Yield]:
    """Run ``data.pkl``; the loader ignores what stands after STOP."""
    packed = window.sub(member.start, member.end)
    inner, unpacked = open_unpacked(packed, member.unpack, limits, Budget(OBJECT_BYTES), member.size)
    inside = place.inside(member.name)
    trace.begin()
    machine = Machine(inner, 0, trace, limits)
    run_pickle(machine, trace)
    yield stream_fact(machine, trace, inside, 0)
    yield from trace_facts(trace, inside)
    yield from storage_table(trace, place)
    halt = halt_of(machine)
    if halt is None and unpacked.reason:
        halt = Halt(unpacked.reason, unpacked.detail)
    for nested in nested_members(trace):
        yield from _carried(inner, member, nested, limits)
    if halt is None and machine.position < inner.size:
        rest = inner.read(machine.position, 65_536)
        yield UnclaimedBytes(
            locations=inside.at(machine.position, inner.size),
            position="after",
            size=inner.size - machine.position,
            zeros=inner.size - machine.position <= len(rest) and not rest.strip(b"\0"),
        )
        # A second pickle there is not run by torch, but by whoever reads the member as a file.
        after = Member(
            name=f"after {machine.position}", start=machine.position, end=inner.size, tentative=True
        )
        yield from _carried(inner, member, after, limits)
    yield MemberRead(
        member=member, size=inner.size, formats=("pickle",), spans=tuple(stream_spans(machine)), halt=halt
    )


def _carried(inner: Window, member: Member, nested: Member, limits: Limits) -> Iterator[Member]:
    """Content inside the object, as a member of the archive.

    A stored object is a plain part of the archive, so ranges in it are ranges of the archive; of a
    packed one the content goes along, up to the bytes that may be held in memory.
    """
    name = f"{member.name}!{nested.name}"
    if nested.content is not None:
        yield replace(nested, name=name, start=member.start, end=member.end)
    elif member.unpack == "stored":
        yield replace(nested, name=name, start=member.start + nested.start, end=member.start + nested.end)
    else:
        size = min(nested.end - nested.start, limits.spool_memory_bytes)
        content = b"".join(piece for _, piece in inner.pieces(nested.start, nested.start + size))
        yield replace(nested, name=name, start=member.start, end=member.end, content=content)


def _check_size(place: Place, name: str, storage: Storage, size: int | None) -> Iterator[SpecViolation]:
    per_element = element_size(storage.element)
    if per_element is None:
        yield SpecViolation(
            locations=place.inside(name).at(),
            format="torch-zip",
            clause="storage-type",
            expected="a storage class of torch",
            found=storage.element[:120],
        )
    elif storage.count * per_element != size:
        yield SpecViolation(
            locations=place.inside(name).at(),
            format="torch-zip",
            clause="storage-size",
            expected=f"{storage.count} elements of {per_element} bytes (pickle, byte {storage.start})",
            found=f"a record of {size} bytes",
        )


READER = Reader(
    format=Format("torch-zip"),
    source="torch 2.13, torch/serialization.py",
    looks_like=looks_like,
    read=read,
    rank=20,
    hides=("zip",),
    extensions=(".pt", ".pth", ".bin", ".ckpt", ".zip"),
)
