"""``owaudit.guard``: audit a model inside a program, and read on only when the policy passes.

::

    import owaudit

    with owaudit.guard("models/encoder", policy="owaudit.toml") as model:
        weights = safetensors.torch.load(model.read("model.safetensors"))

Between an audit and a load a file can be replaced. What ``open`` and ``read`` hand over is checked once
more through the very descriptor that is returned, so it is what was audited or an error.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from owaudit.errors import UsageError, VerificationError
from owaudit.intake.hub_cache import PREFIX, locate
from owaudit.judge.packs import load_packs
from owaudit.judge.policy import read_policy
from owaudit.model.policy import Policy
from owaudit.model.report import Outcome, Report, Run
from owaudit.pipeline import collect, judged
from owaudit.provenance.locked import LockedFile, open_checked
from owaudit.render import RenderOptions, renderer_for


class NotPassed(VerificationError):
    """The policy does not pass what was audited. ``report`` says why."""

    def __init__(self, report: Report) -> None:
        super().__init__(renderer_for("text").render(report, RenderOptions(quiet=True)).strip())
        self.report = report


class Guarded:
    """A model that passed. Use it as a context, or call ``close``: both close what it opened.

    ``folder`` is the audited folder, or that of the audited file; ``paths`` are the files in it that
    can be opened, POSIX and relative.
    """

    def __init__(self, report: Report, folder: Path) -> None:
        self.report = report
        self.folder = folder
        self._digests = {
            artifact.path: digest.hex
            for artifact in report.artifacts
            for digest in artifact.digests
            if digest.algorithm == "sha256"
        }
        self._opened: list[LockedFile] = []

    @property
    def paths(self) -> tuple[str, ...]:
        """The files that were audited, in order."""
        return tuple(self._digests)

    def open(self, path: str) -> BinaryIO:
        """Open a file that was audited, at its start, when its bytes are still those.

        Raises:
            UsageError: the audit knows no such file.
            VerificationError: it is gone or another one now.
        """
        if path not in self._digests:
            raise UsageError(f"{path}: not among the files that were audited")
        # A cache keeps files behind links; the digest decides, not where the name leads.
        opened = open_checked(Path(os.path.realpath(self.folder / path)), path, self._digests[path])
        self._opened.append(opened)
        return opened.stream

    def read(self, path: str) -> bytes:
        """The bytes of a file that was audited. Raises like ``open``, and when they differ after all."""
        import hashlib

        with self.open(path) as stream:
            content = stream.read()
        if hashlib.sha256(content).hexdigest() != self._digests[path]:
            raise VerificationError(f"{path}: changed while it was read")
        return content

    def close(self) -> None:
        """Close every file that was opened here."""
        for opened in self._opened:
            with suppress(OSError):
                opened.stream.close()
        self._opened.clear()

    def __enter__(self) -> Guarded:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def guard(
    path: str | os.PathLike[str],
    *,
    policy: str | os.PathLike[str] | Policy | None = None,
    lock: str | os.PathLike[str] | None = None,
    records: Sequence[str | os.PathLike[str]] = (),
    rules: Sequence[str | os.PathLike[str]] = (),
    trusted_root: str | os.PathLike[str] | None = None,
    jobs: int = 1,
) -> Guarded:
    """Audit a file, a folder, or ``hf:org/name`` in the cache, and return it only when it passes.

    ``policy`` is a file or a value; without one the defaults hold, none is looked for. ``lock`` and
    ``records`` say what the bytes must be. Nothing is loaded, and no other scanner is asked.

    Raises:
        NotPassed: the verdict is fail or inconclusive.
        UsageError: the path, the policy or a record cannot be used.
    """
    name = os.fspath(path)
    target = locate(name, os.environ) if name.startswith(PREFIX) else Path(name)
    effective = (
        policy if isinstance(policy, Policy) else Policy() if policy is None else read_policy(Path(policy))
    )
    base = Path(policy).parent if policy is not None and not isinstance(policy, Policy) else Path()
    folders = [*(base / folder for folder in effective.packs.folders), *(Path(folder) for folder in rules)]
    packs = load_packs(folders, targets=(target,))
    missing = set(effective.packs.required) - {pack.used.name for pack in packs}
    if missing:
        raise UsageError(
            f"the policy requires the rule pack {min(missing)!r}, which is not installed or named"
        )
    given = [*(Path(record) for record in records), *((Path(lock),) if lock is not None else ())]
    evidence = collect((target,), limits=effective.limits, jobs=jobs, records=given)
    root = Path(trusted_root) if trusted_root is not None else None
    report = judged(evidence, effective, packs, run=Run(), trusted_root=root)
    if report.verdict.result is not Outcome.PASS:
        raise NotPassed(report)
    return Guarded(report, target if target.is_dir() else target.parent)
