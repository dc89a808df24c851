"""From targets to files: a deterministic walk that follows no link out of the target.

Order is by the bytes of the relative path. What is no readable regular file is said, not skipped.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from owaudit.errors import UsageError

DEEPEST_FOLDER = 256
LEFT_OUT_FOLDERS = frozenset((b".git", b".hg", b".svn"))
"""History of a version control system: no loader reads it; a note says that it was left out."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One file to audit, or the reason why one is not.

    ``path`` is POSIX, relative to its target, bytes that are not UTF-8 as ``\\xff``. ``opens`` is
    the real path to open. ``problem`` is empty for a file, otherwise a coverage reason code;
    ``detail`` says it in words. ``algorithms`` and ``parts`` (start, end, algorithm) are the digests
    besides SHA-256 that some record states.
    """

    path: str
    opens: bytes
    problem: str = ""
    detail: str = ""
    size: int = 0
    algorithms: tuple[str, ...] = ()
    parts: tuple[tuple[int, int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Walk:
    """The files of all targets in order, and the folders that were left out on purpose."""

    name: str
    entries: tuple[Entry, ...]
    left_out: tuple[str, ...]


def walk(targets: tuple[Path, ...]) -> Walk:
    """List the files of the targets. With several targets, paths start with the target's name.

    Raises:
        UsageError: a target does not exist, cannot be listed, or two have the same name.
    """
    entries: list[Entry] = []
    left_out: list[str] = []
    names = [target_name(target) for target in targets]
    if len(set(names)) != len(names):
        raise UsageError("two targets have the same name; scan the folder that holds both")
    for target, name in zip(targets, names, strict=True):
        prefix = f"{name}/" if len(targets) > 1 else ""
        try:
            real = os.path.realpath(os.fsencode(target), strict=True)
            status = os.stat(real)
        except OSError as error:
            raise UsageError(f"target {target}: {error.strerror or error}") from error
        if stat.S_ISDIR(status.st_mode):
            folder = _Folder(real, prefix, left_out)
            entries.extend(folder.entries())
        else:
            entries.append(_file_entry(prefix + name if prefix else name, real, status))
    entries.sort(key=lambda entry: os.fsencode(entry.path))
    return Walk(", ".join(names), tuple(entries), tuple(sorted(left_out)))


def target_name(target: Path) -> str:
    """The last component of a target, made printable."""
    absolute = os.path.abspath(os.fsencode(target))
    return _printable(os.path.basename(absolute) or b"root")


def _printable(path: bytes) -> str:
    return path.decode("utf-8", "backslashreplace")


def _file_entry(path: str, real: bytes, status: os.stat_result) -> Entry:
    if stat.S_ISREG(status.st_mode):
        return Entry(path, real, size=status.st_size)
    return Entry(
        path, real, "not-regular", f"{_KINDS.get(stat.S_IFMT(status.st_mode), 'special file')}, not opened"
    )


_KINDS = {
    stat.S_IFIFO: "named pipe",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "character device",
    stat.S_IFBLK: "block device",
}


class _Folder:
    """One target folder. ``boundary`` is what links may lead into: the folder, or for a snapshot of
    a Hugging Face cache the cache of that one repository, whose blobs the snapshot links to."""

    def __init__(self, root: bytes, prefix: str, left_out: list[str]) -> None:
        self.root = root
        self.prefix = prefix
        self.left_out = left_out
        self.boundary = _boundary(root)

    def entries(self) -> Iterator[Entry]:
        yield from self._folder(self.root, b"", frozenset((os.path.realpath(self.root),)), 0)

    def _folder(self, real: bytes, relative: bytes, above: frozenset[bytes], depth: int) -> Iterator[Entry]:
        if depth > DEEPEST_FOLDER:
            yield Entry(
                self._path(relative), real, "unreadable", f"folders are nested over {DEEPEST_FOLDER} deep"
            )
            return
        try:
            with os.scandir(real) as listing:
                names = sorted(item.name for item in listing)
        except OSError as error:
            if depth == 0:
                raise UsageError(f"target {_printable(real)}: {error.strerror or error}") from error
            yield Entry(
                self._path(relative),
                real,
                "unreadable",
                f"folder cannot be listed: {error.strerror or error}",
            )
            return
        for name in names:
            inner = os.path.join(relative, name) if relative else name
            yield from self._item(os.path.join(real, name), inner, above, depth)

    def _item(self, real: bytes, relative: bytes, above: frozenset[bytes], depth: int) -> Iterator[Entry]:
        path = self._path(relative)
        is_link = False
        try:
            status = os.lstat(real)
            if stat.S_ISLNK(status.st_mode):
                is_link = True
                leads_to = _printable(os.readlink(real))
                real = os.path.realpath(real)
                if not _is_within(real, self.boundary):
                    yield Entry(path, real, "link-outside", f"leads to {leads_to}, outside the target")
                    return
                status = os.stat(real)
        except OSError as error:
            problem = "unreadable"
            if is_link:
                problem = "link-loop" if error.errno == errno.ELOOP else "link-dangling"
            yield Entry(path, real, problem, error.strerror or str(error))
            return
        if not stat.S_ISDIR(status.st_mode):
            yield _file_entry(path, real, status)
        elif os.path.basename(relative) in LEFT_OUT_FOLDERS:
            self.left_out.append(path)
        elif real in above:
            yield Entry(path, real, "link-loop", "leads back to a folder above it")
        else:
            yield from self._folder(real, relative, above | {real}, depth + 1)

    def _path(self, relative: bytes) -> str:
        return self.prefix + _printable(relative.replace(os.fsencode(os.sep), b"/"))


def _boundary(root: bytes) -> bytes:
    """``…/models--org--name/snapshots/<revision>`` may link to ``…/models--org--name/blobs``."""
    parent, snapshots = os.path.split(os.path.dirname(root))
    if snapshots == b"snapshots" and os.path.basename(parent).startswith(
        (b"models--", b"datasets--", b"spaces--")
    ):
        return parent
    return root


def _is_within(path: bytes, folder: bytes) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.fsencode(os.sep)) + os.fsencode(os.sep))
