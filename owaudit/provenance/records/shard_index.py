"""The index of a checkpoint in several files: which tensor lies in which file.

``*.safetensors.index.json`` and ``*.bin.index.json`` hold ``weight_map`` (tensor to file) and
``metadata.total_size`` in bytes. No digests: the index shows what is missing, not what was changed.

Source: transformers documentation, "Sharded checkpoints".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from owaudit.errors import FormatError
from owaudit.model.claim import Record
from owaudit.provenance.kinds import Found, RecordKind, Tree, json_object, malformed
from owaudit.provenance.names import statement

KIND_NAME = "shard-index"
_TITLE = "Index of weight files"


def is_named(path: str) -> bool:
    """Names such as ``model.safetensors.index.json``."""
    return path.endswith((".safetensors.index.json", ".bin.index.json"))


def parse(found: Found, _tree: Tree) -> Iterator[Record]:
    """Yield one record with a statement per file of the map."""
    try:
        value = json_object(found.content, "index")
        weights = value.get("weight_map")
        if not isinstance(weights, dict) or not all(isinstance(name, str) for name in weights.values()):
            raise FormatError("weight_map", expected="an object of file names", found=type(weights).__name__)
    except FormatError as error:
        yield malformed(found, KIND_NAME, _TITLE, error)
        return
    counts = Counter(weights.values())
    yield Record(
        path=found.path,
        kind=KIND_NAME,
        title=_TITLE,
        sha256=found.sha256,
        root=found.folder,
        statements=tuple(
            statement(found.folder, name, tensors=count) for name, count in sorted(counts.items())
        ),
        total=_total(value),
    )


def _total(value: dict[str, Any]) -> int:
    metadata = value.get("metadata")
    size = metadata.get("total_size") if isinstance(metadata, dict) else None
    if isinstance(size, float) and size.is_integer():
        size = int(size)
    return size if type(size) is int and 0 <= size < 2**63 else -1


KIND = RecordKind(
    kind=KIND_NAME, source="transformers documentation, sharded checkpoints", is_named=is_named, parse=parse
)
