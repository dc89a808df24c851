"""OWA1110, OWA1112, OWA1114: code and files that Keras models and HDF5 files take along.

Source: Keras 3.15, ``src/saving/serialization_lib.py`` and ``src/saving/saving_lib.py``; the
advisories named in the references.
"""

from __future__ import annotations

from collections.abc import Iterator

from owaudit.model.code_facts import CodeReference
from owaudit.model.evidence import Evidence
from owaudit.model.keras_facts import FileOpened, MarshalledCode, PayloadCarried
from owaudit.model.rule import EvidenceItem, Match, PythonRule, RuleMeta, Severity

_SHOWN = 40

LAMBDA = RuleMeta(
    id="OWA1110",
    name="keras-lambda-code",
    title="A Keras model carries compiled Python code",
    severity=Severity.CRITICAL,
    explanation="A Lambda layer keeps its function as compiled code. Loading the model makes a function of "
    "it, and building or using the layer calls it with all the rights of the program that loads. Keras "
    "refuses that only in safe mode, old versions and tf-keras not at all.",
    remediation="Do not load the model with safe_mode=False. Ask the publisher for one without Lambda "
    "layers, or for weights alone, and build the model from source that you can read.",
    references=(
        "CVE-2024-3660: code of a Lambda layer runs on load",
        "CVE-2025-9905: safe mode is ignored for HDF5 files",
        "CVE-2026-12481: the check is off where safe mode is not set",
        "CWE-502: Deserialization of Untrusted Data",
    ),
    family="keras",
)
OTHER_FILE = RuleMeta(
    id="OWA1112",
    name="keras-external-file",
    title="Loading the model opens a file or address that it names",
    severity=Severity.HIGH,
    explanation="The settings or the weights name another file, folder or address, and loading opens it: a "
    "word list, a SavedModel with a graph of its own, numbers kept outside. What stands there was not read "
    "here; a path into the machine makes its content part of the model.",
    remediation="Do not load the model. A model brings its word lists and numbers along in its own file; "
    "ask the publisher for such a one.",
    references=(
        "CVE-2025-12058: a vocabulary that is a path or an address",
        "CVE-2026-1669: external storage of HDF5 reads any file",
        "CVE-2026-1462: TFSMLayer opens any SavedModel",
        "CVE-2026-9335: external links",
        "CVE-2026-12480: virtual datasets",
        "CWE-73: External Control of File Name or Path",
    ),
    family="keras",
)
TORCH = RuleMeta(
    id="OWA1114",
    name="keras-nested-torch-payload",
    title="A Keras model carries a whole PyTorch object",
    severity=Severity.CRITICAL,
    explanation="The layer TorchModuleWrapper keeps a PyTorch module as text and opens it with torch.load "
    "and without restriction: every pickle inside runs. What the pickle does is read on its own; that it is "
    "there at all is the finding.",
    remediation="Do not load the model. Ask the publisher for the PyTorch weights as safetensors, and build "
    "the module from source.",
    references=(
        "CVE-2025-49655: TorchModuleWrapper unpickles its module",
        "CWE-502: Deserialization of Untrusted Data",
    ),
    family="keras",
)

_WORDS = {
    "vocabulary": "a list of words from",
    "saved_model": "a saved model from",
    "external_link": "a part of itself from",
    "external_storage": "its numbers from",
    "virtual_dataset": "its numbers from",
}
_TYPE_MODULES = ("tensorflow", "keras", "tf_keras")


def check_lambda(evidence: Evidence) -> Iterator[Match]:
    """Match every piece of compiled code."""
    for code in evidence.of(MarshalledCode):
        named = ", ".join(code.names[:_SHOWN])
        yield Match(
            f"{code.location.unit} carries compiled code at {code.key}"
            + (f", which uses {named}" if named else ""),
            code,
            evidence=(
                EvidenceItem(label="names", value=named),
                EvidenceItem(label="texts", value=", ".join(map(ascii, code.texts[:_SHOWN]))),
                EvidenceItem(label="written by Python", value=code.python or "unknown"),
                EvidenceItem(label="read", value="to its end" if code.is_complete else "in part"),
            ),
            key=code.key,
        )


def check_files(evidence: Evidence) -> Iterator[Match]:
    """Match every other file that is opened, and types of modules that have no tensors."""
    for opened in evidence.of(FileOpened):
        yield Match(
            f"Loading takes {_WORDS.get(opened.mechanism, 'something from')} {opened.path}",
            opened,
            evidence=(
                EvidenceItem(label="path", value=opened.path),
                EvidenceItem(label="feature", value=opened.mechanism),
                EvidenceItem(label="named at", value=opened.key),
            ),
            key=f"{opened.mechanism} {opened.path}",
        )
    for reference in evidence.of(CodeReference):
        package = reference.target.partition(".")[0]
        if reference.mechanism == "keras_typespec" and package not in _TYPE_MODULES:
            yield Match(
                f"The type of a tensor is to be imported as {reference.target}",
                reference,
                evidence=(EvidenceItem(label="module", value=reference.target),),
                key=reference.target,
            )


def check_torch(evidence: Evidence) -> Iterator[Match]:
    """Match every object that the settings carry as text."""
    for carried in evidence.of(PayloadCarried):
        yield Match(
            f"{carried.location.unit} carries {carried.size} bytes at {carried.key} for {carried.loader}",
            carried,
            evidence=(
                EvidenceItem(label="loader", value=carried.loader),
                EvidenceItem(label="size", value=str(carried.size)),
            ),
            key=carried.key,
        )


RULES = (
    PythonRule(LAMBDA, check_lambda),
    PythonRule(OTHER_FILE, check_files),
    PythonRule(TORCH, check_torch),
)
