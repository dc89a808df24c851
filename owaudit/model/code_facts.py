"""Facts about the texts around weights: templates, settings, programs, requirements.

They are kinds of observation like those of ``model.observation``, kept apart by noun.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from owaudit.model.observation import Observation


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateExpression(Observation):
    """A template does something with ``name``, in ``expression``.

    ``feature`` is ``attribute``, ``item``, ``method``, ``filter``, ``test``, ``name``,
    ``statement``, ``literal``, ``size`` or ``condition``. ``on`` is the variable that the walk
    begins with, as far as it is known; ``computed`` says that the name was put together.
    """

    kind: ClassVar[str] = "template.expression"

    feature: str
    name: str
    expression: str = ""
    on: str = ""
    computed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateRead(Observation):
    """A template was parsed: how many nodes its tree has, and the variables it takes."""

    kind: ClassVar[str] = "template.read"

    nodes: int
    variables: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeReference(Observation):
    """A settings file names code that its loader imports or runs.

    ``mechanism`` is the feature that does it, such as ``auto_map``; ``key`` is where it stands and
    ``target`` is as written. ``path`` is the file meant, relative to the folder of the settings;
    ``repository`` is another repository; ``imports`` holds dotted names, each behind the mechanism
    (``hydra_target.os.system``). Each of them may be empty.
    """

    kind: ClassVar[str] = "code.reference"

    mechanism: str
    key: str
    target: str
    path: str = ""
    repository: str = ""
    imports: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigSwitch(Observation):
    """A settings file carries a switch that its user should set, such as ``trust_remote_code``."""

    kind: ClassVar[str] = "config.switch"

    name: str
    key: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigPath(Observation):
    """A settings file names a file or place to load from.

    ``problem`` is empty for a path that stays below the folder of the settings, else ``absolute``,
    ``parent``, ``drive``, ``url``, ``home`` or ``nul``.
    """

    kind: ClassVar[str] = "config.path"

    purpose: str
    key: str
    path: str
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramRead(Observation):
    """A program was read as text, never run.

    ``language`` is ``python``, ``notebook``, ``shell`` …; ``capabilities`` are what its calls can
    do, sorted; ``imports`` are the top-level packages, sorted. ``understood`` is False where the
    language is only listed and its calls were not followed.
    """

    kind: ClassVar[str] = "program.read"

    language: str
    understood: bool
    capabilities: tuple[str, ...] = ()
    imports: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramCall(Observation):
    """A program calls ``name``, resolved through its imports.

    ``capability`` is what the call can do; ``moment`` is ``import`` (as soon as the file is
    imported or run), ``build`` (when one of its classes is built) or ``call``. ``example`` is the
    first one as written. ``computed`` says that what is run or fetched is decoded or put
    together, not written out.
    """

    kind: ClassVar[str] = "program.call"

    name: str
    capability: str
    moment: str
    example: str = ""
    computed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DependencyNamed(Observation):
    """A list of requirements names something to install.

    ``origin`` is ``registry``, ``url``, ``repository``, ``index`` (another place to look packages
    up), ``path`` or ``include`` (another list).
    """

    kind: ClassVar[str] = "dependency.named"

    requirement: str
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretShape(Observation):
    """A text has the shape of a credential; ``shown`` keeps its first few characters only."""

    kind: ClassVar[str] = "text.secret"

    family: str
    shown: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptOperator(Observation):
    """TorchScript source calls an operator; ``operator`` is dotted, namespace first."""

    kind: ClassVar[str] = "torchscript.operator"

    operator: str
    example: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptClass(Observation):
    """A pickle of a TorchScript archive builds a class that the archive's own source defines.

    The loader of such archives compiles that source; it never imports a Python module.
    """

    kind: ClassVar[str] = "torchscript.class"

    name: str
    member: str
