"""What the check of signatures starts from: a moment, a trusted root, and who may sign.

The trusted root is the one that ships inside the sigstore package, or a file that the user named;
never a cache in the home folder, and never a file of the target.

Source: sigstore-python 4.5.1, the folder ``_store``; Sigstore protobuf-specs, trusted root.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from pathlib import Path

from owaudit.errors import UsageError, VerificationError

PRODUCTION = "https%3A%2F%2Ftuf-repo-cdn.sigstore.dev"
STAGING = "https%3A%2F%2Ftuf-repo-cdn.sigstage.dev"
_LARGEST = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class TrustedRootFile:
    """The bytes of a Sigstore trusted root and where they came from: ``embedded`` or ``file``."""

    content: bytes
    origin: str

    @property
    def sha256(self) -> str:
        """SHA-256 in hex."""
        return hashlib.sha256(self.content).hexdigest()

    def newest(self) -> str:
        """The latest start of validity that it states, as written; empty where it states none."""
        found: list[str] = []
        todo: list[object] = [json.loads(self.content)]
        while todo:
            value = todo.pop()
            if isinstance(value, dict):
                valid = value.get("validFor")
                if isinstance(valid, dict) and isinstance(valid.get("start"), str):
                    found.append(valid["start"])
                todo.extend(value.values())
            elif isinstance(value, list):
                todo.extend(value)
        return max(found, default="")


@dataclass(frozen=True, slots=True)
class Trust:
    """``moment`` is when the check is made (in UTC); ``root_file`` is None for the embedded root of
    the Sigstore ``instance``."""

    moment: datetime
    root_file: Path | None = None
    instance: str = PRODUCTION

    def trusted_root(self) -> TrustedRootFile:
        """The trusted root to use.

        Raises:
            UsageError: the file cannot be read.
            VerificationError: the installation carries none.
        """
        return embedded_root(self.instance) if self.root_file is None else read_root(self.root_file)


def embedded_root(instance: str = PRODUCTION) -> TrustedRootFile:
    """The root of an instance inside the sigstore package, read from there and from nowhere else."""
    try:
        place = resources.files("sigstore") / "_store" / instance / "trusted_root.json"
        return TrustedRootFile(place.read_bytes(), "embedded")
    except (ModuleNotFoundError, OSError) as error:
        raise VerificationError(f"the installed sigstore carries no trusted root: {error}") from error


def read_root(path: Path) -> TrustedRootFile:
    """A trusted root in a file of the user.

    Raises:
        UsageError: it cannot be read, is too long, or is no JSON object.
    """
    try:
        with path.open("rb") as stream:
            content = stream.read(_LARGEST + 1)
        value = json.loads(content) if len(content) <= _LARGEST else None
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"trusted root {path.name}: {error}") from error
    if not isinstance(value, dict):
        raise UsageError(f"trusted root {path.name}: expected a JSON object")
    return TrustedRootFile(content, "file")
