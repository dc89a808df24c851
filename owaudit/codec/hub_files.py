"""Settings files whose meaning depends on their name: what each of them imports or opens.

Source: sentence-transformers, ``SentenceTransformer.py``; diffusers, ``pipeline_loading_utils.py``;
peft, ``auto.py``; safetensors and torch sharded index files; TorchServe, ``model-archiver``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from owaudit.codec.config_values import path_problem, token
from owaudit.codec.hub_keys import KEPT, imported
from owaudit.codec.reader import Place, Yield
from owaudit.model.code_facts import CodeReference, ConfigPath

MOST_PATHS = 10_000

_MAR_HANDLERS = {
    "image_classifier", "image_segmenter", "object_detector", "text_classifier", "text_handler",
    "vision_handler", "base_handler", "request_envelope", "dali_image_classifier", "micro_batching",
}  # fmt: skip


def by_name(name: str, value: Any, place: Place) -> Iterator[Yield]:
    """Yield what a settings file of this lower-case name refers to."""
    if name.endswith(".index.json"):
        yield from _weight_map(value, place)
    reader = _FILES.get(name)
    if reader is not None:
        yield from reader(value, place)


def _weight_map(value: Any, place: Place) -> Iterator[Yield]:
    weights = value.get("weight_map") if isinstance(value, dict) else None
    if not isinstance(weights, dict):
        return
    seen: dict[str, str] = {}
    for key, path in weights.items():
        if isinstance(path, str) and len(seen) < MOST_PATHS:
            seen.setdefault(path, key)
    for path, key in seen.items():
        yield _path("shard", f"/weight_map/{token(key)}", path, place)


def _path(purpose: str, key: str, path: str, place: Place) -> ConfigPath:
    return ConfigPath(
        locations=place.at(pointer=key),
        purpose=purpose,
        key=key[:KEPT],
        path=path[:KEPT],
        problem=path_problem(path),
    )


def _modules(value: Any, place: Place) -> Iterator[Yield]:
    if not isinstance(value, list):
        return
    for index, module in enumerate(value):
        if not isinstance(module, dict):
            continue
        if isinstance(module.get("type"), str):
            yield _class("module_type", f"/{index}/type", module["type"], place)
        if isinstance(module.get("path"), str) and module["path"]:
            yield _path("module", f"/{index}/path", module["path"], place)


def _class(mechanism: str, key: str, target: str, place: Place) -> CodeReference:
    """A dotted class that may be a file of the folder or an installed package."""
    module = target.rpartition(".")[0]
    return CodeReference(
        locations=place.at(pointer=key),
        mechanism=mechanism,
        key=key[:KEPT],
        target=target[:KEPT],
        path=(module.replace(".", "/") + ".py")[:KEPT] if module else "",
        imports=(f"{mechanism}.{target}"[:KEPT],),
    )


def _model_index(value: Any, place: Place) -> Iterator[Yield]:
    if not isinstance(value, dict):
        return
    for key, item in value.items():
        if not isinstance(item, list) or len(item) != 2 or not isinstance(item[0], str):
            continue
        pointer = f"/{token(key)}"
        target = f"{item[0]}.{item[1]}"
        folder = "" if key == "_class_name" else f"{key}/"
        yield CodeReference(
            locations=place.at(pointer=pointer),
            mechanism="pipeline_class" if key == "_class_name" else "component",
            key=pointer[:KEPT],
            target=target[:KEPT],
            path=f"{folder}{item[0]}.py"[:KEPT],
            imports=(f"component.{item[0]}"[:KEPT],),
        )


def _adapter(value: Any, place: Place) -> Iterator[Yield]:
    if not isinstance(value, dict):
        return
    mapping = value.get("auto_mapping")
    if isinstance(mapping, dict) and isinstance(mapping.get("parent_library"), str):
        yield imported("parent_library", "/auto_mapping/parent_library", mapping["parent_library"], place)
    if value.get("megatron_config") and isinstance(value.get("megatron_core"), str):
        yield imported("megatron_core", "/megatron_core", value["megatron_core"], place)


def _dense(value: Any, place: Place) -> Iterator[Yield]:
    called = value.get("activation_function") if isinstance(value, dict) else None
    if isinstance(called, str) and "." in called:
        yield imported("activation", "/activation_function", called, place)


def _config(value: Any, place: Place) -> Iterator[Yield]:
    # the settings of one layer of sentence-transformers; those of transformers name functions plainly
    if isinstance(value, dict) and "in_features" in value:
        yield from _dense(value, place)


def _archive_manifest(value: Any, place: Place) -> Iterator[Yield]:
    """``MAR-INF/MANIFEST.json``, whose paths count from the folder above, or that of a Core ML package."""
    items = value.get("itemInfoEntries") if isinstance(value, dict) else None
    for key, item in items.items() if isinstance(items, dict) else ():
        if isinstance(item, dict) and isinstance(item.get("path"), str):
            yield _path("item", f"/itemInfoEntries/{token(key)}/path", item["path"], place)
    model = value.get("model") if isinstance(value, dict) else None
    if not isinstance(model, dict):
        return
    handler = model.get("handler")
    if isinstance(handler, str) and handler and handler not in _MAR_HANDLERS:
        file, _, _ = handler.partition(":")
        yield CodeReference(
            locations=place.at(pointer="/model/handler"),
            mechanism="handler",
            key="/model/handler",
            target=handler[:KEPT],
            path=f"../{file if file.endswith('.py') else file + '.py'}"[:KEPT],
        )
    if isinstance(model.get("modelFile"), str) and model["modelFile"]:
        yield CodeReference(
            locations=place.at(pointer="/model/modelFile"),
            mechanism="handler",
            key="/model/modelFile",
            target=model["modelFile"][:KEPT],
            path=f"../{model['modelFile']}"[:KEPT],
        )
    for key in ("serializedFile", "requirementsFile", "configFile"):
        if isinstance(model.get(key), str) and model[key]:
            yield _path("archive", f"/model/{key}", model[key], place)
    for path in _listed(model.get("extraFiles")):
        yield _path("archive", "/model/extraFiles", path, place)
    for code in (handler, model.get("modelFile")):
        if isinstance(code, str) and path_problem(code):
            yield _path("archive", "/model/handler", code, place)


def _listed(value: Any) -> list[str]:
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


_FILES: dict[str, Callable[[Any, Place], Iterator[Yield]]] = {
    "modules.json": _modules,
    "model_index.json": _model_index,
    "adapter_config.json": _adapter,
    "config.json": _config,
    "manifest.json": _archive_manifest,
}

LOADED = {
    "config.json", "tokenizer_config.json", "processor_config.json", "preprocessor_config.json",
    "video_preprocessor_config.json", "generation_config.json", "feature_extractor_config.json",
    "image_processor_config.json", "adapter_config.json", "model_index.json", "modules.json",
    "config_sentence_transformers.json", "sentence_bert_config.json", "chat_template.json", "manifest.json",
    "quantize_config.json", "quantization_config.json", "scheduler_config.json", "prompt_config.json",
    "params.json", "mlx_config.json",
}  # fmt: skip
"""Names under which loaders look for settings; files of other names are read when they hold a key."""
