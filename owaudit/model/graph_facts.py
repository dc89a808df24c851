"""Facts about graphs: the operators they name, and the files they open with them.

They are kinds of observation like those of ``model.observation``, kept apart by noun.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from owaudit.model.observation import Observation


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorUsed(Observation):
    """A graph names an operator that a runtime runs when the graph runs.

    ``operator`` is the dotted name that rows match: runtime, domain and operator, such as
    ``onnx.com.microsoft.QAttention``; dots inside ``name`` become ``_``. ``texts`` are constant
    texts that the graph hands to it, the first few. ``reached`` says how the operator is reached
    where that was followed: ``saver`` by the functions that save and restore variables alone.
    """

    kind: ClassVar[str] = "graph.operator"

    format: str
    domain: str
    name: str
    operator: str
    texts: tuple[str, ...] = ()
    reached: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorDefined(Observation):
    """A graph carries its own definition of an operator, made of other operators."""

    kind: ClassVar[str] = "graph.operator_defined"

    format: str
    domain: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalReference(Observation):
    """The file names another file that its loader opens with it.

    ``purpose`` is ``tensors`` (raw numbers at ``ranges``), ``part`` (another file of the same set)
    or ``asset``. ``path`` is as written, relative to the folder of this file. ``problem`` is empty
    for a path that stays below that folder, else ``absolute``, ``parent``, ``drive``, ``url``,
    ``home``, ``encoded`` or ``nul``. ``ranges`` are half open, in ascending order, and joined over
    holes smaller than a page of the largest usual alignment; an end of -1 means the end of the file.
    """

    kind: ClassVar[str] = "external.reference"

    purpose: str
    path: str
    problem: str = ""
    ranges: tuple[tuple[int, int], ...] = ()
