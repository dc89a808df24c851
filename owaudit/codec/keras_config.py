"""Keras settings: every object that a loader builds, and the code and files that it takes along.

A settings file is a tree of ``{"module", "class_name", "config", "registered_name"}``. Loaders of
different age go different ways through it, so every object is taken wherever it stands. Names that
were written twice are taken with each of their values.

Source: Keras 3.15, ``src/saving/serialization_lib.py``, ``src/legacy/saving/serialization.py``,
``src/layers/core/lambda_layer.py``; tf-keras 2.15, ``src/utils/generic_utils.py``.
"""

from __future__ import annotations

import base64
import binascii
import itertools
import re
from collections.abc import Iterator
from typing import Any, Final

from owaudit.codec.config_values import token
from owaudit.codec.marshal_code import code_facts
from owaudit.codec.reader import Member, Place, Yield
from owaudit.model.code_facts import CodeReference
from owaudit.model.keras_facts import FileOpened, MarshalledCode, PayloadCarried

_KEPT: Final = 200
_MOST_VARIANTS: Final = 16
_LAMBDA: Final = "__lambda__"
_TYPESPEC: Final = "__typespec__"
_PLAIN: Final = frozenset(
    ("__tensor__", "__numpy__", "__bytes__", "__ellipsis__", "__slice__", "__keras_tensor__", "__tuple__",
     "TensorShape", "TypeSpec", "DType", "__passive_serialization__")
)  # fmt: skip
_VOCABULARY: Final = ("vocabulary", "vocabulary_file", "vocab_file", "merges", "proto")
_FUNCTION_KEYS: Final = ("function", "output_shape", "mask")
"""What a Lambda layer of the first versions keeps as code, with the kind in ``<key>_type``."""
_OPERATIONS: Final = ("TFOpLambda", "SlicingOpLambda", "ClassMethod", "InstanceMethod", "InstanceProperty")
_SAVED_MODELS: Final = {"TFSMLayer": "filepath", "KerasLayer": "handle"}
"""Layers that open a SavedModel, and the key that says where it is."""
_LONGEST_NAME: Final = 100
"""Characters: a longer text in base64 is the content itself."""


_NO_MODULE: Final = ("", "__main__", "builtins")
_KINDS: Final = {"keras_operation": "tensorflow_operation"}
_REGISTRY: Final = "registered_package"
_PACKAGES: Final = re.compile(
    r"(?:tensorflow\.(?:python\.|compat\.v[12]\.|_api\.v[12]\.)?keras|tf_keras|tf\.keras|keras_core|keras)"
    r"(?:\.(?:src|_tf_keras(?:\.keras)?|_legacy|api(?:\._v[12])?(?:\.keras)?))*(?![\w])"
)
"""The names under which Keras comes, and its inner folders: what is in them is Keras all the same."""
_DEFAULT_PACKAGE: Final = "Custom"
"""What a class is registered under where its author named no package."""


_TAKEN: Final = (
    "class_name", "module", "config", "registered_name", "spec_name", "function", "function_type",
    "output_shape", "output_shape_type", "mask", "mask_type", *_VOCABULARY,
)  # fmt: skip
"""The names that say what an object is; what stands under others is looked at on its own."""


class Shadowed(dict[str, Any]):
    """An object of which some names stood there several times; ``others`` are the earlier values."""

    others: tuple[tuple[str, Any], ...] = ()


