"""Open a file of a lock file, check it, and hand over the very descriptor that was checked.

A name can lead to another file between a check and a use. Here the file is opened once, without
following a link, hashed through the descriptor and compared; the caller reads from that descriptor.
Writing in place by somebody who may write the file is still possible, and is told by ``still_same``
as long as it changes size or times.
"""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path
from typing import BinaryIO

from owaudit.errors import UsageError, VerificationError
from owaudit.model.claim import Statement
from owaudit.provenance.kinds import RECORD_CEILING, Found, Tree
from owaudit.provenance.records import lock_file

_CHUNK = 1024 * 1024


class LockedFile:
    """An open file whose bytes were those of the lock file when it was opened.

    ``stream`` stands at its start. Use it as a context, or close ``stream``.
    """

    def __init__(self, stream: BinaryIO, status: os.stat_result, sha256: str) -> None:
        self.stream = stream
        self.sha256 = sha256
        self._status = status

    def __enter__(self) -> BinaryIO:
        return self.stream

    def __exit__(self, *_: object) -> None:
        self.stream.close()

    def still_same(self) -> bool:
        """Are size and times of the open file still what they were before it was checked?"""
        now = os.fstat(self.stream.fileno())
        return all(
            getattr(now, name) == getattr(self._status, name)
            for name in ("st_size", "st_mtime_ns", "st_ctime_ns", "st_ino", "st_dev")
        )


def open_locked(lock: Path, folder: Path, path: str) -> LockedFile:
    """Open ``path`` of a folder and check it against a lock file.

    Raises:
        UsageError: the lock file cannot be read or does not name the path.
        VerificationError: the file is not there, is a link, or is another one than was locked.
    """
    stated = _stated(lock, path)
    return open_checked(folder / path, path, stated.digest)


def open_checked(file: Path, path: str, sha256: str) -> LockedFile:
    """Open a file and check that its SHA-256 is the one given; ``path`` names it in messages.

    Raises:
        VerificationError: the file is not there, is a link, or has another digest.
    """
    flags = (
        os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    )
    try:
        descriptor = os.open(file, flags | getattr(os, "O_NONBLOCK", 0))
    except OSError as error:
        raise VerificationError(f"{path}: {error.strerror or error}") from error
    stream = os.fdopen(descriptor, "rb")
    try:
        return _checked(stream, path, sha256)
    except BaseException:
        stream.close()
        raise


def _stated(lock: Path, path: str) -> Statement:
    try:
        with lock.open("rb") as stream:
            content = stream.read(RECORD_CEILING)
    except OSError as error:
        raise UsageError(f"lock file {lock.name}: {error.strerror or error}") from error
    found = Found(lock_file.FILE_NAME, content, "")
    for record in lock_file.parse(found, Tree(files={}, read=lambda _path: None)):
        if record.problem:
            raise UsageError(f"lock file {lock.name}: {record.detail}")
        for item in record.statements:
            if item.path == path and not item.problem:
                return item
    raise UsageError(f"lock file {lock.name}: does not name {path}")


def _checked(stream: BinaryIO, path: str, sha256: str) -> LockedFile:
    status = os.fstat(stream.fileno())
    if not stat.S_ISREG(status.st_mode):
        raise VerificationError(f"{path}: not a regular file")
    digest = hashlib.sha256()
    while piece := stream.read(_CHUNK):
        digest.update(piece)
    opened = LockedFile(stream, status, digest.hexdigest())
    if opened.sha256 != sha256:
        raise VerificationError(f"{path}: expected sha256:{sha256}, found sha256:{opened.sha256}")
    if not opened.still_same():
        raise VerificationError(f"{path}: changed while it was checked")
    stream.seek(0)
    return opened
