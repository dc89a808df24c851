"""Torch checkpoints in a zip archive (torch 1.6 and later): ``data.pkl`` and its storages.

The archive's root folder holds ``data.pkl`` (the object), ``data/<key>`` (raw storages) and a few
small records. Persistent ids in the pickle name the storages; a record must have exactly the
bytes they say. Member names are looked up without regard to case, so every ``data.pkl`` counts.

Source: torch 2.13, torch/serialization.py, caffe2/serialize/inline_container.cc.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

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
from owaudit.codec.pickle_trace import Trace
from owaudit.codec.payload import payload_start
from owaudit.codec.reader import PAYLOAD, Halt, Head, Member, MemberRead, Place, Reader, Span, Yield
from owaudit.codec.torch_storage import element_size, storage_table
from owaudit.codec.window import Window
from owaudit.codec.zip_facts import archive_facts, archive_members
from owaudit.codec.zip_records import read_archive
from owaudit.model.artifact import Format
from owaudit.model.limits import Limits
from owaudit.model.observation import CodeMember, SpecViolation, UnclaimedBytes

_DATA_PICKLE = re.compile(rb"/data\.pkl", re.IGNORECASE)
_CODE = re.compile(r"/code/.*\.py\Z", re.DOTALL)


def looks_like(head: Head) -> bool:
    # Torch looks for the archive at byte 0 and nowhere else.
    is_zip = head.start.startswith(b"PK\x03\x04")
    return is_zip and bool(_DATA_PICKLE.search(head.start) or _DATA_PICKLE.search(head.end))


def read(window: Window, place: Place, limits: Limits) -> Iterator[Yield]:
    archive = read_archive(window, limits)
    yield from archive_facts(archive, place)
    members = list(archive_members(archive))
    storages: dict[str, tuple[str, int, int]] = {}
    found_pickle = False
    for entry, member in members:
        if (
            isinstance(member, Member)
            and _is_data_pickle(entry.name)
            and member.unpack == "stored"
            and not member.sealed
        ):
            found_pickle = True
            trace = new_trace(limits)
            yield from _object(window, place, member, trace, limits)
            root = entry.name[: -len("data.pkl")].lower()
            for key, storage in trace.storages.items():
                storages[f"{root}data/{key.lower()}"] = (storage.element, storage.count, storage.start)
    payload: set[str] = set()
    for entry, member in members:
        if isinstance(member, Halt):
            yield member
        elif _is_data_pickle(entry.name) and member.unpack == "stored" and not member.sealed:
            continue
        elif entry.name.lower() in storages and member.unpack == "stored" and not member.sealed:
            payload.add(entry.name.lower())
            yield Span(PAYLOAD, member.start, member.end)
            yield from payload_start(window, place, member.start, member.end)
            yield from _check_size(place, entry.name, storages[entry.name.lower()], member.end - member.start)
        else:
            if _CODE.search(entry.name):
                yield CodeMember(
                    locations=place.at(member.start, member.end), member=entry.name, language="TorchScript"
                )
            yield member
    listed = {entry.name.lower() for entry, _ in members}
    if found_pickle:
        for name in sorted(storages.keys() - listed):
            yield SpecViolation(
                locations=place.at(),
                format="torch-zip",
                clause="storage-missing",
                expected=f"a record {name!r} for a storage of the pickle",
                found="none",
            )


def _is_data_pickle(name: str) -> bool:
    return name.lower().endswith("/data.pkl") and name.count("/") == 1


def _object(window: Window, place: Place, member: Member, trace: Trace, limits: Limits) -> Iterator[Yield]:
    """Run ``data.pkl``; the loader ignores what stands after STOP."""
    inner = window.sub(member.start, member.end)
    inside = place.inside(member.name)
    trace.begin()
    machine = Machine(inner, 0, trace, limits)
    run_pickle(machine, trace)
    yield stream_fact(machine, trace, inside, 0)
    yield from trace_facts(trace, inside)
    yield from storage_table(trace, place)
    spans = tuple(stream_spans(machine))
    halt = halt_of(machine)
    for _, nested in nested_members(trace):
        # Their ranges count in data.pkl, which is a plain part of this window.
        yield Member(
            name=f"{member.name}!{nested.name}",
            start=member.start + nested.start if nested.content is None else member.start,
            end=member.start + nested.end if nested.content is None else member.end,
            hint=nested.hint,
            content=nested.content,
            tentative=True,
        )
    if halt is None and machine.position < inner.size:
        rest = inner.read(machine.position, 65_536)
        zeros = inner.size - machine.position <= len(rest) and not rest.strip(b"\0")
        yield UnclaimedBytes(
            locations=inside.at(machine.position, inner.size),
            position="after",
            size=inner.size - machine.position,
            zeros=zeros,
        )
        # A second pickle there is not run by torch, but by whoever reads the member as a file.
        yield Member(
            name=f"{member.name}!after {machine.position}",
            start=member.start + machine.position,
            end=member.end,
            tentative=True,
        )
    yield MemberRead(member=member, size=inner.size, formats=("pickle",), spans=spans, halt=halt)


def _check_size(place: Place, name: str, storage: tuple[str, int, int], size: int) -> Iterator[SpecViolation]:
    element, count, start = storage
    per_element = element_size(element)
    if per_element is None:
        yield SpecViolation(
            locations=place.inside(name).at(),
            format="torch-zip",
            clause="storage-type",
            expected="a storage class of torch",
            found=element[:120],
        )
    elif count * per_element != size:
        yield SpecViolation(
            locations=place.inside(name).at(),
            format="torch-zip",
            clause="storage-size",
            expected=f"{count} elements of {per_element} bytes, as the pickle says at byte {start}",
            found=f"a record of {size} bytes",
        )


READER = Reader(
    format=Format("torch-zip"),
    source="torch 2.13, torch/serialization.py",
    looks_like=looks_like,
    read=read,
    rank=20,
    hides=("zip",),
    extensions=(".pt", ".pth", ".bin", ".ckpt"),
)
