"""``owaudit.models.toml``: models that are named in a repository and kept elsewhere.

::

    schema = 1

    [[model]]
    name = "encoder"
    source = "hf:org/encoder"        # the cache of the Hugging Face client; or a path, relative to the list
    revision = "0123…"               # the commit of the snapshot, for hf: sources
    lock = "locks/encoder.lock"      # a lock file, relative to the list
    sha256 = { "model.safetensors" = "89ab…" }

``lock`` and ``sha256`` say what the bytes must be; one of them is enough, and without both the gate
asks only what would run. Nothing is fetched: what is not there is an error.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from owaudit.errors import UsageError
from owaudit.intake.hub_cache import PREFIX
from owaudit.judge.strict import Section, parse

FILE_NAME = "owaudit.models.toml"
SCHEMA = 1
_LARGEST = 4 * 1024 * 1024
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\Z")
_COMMIT = re.compile(r"[0-9a-f]{40}\Z")
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
_HEADER = re.compile(r"\s*\[\[\s*model\s*\]\]\s*(?:#.*)?\Z")
_SOURCE = re.compile(r"\s*source\s*=")


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedModel:
    """One entry. ``line`` is that of its source in the list, from 1; ``digests`` are path and SHA-256."""

    name: str
    source: str
    revision: str = ""
    lock: str = ""
    digests: tuple[tuple[str, str], ...] = ()
    line: int = 1

    def target(self, folder: Path) -> Path:
        """What to audit: an ``hf:`` name with its revision, or a path relative to ``folder``."""
        if self.source.startswith(PREFIX):
            return Path(f"{self.source}@{self.revision}" if self.revision else self.source)
        return folder / self.source

    def checksums(self) -> str:
        """The digests as a checksum list; empty where there are none."""
        return "".join(f"{digest}  {path}\n" for path, digest in self.digests)


def read_models(file: Path) -> tuple[NamedModel, ...]:
    """Read a list of models.

    Raises:
        UsageError: it cannot be read, an entry is wrong, two have the same name, or there is none.
    """
    try:
        with file.open("rb") as stream:
            raw = stream.read(_LARGEST + 1)
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror or error}") from error
    if len(raw) > _LARGEST:
        raise UsageError(f"{file}: longer than {_LARGEST} bytes")
    top = parse(raw, file.name)
    if top.integer("schema") != SCHEMA:
        raise top.error("schema", f"expected {SCHEMA}")
    sections = top.sections("model")
    top.finish()
    if not sections:
        raise top.error("model", "expected at least one model")
    lines = _lines(raw.decode("utf-8"), len(sections))
    models = tuple(_model(section, line) for section, line in zip(sections, lines, strict=True))
    names = [model.name.lower() for model in models]
    for model in models:
        if names.count(model.name.lower()) > 1:
            raise UsageError(f"{file.name}: two models are called {model.name}")
    return models


def _model(section: Section, line: int) -> NamedModel:
    name = section.text("name")
    if not _NAME.match(name):
        raise section.error("name", "expected letters, digits, dots, hyphens and underscores")
    source, revision = section.text("source"), section.text("revision", "")
    if revision and not source.startswith(PREFIX):
        raise section.error("revision", f"only a source that starts with {PREFIX} has one")
    if revision and not _COMMIT.match(revision):
        raise section.error("revision", "expected a commit of 40 hex digits")
    if source.startswith(PREFIX) and "@" in source:
        raise section.error("source", "the revision has a key of its own")
    lock = section.text("lock", "")
    if lock and (PurePosixPath(lock).is_absolute() or ".." in PurePosixPath(lock).parts):
        raise section.error("lock", "expected a path below the folder of the list")
    digests = _digests(section)
    section.finish()
    return NamedModel(name=name, source=source, revision=revision, lock=lock, digests=digests, line=line)


def _digests(section: Section) -> tuple[tuple[str, str], ...]:
    table = section.section("sha256")
    if table is None:
        return ()
    found = []
    for path in table:
        digest = table.text(path)
        if not _SHA256.match(digest):
            raise table.error(path, "expected a SHA-256 in 64 lower hex digits")
        if path != path.strip() or not path.isprintable() or "\\" in path:
            raise table.error(path, "expected a plain POSIX path")
        found.append((path, digest))
    if not found:
        raise section.error("sha256", "expected at least one file")
    return tuple(sorted(found))


def _lines(text: str, count: int) -> list[int]:
    """The line of each entry's source. TOML values may hold what looks like a header; then all are 1."""
    lines = text.splitlines()
    starts = [number for number, line in enumerate(lines) if _HEADER.match(line)]
    if len(starts) != count:
        return [1] * count
    ends = [*starts[1:], len(lines)]
    return [
        next((at + 1 for at in range(start, end) if _SOURCE.match(lines[at])), start + 1)
        for start, end in zip(starts, ends, strict=True)
    ]
