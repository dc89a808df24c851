"""An opened file: one descriptor for digest and readers, and a check that nobody swapped it."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType

from owaudit.codec.window import Window
from owaudit.errors import ReadError
from owaudit.intake.hashing import Hash, Parts, new_hash
from owaudit.model.artifact import Digest

HASH_CHUNK = 1024 * 1024
"""Bytes per read: large enough for full speed, small enough to stay in the processor's cache."""


@dataclass(frozen=True, slots=True)
class Hashed:
    """What one read from end to end gave: SHA-256 first, then what was asked for, and the bytes read.

    ``parts`` are start, end and digest of each part that lies in the file.
    """

    digests: tuple[Digest, ...]
    parts: tuple[tuple[int, int, Digest], ...]
    size: int


class OpenedFile:
    """A regular file, opened once without following a final link.

    ``size`` is what ``fstat`` said at the start; windows never reach beyond it.

    Raises:
        OSError: it cannot be opened.
        ReadError: it is no regular file.
    """

    def __init__(self, path: bytes) -> None:
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        flags |= getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
        self.descriptor = os.open(path, flags)
        self._path = path
        status = os.fstat(self.descriptor)
        if not stat.S_ISREG(status.st_mode):
            os.close(self.descriptor)
            raise ReadError("not a regular file")
        self._before = status
        self.size = status.st_size

    def __enter__(self) -> OpenedFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self.descriptor)

    def read_at(self, offset: int, size: int) -> bytes:
        """Return up to ``size`` bytes from ``offset``; fewer only at the end of the file."""
        if hasattr(os, "pread"):
            content = os.pread(self.descriptor, size, offset)
        else:  # Windows: no other thread shares this descriptor
            os.lseek(self.descriptor, offset, os.SEEK_SET)
            content = os.read(self.descriptor, size)
        while len(content) < size:
            more = self._read_more(offset + len(content), size - len(content))
            if not more:
                break
            content += more
        return content

    def _read_more(self, offset: int, size: int) -> bytes:
        if hasattr(os, "pread"):
            return os.pread(self.descriptor, size, offset)
        os.lseek(self.descriptor, offset, os.SEEK_SET)
        return os.read(self.descriptor, size)

    def window(self) -> Window:
        """The whole file."""
        return Window(self, 0, self.size)

    def sha256(self, progress: Callable[[int], None]) -> tuple[Digest, int]:
        """Read the file from end to end; return its SHA-256 and how many bytes that were.

        ``progress`` is told the size of each piece.
        """
        read = self.digests(progress)
        return read.digests[0], read.size

    def digests(
        self,
        progress: Callable[[int], None],
        algorithms: Sequence[str] = (),
        parts: Sequence[tuple[int, int, str]] = (),
    ) -> Hashed:
        """Read the file from end to end once; return SHA-256, the other digests, and those of parts.

        ``parts`` are start, end (not included) and algorithm. An algorithm that this installation
        cannot compute is left out. ``progress`` is told the size of each piece.
        """
        sums: dict[str, Hash] = {"sha256": hashlib.sha256()}
        for name in algorithms:
            if (made := new_hash(name, self.size)) is not None:
                sums[name] = made
        ranges = Parts(parts, self.size)
        updates = [each.update for each in sums.values()]
        buffer = bytearray(min(HASH_CHUNK, max(self.size, 4096)))
        view = memoryview(buffer)
        total = 0
        os.lseek(self.descriptor, 0, os.SEEK_SET)
        with open(self.descriptor, "rb", buffering=0, closefd=False) as raw:
            while count := raw.readinto(buffer):
                for update in updates:
                    update(view[:count])
                if parts:
                    ranges.take(total, view[:count])
                total += count
                progress(count)
        return Hashed(
            digests=tuple(Digest(name, each.hexdigest()) for name, each in sums.items()),
            parts=ranges.finished(),
            size=total,
        )

    def library_path(self) -> str:
        """A path that leads a library to this very descriptor where the system has one."""
        by_descriptor = f"/proc/self/fd/{self.descriptor}"
        return by_descriptor if os.path.exists(by_descriptor) else os.fsdecode(self._path)

    def changes(self) -> tuple[str, ...]:
        """What is different now from when the file was opened: empty when nothing is."""
        found = []
        after = os.fstat(self.descriptor)
        for label, name in (
            ("size", "st_size"),
            ("modification time", "st_mtime_ns"),
            ("status change time", "st_ctime_ns"),
        ):
            if getattr(self._before, name) != getattr(after, name):
                found.append(label)
        try:
            by_name = os.stat(self._path, follow_symlinks=False)
            if (by_name.st_ino, by_name.st_dev) != (after.st_ino, after.st_dev):
                found.append("file behind the name")
        except OSError:
            found.append("name")
        return tuple(found)
