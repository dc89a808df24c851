"""Where the Hugging Face client keeps a repository, found by its name without the network.

Source: huggingface_hub documentation, "Environment variables" and "Manage your cache".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from owaudit.errors import UsageError

PREFIX = "hf:"
_NAME = re.compile(
    r"(?:(?P<kind>models|datasets|spaces)/)?(?P<name>(?:[\w.-]+/)?[\w.-]+)(?:@(?P<revision>[\w./-]+))?\Z"
)
_COMMIT = re.compile(r"[0-9a-f]{40}\Z")


def cache_folder(environment: Mapping[str, str]) -> Path:
    """The folder of the cache, from the variables that the client reads."""
    for variable in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        if environment.get(variable):
            return Path(environment[variable])
    if environment.get("HF_HOME"):
        return Path(environment["HF_HOME"]) / "hub"
    base = environment.get("XDG_CACHE_HOME")
    folder = Path(base) if base else Path(environment.get("HOME", "~")).expanduser() / ".cache"
    return folder / "huggingface" / "hub"


def locate(target: str, environment: Mapping[str, str]) -> Path:
    """The snapshot of ``hf:org/name`` or ``hf:org/name@revision`` in the cache.

    Raises:
        UsageError: not such a name, or the cache does not hold it.
    """
    match = _NAME.match(target.removeprefix(PREFIX))
    if match is None or ".." in target:
        raise UsageError(f"{target}: expected hf:org/name or hf:org/name@revision")
    folder = cache_folder(environment) / f"{match['kind'] or 'models'}--{match['name'].replace('/', '--')}"
    if not folder.is_dir():
        raise UsageError(f"{target}: not in the cache of the Hugging Face client")
    revision = match["revision"] or "main"
    if not _COMMIT.match(revision):
        try:
            with (folder / "refs" / revision).open("rb") as stream:
                commit = stream.read(64).decode("ascii", "replace").strip()
        except OSError as error:
            raise UsageError(f"{target}: the cache has no reference {revision!r}") from error
        if not _COMMIT.match(commit):
            raise UsageError(f"{target}: the reference {revision!r} holds no commit")
        revision = commit
    snapshot = folder / "snapshots" / revision
    if not snapshot.is_dir():
        raise UsageError(f"{target}: the cache has no snapshot {revision}")
    return snapshot
