"""Keras settings: what is named, run and opened, whatever the encoding and however often a name stands."""

from __future__ import annotations

import base64
import json
import marshal
from typing import Any

import pytest

from owaudit.codec.reader import PARSED, Head, Member, Place, Span, Yield
from owaudit.codec.window import Window
from owaudit.errors import FormatError
from owaudit.model.code_facts import CodeReference
from owaudit.model.keras_facts import FileOpened, MarshalledCode, PayloadCarried
from owaudit.model.limits import Limits
from owaudit.model.observation import SpecViolation
from owaudit.readers.keras_config import READER

PLACE = Place("config.json")
CODE = base64.b64encode(marshal.dumps(compile("print('x')", "m", "eval"))).decode()


def read(content: bytes) -> list[Yield]:
    return list(READER.read(Window.of(content), PLACE, Limits()))


def facts(value: Any) -> list[Yield]:
    return [item for item in read(json.dumps(value).encode()) if not isinstance(item, Span)]


def reference(mechanism: str, pointer: str, target: str, *imports: str) -> CodeReference:
    return CodeReference(
        locations=PLACE.at(pointer=pointer), mechanism=mechanism, key=pointer, target=target, imports=imports
    )


def test_objects_are_named_by_module_and_class() -> None:
    inner = {"module": "os", "class_name": "function", "config": "system", "registered_name": "system"}
    value = {"module": "keras.layers", "class_name": "Dense", "config": {"activation": inner}}
    assert facts(value) == [
        reference("keras_class", "", "keras.layers.Dense", "keras_class.keras.layers.Dense"),
        reference("keras_function", "/config/activation", "os.system", "keras_function.os.system"),
    ]


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("tf_keras.src.utils", "keras.utils.f"),
        ("keras.src.utils", "keras.utils.f"),
        ("tensorflow.python.keras.utils", "keras.utils.f"),
        ("keras.api._v2.keras.utils", "keras.utils.f"),
        ("keras_hub.utils", "keras_hub.utils.f"),
        ("keraslike.utils", "keraslike.utils.f"),
    ],
)
def test_keras_is_keras_under_every_name(module: str, name: str) -> None:
    target = f"{module}.f"
    assert facts({"module": module, "class_name": "f", "config": {}}) == [
        reference("keras_class", "", target, f"keras_class.{name}")
    ]


@pytest.mark.parametrize(
    ("registered", "module", "imports"),
    [
        ("Custom>A", None, ()),
        ("Custom>A", "__main__", ()),
        ("Custom>A", "lab", ("keras_class.lab.A",)),
        ("pkg>A", None, ("registered_package.pkg.A",)),
        (None, None, ()),
        ("A", "lab", ("keras_class.lab.A",)),
    ],
)
def test_a_name_without_a_module_reaches_nothing(
    registered: str | None, module: str | None, imports: tuple[str, ...]
) -> None:
    seen = facts({"class_name": "A", "config": {}, "module": module, "registered_name": registered})
    assert [item.imports for item in seen if isinstance(item, CodeReference)] == [imports]


@pytest.mark.parametrize(
    ("value", "key"),
    [
        ({"class_name": "__lambda__", "config": {"code": CODE}}, "/code"),
        ({"class_name": "__lambda__", "config": {"value": [CODE, None, None]}}, "/value/0"),
        ({"function": [CODE, None, None], "function_type": "lambda"}, "/function/0"),
        ({"output_shape": [CODE], "output_shape_type": "lambda", "function_type": "raw"}, "/output_shape/0"),
    ],
)
def test_code_is_taken_apart(value: dict[str, Any], key: str) -> None:
    found = [item for item in facts(value) if isinstance(item, MarshalledCode)]
    assert [(code.key, code.names, code.texts) for code in found] == [(key, ("print",), ("x",))]


def test_code_that_cannot_be_followed_is_still_code() -> None:
    assert facts({"class_name": "__lambda__", "config": "no"}) == [
        MarshalledCode(locations=PLACE.at(pointer=""), key="", is_complete=False)
    ]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"vocabulary": "/etc/hostname"}, [("vocabulary", "/vocabulary", "/etc/hostname")]),
        ({"vocabulary": ["a", "b"]}, []),
        ({"proto": base64.b64encode(b"words" * 40).decode()}, []),
        ({"proto": "words.model"}, [("vocabulary", "/proto", "words.model")]),
        (
            {"class_name": "TFSMLayer", "config": {"filepath": "../m"}},
            [("saved_model", "/config/filepath", "../m")],
        ),
    ],
)
def test_other_files(value: dict[str, Any], expected: list[tuple[str, str, str]]) -> None:
    found = [item for item in facts(value) if isinstance(item, FileOpened)]
    assert [(item.mechanism, item.key, item.path) for item in found] == expected


def test_a_torch_module_is_handed_on() -> None:
    value = {"class_name": "TorchModuleWrapper", "config": {"module": base64.b64encode(b"pickle").decode()}}
    where = PLACE.at(pointer="/config/module")
    assert facts(value)[1:] == [
        PayloadCarried(locations=where, key="/config/module", loader="torch.load", size=6),
        Member(name="config/module", start=0, end=0, hint="pickle", content=b"pickle", size=6),
    ]


def test_every_value_of_a_repeated_name_counts() -> None:
    lambda_ = json.dumps({"class_name": "__lambda__", "config": CODE})
    seen = read(
        f'{{"a": {lambda_}, "class_name": "Popen", "class_name": "Dense", "module": "m", "a": 1}}'.encode()
    )
    assert [item.target for item in seen if isinstance(item, CodeReference)] == ["m.Dense", "m.Popen"]
    assert [item.key for item in seen if isinstance(item, MarshalledCode)] == ["/a"]
    assert [item.count for item in seen if isinstance(item, SpecViolation)] == [2]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_every_encoding_that_json_takes_is_read(encoding: str) -> None:
    content = json.dumps({"class_name": "A", "module": "m", "config": {}}).encode(encoding)
    seen = read(content)
    assert [item.target for item in seen if isinstance(item, CodeReference)] == ["m.A"]
    assert seen[-2] == Span(PARSED, 0, len(content))
    assert [item.tolerated for item in seen if isinstance(item, SpecViolation)] == [True]


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(FormatError):
        read(b'{"class_name": ')


@pytest.mark.parametrize(
    ("name", "content", "hint", "expected"),
    [
        ("model.json", b'{"class_name": "M", "config": {}}', "", True),
        ("model.json", b'{"cl\\u0061ss_name": "M", "config": {}}', "", True),
        ("model", b'{"class_name": "M", "config": {}}', "", True),
        ("model.json", '{"class_name": "M", "config": {}}'.encode("utf-16"), "", True),
        ("config.json", b"no", "keras-config", True),
        ("config.json", b'{"model_type": "bert"}', "", False),
        ("labels.json", b'{"class_name": ["cat"]}', "", False),
        ("rows.jsonl", b'{"class_name": "M", "config": {}}', "", False),
    ],
)
def test_recognition(name: str, content: bytes, hint: str, expected: bool) -> None:
    head = Head(
        start=content[:4096], end=content, size=len(content), name=name, window=Window.of(content), hint=hint
    )
    assert READER.looks_like(head) is expected
