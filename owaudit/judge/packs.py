"""Rule packs: where they come from, what they hold, and which digest stands for them.

A pack is a folder. Its ``**/*.toml`` files are tables (``judge.rows`` says which), except below
``frameworks``, which the controls read; its top-level ``*.py`` files hold ``RULE`` or ``RULES``;
files whose name starts with ``_`` are not rules. Three sources:

* the folder ``rules`` that ships with owaudit;
* installed distributions: each entry point of the group ``owaudit.rules`` names a package
  (``acme = "acme_rules"``, no attribute); the folder of that package is the pack. The package
  itself is not imported, its rule modules are. Places inside a scanned target are not searched,
  except the site-packages that owaudit itself may run from;
* ``--rules DIR``, refused when it lies inside a scanned target or contains one.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import site
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from owaudit.errors import UsageError
from owaudit.judge.rows import (
    NAMES_KIND,
    LoaderTable,
    Outcome,
    PowerfulTable,
    ReviewedRow,
    Row,
    check_meta,
    read_loader,
    read_modules,
    read_outcomes,
    read_powerful,
    read_reviewed_list,
    read_row,
)
from owaudit.judge.sheets import Sheet, cut
from owaudit.judge.strict import Section, parse
from owaudit.judge.tables import TableRule, read_table
from owaudit.model.artifact import Digest
from owaudit.model.report import PackUsed
from owaudit.model.rule import PythonRule, RuleMeta
from owaudit.shipped import load_module, shipped

ENTRY_POINTS = "owaudit.rules"
BUILT_IN = "built-in"
"""The source of the pack that ships; its lists are held by tests, so its rows are read when needed."""

_LOAD_ERRORS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    ImportError,
    LookupError,
    NameError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
)
"""What the top level of a wrong rule module may raise: a fault of the pack, not of owaudit."""

_TABLE_KINDS = ("outcomes", "modules", "loader")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """Everything that one folder of rules says. ``used`` is its line in the report."""

    used: PackUsed
    rules: tuple[PythonRule, ...] = ()
    tables: tuple[TableRule, ...] = ()
    powerful: tuple[PowerfulTable, ...] = ()
    reviewed: tuple[Sheet[ReviewedRow], ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    modules: frozenset[str] = frozenset()
    loaders: tuple[LoaderTable, ...] = ()
    frameworks: tuple[tuple[str, bytes], ...] = ()
    """Name and bytes of each file below ``frameworks``, parsed when a framework is asked for."""

    def metas(self) -> tuple[RuleMeta, ...]:
        """The metadata of every rule of the pack, sorted by id."""
        found = [rule.meta for rule in self.rules]
        for table in self.tables:
            found += [table.meta] if table.deny else []
            found += [table.otherwise] if table.otherwise else []
        found += [table.meta for table in self.powerful]
        found += [outcome.meta for outcome in self.outcomes]
        return tuple(sorted(found, key=lambda meta: meta.id))


def load_packs(
    directories: Sequence[Path] = (),
    *,
    targets: Sequence[Path] = (),
    builtin: Path | None = None,
    installed: bool = True,
) -> tuple[Pack, ...]:
    """Load the built-in pack, those of installed distributions and those of ``--rules``.

    ``targets`` are the scanned paths, empty when stored evidence is judged. ``builtin`` replaces
    the shipped folder.

    Raises:
        UsageError: a pack is empty, wrong, stands in a target, or repeats the id of another.
    """
    from owaudit import __version__

    packs = [_load(builtin or shipped("rules"), name="owaudit", source=BUILT_IN, version=__version__)]
    if installed:
        for name, version, folder in _installed(targets):
            packs.append(_load(folder, name=name, source="installed", version=version))
    for directory in directories:
        folder = _outside(directory, targets)
        packs.append(_load(folder, name=folder.name, source="--rules", version="", targets=targets))
    _refuse_repeated_ids(packs)
    return tuple(packs)


def outcome_of(packs: Sequence[Pack], role: str) -> RuleMeta:
    """The metadata of what the engine itself reports in this role.

    Raises:
        UsageError: no pack describes it.
    """
    for pack in packs:
        for outcome in pack.outcomes:
            if outcome.role == role:
                return outcome.meta
    raise UsageError(f"no rule pack describes the outcome {role!r}")


def _refuse_repeated_ids(packs: Sequence[Pack]) -> None:
    owners: dict[str, str] = {}
    for pack in packs:
        for meta in pack.metas():
            if meta.id in owners:
                raise UsageError(
                    f"rule pack {pack.used.name}: the id {meta.id} ({meta.name}) "
                    f"is taken in rule pack {owners[meta.id]}"
                )
            owners[meta.id] = pack.used.name


def _outside(directory: Path, targets: Sequence[Path]) -> Path:
    """Resolve a directory of rules, or refuse it because of a target."""
    try:
        folder = directory.resolve(strict=True)
    except OSError as error:
        raise UsageError(f"--rules {directory}: {error.strerror or error}") from error
    if not folder.is_dir():
        raise UsageError(f"--rules {directory}: not a directory")
    for target in targets:
        scanned = target.resolve()
        if folder.is_relative_to(scanned) or scanned.is_relative_to(folder):
            raise UsageError(
                f"--rules {directory}: overlaps the scanned target {target}; "
                "rules never come from what is audited"
            )
    return folder


def _installed(targets: Sequence[Path]) -> Iterator[tuple[str, str, Path]]:
    """Yield name, version and folder of every installed pack, sorted by name."""
    import importlib.metadata

    paths = _trusted_paths(targets)
    found: dict[str, tuple[str, str]] = {}
    for distribution in importlib.metadata.distributions(path=paths):
        for entry in distribution.entry_points.select(group=ENTRY_POINTS):
            found.setdefault(entry.name, (distribution.version, entry.value))
    for name, (version, value) in sorted(found.items()):
        yield name, version, _package_folder(name, value, paths)


def _trusted_paths(targets: Sequence[Path]) -> list[str]:
    own = {Path(folder).resolve() for folder in site.getsitepackages()}
    scanned = [target.resolve() for target in targets]
    found = []
    for entry in sys.path:
        folder = Path(entry).resolve()
        if folder in own or not any(folder.is_relative_to(target) for target in scanned):
            found.append(str(folder))
    return found


def _package_folder(name: str, value: str, paths: Sequence[str]) -> Path:
    parts = value.strip().split(".")
    if all(part.isidentifier() for part in parts):
        for path in paths:
            folder = Path(path, *parts)
            if folder.is_dir():
                return folder
    raise UsageError(
        f"entry point {name} of {ENTRY_POINTS}: expected the name of an installed package, found {value!r}"
    )


def _load(folder: Path, *, name: str, source: str, version: str, targets: Sequence[Path] = ()) -> Pack:
    files = _files(folder, targets)
    lines = "".join(f"{hashlib.sha256(raw).hexdigest()}  {path}\n" for path, raw in files)
    rules: list[PythonRule] = []
    tables = _Tables(whole=source != BUILT_IN)
    frameworks: list[tuple[str, bytes]] = []
    for path, raw in files:
        where = f"{name}/{path}"
        if path.endswith(".toml"):
            if "frameworks" in path.split("/")[:-1]:
                frameworks.append((where, raw))
            else:
                tables.read(raw, where)
        elif "/" not in path and not path.startswith("_"):
            rules += _python_rules(folder / path, raw, where)
    pack = Pack(
        used=PackUsed(
            name=name,
            source=source,
            version=version,
            rules=0,
            digest=Digest("sha256", hashlib.sha256(lines.encode()).hexdigest()),
        ),
        rules=tuple(rules),
        tables=tuple(tables.generic),
        powerful=tuple(tables.powerful),
        reviewed=tuple(tables.reviewed),
        outcomes=tuple(tables.outcomes),
        modules=frozenset(tables.modules),
        loaders=tuple(tables.loaders),
        frameworks=tuple(frameworks),
    )
    return _counted(pack)


def _counted(pack: Pack) -> Pack:
    count = len(pack.metas())
    if not count and not pack.reviewed and not pack.loaders and not pack.modules and not pack.frameworks:
        raise UsageError(f"rule pack {pack.used.name}: holds no rules")
    ids = [meta.id for meta in pack.metas()]
    for first, second in itertools.pairwise(ids):
        if first == second:
            raise UsageError(f"rule pack {pack.used.name}: the id {first} is used twice")
    return replace(pack, used=replace(pack.used, rules=count))


def _files(folder: Path, targets: Sequence[Path]) -> list[tuple[str, bytes]]:
    """Read every table and module below a folder, sorted by relative POSIX path."""
    found = []
    scanned = [target.resolve() for target in targets]
    for parent, folders, names in os.walk(folder):
        folders[:] = [f for f in folders if f != "__pycache__" and not f.startswith(".")]
        for name in names:
            if not name.endswith((".toml", ".py")) or name.startswith("."):
                continue
            path = Path(parent, name)
            real = path.resolve()
            if any(real.is_relative_to(target) for target in scanned):
                raise UsageError(f"{path.relative_to(folder).as_posix()}: leads into a scanned target")
            try:
                found.append((path.relative_to(folder).as_posix(), path.read_bytes()))
            except OSError as error:
                raise UsageError(f"rule pack {folder.name}: {name}: {error.strerror or error}") from error
    return sorted(found)


class _Tables:
    """What the TOML files of one pack say, by kind of table; ``whole`` reads every row at once."""

    def __init__(self, *, whole: bool) -> None:
        self._whole = whole
        self.generic: list[TableRule] = []
        self.powerful: list[PowerfulTable] = []
        self.reviewed: list[Sheet[ReviewedRow]] = []
        self.outcomes: list[Outcome] = []
        self.modules: set[str] = set()
        self.loaders: list[LoaderTable] = []

    def read(self, raw: bytes, file: str) -> None:
        """Read one file. Raises UsageError."""
        if self._whole:
            parse(raw, file)  # tells syntax errors with the line in the file
        head, blocks = cut(raw)
        section = parse(head, file)
        if "reviewed" in section:
            self.reviewed.append(read_reviewed_list(section, blocks))
        elif "table" in section:
            self._read_kind(section.choice("table", _TABLE_KINDS), section)
        elif "on" not in section:
            raise section.error("", "expected one of the keys 'on', 'reviewed' and 'table'")
        elif section.text("on") == NAMES_KIND and "field" not in section:
            self.powerful.append(read_powerful(section, Sheet(file, "deny", blocks, read_row)))
        else:
            self.generic.append(read_table(parse(raw, file)))
        if self._whole:
            for table in self.powerful[-1:]:
                _check_rows(table.deny)
            for sheet in self.reviewed[-1:]:
                _check_rows(sheet)

    def _read_kind(self, kind: str, section: Section) -> None:
        if kind == "outcomes":
            self.outcomes += read_outcomes(section)
        elif kind == "modules":
            self.modules |= read_modules(section)
        else:
            self.loaders.append(read_loader(section))


def _check_rows(sheet: Sheet[Row] | Sheet[ReviewedRow]) -> None:
    """Parse every row, and refuse names that cannot be found by their text. Raises UsageError."""
    written = {text for _, text in sheet.strings()}
    for row in sheet.rows():
        for entry in row.match:
            if entry not in written:
                raise UsageError(f"{row.file}: {row.place}: write {entry!r} on one line and without escapes")


def _python_rules(path: Path, raw: bytes, where: str) -> Iterator[PythonRule]:
    # The digest in the name keeps packs with equal file names apart.
    module_name = f"owaudit_rules_{hashlib.sha256(raw).hexdigest()[:16]}_{path.stem}"
    try:
        module = load_module(path, module_name)
    except _LOAD_ERRORS as error:
        raise UsageError(f"{where}: cannot be loaded: {type(error).__name__}: {error}") from error
    rules = getattr(module, "RULES", None) or (getattr(module, "RULE", None),)
    if not isinstance(rules, tuple) or not all(isinstance(rule, PythonRule) for rule in rules):
        raise UsageError(f"{where}: expected RULE = PythonRule(...) or RULES = (PythonRule(...), ...)")
    for rule in rules:
        check_meta(rule.meta, where)
        yield rule
