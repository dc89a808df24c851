"""The cache of the Hugging Face client: blob names are digests of what they hold.

``models--<org>--<name>/{blobs,refs,snapshots}``: ``refs/<branch>`` holds a commit,
``snapshots/<commit>/<path>`` are links to ``blobs/<name>``. A name of 64 hex digits is the SHA-256
of a large file, one of 40 the SHA-1 of a small one with git's blob header. Without links a snapshot
holds plain files, and nothing is left to compare them with.

Source: huggingface_hub documentation, "Manage your cache".
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from owaudit.model.claim import Record, Source, Statement
from owaudit.provenance.kinds import RecordKind, Tree, TreeFile

KIND_NAME = "hf-cache"
_BLOB = re.compile(
    r"(?P<repository>(?:.*/)?(?:models|datasets|spaces)--[^/]+)/blobs/(?P<name>[0-9a-f]{40}|[0-9a-f]{64})\Z"
)
_SNAPSHOT = re.compile(
    r"(?P<repository>(?:.*/)?(?:models|datasets|spaces)--[^/]+)/snapshots/(?P<revision>[^/]+)/(?P<path>.+)\Z"
)


def layout(tree: Tree) -> Iterator[Record]:
    """Yield one record per repository and snapshot of the cache that the files lie in."""
    by_place: dict[tuple[str, str], list[Statement]] = defaultdict(list)
    for path, file in tree.files.items():
        snapshot = _SNAPSHOT.match(file.whole)
        if snapshot is not None:
            key = (snapshot["repository"], snapshot["revision"])
            by_place[key].append(_linked(path, file, snapshot["repository"]))
        elif blob := _BLOB.match(file.whole):
            by_place[blob["repository"], ""].append(_named(path, blob["name"], ""))
    for (repository, revision), statements in sorted(by_place.items()):
        known = re.fullmatch(r"[0-9a-f]{40}", revision) is not None
        where = f"snapshot {revision[:12]}" if revision else "blobs"
        yield Record(
            path=repository.rpartition("/")[2] + (f"/snapshots/{revision}" if revision else "/blobs"),
            kind=KIND_NAME,
            title=f"Hugging Face cache, {where}",
            source=Source.DOWNLOAD,
            statements=tuple(sorted(statements, key=lambda item: item.path)),
            revision=revision if known else "",
        )


def _linked(path: str, file: TreeFile, repository: str) -> Statement:
    blob = _BLOB.match(file.real)
    if blob is None:
        return Statement(path=path)
    problem = "" if blob["repository"] == repository else "foreign"
    return _named(path, blob["name"], problem)


def _named(path: str, name: str, problem: str) -> Statement:
    algorithm = "sha256" if len(name) == 64 else "git-sha1"
    return Statement(path=path, algorithm=algorithm, digest=name, problem=problem)


KIND = RecordKind(kind=KIND_NAME, source="huggingface_hub documentation, cache", layout=layout)
