"""What settings and model cards state about a model: architecture, tokenizer, licence, base model.

A card is read by lines: ``key: value``, or ``key:`` and a list below it. Any other way of writing the
same YAML states nothing here, which is no loss of safety: nothing is decided by these words.

Source: Hugging Face transformers, configuration files; PEFT, adapter_config.json; Hugging Face Hub
documentation, model cards, metadata.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from owaudit.codec.reader import Place
from owaudit.codec.window import Window
from owaudit.model.observation import MetadataEntry

CARD = "readme.md"
_SETTINGS = {
    "config.json": ("architectures", "model_type"),
    "adapter_config.json": ("base_model_name_or_path",),
    "tokenizer_config.json": ("tokenizer_class",),
}
_SEARCHED = 64 * 1024
"""Bytes of a card in which its metadata must end."""
_FRONT = re.compile(r"\A\ufeff?---[ \t]*\r?\n(.*?)^---[ \t]*\r?$", re.DOTALL | re.MULTILINE)
_LINE = re.compile(r"(license|license_name|base_model|model_name):[ \t]*(.*)\Z")
_ITEM = re.compile(r"[ \t]*-[ \t]+(.+)\Z")
_KEPT = 200
_MOST = 16
"""Values of one key."""


def stated_by_settings(name: str, settings: Any, place: Place) -> Iterator[MetadataEntry]:
    """Yield what a settings file of this name (lower case) states, in the order of its keys."""
    for key in _SETTINGS.get(name, ()):
        value = settings.get(key) if isinstance(settings, dict) else None
        values = value[:_MOST] if isinstance(value, list) else [value]
        for text in values:
            if isinstance(text, str) and text.strip():
                yield _entry(f"config.{key}", text, place, pointer=f"/{key}")


def stated_by_card(window: Window, place: Place) -> Iterator[MetadataEntry]:
    """Yield what the metadata at the start of a model card states, in the order of its lines."""
    text = window.read(0, min(window.size, _SEARCHED)).decode("utf-8", "replace")
    front = _FRONT.match(text)
    if front is None:
        return
    lines = front[1].splitlines()
    for number, line in enumerate(lines):
        match = _LINE.match(line)
        if match is None:
            continue
        for value in [match[2]] if match[2].strip() else _items(lines[number + 1 :]):
            plain = value.partition(" #")[0].strip().strip("\"'")
            if plain:
                yield _entry(f"card.{match[1]}", plain, place, line=number + 2)


def _items(lines: list[str]) -> Iterator[str]:
    for line in lines[:_MOST]:
        match = _ITEM.match(line)
        if match is None:
            return
        yield match[1]


def _entry(key: str, text: str, place: Place, **where: Any) -> MetadataEntry:
    shown = text[:_KEPT] + ("…" if len(text) > _KEPT else "")
    size = len(text.encode("utf-8", "replace"))
    return MetadataEntry(locations=place.at(**where), key=key, value=shown, size=size)
