"""Evidence for judge tests, built by hand: one place that knows the usual fields."""

from __future__ import annotations

from collections.abc import Sequence

from owaudit.model.artifact import Artifact, Digest, Format
from owaudit.model.coverage import Coverage, State
from owaudit.model.evidence import Diagnostic, Evidence, Target
from owaudit.model.location import Location
from owaudit.model.observation import NameUsed, Observation, Slot, Use

ZEROS = Digest("sha256", "0" * 64)


def place(artifact: str = "a.pkl", *members: str, start: int | None = 3, end: int | None = 9) -> Location:
    """A place in ``artifact``."""
    return Location(artifact=artifact, members=members, start=start, end=end)


def used(
    name: str,
    use: Use = Use.CALL,
    *,
    at: Location | None = None,
    arity: int = -1,
    slots: tuple[Slot, ...] = (),
    example: str = "",
    spellings: tuple[str, ...] = (),
    count: int = 1,
) -> NameUsed:
    """A use of a name, by default a call in ``a.pkl``."""
    return NameUsed(
        locations=(at or place(),),
        name=name,
        use=use,
        arity=arity,
        slots=slots,
        example=example,
        spellings=spellings,
        count=count,
    )


def read(artifact: str, *members: str, size: int = 10) -> Coverage:
    """Coverage of something that was read to its end."""
    return Coverage(artifact=artifact, members=members, state=State.READ, size=size, parsed=size)


def evidence(
    *observations: Observation,
    artifacts: Sequence[Artifact] | None = None,
    coverage: Sequence[Coverage] | None = None,
    diagnostics: tuple[Diagnostic, ...] = (),
) -> Evidence:
    """Evidence of one pickle file that was read, unless told otherwise."""
    files = tuple(artifacts) if artifacts is not None else (pickle_file(),)
    rows = coverage if coverage is not None else [read(file.path, size=file.size) for file in files]
    return Evidence(
        reader_version="1",
        target=Target(name="target", files=len(files), size=sum(file.size for file in files)),
        artifacts=files,
        observations=observations,
        coverage=tuple(rows),
        diagnostics=diagnostics,
    )


def pickle_file(path: str = "a.pkl", form: str = "pickle") -> Artifact:
    """One file of ten bytes."""
    return Artifact(path=path, size=10, digests=(ZEROS,), formats=(Format(form),))
