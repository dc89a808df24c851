"""A Git LFS pointer that lies where a large file should be.

Three lines: version, ``oid sha256:<hex>``, ``size <bytes>``. Whoever loads the file gets the pointer
and not the weights, so the statement about the file is always refuted.

Source: Git LFS specification, "The Pointer".
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from owaudit.model.claim import Record, Statement

KIND_NAME = "lfs-pointer"
START = b"version https://git-lfs.github.com/spec/"
LONGEST = 1024
_OID = re.compile(rb"^oid sha256:([0-9a-f]{64})\r?$", re.MULTILINE)
_SIZE = re.compile(rb"^size ([0-9]{1,18})\r?$", re.MULTILINE)


def records_of(path: str, content: bytes, sha256: str) -> Iterator[Record]:
    """Yield the record of a pointer, about the very file that it replaced.

    Every file of the target may be one, so the pipeline asks once it has recognised the format.
    """
    if len(content) > LONGEST or not content.startswith(START):
        return
    oid = _OID.search(content)
    size = _SIZE.search(content)
    yield Record(
        path=path,
        kind=KIND_NAME,
        title="Git LFS pointer",
        sha256=sha256,
        statements=(
            Statement(
                path=path,
                algorithm="sha256" if oid else "",
                digest=oid[1].decode("ascii") if oid else "",
                size=int(size[1]) if size else -1,
            ),
        ),
    )
