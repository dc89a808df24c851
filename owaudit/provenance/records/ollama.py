"""The store of Ollama: ``manifests/<host>/<namespace>/<model>/<tag>`` and ``blobs/sha256-<hex>``.

A manifest names its configuration and layers by digest and size; a blob is named by its digest.

Source: Docker image manifest version 2, schema 2; Ollama documentation, "Import".
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from owaudit.errors import FormatError
from owaudit.model.claim import Record, Source, Statement
from owaudit.provenance.kinds import Found, RecordKind, Tree, json_object, malformed
from owaudit.provenance.names import joined

KIND_NAME = "ollama"
_MANIFEST = re.compile(r"(?:(?P<root>.*)/)?manifests/(?P<name>[^/]+/[^/]+/[^/]+/[^/]+)\Z")
_BLOB = re.compile(r"(?:(?P<root>.*)/)?blobs/sha256-(?P<hex>[0-9a-f]{64})\Z")
_DIGEST = re.compile(r"sha256:([0-9a-f]{64})\Z")
_TITLE = "Ollama manifest"


def is_named(path: str) -> bool:
    """Files four levels below ``manifests``."""
    return _MANIFEST.match(path) is not None


def parse(found: Found, _tree: Tree) -> Iterator[Record]:
    """Yield the record of a manifest: configuration and layers as statements about blobs."""
    place = _MANIFEST.match(found.path)
    if place is None or not found.content.lstrip().startswith(b"{"):
        return
    root = place["root"] or ""
    try:
        value = json_object(found.content, "manifest")
        if "layers" not in value:
            return
        statements = tuple(_stated(root, item) for item in [value.get("config"), *_layers(value)])
    except FormatError as error:
        yield malformed(found, KIND_NAME, _TITLE, error)
        return
    yield Record(
        path=found.path,
        kind=KIND_NAME,
        title=f"{_TITLE} of {place['name']}",
        source=Source.DOWNLOAD,
        sha256=found.sha256,
        root=root,
        statements=tuple({item.path: item for item in statements}.values()),
    )


def _layers(value: dict[str, Any]) -> list[Any]:
    layers = value["layers"]
    if not isinstance(layers, list):
        raise FormatError("layers", expected="a list", found=type(layers).__name__)
    return layers


def _stated(root: str, descriptor: Any) -> Statement:
    digest = descriptor.get("digest") if isinstance(descriptor, dict) else None
    match = _DIGEST.match(digest) if isinstance(digest, str) else None
    if match is None:
        raise FormatError("descriptor", expected="a sha256 digest", found=repr(digest)[:80])
    size = descriptor.get("size")
    return Statement(
        path=joined(root, f"blobs/sha256-{match[1]}"),
        algorithm="sha256",
        digest=match[1],
        size=size if type(size) is int and 0 <= size < 2**63 else -1,
    )


def layout(tree: Tree) -> Iterator[Record]:
    """Yield one record per folder of blobs: each name states its digest."""
    folders: dict[str, list[Statement]] = defaultdict(list)
    for path in tree.files:
        match = _BLOB.match(path)
        if match is not None:
            folders[match["root"] or ""].append(Statement(path=path, algorithm="sha256", digest=match["hex"]))
    for root, statements in sorted(folders.items()):
        yield Record(
            path=joined(root, "blobs"),
            kind=KIND_NAME,
            title="Names of Ollama blobs",
            source=Source.DOWNLOAD,
            root=root,
            statements=tuple(sorted(statements, key=lambda item: item.path)),
        )


KIND = RecordKind(
    kind=KIND_NAME, source="Docker image manifest v2.2", is_named=is_named, parse=parse, layout=layout
)
