"""OWA1016: a NumPy array holds Python objects, so its numbers are a pickle.

Source: numpy documentation, numpy.lib.format, "object arrays".
"""

from __future__ import annotations

from collections.abc import Iterator

from owaudit.model.evidence import Evidence
from owaudit.model.location import Location
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

_ARRAY_FORMATS = {"npy", "npz"}


def check(evidence: Evidence) -> Iterator[Match]:
    """Match every pickle that stands where an array stores its elements, once per array."""
    arrays = {a.path for a in evidence.artifacts if _ARRAY_FORMATS.intersection(a.formats)}
    seen: set[tuple[str, tuple[str, ...]]] = set()
    for stream in evidence.of(PickleStream):
        place = stream.location
        unit = (place.artifact, place.members)
        if unit not in seen and _is_array(place, arrays):
            seen.add(unit)
            yield Match(f"The array in {place.unit} holds Python objects, stored as a pickle", stream)


def _is_array(place: Location, arrays: set[str]) -> bool:
    if any(member.lower().endswith(".npy") for member in place.members):
        return True
    return place.artifact in arrays


RULE = PythonRule(META, check)
