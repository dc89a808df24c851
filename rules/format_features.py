"""OWA1120, 1122, 1123, 1125, 1127-1133: features of formats that do more than hold numbers.

Each rule has its features by format and feature, with the sentence that a finding says.

Source: CVE-2024-27322 (R promises); NVIDIA TensorRT documentation, "Engines are code"; PyTorch 2.13,
torch/export/pt2_archive/_package.py and torch/csrc/inductor/aoti_package/model_package_loader.cpp,
CVE-2026-4538; Core ML specification, CustomModel and CustomLayerParams; MXNet, custom operators; Torch7,
File.lua; Paddle 3, framework.proto and py_func; Caffe, Python layer; ExecuTorch 1.5, program.fbs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from owaudit.model.evidence import Evidence
from owaudit.model.format_facts import FormatFeature
from owaudit.model.rule import EvidenceItem, Match, PythonRule, RuleMeta, Severity

Features = dict[tuple[str, str], str]
"""Format and feature to the sentence, in which ``{name}`` is what the file calls the thing."""

_FOREIGN = "CWE-829: Inclusion of Functionality from Untrusted Control Sphere"
_INJECTION = "CWE-94: Improper Control of Generation of Code"
_DESERIALIZE = "CWE-502: Deserialization of Untrusted Data"


def _meta(
    id_: str,
    name: str,
    severity: Severity,
    title: str,
    why: str,
    today: str,
    *references: str,
    opens: bool = False,
) -> RuleMeta:
    return RuleMeta(
        id=id_,
        name=name,
        title=title,
        severity=severity,
        explanation=why,
        remediation=today,
        references=references,
        leaves_open=opens,
        family="formats that run code",
    )


_TABLE: tuple[tuple[RuleMeta, Features], ...] = (
    (
        _meta(
            "OWA1120",
            "native-engine",
            Severity.HIGH,
            "The file is native code for an accelerator",
            "A compiled engine holds machine code for a device and, in some versions, libraries for the "
            "host. Loading it runs that code; its publisher calls such files executable.",
            "Build the engine yourself, from a model in an open format. Load engines of others only in an "
            "isolated process.",
            _FOREIGN,
            "NVIDIA TensorRT documentation, serialized engines",
        ),
        {
            ("tensorrt", "engine"): "The file is a TensorRT engine: native code",
            ("tensorrt", "plugin-library"): "The engine names or holds a library for the host: {name}",
        },
    ),
    (
        _meta(
            "OWA1122",
            "r-object-runs-code",
            Severity.CRITICAL,
            "An R object runs code as soon as it is looked at",
            "A promise is an expression that R evaluates when its value is first used, and reading may "
            "be that use. R before 4.4.0 evaluates promises that stand in a file.",
            "Do not read the file with R. Ask the publisher for the values alone, as CSV or JSON.",
            "CVE-2024-27322",
            _DESERIALIZE,
        ),
        {("r-serialized", "promise"): "A promise evaluates an expression when the value is used: {name}"},
    ),
    (
        _meta(
            "OWA1123",
            "r-object-holds-code",
            Severity.HIGH,
            "An R object holds functions or foreign pointers",
            "Functions and compiled code in the file run when something calls them: printing, predicting, a "
            "method that the object brings along. What they do was not judged.",
            "Read the functions before using the object, or ask for the model in a format of its library "
            "that holds numbers alone.",
            _DESERIALIZE,
            "R Internals, 1.8 Serialization Formats",
        ),
        {
            ("r-serialized", "closure"): "The object holds a function of R ({name})",
            ("r-serialized", "bytecode"): "The object holds compiled code of R",
            ("r-serialized", "external-pointer"): "The object holds a pointer into a program's memory",
            ("r-serialized", "active-binding"): "An environment holds a function in place of a value",
        },
    ),
    (
        _meta(
            "OWA1125",
            "export-package-runs-code",
            Severity.CRITICAL,
            "The program brings code that loading runs",
            "Loading unpickles objects, loads a library or starts a compiler with flags of the file. Each of "
            "them is code of whoever wrote the file.",
            "Do not load the package. Ask for the exported program without compiled parts, or compile it "
            "yourself from the model.",
            "CVE-2026-4538",
            _DESERIALIZE,
            _FOREIGN,
        ),
        {
            ("pt2", "use-pickle"): "Loading unpickles {name}, whatever stands in it",
            ("pt2", "opaque-object"): "Loading unpickles the object {name}",
            ("pt2", "native-library"): "Loading runs the library {name}",
            ("pt2", "compiled-source"): "Loading compiles {name} and runs it",
            ("executorch", "library-backend"): "Loading runs the library that {name} finds in the file",
            ("pt2", "compiler-flags"): "Loading starts a compiler with flags from {name}",
        },
    ),
    (
        _meta(
            "OWA1127",
            "custom-layer",
            Severity.MEDIUM,
            "The model needs code that does not come with its format",
            "A layer or operator is implemented by a class or library of the program that loads the model, "
            "which the file chooses by name.",
            "Find out which program brings the code and read it. If the model does not come with that "
            "explanation, ask for one without custom parts.",
            _FOREIGN,
            opens=True,
        ),
        {
            ("coreml", "custom-model"): "The model is implemented by the class {name} of the app",
            ("coreml", "custom-layer"): "A layer is implemented by the class {name} of the app",
            ("mxnet-symbol", "custom-operator"): "The operator {name} is a function of the program",
            ("openvino", "extension-layer"): "The layer type {name} needs an extension library",
            (
                "flax-msgpack",
                "unknown-extension",
            ): "The file holds a value of type {name}, which Flax does not have",
            ("flax-msgpack", "reserved-key"): "A key has the name of a mechanism that builds objects: {name}",
            ("lightgbm", "parser-settings"): "The file configures a parser plug-in",
            ("pmml", "extension-script"): "An extension holds text that reads like a script: {name}",
            (
                "executorch",
                "unknown-backend",
            ): "Parts of the program run on {name}, which is no known backend",
            ("executorch", "custom-operator"): "The kernel {name} does not come with the runtime",
            ("cntk", "user-function"): "The graph names a function or library of the program: {name}",
        },
    ),
    (
        _meta(
            "OWA1128",
            "names-native-library",
            Severity.HIGH,
            "The model names a library to load",
            "The file names a shared library. A program that follows it runs code from that place before "
            "the first number is computed.",
            "Do not load the model with extensions enabled. Ask the publisher why the name is there.",
            "CWE-114: Process Control",
            _FOREIGN,
        ),
        {
            ("openvino", "native-library"): "The model names the library {name}",
            ("cntk", "native-library"): "The model names the library {name}",
        },
    ),
    (
        _meta(
            "OWA1129",
            "lua-functions",
            Severity.HIGH,
            "The file holds compiled functions of Lua",
            "Torch7 restores functions as bytecode of Lua, which nothing checks. Using the model runs them.",
            "Do not load the file. Convert the weights in an isolated process, or ask for another format.",
            _INJECTION,
            "Torch7, File.lua, types 6 to 8",
        ),
        {("torch7", "function"): "The file holds a function of Lua"},
    ),
    (
        _meta(
            "OWA1130",
            "r-object-holds-calls",
            Severity.LOW,
            "An R object holds calls that were not made yet",
            "Fitted models of R keep the call that made them and its formula. They run when a program "
            "evaluates them again, as update() and some printing methods do.",
            "Nothing needs to be done for prediction. Do not call update() on an object of a stranger.",
            "R Internals, 1.8 Serialization Formats",
        ),
        {("r-serialized", "call"): "The object holds a call of {name}"},
    ),
    (
        _meta(
            "OWA1131",
            "graph-reaches-out",
            Severity.HIGH,
            "A layer of the graph calls Python or touches files",
            "The graph holds a layer that imports Python code, or reads or writes files and sockets, under a "
            "name from the file.",
            "Do not run the model. Ask the publisher for one without the layer: inference needs none.",
            _INJECTION,
            "CWE-73: External Control of File Name or Path",
        ),
        {
            ("paddle", "reaching-operator"): "Running the program calls {name}",
            ("caffe", "python-layer"): "A layer imports the Python module {name}",
        },
    ),
)


def _check(features: Features) -> Callable[[Evidence], Iterator[Match]]:
    def check(evidence: Evidence) -> Iterator[Match]:
        for seen in evidence.of(FormatFeature):
            sentence = features.get((seen.format, seen.feature))
            if sentence is not None:
                yield Match(
                    sentence.replace("{name}", seen.name or "without a name"),
                    seen,
                    evidence=(
                        EvidenceItem(label="feature", value=seen.feature),
                        EvidenceItem(label="name", value=seen.name),
                        *((EvidenceItem(label="example", value=seen.example),) if seen.example else ()),
                    ),
                    key=f"{seen.format} {seen.feature} {seen.name}",
                )

    return check


RULES = tuple(PythonRule(meta, _check(features)) for meta, features in _TABLE)
