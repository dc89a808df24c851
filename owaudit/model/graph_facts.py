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
    texts that the graph hands to it, the first few. ``reached`` tells apart uses of one name:
    ``saver`` by what saves and restores variables alone, ``asset`` for a file among the assets of
    the model, ``file`` for one that was given a file where it needs none, ``local`` for a function
    that the file defines itself; empty otherwise. ``operator`` then begins with ``runtime:reached``.
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
    """A graph carries its own definition of an operator of a domain that runtimes bring along."""

    kind: ClassVar[str] = "graph.operator_defined"

    format: str
    domain: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalReference(Observation):
    """The file names another file that its loader opens with it.

    ``purpose`` is ``tensors`` (raw numbers at ``ranges``), ``part`` (another file of the same set),
    ``asset`` or ``native`` (machine code or a binary for a driver). ``path`` is as written, relative
    to the folder of this file. ``problem`` is empty for a path that stays below that folder, else
    ``absolute``, ``parent``, ``drive``, ``url``, ``home``, ``encoded`` or ``nul``. ``ranges`` are half
    open, in ascending order, and joined over holes that alignment explains (under 64 KiB).
    """

    kind: ClassVar[str] = "external.reference"

    purpose: str
    path: str
    problem: str = ""
    ranges: tuple[tuple[int, int], ...] = ()
