"""``MLmodel`` of MLflow: a description without digests.

Its ``signature`` is the schema of inputs and outputs and no signature in the sense of this program,
which is said so that nobody takes it for one.

Source: MLflow documentation, "MLflow Models".
"""

from __future__ import annotations

from collections.abc import Iterator

from owaudit.model.claim import Record
from owaudit.provenance.kinds import Found, RecordKind, Tree

KIND_NAME = "mlflow"


def is_named(path: str) -> bool:
    """Files called ``MLmodel``."""
    return path.rpartition("/")[2] == "MLmodel"


def parse(found: Found, _tree: Tree) -> Iterator[Record]:
    """Yield a record that states nothing."""
    if b"flavors:" in found.content[:65_536]:
        yield Record(
            path=found.path,
            kind=KIND_NAME,
            title="MLflow model description",
            sha256=found.sha256,
            root=found.folder,
            problem="no-digests",
            detail="MLflow writes no digest of the model files; its signature is the schema of inputs and "
            "outputs",
        )


KIND = RecordKind(kind=KIND_NAME, source="MLflow documentation, models", is_named=is_named, parse=parse)
