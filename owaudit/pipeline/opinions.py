"""Ask another scanner about the files it reads, within the bounds of the policy."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace

from owaudit.intake.walk import Entry
from owaudit.model.evidence import Diagnostic
from owaudit.model.location import Location
from owaudit.model.observation import PickleStream
from owaudit.model.policy import SecondOpinion
from owaudit.opinion import modelscan_engine
from owaudit.pipeline.artifact import Collected


def with_second_opinion(
    entries: Sequence[Entry], collected: Sequence[Collected], bounds: SecondOpinion
) -> tuple[list[Collected], list[Diagnostic]]:
    """Add what the other scanner says to the files it reads; notes where it was not asked.

    It gets the file by name after ours was read; a file that changed in between is not shown.
    """
    asked = [one for one in collected if _is_readable(one)]
    if not asked:
        return list(collected), []
    if not modelscan_engine.is_installed():
        return list(collected), [_note(f"{modelscan_engine.ENGINE} is not installed, so it was not asked")]
    notes: list[Diagnostic] = []
    found: list[Collected] = []
    for entry, one in zip(entries, collected, strict=True):
        if not _is_readable(one):
            found.append(one)
            continue
        reason = _too_much(one, bounds)
        if reason:
            notes.append(
                _note(f"{modelscan_engine.ENGINE} was not asked about {one.artifact.path}: {reason}")
            )
            found.append(one)
            continue
        where = (Location(artifact=one.artifact.path),)
        answer = modelscan_engine.ask(os.fsdecode(entry.opens), where)
        notes += [_note(f"{problem} ({one.artifact.path})") for problem in answer.problems]
        found.append(replace(one, observations=(*one.observations, *answer.names)))
    return found, notes


def _is_readable(one: Collected) -> bool:
    return bool(modelscan_engine.FORMATS.intersection(one.artifact.formats)) and bool(one.artifact.digests)


def _too_much(one: Collected, bounds: SecondOpinion) -> str:
    if one.artifact.size > bounds.file_bytes:
        return f"{one.artifact.size:,} bytes are over the bound of {bounds.file_bytes:,}"
    instructions = sum(o.instructions for o in one.observations if isinstance(o, PickleStream))
    if instructions > bounds.instructions:
        return f"{instructions:,} instructions are over the bound of {bounds.instructions:,}"
    return ""


def _note(message: str) -> Diagnostic:
    return Diagnostic(level="note", source="second opinion", message=message)
