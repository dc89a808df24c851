"""The laws of the readers of templates, settings and programs, over texts of every kind."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fixtures import all_recipes
from owaudit.codec.reader import Head, Place, Span
from owaudit.codec.window import Window
from owaudit.errors import ReadError
from owaudit.model.artifact import Format
from owaudit.model.limits import Limits
from owaudit.readers import readers

_FORMATS = (
    "jinja-template", "hub-config", "python", "notebook", "python-path-file", "shell", "requirements", "yaml",
    "torchscript-code",
)  # fmt: skip
_READERS = {reader.format: reader for reader in readers() if reader.format in _FORMATS}
_NAMES = (
    "config.json", "tokenizer_config.json", "modules.json", "model_index.json", "adapter_config.json",
    "MAR-INF/MANIFEST.json", "x.index.json", "a.py", "a.ipynb", "a.pth", "a.sh", "Dockerfile",
    "requirements.txt", "a.yaml", "MLmodel", "chat_template.jinja",
)  # fmt: skip
_SEEDS = [
    content
    for recipe in all_recipes()
    if recipe.name.startswith(
        ("template-", "settings-", "program-", "yaml-", "honest-template", "honest-yaml")
    )
    for content in recipe.build().values()
    if len(content) < 4000
]
_WORDS = (
    "{{ }} {% %} ' \" ( ) [ ] |attr .__class__ ~ * ** [::-1] range for in if endfor set = : - &a *a { } , "
    "\\ # 0 x !!python/name: _target_ auto_map null os.system exec lambda"
)
_PIECES = st.sampled_from([*_WORDS.split(), "\n", "  ", "import os", "def f():", "9" * 30])
_TEXTS = st.one_of(
    st.binary(max_size=200),
    st.lists(_PIECES, max_size=60).map(lambda parts: "".join(parts).encode()),
    st.tuples(st.sampled_from(_SEEDS), st.integers(0, 4000), st.binary(max_size=6)).map(
        lambda change: change[0][: change[1] % (len(change[0]) + 1)] + change[2] + change[0][change[1] :]
    ),
)


def test_every_reader_is_held_to_the_laws() -> None:
    assert sorted(_READERS) == sorted(_FORMATS)


class TestAnyText:
    """Any bytes give facts, spans inside the window and typed errors, and are never run."""

    @pytest.mark.parametrize("name", _FORMATS)
    @settings(max_examples=80, deadline=None)
    @given(content=_TEXTS, path=st.sampled_from(_NAMES))
    @example(content=b"", path="config.json")
    @example(content=b"{{ a" + b".b" * 3000 + b" }}", path="chat_template.jinja")
    @example(content=b"x = a" + b".b" * 3000, path="a.py")
    @example(content=b"x = 1" + b" + 1" * 3000, path="a.py")
    @example(content=b"if a:\n  pass\n" + b"elif b:\n  pass\n" * 1500, path="a.py")
    def test_reader(self, name: str, content: bytes, path: str) -> None:
        window = Window.of(content)
        with contextlib.suppress(ReadError):
            for item in _READERS[Format(name)].read(window, Place(path), Limits()):
                if isinstance(item, Span):
                    assert 0 <= item.start <= item.end <= len(content)

    @settings(max_examples=80, deadline=None)
    @given(content=_TEXTS, path=st.sampled_from(_NAMES))
    def test_recognition(self, content: bytes, path: str) -> None:
        head = Head(
            start=content[:4096], end=content, size=len(content), name=path.lower(), window=Window.of(content)
        )
        assert all(isinstance(reader.looks_like(head), bool) for reader in _READERS.values())
