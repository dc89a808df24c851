"""What settings and model cards state about a model, and how little is taken for it."""

from __future__ import annotations

from typing import Any

import pytest

from owaudit.codec.reader import Place
from owaudit.codec.stated import stated_by_card, stated_by_settings
from owaudit.codec.window import BytesSource, Window

_PLACE = Place(artifact="README.md")


def _card(text: str) -> list[tuple[str, str, int | None]]:
    raw = text.encode("utf-8", "surrogatepass")
    found = stated_by_card(Window(BytesSource(raw), 0, len(raw)), _PLACE)
    return [(entry.key, entry.value, entry.location.line) for entry in found]


def _settings(name: str, value: Any) -> list[tuple[str, str, str | None]]:
    found = stated_by_settings(name, value, Place(artifact=name))
    return [(entry.key, entry.value, entry.location.pointer) for entry in found]


def test_a_card_states_licence_and_base_model() -> None:
    text = (
        '---\nlicense: apache-2.0 # see LICENSE\ntags:\n- text\nbase_model:\n- org/one\n- "org/two"\n'
        "license_name: 'own'\n---\n# Model\nlicense: mit\n"
    )
    assert _card(text) == [
        ("card.license", "apache-2.0", 2),
        ("card.base_model", "org/one", 5),
        ("card.base_model", "org/two", 5),
        ("card.license_name", "own", 8),
    ]


@pytest.mark.parametrize(
    "text",
    ["", "license: mit\n", "---\nlicense: mit\n", "# Card\n---\nlicense: mit\n---\n", "---\nlicense:\n---\n"],
)
def test_what_is_not_at_the_start_of_a_card_states_nothing(text: str) -> None:
    assert _card(text) == []


def test_long_and_many_values_are_bounded() -> None:
    items = "".join(f"- m{n}\n" for n in range(100))
    found = _card(f"---\nlicense: {'x' * 500}\nbase_model:\n{items}---\n")
    assert [len(value) for _, value, _ in found[:1]] == [201]
    assert len(found) == 17
    assert _card("---\n" + "x\n" * 40_000 + "license: mit\n---\n") == []


def test_line_ends_and_marks_of_other_systems() -> None:
    assert _card("\ufeff---\r\nlicense: mit\r\n---\r\n") == [("card.license", "mit", 2)]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        (
            "config.json",
            {"architectures": ["LlamaForCausalLM", 3], "model_type": "llama", "license": "mit"},
            [
                ("config.architectures", "LlamaForCausalLM", "/architectures"),
                ("config.model_type", "llama", "/model_type"),
            ],
        ),
        (
            "adapter_config.json",
            {"base_model_name_or_path": "org/base"},
            [("config.base_model_name_or_path", "org/base", "/base_model_name_or_path")],
        ),
        (
            "tokenizer_config.json",
            {"tokenizer_class": "LlamaTokenizer"},
            [("config.tokenizer_class", "LlamaTokenizer", "/tokenizer_class")],
        ),
        ("config.json", ["model_type"], []),
        ("config.json", {"model_type": {"a": 1}, "architectures": " "}, []),
        ("other.json", {"model_type": "llama"}, []),
    ],
)
def test_settings_state_what_their_keys_say(
    name: str, value: Any, expected: list[tuple[str, str, str]]
) -> None:
    assert _settings(name, value) == expected
