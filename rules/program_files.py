"""OWA1121, OWA1132, OWA1133: programs among the weights, and under the names of weights.

Source: MITRE ATT&CK T1036, "Masquerading"; llamafile README.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Final

from owaudit.model.code_facts import ProgramRead
from owaudit.model.evidence import Evidence
from owaudit.model.format_facts import ProgramFile
from owaudit.model.location import Location
from owaudit.model.rule import EvidenceItem, Match, PythonRule, RuleMeta, Severity

MODEL = RuleMeta(
    id="OWA1121",
    name="executable-model",
    title="A file with the name of a model is a program",
    severity=Severity.HIGH,
    explanation="The file is a program or a script, although it is named as weights are or has no suffix at "
    "all. Whoever starts it, or a tool that runs files it does not know, runs what its author wrote.",
    remediation="Do not start or load the file. If it is meant to be run (a llamafile), check who signed "
    "it, or take the weights out of it and use your own runtime.",
    references=(
        "CWE-506: Embedded Malicious Code",
        "CWE-646: Reliance on File Name or Extension of Externally-Supplied File",
    ),
    family="programs",
)
BESIDE = RuleMeta(
    id="OWA1132",
    name="native-code-beside-weights",
    title="Machine code lies beside the weights",
    severity=Severity.MEDIUM,
    explanation="A library or program in machine code is part of what was audited. Some loaders open such "
    "libraries from the folder of the model. What the code does was not judged.",
    remediation="Build the library from its sources, or take it from its own publisher. Loading weights "
    "does not need it.",
    references=(
        "CWE-114: Process Control",
        "CWE-829: Inclusion of Functionality from Untrusted Control Sphere",
    ),
    leaves_open=True,
    family="programs",
)

IN_MODEL = RuleMeta(
    id="OWA1133",
    name="native-code-in-saved-model",
    title="A saved model holds a library in machine code",
    severity=Severity.HIGH,
    explanation="The folder of a saved model has a place for its graph, its numbers and its word lists. A "
    "library there is meant to be loaded with the model: its operators need it, and loading it runs "
    "its code.",
    remediation="Do not load the library. Ask for a model without operators of its own, or build the "
    "library from its sources.",
    references=(
        "CWE-114: Process Control",
        "CWE-829: Inclusion of Functionality from Untrusted Control Sphere",
    ),
    family="programs",
)

_ROOTS: Final = (
    "saved_model.pb",
    "saved_model.pbtxt",
    "keras_metadata.pb",
    "MLmodel",
    "model.mlmodel",
    "model.xml",
)
"""Files at the root of a folder that is one model."""
_WEIGHTS: Final = frozenset(
    (
        "bin", "pt", "pth", "pkl", "pickle", "p", "joblib", "dill", "ckpt", "safetensors", "gguf",
        "ggml", "onnx", "ort", "h5", "hdf5", "keras", "pb", "tflite", "lite", "npy", "npz", "msgpack",
        "model", "weights", "mlmodel", "engine", "plan", "trt", "pte", "ptd", "pdmodel", "pdparams",
        "pdiparams", "params", "cbm", "ubj", "xgb", "lgb", "lgbm", "pmml", "rds", "rdata", "rda", "t7",
        "caffemodel", "nemo", "mar", "skops", "dat", "data", "index", "json", "jsonl", "txt", "md",
        "csv", "yaml", "yml", "toml", "xml", "png", "jpg", "jpeg", "gif", "pdf", "zip", "tar", "gz",
        "llamafile", "distcp", "vec", "ftz", "spm", "tok", "tokenizer", "cfg", "conf", "license",
        "readme", "mlpackage", "tfrecord", "arrow", "parquet", "db", "pt2", "ptl", "nnet", "mdl", "fst",
    )
)  # fmt: skip
"""Suffixes of weights, of files beside them and of prose: none of them is that of a program."""


def _is_named_as_model(place: Location) -> bool:
    name = posixpath.basename(place.members[-1] if place.members else place.artifact).lower()
    stem, dot, suffix = name.rpartition(".")
    if not dot or not stem:
        return not place.members  # a hidden name or none at all; members often have none
    return suffix in _WEIGHTS or suffix.isdigit()


def _is_model(seen: ProgramFile) -> bool:
    if seen.family == "ape":
        return True
    return _is_named_as_model(seen.location) and seen.family != "static-library"


def check_model(evidence: Evidence) -> Iterator[Match]:
    """Match programs, and scripts whose first line starts them, under names of weights."""
    for seen in evidence.of(ProgramFile):
        if _is_model(seen):
            yield Match(
                f"The file is a {seen.role} ({seen.family}), not a model",
                seen,
                evidence=_items(seen),
                key=f"{seen.family} {seen.role}",
            )
    for script in evidence.of(ProgramRead):
        name = posixpath.basename(script.location.artifact)
        if script.language == "shell" and not script.location.members and _has_suffix_of_weights(name):
            yield Match(
                f"The file is a {script.language} script, not a model",
                script,
                evidence=(EvidenceItem(label="language", value=script.language),),
                key=script.language,
            )


def _has_suffix_of_weights(name: str) -> bool:
    return "." in name and name.lower().rpartition(".")[2] in _WEIGHTS - {"txt", "md", "cfg", "conf"}


def _items(seen: ProgramFile) -> tuple[EvidenceItem, ...]:
    return (EvidenceItem(label="family", value=seen.family), EvidenceItem(label="role", value=seen.role))


def check_in_model(evidence: Evidence) -> Iterator[Match]:
    """Match libraries and programs below the root of a folder that is one model."""
    roots = {
        posixpath.dirname(artifact.path)
        for artifact in evidence.artifacts
        if posixpath.basename(artifact.path) in _ROOTS
    }
    for seen in evidence.of(ProgramFile):
        if not _is_model(seen) and _is_below(seen.location, roots):
            yield Match(
                f"The model's folder holds a {seen.role} ({seen.family})",
                seen,
                evidence=_items(seen),
                key=f"{seen.family} {seen.role}",
            )


def _is_below(place: Location, roots: set[str]) -> bool:
    folder = posixpath.dirname(place.artifact)
    while folder not in roots:
        if not folder:
            return False
        folder = posixpath.dirname(folder)
    return True


def check_beside(evidence: Evidence) -> Iterator[Match]:
    """Match every other program in machine code."""
    for seen in evidence.of(ProgramFile):
        if not _is_model(seen):
            yield Match(
                f"Machine code lies beside the weights: a {seen.role} ({seen.family})",
                seen,
                evidence=_items(seen),
                key=f"{seen.family} {seen.role}",
            )


RULES = (
    PythonRule(MODEL, check_model),
    PythonRule(IN_MODEL, check_in_model),
    PythonRule(BESIDE, check_beside),
)
