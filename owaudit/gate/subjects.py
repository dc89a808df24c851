"""What a gate audits: each path and each named model is a subject with records and a place of its own.

What decides must not come from what is judged. With a *trusted* folder, such as the tree of the base
branch of a pull request, every file of the working directory that vouches or excuses – policy, lock,
baseline, the pins of a models list – is taken from the same path in that folder, and one that is not
there is not used.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from owaudit.gate.models_list import NamedModel, read_models
from owaudit.intake.hub_cache import PREFIX


@dataclass(frozen=True, slots=True)
class Trust:
    """Where deciding files of the working directory ``here`` are taken from; None: from itself."""

    here: Path
    folder: Path | None = None

    def pick(self, file: Path) -> Path | None:
        """The file to use in place of ``file``, or None where the trusted folder has none."""
        inside = inside_of(file, self.here)
        if self.folder is None or inside is None:
            return file
        picked = self.folder / inside
        return picked if picked.is_file() and not picked.is_symlink() else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One thing to audit.

    ``lock`` and ``checksums`` (the text of a list) are what it is held against. ``base`` is its folder
    in the repository, or ``anchor`` the file there that stands for it, with lines as in ``RenderOptions``.
    """

    name: str
    target: Path
    lock: Path | None = None
    checksums: str = ""
    base: str = ""
    anchor: str = ""
    anchor_line: int = 1
    anchor_lines: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plan:
    """The subjects in order, and what a reader must know about how they came about."""

    subjects: tuple[Subject, ...]
    notes: tuple[str, ...]


def plan(
    targets: Sequence[Path], models: Path | None, lock: Path | None, *, trust: Trust, fallback: str
) -> Plan:
    """Return the subjects of a gate.

    ``lock`` holds for every target that was named by path. ``fallback`` is the file in the repository
    that stands for a model which nothing else there names.

    Raises:
        UsageError: the list of models is wrong.
    """
    notes: list[str] = []
    held = None
    if lock is not None:
        held = trust.pick(lock)
        if held is None:
            notes.append(f"{lock} is not in the trusted tree: it is not used")
    subjects = [_by_path(target, lock, held, trust, fallback) for target in targets]
    if models is not None:
        subjects += _named(models, trust, notes)
    return Plan(tuple(subjects), tuple(notes))


def _by_path(target: Path, lock: Path | None, held: Path | None, trust: Trust, fallback: str) -> Subject:
    name = target.as_posix()
    inside = None if name.startswith(PREFIX) else inside_of(target, trust.here)
    if inside is not None:
        folder = inside if target.is_dir() else inside.parent
        return Subject(
            name=name, target=target, lock=held, base="" if folder == Path() else folder.as_posix()
        )
    anchored = inside_of(lock, trust.here) if lock is not None else None
    if lock is None or anchored is None:
        return Subject(name=name, target=target, lock=held, anchor=fallback)
    return Subject(
        name=name, target=target, lock=held, anchor=anchored.as_posix(), anchor_lines=lines_of_lock(lock)
    )


def _named(models: Path, trust: Trust, notes: list[str]) -> list[Subject]:
    pinned: dict[str, NamedModel] | None = None
    if (trusted := trust.pick(models)) != models:
        pinned = {model.name: model for model in read_models(trusted)} if trusted is not None else {}
    folder = models.parent
    inside = inside_of(models, trust.here)
    anchor = inside.as_posix() if inside is not None else models.name
    subjects = []
    entries = read_models(models)
    for model in entries:
        pins = model if pinned is None else pinned.get(model.name)
        if pins is None:
            notes.append(f"{model.name}: named by this change alone, so its digests do not count")
            pins = NamedModel(name=model.name, source=model.source)
        elif (pins.source, pins.revision) != (model.source, model.revision):
            then, now = (f"{each.source} {each.revision}".strip() for each in (pins, model))
            notes.append(f"{model.name}: source was {then} and is {now}")
        lock = trust.pick(folder / pins.lock) if pins.lock else None
        if pins.lock and lock is None:
            notes.append(f"{model.name}: {pins.lock} is not in the trusted tree: it is not used")
        subjects.append(
            Subject(
                name=model.name,
                target=model.target(folder),
                lock=lock,
                checksums=pins.checksums(),
                anchor=anchor,
                anchor_line=model.line,
            )
        )
    gone = set(pinned or ()) - {model.name for model in entries}
    notes += [f"{name}: no longer in the list of models" for name in sorted(gone)]
    return subjects


def inside_of(path: Path, folder: Path) -> Path | None:
    """The path relative to ``folder``, or None where it lies elsewhere; no link is followed."""
    relative = Path(os.path.relpath(os.path.join(folder, path), folder))
    return None if relative.is_absolute() or ".." in relative.parts else relative


def lines_of_lock(lock: Path) -> dict[str, int]:
    """The line of each path that a lock file names; empty where it cannot be read."""
    lines: dict[str, int] = {}
    try:
        text = lock.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return lines
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("path = "):
            try:
                named = tomllib.loads(line)["path"]
            except (tomllib.TOMLDecodeError, RecursionError):
                continue
            if isinstance(named, str):
                lines.setdefault(named, number)
    return lines
