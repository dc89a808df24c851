"""Facts for model documentation, as the files state them: nobody has checked that they are true.

Source of the keys: GGUF specification, "Standardized key-value pairs"; Stability AI, ModelSpec
metadata for safetensors; Hugging Face transformers and PEFT configuration files; Hugging Face Hub,
model card metadata.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from owaudit.judge.wording import cut
from owaudit.model.evidence import Evidence
from owaudit.model.observation import MetadataEntry, TensorTable
from owaudit.model.report import InventoryItem

MOST_PER_LABEL = 100
"""Items of one label; a repository of thousands of shards states each of them in its file row."""
_LONGEST = 200

_LABELS = {
    "general.architecture": "architecture",
    "general.name": "name",
    "general.license": "licence",
    "general.license.name": "licence",
    "tokenizer.ggml.model": "tokenizer",
    "modelspec.architecture": "architecture",
    "modelspec.title": "name",
    "modelspec.license": "licence",
    "ss_base_model_version": "base model",
    "license": "licence",
    "base_model": "base model",
    "model_name": "name",
    "config.architectures": "architecture",
    "config.model_type": "architecture",
    "config.base_model_name_or_path": "base model",
    "config.tokenizer_class": "tokenizer",
    "card.license": "licence",
    "card.license_name": "licence",
    "card.base_model": "base model",
    "card.model_name": "name",
}
_BASE_MODEL = re.compile(r"general\.base_model\.\d{1,4}\.(?:name|repo_url)\Z")
_ORDER = (
    "name", "architecture", "parameters", "tensors", "element type", "tokenizer", "licence", "base model",
)  # fmt: skip


def inventory(evidence: Evidence) -> tuple[InventoryItem, ...]:
    """What the files state, by label, then by file; equal statements of one file stand once."""
    found = dict.fromkeys((*_of_tensors(evidence), *_of_metadata(evidence)))
    kept: Counter[str] = Counter()
    items = []
    for item in sorted(found, key=lambda i: (_ORDER.index(i.label), i.artifact, i.place, i.value)):
        kept[item.label] += 1
        if kept[item.label] <= MOST_PER_LABEL:
            items.append(item)
    return tuple(items)


def _of_tensors(evidence: Evidence) -> Iterator[InventoryItem]:
    for table in evidence.of(TensorTable):
        artifact = table.location.artifact
        place = "!".join(table.location.members)
        if table.parameters > 0:
            yield InventoryItem(
                label="parameters", value=f"{table.parameters:,}", artifact=artifact, place=place
            )
        if table.tensors > 0:
            yield InventoryItem(label="tensors", value=f"{table.tensors:,}", artifact=artifact, place=place)
        types = ", ".join(f"{name} ({count:,})" for name, count in table.element_types)
        if types:
            yield InventoryItem(
                label="element type", value=cut(types, _LONGEST), artifact=artifact, place=place
            )


def _of_metadata(evidence: Evidence) -> Iterator[InventoryItem]:
    for entry in evidence.of(MetadataEntry):
        label = _LABELS.get(entry.key) or ("base model" if _BASE_MODEL.match(entry.key) else "")
        if label and entry.value.strip():
            yield InventoryItem(
                label=label,
                value=cut(entry.value.strip(), _LONGEST),
                artifact=entry.location.artifact,
                place="!".join((*entry.location.members, entry.key)),
            )
