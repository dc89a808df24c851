"""References in JSON and YAML settings, and operators in TorchScript source."""

from __future__ import annotations

import json

import pytest

from owaudit.codec.reader import Member, Place, Yield
from owaudit.codec.window import Window
from owaudit.codec.yaml_events import pairs
from owaudit.errors import FormatError, LimitExceeded
from owaudit.model.code_facts import CodeReference, ConfigPath, ConfigSwitch
from owaudit.model.limits import Limits
from owaudit.readers import hub_config, yaml_settings
from owaudit.readers.torchscript_code import operators


def _json(name: str, value: object) -> list[Yield]:
    return list(hub_config.read(Window.of(json.dumps(value).encode()), Place(name), Limits()))


def _references(found: list[Yield]) -> list[tuple[str, str, str, str]]:
    return [(r.mechanism, r.key, r.path, r.repository) for r in found if isinstance(r, CodeReference)]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("config.json", {"auto_map": {"A": "m.C"}}, [("auto_map", "/auto_map/A", "m.py", "")]),
        ("config.json", {"auto_map": {"A": ["a.B", None]}}, [("auto_map", "/auto_map/A/0", "a.py", "")]),
        ("config.json", {"x": {"auto_map": {"A": "o/n--m.C"}}}, [("auto_map", "/x/auto_map/A", "", "o/n")]),
        ("config.json", {"custom_pipelines": {"p": {"impl": "p.P", "pt": ["A.B"]}}},
         [("custom_pipelines", "/custom_pipelines/p/impl", "p.py", "")]),
        ("config.json", {"_attn_implementation": "eager"}, []),
        ("config.json", {"attn_implementation": "o/k@v1:f"}, [("kernel", "/attn_implementation", "", "o/k")]),
        ("notes.json", {"model_file": "x.py"}, []),
        ("model_index.json", {"_class_name": ["p", "P"]}, [("pipeline_class", "/_class_name", "p.py", "")]),
        ("model_index.json", {"unet": ["u", "U"]}, [("component", "/unet", "unet/u.py", "")]),
        ("MAR-INF/MANIFEST.json", {"model": {"handler": "h.py:f"}},
         [("handler", "/model/handler", "../h.py", "")]),
        ("MAR-INF/MANIFEST.json", {"model": {"handler": "text_classifier"}}, []),
    ],
)  # fmt: skip
def test_references_in_json(name: str, value: object, expected: list[tuple[str, str, str, str]]) -> None:
    assert _references(_json(name, value)) == expected


def test_templates_become_members() -> None:
    found = _json("tokenizer_config.json", {"chat_template": [{"name": "default", "template": "{{ a }}"}]})
    members = [(m.name, m.content, m.hint) for m in found if isinstance(m, Member)]
    assert members == [("chat_template.default", b"{{ a }}", "jinja-template")]


def test_switches_and_paths() -> None:
    found = _json("adapter_config.json", {"a": [{"trust_remote_code": True}]})
    assert [(s.key, s.value) for s in found if isinstance(s, ConfigSwitch)] == [
        ("/a/0/trust_remote_code", "True")
    ]
    found = _json("m.index.json", {"weight_map": {"a": "x", "b": "../y", "c": "x", "d": "C:\\z", "e": "/w"}})
    assert [(p.path, p.problem) for p in found if isinstance(p, ConfigPath)] == [
        ("x", ""),
        ("../y", "parent"),
        ("C:\\z", "drive"),
        ("/w", "absolute"),
    ]


def test_python_writes_infinity_into_settings() -> None:
    assert _references(_json("config.json", {"time_step_limit": [0.0, float("inf")]})) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("_target_: a.b", ["hydra_target.a.b"]),
        ("x: [{_target_: a.b}, {y: {_target_: c}}]", ["hydra_target.a.b", "hydra_target.c"]),
        ("a: &x n.m\nb: {_target_: *x}", ["hydra_target.n.m"]),
        ("a: !!python/object/apply:os.system [x]", ["yaml_tag.os.system"]),
        ("a: !!python/name:os.system ''", ["yaml_tag.os.system"]),
        ("!!python/object:a.B {c: d}", ["yaml_tag.a.B"]),
        ("a: !!python/tuple [1]\nb: hello!", []),
        ("note: the key _target_ stands here", []),
    ],
)
def test_references_in_yaml(text: str, expected: list[str]) -> None:
    found = yaml_settings.read(Window.of(text.encode()), Place("a.yaml"), Limits())
    assert [name for item in found if isinstance(item, CodeReference) for name in item.imports] == expected


def test_aliases_are_not_expanded() -> None:
    lines = ["a0: &a0 [x, x]"] + [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 40)]
    assert len(list(pairs("\n".join(lines)))) < 1000


@pytest.mark.parametrize("text", ["a: [", "\x01", "a: b: c", "%TAG ! x\n%TAG ! y\n--- a"])
def test_what_is_no_yaml(text: str) -> None:
    with pytest.raises(FormatError):
        list(pairs(text))


def test_deep_yaml_is_refused() -> None:
    with pytest.raises(LimitExceeded):
        list(pairs("[" * 3000))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("_0 = torch.relu(x)", ["torch.relu"]),
        ("_0 = ops.ns.op(x)", ["ops.ns.op"]),
        ("_0 = torch . save\n_0(x)", ["torch.save"]),
        ("_0 = ops.ns\n_1 = torch", ["unfollowed.ops.ns", "unfollowed.torch"]),
        ("\"torch.save(x)\" # torch.save\n'ops.a.b'", []),
        ("^PythonOp()(x)", ["python.PythonOp"]),
        ("a : __torch__.torch.classes.n.C\nb : __torch__.torch.nn.C", ["classes.n.C"]),
        ("xtorch.save(self.torch.save)", []),
    ],
)
def test_operators_of_torchscript(source: str, expected: list[str]) -> None:
    assert [name for name, _ in operators(source)] == expected
