"""Keys that make a loader import or run code, wherever they stand in a settings file.

Source: transformers 5.23, ``dynamic_module_utils.py`` and ``integrations/hub_kernels.py``; mlx-lm,
``utils.py``; Hydra 1.3, ``instantiate``; LangChain, ``load/load.py``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from owaudit.codec.config_values import members_of, strings_of
from owaudit.codec.reader import Member, Place, Yield
from owaudit.model.code_facts import CodeReference, ConfigSwitch

KEPT = 200
TEMPLATE_HINT = "jinja-template"
MOST_TEMPLATES = 64

_KERNEL_KEYS = (
    "attn_implementation",
    "_attn_implementation",
    "experts_implementation",
    "_experts_implementation",
    "_attn_implementation_internal",
    "_experts_implementation_internal",
)
_KERNEL = re.compile(r"[\w.-]+/[\w.-]+(?:@[\w.-]+)?(?::\w+)?\Z")

TRIGGERS = re.compile(
    rb'"(?:auto_map|custom_pipelines|trust_remote_code|_?(?:attn|experts)_implementation(?:_internal)?'
    rb'|model_file|_target_|chat_template|lc|loader_module|megatron_core|auto_mapping|custom_generate)"\s*:'
    rb"|\\u00(?:5[fF]|[46][1-9a-fA-F]|[57][0-9aA])"
)
"""What such a key looks like in a file of any name; letters that are escaped hide one."""


def references(value: Any, place: Place, *, loaded: bool) -> Iterator[Yield]:
    """Yield what the keys of a whole document name.

    ``loaded`` says that a loader reads files of this name for their settings: elsewhere a switch
    or a file name is a note about something else.
    """
    for pointer, key, child in members_of(value):
        reader = _KEYS.get(key)
        if reader is not None:
            yield from reader(pointer, child, place)
        if loaded:
            reader = _LOADED_KEYS.get(key)
            if reader is not None:
                yield from reader(pointer, child, place)
        if key == "id" and isinstance(child, list):
            yield from _langchain(pointer, child, value, place)


def _auto_map(pointer: str, value: Any, place: Place) -> Iterator[Yield]:
    for where, text in strings_of(value, pointer):
        yield remote_class("auto_map", where, text, place)


def _custom_pipelines(pointer: str, value: Any, place: Place) -> Iterator[Yield]:
    for where, text in strings_of(value, pointer):
        if where.endswith("/impl"):
            yield remote_class("custom_pipelines", where, text, place)


def remote_class(mechanism: str, key: str, target: str, place: Place) -> CodeReference:
    """``module.Class``, a file of this repository, or ``org/name--module.Class`` of another one."""
    repository, dashes, inside = target.rpartition("--")
    module = (inside if dashes else target).rpartition(".")[0]
    return CodeReference(
        locations=place.at(pointer=key),
        mechanism=mechanism,
        key=key[:KEPT],
        target=target[:KEPT],
        repository=repository[:KEPT],
        path=(module.replace(".", "/") + ".py")[:KEPT] if module and not dashes else "",
    )


def _switch(pointer: str, value: Any, place: Place) -> Iterator[Yield]:
    yield ConfigSwitch(
        locations=place.at(pointer=pointer),
        name="trust_remote_code",
        key=pointer[:KEPT],
        value=str(value)[:40],
    )


def _kernel(pointer: str, value: Any, place: Place) -> Iterator[Yield]:
    """``org/name``, with a revision or function: a kernel of the Hub, that is, native code."""
    internal = pointer.endswith("_internal")
    for where, text in strings_of(value, pointer):
        if _KERNEL.match(text):
            yield CodeReference(
                locations=place.at(pointer=where),
                mechanism="kernel_internal" if internal else "kernel",
                key=where[:KEPT],
                target=text[:KEPT],
                repository=re.split("[@:]", text)[0][:KEPT],
            )


def _model_file(pointer: str, value: Any, place: Place) -> Iterator[Yield]:
    if isinstance(value, str) and value.strip() and pointer.count("/") == 1:
        yield CodeReference(
            locations=place.at(pointer=pointer),
            mechanism="model_file",
            key=pointer[:KEPT],
            target=value[:KEPT],
            path=value[:KEPT],
        )


def _custom_generate(pointer: str, value: Any, place: Place) -> Iterator[Yield]:
    if isinstance(value, str) and "/" in value:
        yield CodeReference(
            locations=place.at(pointer=pointer),
            mechanism="custom_generate",
            key=pointer[:KEPT],
            target=value[:KEPT],
            repository=value[:KEPT],
        )


def _target(pointer: str, value: Any, place: Place) -> Iterator[Yield]:
    if isinstance(value, str):
        yield imported("hydra_target", pointer, value, place)


def _loader_module(pointer: str, value: Any, place: Place) -> Iterator[Yield]:
    if isinstance(value, str):
        yield imported("loader_module", pointer, value, place)


def imported(mechanism: str, key: str, target: str, place: Place, line: int | None = None) -> CodeReference:
    """A dotted name that a loader imports, as written after white space is taken off."""
    dotted = re.sub(r"\s+", "", target)[:KEPT].replace(":", ".").replace("/", ".")
    return CodeReference(
        locations=place.at(pointer=key, line=line),
        mechanism=mechanism,
        key=key[:KEPT],
        target=target[:KEPT],
        imports=(f"{mechanism}.{dotted}",) if dotted else (),
    )


def _langchain(pointer: str, path: list[Any], document: Any, place: Place) -> Iterator[Yield]:
    """``{"lc": 1, "type": "constructor", "id": [...]}``: a class that is built with arguments."""
    parent = document
    for step in pointer.split("/")[1:-1]:
        parent = parent[int(step)] if isinstance(parent, list) else parent.get(step, {})
        if not isinstance(parent, dict | list):
            return
    if isinstance(parent, dict) and "lc" in parent and parent.get("type") == "constructor":
        yield imported("langchain", pointer, ".".join(str(part) for part in path), place)


def _templates(pointer: str, value: Any, _place: Place) -> Iterator[Yield]:
    """A template text, a list of ``{name, template}``, or an object of texts by name."""
    found: list[tuple[str, str]] = []
    if isinstance(value, str):
        found.append((pointer, value))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            if isinstance(item, dict) and isinstance(item.get("template"), str):
                found.append((f"{pointer}/{item.get('name', index)}"[:KEPT], item["template"]))
    elif isinstance(value, dict):
        found += [(f"{pointer}/{name}"[:KEPT], text) for name, text in value.items() if isinstance(text, str)]
    for name, text in found[:MOST_TEMPLATES]:
        yield Member(
            name=name.strip("/").replace("/", "."),
            start=0,
            end=0,
            hint=TEMPLATE_HINT,
            content=text.encode("utf-8", "surrogatepass"),
        )


_Reader = Callable[[str, Any, Place], Iterator[Yield]]
_KEYS: dict[str, _Reader] = {
    "auto_map": _auto_map,
    "custom_pipelines": _custom_pipelines,
    "_target_": _target,
    "chat_template": _templates,
    **dict.fromkeys(_KERNEL_KEYS, _kernel),
}
_LOADED_KEYS: dict[str, _Reader] = {
    "trust_remote_code": _switch,
    "model_file": _model_file,
    "loader_module": _loader_module,
    "custom_generate": _custom_generate,
}