def with_shadowed(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Build an object from its members in order (an ``object_pairs_hook``)."""
    built = dict(pairs)
    if len(built) == len(pairs):
        return built
    kept = Shadowed(built)
    last = {name: index for index, (name, _) in enumerate(pairs)}
    kept.others = tuple(pair for index, pair in enumerate(pairs) if last[pair[0]] != index)
    return kept


def config_facts(value: Any, place: Place) -> Iterator[Yield]:
    """Yield what a parsed settings file builds, runs and opens, in file order."""
    todo: list[tuple[str, Any]] = [("", value)]
    while todo:
        pointer, item = todo.pop()
        below: list[tuple[str, Any]] = []
        if isinstance(item, dict):
            for variant in _variants(item):
                yield from _object(pointer, variant, place)
            members = [*item.items(), *(item.others if isinstance(item, Shadowed) else ())]
            below = [(f"{pointer}/{token(key)}", child) for key, child in members]
        elif isinstance(item, list):
            below = [(f"{pointer}/{index}", child) for index, child in enumerate(item)]
        todo.extend(pair for pair in reversed(below) if isinstance(pair[1], dict | list))


def _variants(item: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The object as a reader sees it that takes the last of equal names, then as others might."""
    if not isinstance(item, Shadowed):
        yield item
        return
    choices: dict[str, list[Any]] = {name: [value] for name, value in item.items()}
    for name, value in item.others:
        choices[name].append(value)
    several = {name: choices[name] for name in _TAKEN if len(choices.get(name, ())) > 1}
    for picked in itertools.islice(itertools.product(*several.values()), _MOST_VARIANTS):
        yield {**item, **dict(zip(several, picked, strict=True))}


def _object(pointer: str, item: dict[str, Any], place: Place) -> Iterator[Yield]:
    class_name = item.get("class_name")
    config = item.get("config")
    if isinstance(class_name, str) and class_name == _LAMBDA:
        yield from _code(pointer, config, place)
    elif isinstance(class_name, str) and class_name == _TYPESPEC:
        yield from _typespec(pointer, item, place)
    elif isinstance(class_name, str) and class_name not in _PLAIN:
        yield from _named(pointer, item, class_name, config, place)
    if isinstance(item.get("function_type"), str) or isinstance(item.get("output_shape_type"), str):
        yield from _first_lambda(pointer, item, place)
    for key in _VOCABULARY:
        if isinstance(item.get(key), str) and item[key]:
            yield from _vocabulary(f"{pointer}/{key}", item[key], place)


def _named(pointer: str, item: dict[str, Any], class_name: str, config: Any, place: Place) -> Iterator[Yield]:
    """A class to build, or a function to take, by name."""
    module = item.get("module")
    module = module if isinstance(module, str) else ""
    registered = item.get("registered_name")
    name, mechanism = class_name, "keras_class"
    if class_name == "function":
        name, mechanism = _function_name(config, registered), "keras_function"
    if name:
        yield _reference(pointer, mechanism, module, name, registered, place)
    inner = config if isinstance(config, dict) else {}
    # A class may be named with a part of its module.
    last = class_name.rpartition(".")[2]
    if last in _OPERATIONS and isinstance(inner.get("function"), str):
        key = f"{pointer}/config/function"
        yield _reference(key, "keras_operation", "", inner["function"], None, place)
    elif last == "Lambda" and isinstance(inner.get("function"), list) and "function_type" not in inner:
        yield from _code(f"{pointer}/config/function", inner["function"], place)
    elif last == "TorchModuleWrapper":
        yield from _torch_module(f"{pointer}/config", inner, place)
    if last in _SAVED_MODELS and isinstance(inner.get(_SAVED_MODELS[last]), str):
        key = f"{pointer}/config/{_SAVED_MODELS[last]}"
        yield _opened("saved_model", key, inner[_SAVED_MODELS[last]], place)


def _function_name(config: Any, registered: Any) -> str:
    if isinstance(config, dict):
        config = config.get("name") or config.get("config")
    if isinstance(config, str) and config:
        return config
    return registered if isinstance(registered, str) else ""


def _reference(
    pointer: str, mechanism: str, module: str, name: str, registered: Any, place: Place
) -> CodeReference:
    """``imports`` is what a loader looks up: nothing where it only has its own classes to choose from."""
    package, mark, _ = registered.partition(">") if isinstance(registered, str) else ("", "", "")
    dotted = ".".join(part for part in (module, name) if part)
    imports = f"{_KINDS.get(mechanism, mechanism)}.{_canonical(dotted)}"
    if mark and module in _NO_MODULE:
        imports = "" if package == _DEFAULT_PACKAGE else f"{_REGISTRY}.{package}.{name}"
    elif not module and "." not in name and mechanism != "keras_operation":
        imports = ""
    return CodeReference(
        locations=place.at(pointer=pointer),
        mechanism="keras_registered" if imports.startswith(_REGISTRY) else mechanism,
        key=pointer[:_KEPT],
        target=dotted[:_KEPT],
        imports=(imports[:_KEPT],) if imports else (),
    )


def _canonical(dotted: str) -> str:
    found = _PACKAGES.match(dotted)
    return f"keras{dotted[found.end() :]}" if found else dotted


def _opened(mechanism: str, key: str, path: str, place: Place) -> FileOpened:
    return FileOpened(
        locations=place.at(pointer=key), mechanism=mechanism, key=key[:_KEPT], path=path[:_KEPT]
    )


def _typespec(pointer: str, item: dict[str, Any], place: Place) -> Iterator[Yield]:
    module = item.get("module")
    if isinstance(module, str):
        name = item.get("spec_name")
        target = name if isinstance(name, str) else ""
        yield _reference(pointer, "keras_typespec", module, target, None, place)


def _vocabulary(key: str, text: str, place: Place) -> Iterator[Yield]:
    """A list of words that is given as a text is the name of a file."""
    if not key.endswith("/proto") or not _is_encoded(text):
        yield _opened("vocabulary", key, text, place)


def _is_encoded(text: str) -> bool:
    try:
        return len(text) > _LONGEST_NAME and bool(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError):
        return False


# Code ---------------------------------------------------------------------------------------------


def _code(pointer: str, config: Any, place: Place) -> Iterator[Yield]:
    """A function as code: a text, a list that begins with one, or an object that holds either."""
    key = pointer
    while isinstance(config, dict):
        step = next((name for name in ("code", "value", "config") if name in config), None)
        if step is None:
            break
        key, config = f"{key}/{step}", config[step]
    if isinstance(config, list) and config:
        key, config = f"{key}/0", config[0]
    yield _marshalled(key, config if isinstance(config, str) else "", place)


def _first_lambda(pointer: str, item: dict[str, Any], place: Place) -> Iterator[Yield]:
    """A Lambda layer of the first versions: the kind of each function stands beside it."""
    for name in _FUNCTION_KEYS:
        kind, value = item.get(f"{name}_type"), item.get(name)
        key = f"{pointer}/{name}"
        if kind == "lambda":
            yield from _code(key, value, place)
        elif kind == "function" and isinstance(value, str):
            module = item.get("module" if name == "function" else f"{name}_module")
            module = module if isinstance(module, str) else ""
            yield _reference(key, "keras_function", module, value, None, place)


def _marshalled(key: str, text: str, place: Place) -> MarshalledCode:
    raw = _decoded(text)
    if raw is None:
        raw = text.encode("raw_unicode_escape", "replace")
    facts = code_facts(raw)
    return MarshalledCode(
        locations=place.at(pointer=key),
        key=key[:_KEPT],
        names=tuple(facts.names),
        texts=tuple(facts.texts),
        functions=tuple(facts.functions),
        python=facts.python,
        is_complete=not facts.ending,
    )


def _decoded(text: str) -> bytes | None:
    """The bytes of a text in base64, as loaders take it: other characters are stepped over."""
    try:
        return binascii.a2b_base64(text)
    except (binascii.Error, ValueError):
        return None


def _torch_module(pointer: str, config: dict[str, Any], place: Place) -> Iterator[Yield]:
    """A module of PyTorch, saved whole: whatever text decodes is what the layer unpickles."""
    key, payload = f"{pointer}/module", config.get("module")
    while isinstance(payload, dict):
        step = next((name for name in ("config", "value", "module") if name in payload), None)
        if step is None:
            break
        key, payload = f"{key}/{step}", payload[step]
    if not isinstance(payload, str):
        return
    raw = _decoded(payload)
    if raw is None:
        raw = payload.encode("latin-1", "replace")
    yield PayloadCarried(locations=place.at(pointer=key), key=key[:_KEPT], loader="torch.load", size=len(raw))
    yield Member(name=key.strip("/"), start=0, end=0, hint="pickle", content=raw, size=len(raw))
