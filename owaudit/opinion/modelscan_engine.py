"""A second opinion: what modelscan says of a file, in this process, within bounds.

Its answer corroborates ours or adds to it; its silence, its absence and its errors change nothing
but the diagnostics. It reads whole files into memory, hence the bound on bytes; the names it lists
come from a set, hence the sorting.

Source: modelscan 0.8.8, modelscan/modelscan.py and modelscan/settings.py.
"""

from __future__ import annotations

import contextlib
import copy
import importlib.util
import io
import logging
from collections.abc import Iterator
from dataclasses import dataclass

from owaudit.codec.pickle_facts import printable
from owaudit.model.location import Location
from owaudit.model.observation import SecondOpinion

ENGINE = "modelscan"
FORMATS = frozenset(("pickle", "torch-zip", "torch-legacy", "zip"))
"""The formats it reads without further libraries."""
KEPT_NAMES = 500


@dataclass(frozen=True, slots=True)
class Answer:
    """What it reported, and what it could not do."""

    names: tuple[SecondOpinion, ...] = ()
    problems: tuple[str, ...] = ()


def is_installed() -> bool:
    """Can it be asked here?"""
    return importlib.util.find_spec("modelscan") is not None


def ask(path: str, where: tuple[Location, ...]) -> Answer:
    """Ask about one file. Never raises for anything the file makes modelscan do."""
    with _quiet():
        try:
            from modelscan.modelscan import ModelScan
            from modelscan.settings import DEFAULT_SETTINGS

            # The defaults are one shared dictionary that modelscan itself changes.
            engine = ModelScan(settings=copy.deepcopy(DEFAULT_SETTINGS))
            engine.scan(path)
            issues = list(engine.issues.all_issues)
            errors = list(engine.errors)
        except Exception as error:  # noqa: BLE001 - a second opinion must not end the audit
            return Answer(problems=(f"{ENGINE} gave up: {type(error).__name__}",))
    names: dict[tuple[str, str], None] = {}
    for issue in issues:
        module = printable(str(getattr(issue.details, "module", "")))
        operator = printable(str(getattr(issue.details, "operator", "")))
        names[(f"{module} {operator}".strip()[:300], issue.severity.name.lower())] = None
    found = tuple(
        SecondOpinion(locations=where, engine=ENGINE, name=name, severity=severity)
        for name, severity in sorted(names)[:KEPT_NAMES]
    )
    return Answer(found, tuple(sorted({_problem(error) for error in errors})))


def _problem(error: object) -> str:
    """The kind of an error without its text, which holds paths and differs between machines."""
    return f"{ENGINE} could not read all of it: {type(error).__name__}"


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Its log lines and prints are not ours."""
    logger = logging.getLogger("modelscan")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        logger.setLevel(level)
