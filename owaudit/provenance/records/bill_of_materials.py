"""Hashes in bills of materials: CycloneDX, SPDX 2 and SPDX 3, all in JSON.

Only statements about files are read: CycloneDX components whose name or external reference is a
relative path, SPDX files with checksums. What names no file of the target says nothing about it.

Source: CycloneDX 1.6, "components" and "hashes"; SPDX 2.3, clauses 8.1 and 8.4; SPDX 3.0, "Hash".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from owaudit.errors import FormatError
from owaudit.model.claim import Record, Statement
from owaudit.provenance.kinds import (
    MOST_STATEMENTS,
    Found,
    RecordKind,
    Tree,
    algorithm_name,
    digest_problem,
    json_object,
    malformed,
)
from owaudit.provenance.names import statement, without_clashes

KIND_NAME = "bill-of-materials"
_ENDS = (".cdx.json", ".spdx.json", ".spdx3.json", ".bom.json", ".sbom.json")
_NAMES = {"bom.json", "sbom.json", "aibom.json", "ml-bom.json"}
_DEEPEST = 32

_Stated = tuple[str, str, str]


def is_named(path: str) -> bool:
    """Names such as ``bom.json`` and ``model.cdx.json``."""
    name = path.rpartition("/")[2].lower()
    return name in _NAMES or name.endswith(_ENDS)


def parse(found: Found, _tree: Tree) -> Iterator[Record]:
    """Yield one record with the hashes of files that the document names."""
    try:
        value = json_object(found.content, "bill of materials")
    except FormatError as error:
        yield malformed(found, KIND_NAME, "Bill of materials", error)
        return
    if value.get("bomFormat") == "CycloneDX":
        title, stated = "CycloneDX bill of materials", list(_cyclonedx(value, 0))
    elif "spdxVersion" in value:
        title, stated = "SPDX 2 document", list(_spdx2(value))
    elif isinstance(value.get("@graph"), list):
        title, stated = "SPDX 3 document", list(_spdx3(value["@graph"]))
    else:
        return
    statements = [
        _statement(found, *item) for item in stated[:MOST_STATEMENTS] if not digest_problem(item[1], item[2])
    ]
    yield Record(
        path=found.path,
        kind=KIND_NAME,
        title=title,
        sha256=found.sha256,
        root=found.folder,
        statements=without_clashes(statements),
        problem="" if statements else "no-digests",
        detail="" if statements else "it states no digest of a file",
    )


def _statement(found: Found, name: str, algorithm: str, digest: str) -> Statement:
    return statement(found.folder, name.removeprefix("./"), algorithm=algorithm, digest=digest)


def _items(value: Any, key: str) -> list[dict[str, Any]]:
    items = value.get(key) if isinstance(value, dict) else None
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _hashes(value: Any, key: str, algorithm: str, digest: str) -> Iterator[tuple[str, str]]:
    for item in _items(value, key):
        name, content = item.get(algorithm), item.get(digest)
        if isinstance(name, str) and isinstance(content, str):
            yield algorithm_name(name), content.lower()


def _cyclonedx(value: Any, depth: int) -> Iterator[_Stated]:
    if depth > _DEEPEST:
        return
    metadata = value.get("metadata")
    inner = metadata.get("component") if isinstance(metadata, dict) else None
    for component in [*_items(value, "components"), *([inner] if isinstance(inner, dict) else [])]:
        name = component.get("name")
        if isinstance(name, str) and component.get("type") == "file":
            for algorithm, digest in _hashes(component, "hashes", "alg", "content"):
                yield name, algorithm, digest
        for reference in _items(component, "externalReferences"):
            url = reference.get("url")
            if isinstance(url, str) and "://" not in url and not url.startswith("urn:"):
                for algorithm, digest in _hashes(reference, "hashes", "alg", "content"):
                    yield url.removeprefix("file:"), algorithm, digest
        yield from _cyclonedx(component, depth + 1)


def _spdx2(value: dict[str, Any]) -> Iterator[_Stated]:
    for file in _items(value, "files"):
        name = file.get("fileName")
        if isinstance(name, str):
            for algorithm, digest in _hashes(file, "checksums", "algorithm", "checksumValue"):
                yield name, algorithm, digest


def _spdx3(graph: list[Any]) -> Iterator[_Stated]:
    for element in graph:
        if isinstance(element, dict) and element.get("type") == "software_File":
            name = element.get("name")
            if isinstance(name, str):
                for algorithm, digest in _hashes(element, "verifiedUsing", "algorithm", "hashValue"):
                    yield name, algorithm, digest


KIND = RecordKind(kind=KIND_NAME, source="CycloneDX 1.6; SPDX 2.3 and 3.0", is_named=is_named, parse=parse)
