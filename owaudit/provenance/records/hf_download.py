"""Metadata that the Hugging Face client leaves beside files it put into a folder of your own.

``.cache/huggingface/download/<file>.metadata`` holds three lines: commit, entity tag, time. The tag
is the SHA-256 of a large file or the SHA-1 of a small one with git's blob header.

Source: huggingface_hub documentation, "Download files to local folder".
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from owaudit.errors import FormatError
from owaudit.model.claim import Record, Source
from owaudit.provenance.kinds import Found, RecordKind, Tree, malformed
from owaudit.provenance.names import statement

KIND_NAME = "hf-download"
_PLACE = re.compile(r"(?:(?P<root>.*)/)?\.cache/huggingface/download/(?P<file>.+)\.metadata\Z")
_HEX40 = re.compile(r"[0-9a-f]{40}\Z")
_TAG = re.compile(r"(?:[0-9a-f]{40}|[0-9a-f]{64})\Z")
_LONGEST = 4096


def is_named(path: str) -> bool:
    """Files below ``.cache/huggingface/download``."""
    return _PLACE.match(path) is not None


def parse(found: Found, _tree: Tree) -> Iterator[Record]:
    """Yield the record of one metadata file; those of one folder are joined later."""
    place = _PLACE.match(found.path)
    if place is None:
        return
    root = place["root"] or ""
    title = "Hugging Face download metadata"
    lines = found.content[:_LONGEST].decode("utf-8", "backslashreplace").splitlines()
    if len(lines) < 2 or not _HEX40.match(lines[0]) or not _TAG.match(lines[1].strip('"')):
        error = FormatError(
            "metadata",
            expected="a commit and an entity tag",
            found=repr("\n".join(lines)[:80]),
        )
        yield malformed(found, KIND_NAME, title, error)
        return
    tag = lines[1].strip('"')
    yield Record(
        path=found.path,
        kind=KIND_NAME,
        title=title,
        source=Source.DOWNLOAD,
        sha256=found.sha256,
        root=root,
        revision=lines[0],
        statements=(
            statement(root, place["file"], algorithm="sha256" if len(tag) == 64 else "git-sha1", digest=tag),
        ),
    )


KIND = RecordKind(kind=KIND_NAME, source="huggingface_hub documentation", is_named=is_named, parse=parse)
