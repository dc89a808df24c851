"""OWA1016: a NumPy array holds Python objects, so its numbers are a pickle.

Source: numpy documentation, numpy.lib.format, "object arrays".
"""

from __future__ import annotations

from collections.abc import Iterator

from owaudit.model.evidence import Evidence
from owaudit.model.observation import PickleStream
from owaudit.model.rule import Match, PythonRule, RuleMeta, Severity

META = RuleMeta(
    id="OWA1016",
    name="pickle-in-array",
    title="An array holds Python objects, which are stored as a pickle",
    severity=Severity.LOW,
    explanation="An array of Python objects is not a block of numbers: NumPy stores it as a pickle, and "
    "reading it runs that pickle. The names the pickle uses are judged like any other's.",
    remediation="Read the file with numpy.load(path, allow_pickle=False), which refuses such arrays, or "
    "ask for an array with a numeric type.",
    references=("CWE-502: Deserialization of Untrusted Data", "numpy.lib.format, version 1.0, object arrays"),
    family="arrays",
)

_OBJECTS = "objects"
"""How the reader of arrays names the pickle that stands where the numbers would."""


def check(evidence: Evidence) -> Iterator[Match]:
    """Match every pickle that stands where an array stores its elements, once per array."""
    seen: set[tuple[str, tuple[str, ...]]] = set()
    for stream in evidence.of(PickleStream):
        place = stream.location
        unit = (place.artifact, place.members)
        if unit not in seen and place.members[-1:] == (_OBJECTS,):
            seen.add(unit)
            array = place.unit.removesuffix("!" + _OBJECTS)
            yield Match(f"The array in {array} holds Python objects, stored as a pickle", stream)


RULE = PythonRule(META, check)
