"""Facts about formats outside the pickle family, about programs, and about names of files.

They are kinds of observation like those of ``model.observation``, kept apart by noun.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from owaudit.model.observation import Observation


@dataclass(frozen=True, slots=True, kw_only=True)
class FormatFeature(Observation):
    """A file uses a feature of its format that does more than hold numbers.

    ``feature`` is a kebab-case word of the reader, such as ``promise`` or ``custom-layer``; ``name``
    is what the file calls the thing, empty where it has no name. ``example`` shows more of it.
    """

    kind: ClassVar[str] = "format.feature"

    format: str
    feature: str
    name: str = ""
    example: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeTyped(Observation):
    """A tree of typed nodes asks its loader for a class or function by its dotted name.

    ``loader`` is the kind of node, which decides what is done with it.
    """

    kind: ClassVar[str] = "node.typed"

    format: str
    loader: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class XmlDeclaration(Observation):
    """A document declares a type or an entity.

    ``what`` is ``doctype``, ``entity`` or ``parameter-entity``. ``system`` is the address that it is
    read from, empty for an entity with its text (of ``size`` characters) in place. ``nested`` says
    that this text refers to further entities. ``root`` is the document's first element.
    """

    kind: ClassVar[str] = "xml.declaration"

    format: str
    what: str
    name: str
    system: str = ""
    size: int = 0
    nested: bool = False
    root: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramFile(Observation):
    """The file itself is a program: ``family`` is ``elf``, ``pe``, ``mach-o``, ``wasm`` … ; ``role`` is
    ``program``, ``library`` or ``object``. ``carries`` names a model format it also holds."""

    kind: ClassVar[str] = "program.file"

    family: str
    role: str
    carries: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NameProblem(Observation):
    """The name of a file, or of the folders above it, does not read as it is.

    ``problem`` is ``direction``, ``invisible``, ``control``, ``confusable``, ``reserved``, ``edge``
    (a dot or space at an end), ``parent`` (separators or parent steps in one name) or
    ``double-extension``. ``shown`` is the name in ASCII with escapes.
    """

    kind: ClassVar[str] = "walk.name"

    problem: str
    shown: str
    detail: str = ""
