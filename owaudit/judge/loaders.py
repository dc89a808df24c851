"""What each loader would do with each file, from the facts and the findings.

The loaders are tables (``rules/loaders/*.toml``). An answer says no more than is known: *runs
code* needs a powerful or unresolved name that is used, *loads inertly* needs that everything was
read and every name reviewed; the rest is *not known*.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from owaudit.judge.names import Judged
from owaudit.judge.rows import LoaderTable
from owaudit.judge.wording import cut
from owaudit.model.artifact import Artifact
from owaudit.model.coverage import Coverage, State
from owaudit.model.evidence import Evidence
from owaudit.model.observation import (
    LibraryAnswer,
    NameUsed,
    Observation,
    PersistentIdUsed,
    PickleStream,
    SpecViolation,
    UnresolvedUse,
    Use,
)
from owaudit.model.report import LoaderAnswer, Reaction

Verdict = tuple[Reaction, str]

_INLINE_ARRAYS = frozenset(
    {
        "joblib.numpy_pickle.NumpyArrayWrapper",
        "sklearn.externals.joblib.numpy_pickle.NumpyArrayWrapper",
    }
)

_UNUSUAL_ENDINGS = {
    "truncated": "the pickle ends before its STOP",
    "invalid": "the pickle breaks off at bytes that are no instruction",
}


@dataclass(slots=True)
class _Unit:
    """What is known of one file or member."""

    streams: list[PickleStream] = field(default_factory=list)
    names: list[NameUsed] = field(default_factory=list)
    unresolved: list[UnresolvedUse] = field(default_factory=list)
    persistent: list[PersistentIdUsed] = field(default_factory=list)
    judged: list[Judged] = field(default_factory=list)


def loader_answers(
    evidence: Evidence, judged: Sequence[Judged], loaders: Iterable[LoaderTable]
) -> tuple[LoaderAnswer, ...]:
    """Answer for every artifact and every loader that opens its format, sorted by path and loader."""
    facts = _Facts(evidence, judged)
    tables = sorted(loaders, key=lambda table: (table.loader, table.era))
    found = []
    for artifact in sorted(evidence.artifacts, key=lambda artifact: artifact.path):
        opening = [table for table in tables if set(table.formats) & set(artifact.formats)]
        answers = {
            table.loader: _answer(table, artifact, unit, facts)
            for table in opening
            for unit in facts.units_read(table, artifact)
        }
        calls = {table.loader: table.call for table in opening}
        for table in opening:
            answer = answers.get(table.loader)
            if answer is not None:
                safest = (table.instead, table.loader)
                safe = [calls[name] for name in safest if _is_inert(answers.get(name))]
                found.append(replace(answer, safe_call=safe[0] if safe else ""))
    return tuple(found)


def _is_inert(answer: LoaderAnswer | None) -> bool:
    return answer is not None and answer.reaction is Reaction.INERT


class _Facts:
    """The evidence by artifact and unit."""

    def __init__(self, evidence: Evidence, judged: Sequence[Judged]) -> None:
        self.units: dict[str, dict[tuple[str, ...], _Unit]] = defaultdict(lambda: defaultdict(_Unit))
        self.coverage: dict[str, list[Coverage]] = defaultdict(list)
        self.library: dict[str, list[LibraryAnswer]] = defaultdict(list)
        self.violations: dict[str, list[SpecViolation]] = defaultdict(list)
        for observation in evidence.observations:
            self._file(observation)
        for row in evidence.coverage:
            self.coverage[row.artifact].append(row)
        for item in judged:
            if item.match.observation is not None:
                place = item.match.observation.location
                self.units[place.artifact][place.members].judged.append(item)

    def _file(self, observation: Observation) -> None:
        place = observation.location
        if isinstance(observation, PickleStream):
            self.units[place.artifact][place.members].streams.append(observation)
        elif isinstance(observation, NameUsed):
            self.units[place.artifact][place.members].names.append(observation)
        elif isinstance(observation, UnresolvedUse):
            self.units[place.artifact][place.members].unresolved.append(observation)
        elif isinstance(observation, PersistentIdUsed):
            self.units[place.artifact][place.members].persistent.append(observation)
        elif isinstance(observation, LibraryAnswer):
            self.library[place.artifact].append(observation)
        elif isinstance(observation, SpecViolation):
            self.violations[place.artifact].append(observation)

    def units_read(self, table: LoaderTable, artifact: Artifact) -> list[tuple[str, ...]]:
        """The member that the loader unpickles; the file as a whole where it holds pickles itself."""
        if not table.member:
            return [()]
        units = self.units.get(artifact.path, {})
        found: list[tuple[str, ...]] = [
            members
            for members, unit in units.items()
            if unit.streams and len(members) == 1 and members[0].rpartition("/")[2] == table.member
        ]
        whole: list[tuple[str, ...]] = [()] if () in units and units[()].streams else []
        return sorted(found)[:1] or whole

    def pickles(self, artifact: str, members: tuple[str, ...]) -> _Unit:
        """The facts of a unit and of the units inside it, as one."""
        whole = _Unit()
        for key, unit in sorted(self.units.get(artifact, {}).items()):
            if key[: len(members)] == members:
                whole.streams += unit.streams
                whole.names += unit.names
                whole.unresolved += unit.unresolved
                whole.persistent += unit.persistent
                whole.judged += unit.judged
        return whole

    def is_read(self, artifact: str) -> bool:
        """Was the whole file read, members included?"""
        rows = self.coverage.get(artifact, [])
        return bool(rows) and all(row.state is State.READ for row in rows)


def _answer(table: LoaderTable, artifact: Artifact, members: tuple[str, ...], facts: _Facts) -> LoaderAnswer:
    unit = facts.pickles(artifact.path, members)
    is_read = facts.is_read(artifact.path)
    if table.kind == "inert":
        reaction, detail = _inert(table, artifact.path, facts)
    elif table.kind == "allow-list":
        reaction, detail = _allow_list(table, unit, is_read=is_read)
    elif table.kind == "arrays" and unit.streams:
        reaction, detail = Reaction.REFUSES, "The file holds a pickle, which this call does not read."
    else:
        reaction, detail = _unrestricted(unit, is_read=is_read)
        if table.kind == "pickle" and reaction is Reaction.INERT and _has_inline_arrays(unit):
            reaction = Reaction.REFUSES
            detail = "It meets the bytes of an array where it expects an instruction; joblib wrote this file."
    return LoaderAnswer(
        loader=table.loader,
        era=table.era,
        artifact=artifact.path,
        unit="!".join((artifact.path, *members)),
        reaction=reaction,
        detail=detail,
    )


def _unrestricted(unit: _Unit, *, is_read: bool) -> Verdict:
    running = [item for item in unit.judged if _runs(item)]
    if running:
        worst = min(running, key=lambda item: (-item.meta.severity.rank, _start(item), item.meta.id))
        return Reaction.RUNS, _sentence(worst.match.message)
    if unit.judged:
        first = min(unit.judged, key=lambda item: (-item.meta.severity.rank, _start(item), item.meta.id))
        return Reaction.UNKNOWN, _sentence(first.match.message)
    if not is_read:
        return Reaction.UNKNOWN, "The file was not read completely."
    if not unit.streams:
        return Reaction.INERT, "The file holds no pickle."
    return Reaction.INERT, "Every name that the pickle uses was reviewed."


def _has_inline_arrays(unit: _Unit) -> bool:
    """joblib writes arrays between the instructions, which only its own loader steps over."""
    return any(used.name in _INLINE_ARRAYS and used.use is Use.BUILD for used in unit.names)


def _runs(item: Judged) -> bool:
    if item.powerful:
        return item.use is not Use.REFERENCE
    return item.meta.leaves_open is False or isinstance(item.match.observation, UnresolvedUse)


def _start(item: Judged) -> int:
    observation = item.match.observation
    return (observation.location.start or 0) if observation is not None else 0


def _allow_list(table: LoaderTable, unit: _Unit, *, is_read: bool) -> Verdict:
    for stream in unit.streams:
        strange = sorted(set(stream.opcodes) - table.opcodes)
        if strange:
            return Reaction.REFUSES, f"It does not know the instruction {strange[0]}."
    outside = sorted({use.name for use in unit.names} - table.names)
    if outside:
        return Reaction.REFUSES, f"{cut(outside[0])} is not on its list of names."
    for used in unit.persistent:
        if used.shape != "storage":
            return Reaction.REFUSES, "It takes persistent identifiers of storages only."
    for stream in unit.streams:
        if stream.ending in _UNUSUAL_ENDINGS:
            return Reaction.REFUSES, f"It stops with an error: {_UNUSUAL_ENDINGS[stream.ending]}."
    altered = any(use.use is Use.ALTER for use in unit.names)
    if not is_read or not unit.streams or unit.unresolved or altered:
        return Reaction.UNKNOWN, "Not enough is known of the file to say."
    return Reaction.INERT, "Every name and every instruction is on its list."


def _inert(table: LoaderTable, artifact: str, facts: _Facts) -> Verdict:
    answers = [answer for answer in facts.library.get(artifact, ()) if answer.library == table.library]
    refusals = [answer for answer in answers if not answer.accepts]
    if refusals:
        reason = cut(refusals[0].message) or "no reason given"
        return Reaction.REFUSES, f"The library refuses it: {_sentence(reason)}"
    if answers:
        return Reaction.INERT, "The library accepts the header; the rest is numbers."
    if any(not violation.tolerated for violation in facts.violations.get(artifact, ())):
        return Reaction.UNKNOWN, "The file breaks its format; the library was not asked."
    if not facts.is_read(artifact):
        return Reaction.UNKNOWN, "The file was not read completely."
    return Reaction.INERT, "The format holds numbers and names only."


def _sentence(text: str) -> str:
    return text if text.endswith((".", "…")) else text + "."
