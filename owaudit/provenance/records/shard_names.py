"""Sets of files that number themselves: ``model-00001-of-00003.safetensors`` and GGUF splits.

Source: transformers documentation, "Sharded checkpoints"; llama.cpp, gguf-split.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from owaudit.model.claim import Record, Statement
from owaudit.provenance.kinds import RecordKind, Tree
from owaudit.provenance.names import joined

KIND_NAME = "shard-names"
_SHARD = re.compile(
    r"(?P<stem>.+)-(?P<index>[0-9]{5})-of-(?P<total>[0-9]{5})(?P<suffix>\.(?:safetensors|bin|gguf|pt|pth))\Z"
)
_MOST = 10_000


def layout(tree: Tree) -> Iterator[Record]:
    """Yield one record per set, with a statement for each file that the numbering promises."""
    sets: dict[tuple[str, str, str], set[int]] = defaultdict(set)
    for path in tree.files:
        folder, _, name = path.rpartition("/")
        match = _SHARD.match(name)
        if match is not None:
            sets[folder, match["stem"], match["suffix"]].add(int(match["total"]))
    for (folder, stem, suffix), totals in sorted(sets.items()):
        total = max(totals)
        if not 0 < total <= _MOST:
            continue
        names = [f"{stem}-{index:05}-of-{total:05}{suffix}" for index in range(1, total + 1)]
        yield Record(
            path=joined(folder, f"{stem}-*-of-{total:05}{suffix}"),
            kind=KIND_NAME,
            title=f"Numbered set of {total} files",
            root=folder,
            statements=tuple(Statement(path=joined(folder, name)) for name in names),
            problem="mixed-totals" if len(totals) > 1 else "",
            detail=f"files number themselves of {', '.join(str(t) for t in sorted(totals))}"
            if len(totals) > 1
            else "",
        )


KIND = RecordKind(kind=KIND_NAME, source="transformers documentation; llama.cpp gguf-split", layout=layout)
