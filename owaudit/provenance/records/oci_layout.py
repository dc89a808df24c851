"""A folder in the OCI image layout, as ModelPack, KitOps and ORAS store models.

``index.json`` names manifests by digest and size, these name a configuration and layers; every one
lies at ``blobs/<algorithm>/<hex>``. An annotation says which file a layer becomes, and may lie.

Source: OCI image specification 1.1, "Image Layout" and "Descriptor"; CNCF ModelPack.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from owaudit.errors import FormatError
from owaudit.model.claim import Record, Source, Statement
from owaudit.provenance.kinds import MOST_STATEMENTS, Found, RecordKind, Tree, json_object, malformed
from owaudit.provenance.names import joined, problem_of

KIND_NAME = "oci-layout"
_TITLE = "OCI image layout"
_DIGEST = re.compile(r"(sha256|sha512):([0-9a-f]{64}|[0-9a-f]{128})\Z")
_NAMES = ("org.cncf.model.filepath", "org.opencontainers.image.title")
_DEEPEST = 8


def is_named(path: str) -> bool:
    """The index of a layout."""
    return path.rpartition("/")[2] == "index.json"


def parse(found: Found, tree: Tree) -> Iterator[Record]:
    """Yield one record: every descriptor from the index down."""
    if joined(found.folder, "oci-layout") not in tree.files:
        return
    try:
        statements = tuple(_walk(found, tree))
    except FormatError as error:
        yield malformed(found, KIND_NAME, _TITLE, error)
        return
    yield Record(
        path=found.path,
        kind=KIND_NAME,
        title=_TITLE,
        source=Source.DOWNLOAD,
        sha256=found.sha256,
        root=found.folder,
        statements=statements,
    )


def _walk(found: Found, tree: Tree) -> Iterator[Statement]:
    todo: list[tuple[bytes, int]] = [(found.content, 0)]
    seen: set[str] = set()
    while todo:
        content, depth = todo.pop()
        value = json_object(content, "manifest")
        for descriptor in _descriptors(value):
            stated = _stated(found.folder, descriptor)
            name = _file_name(descriptor)
            if name and problem_of(name):
                yield Statement(path=name[:400], problem=problem_of(name))
            if stated.path in seen:
                continue
            seen.add(stated.path)
            yield stated
            if len(seen) > MOST_STATEMENTS or depth > _DEEPEST:
                raise FormatError("layout", expected="fewer descriptors", found="more than are read")
            if str(descriptor.get("mediaType", "")).endswith(("manifest.v1+json", "index.v1+json")):
                inner = tree.read(stated.path)
                if inner is not None:
                    todo.append((inner, depth + 1))


def _descriptors(value: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for key in ("manifests", "layers", "blobs"):
        items = value.get(key, [])
        if not isinstance(items, list):
            raise FormatError(key, expected="a list", found=type(items).__name__)
        for item in items:
            if not isinstance(item, dict):
                raise FormatError(key, expected="descriptors", found=type(item).__name__)
            yield item
    config = value.get("config")
    if isinstance(config, dict) and "digest" in config:
        yield config


def _file_name(descriptor: dict[str, Any]) -> str:
    annotations = descriptor.get("annotations")
    if not isinstance(annotations, dict):
        return ""
    return next((name for key in _NAMES if isinstance(name := annotations.get(key), str)), "")


def _stated(folder: str, descriptor: dict[str, Any]) -> Statement:
    match = _DIGEST.match(str(descriptor.get("digest")))
    if match is None:
        raise FormatError("descriptor", expected="a digest", found=repr(descriptor.get("digest"))[:80])
    size = descriptor.get("size")
    return Statement(
        path=joined(folder, f"blobs/{match[1]}/{match[2]}"),
        algorithm=match[1],
        digest=match[2],
        size=size if type(size) is int and 0 <= size < 2**63 else -1,
    )


KIND = RecordKind(kind=KIND_NAME, source="OCI image specification 1.1", is_named=is_named, parse=parse)
