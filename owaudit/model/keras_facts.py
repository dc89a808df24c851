"""Facts about Keras models and the HDF5 files that they keep their weights in.

They are kinds of observation like those of ``model.observation``, kept apart by noun.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from owaudit.model.observation import Observation


@dataclass(frozen=True, slots=True, kw_only=True)
class MarshalledCode(Observation):
    """A settings file carries compiled Python code as text, which its loader makes a function of.

    ``key`` is where it stands; ``names`` are the names that the code and the functions inside it
    use, ``texts`` the first texts among its constants, ``functions`` the names of its functions.
    ``python`` is the version whose layout the code has, such as ``3.11 or later``, and empty where
    it is not known. ``is_complete`` says that the code was followed to its end.
    """

    kind: ClassVar[str] = "code.marshalled"

    key: str
    names: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()
    python: str = ""
    is_complete: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class FileOpened(Observation):
    """The file names another file, folder or address that its loader opens with it.

    ``mechanism`` is the feature that does it: ``vocabulary``, ``saved_model``, ``external_link``,
    ``external_storage``, ``virtual_dataset`` or ``typespec_module``. ``key`` is where it stands.
    """

    kind: ClassVar[str] = "file.opened"

    mechanism: str
    key: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PayloadCarried(Observation):
    """A settings file carries a whole saved object as text, which its loader opens by itself.

    ``key`` is where it stands, ``loader`` is what opens it, ``size`` the bytes that it decodes to.
    """

    kind: ClassVar[str] = "config.payload"

    key: str
    loader: str
    size: int
