"""What a call gives, as far as bytes alone can tell.

Every call is recorded by its name whatever happens here. Calls of known pure helpers are then
followed, so that a name which is assembled, walked to or bound first is reported as what it is.
Nothing is called for real: text and byte helpers are done on constants, within bounds.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Callable
from typing import Final

from owaudit.codec.pickle_trace import CALL, CONSTRUCT, Trace
from owaudit.codec.pickle_values import (
    MISSING,
    Blob,
    Getter,
    Instance,
    Items,
    Method,
    Name,
    Partial,
    Unknown,
    Wrapped,
    show,
    show_args,
)

NOT_PURE: Final = Unknown("not computed")
DEEPEST_CALL: Final = 24
LONGEST_VALUE: Final = 1 << 20
"""Bytes or characters of a value that is computed here."""

LOADERS: Final = frozenset(
    (
        "pickle.loads",
        "pickle.load",
        "pickle.Unpickler",
        "_pickle.loads",
        "_pickle.load",
        "_pickle.Unpickler",
        "pickle._loads",
        "pickle._load",
        "pickle._Unpickler",
        "dill.loads",
        "dill.load",
        "dill._dill.loads",
        "dill._dill.load",
        "cloudpickle.loads",
        "cloudpickle.load",
        "cloudpickle.cloudpickle.loads",
        "cloudpickle.cloudpickle.load",
        "joblib.load",
        "joblib.numpy_pickle.load",
        "torch.load",
        "torch.serialization.load",
        "torch.storage._load_from_bytes",
        "torch.jit.load",
        "torch.jit._serialization.load",
        "pandas.read_pickle",
        "pandas.io.pickle.read_pickle",
        "pandas.compat.pickle_compat.load",
        "pandas.compat.pickle_compat.loads",
        "numpy.load",
        "numpy.lib.npyio.load",
        "numpy.lib._npyio_impl.load",
        "sklearn.externals.joblib.load",
        "jsonpickle.decode",
        "numpy.core.multiarray._loads",
        "multiprocessing.reduction.ForkingPickler.loads",
        "multiprocessing.connection._ForkingPickler.loads",
    )
)
"""Functions that unpickle or open what they are given: their argument is read as a file of its own."""


def call(
    trace: Trace, callee: object, args: tuple[object, ...], start: int, end: int, depth: int = 0
) -> object:
    """``callee(*args)``: record it, and return what it gives as far as it can be told."""
    if depth > DEEPEST_CALL:
        trace.note_unresolved(CALL, show(callee), "the calls are nested too deep to follow", start, end)
        return Unknown("result of a deep call")
    if isinstance(callee, Name):
        instance = trace.record(callee, CALL, args, start, end)
        if callee.dotted in LOADERS and args:
            trace.note_loaded(args[0], start, end)
        follow = _PURE.get(callee.dotted) or _PURE_METHODS.get(
            callee.qualname if callee.module == "builtins" else ""
        )
        if follow is None:
            follow = _by_suffix(callee)
        if follow is not None:
            # A followed helper must be followed each time: its results are not interchangeable.
            callee.instance = None
            value = follow(_Call(trace, instance, args, start, end, depth))
            if value is not NOT_PURE:
                return value
        return instance
    if isinstance(callee, Partial):
        return call(trace, callee.function, (*callee.args, *args), start, end, depth + 1)
    if isinstance(callee, Getter):
        return _use_getter(trace, callee, args, start, end, depth)
    if isinstance(callee, Method):
        return _call_method(trace, callee, args, start, end, depth)
    trace.note_unresolved(
        CALL, f"{show(callee)}({show_args(args)})", "what is called is computed at run time", start, end
    )
    return Unknown("result of a computed call")


def walk(trace: Trace, owner: object, attribute: object, start: int, end: int) -> object:
    """``getattr(owner, attribute)``, dotted attributes included."""
    if not isinstance(attribute, str):
        trace.note_unresolved(
            "reference",
            f"{show(owner)}.{show(attribute)}",
            "the attribute is computed at run time",
            start,
            end,
        )
        return Unknown("computed attribute")
    for part in attribute.split(".")[:32]:
        if isinstance(owner, Name):
            owner = trace.attribute(owner, part, start, end)
            continue
        if isinstance(owner, Instance):
            # A bound method: what it belongs to says more than that it was taken.
            trace.attribute(owner.of, part, start, end)
        owner = Method(owner, part)
    return owner


def take(trace: Trace, owner: object, key: object, start: int, end: int) -> object:
    """``owner[key]`` for module tables, namespaces and containers of the stream."""
    if isinstance(owner, Name) and isinstance(key, str):
        if owner.dotted == "sys.modules":
            return trace.module(key, start, end)
        if owner.qualname == "__dict__" or owner.qualname.endswith(".__dict__"):
            parent = owner.qualname.removesuffix("__dict__").removesuffix(".")
            return trace.name(owner.module, f"{parent}.{key}" if parent else key, start, end)
    if isinstance(owner, Items) and isinstance(key, str):
        return owner.get(key)
    if isinstance(owner, str | bytes | tuple) and isinstance(key, int) and -len(owner) <= key < len(owner):
        return owner[key]
    if (
        isinstance(owner, Items)
        and owner.shape == "list"
        and isinstance(key, int)
        and 0 <= key < len(owner.kept)
    ):
        return owner.kept[key]
    return Unknown(f"item {show(key)} of {show(owner)}")


class ElementType:
    """Size of one array element in bytes, and whether it holds Python objects."""

    def __init__(self, size: int, holds_objects: bool) -> None:
        self.size = size
        self.holds_objects = holds_objects


_ITEM_SIZES: Final = {
    "b1": 1,
    "i1": 1,
    "u1": 1,
    "i2": 2,
    "u2": 2,
    "f2": 2,
    "i4": 4,
    "u4": 4,
    "f4": 4,
    "i8": 8,
    "u8": 8,
    "f8": 8,
    "c8": 8,
    "c16": 16,
    "f12": 12,
    "f16": 16,
    "c24": 24,
    "c32": 32,
    "?": 1,
    "b": 1,
    "B": 1,
    "h": 2,
    "H": 2,
    "e": 2,
    "i": 4,
    "I": 4,
    "f": 4,
    "l": 8,
    "L": 8,
    "q": 8,
    "Q": 8,
    "d": 8,
    "F": 8,
    "D": 16,
    "m8": 8,
    "M8": 8,
}


def element_type(value: object, depth: int = 0) -> ElementType | None:
    """Read ``numpy.dtype(code, ...)`` with its state; None where it cannot be told.

    Source: numpy 2.4, dtype.__reduce__ and the array protocol type strings.
    """
    if not isinstance(value, Instance) or value.of.dotted != "numpy.dtype" or not value.args or depth > 8:
        return None
    code = value.args[0]
    if not isinstance(code, str):
        return None
    code = code.lstrip("<>=|")
    if code[:1] == "O":
        return ElementType(8, True)
    if code in _ITEM_SIZES:
        return ElementType(_ITEM_SIZES[code], False)
    width = code[1:]
    if code[:1] in ("S", "a", "V", "U") and width.isascii() and width.isdigit() and len(width) < 12:
        size = int(width) * (4 if code[0] == "U" else 1)
        return ElementType(size, _fields_hold_objects(value.state, depth))
    return None


def _fields_hold_objects(state: object, depth: int) -> bool:
    """A structured type lists its fields in the state: ``(version, order, base, names, fields, ...)``."""
    if not isinstance(state, tuple) or len(state) < 5:
        return False
    base = state[2]
    if isinstance(base, tuple) and base:
        inner = element_type(base[0], depth + 1)
        return inner is None or inner.holds_objects
    fields = state[4]
    if not isinstance(fields, Items):
        return fields is not None
    for entry in fields.kept[1::2]:
        inner = element_type(entry[0], depth + 1) if isinstance(entry, tuple) and entry else None
        if inner is None or inner.holds_objects:
            return True
    return fields.count > len(fields.kept)


def unescape(text: bytes) -> str:
    """The text of a STRING opcode: Python escapes, bytes read as latin-1."""
    if b"\\" not in text:
        return str(text, "latin-1")
    try:
        return str(text, "unicode-escape") if text.isascii() else str(text, "latin-1")
    except UnicodeDecodeError:
        return str(text, "latin-1")


class _Call:
    """One call that is followed: where it stands and what it was given."""

    __slots__ = ("args", "depth", "end", "instance", "start", "trace")

    def __init__(
        self, trace: Trace, instance: Instance, args: tuple[object, ...], start: int, end: int, depth: int
    ) -> None:
        self.trace = trace
        self.instance = instance
        self.args = args
        self.start = start
        self.end = end
        self.depth = depth

    def arg(self, index: int) -> object:
        return self.args[index] if index < len(self.args) else MISSING


# Attribute walks, bound calls, imports -----------------------------------------------------------


def _use_getter(
    trace: Trace, getter: Getter, args: tuple[object, ...], start: int, end: int, depth: int
) -> object:
    owner = args[0] if args else MISSING
    if getter.shape == "item":
        return take(trace, owner, getter.keys[0] if getter.keys else MISSING, start, end)
    if getter.shape == "method":
        bound = walk(trace, owner, getter.keys[0] if getter.keys else MISSING, start, end)
        return call(trace, bound, getter.args, start, end, depth + 1)
    found = [walk(trace, owner, key, start, end) for key in getter.keys[:64]]
    return found[0] if len(found) == 1 else tuple(found)


def _call_method(
    trace: Trace, method: Method, args: tuple[object, ...], start: int, end: int, depth: int
) -> object:
    owner = method.owner
    if isinstance(owner, str | bytes) and (type(owner).__name__ + "." + method.attribute) in _PURE_METHODS:
        builtin = trace.name("builtins", f"{type(owner).__name__}.{method.attribute}", start, end)
        return call(trace, builtin, (owner, *args), start, end, depth + 1)
    if isinstance(owner, Items) and method.attribute in ("get", "__getitem__", "pop") and args:
        return take(trace, owner, args[0], start, end)
    made_by = owner.of if isinstance(owner, Instance) else None
    if isinstance(owner, Wrapped | Partial | Getter):
        made_by = owner.instance.of
    if isinstance(owner, Wrapped) and method.attribute in ("read", "getvalue", "getbuffer"):
        return owner.content
    if made_by is not None:
        name = trace.attribute(made_by, method.attribute, start, end)
        return call(trace, name, (owner, *args), start, end, depth + 1)
    trace.note_unresolved(
        CALL, f"{show(method)}({show_args(args)})", "what is called is computed at run time", start, end
    )
    return Unknown("result of a computed call")


def _getattr(c: _Call) -> object:
    if len(c.args) < 2:
        return NOT_PURE
    return walk(c.trace, c.args[0], c.args[1], c.start, c.end)


def _import_module(c: _Call) -> object:
    name = c.arg(0)
    if not isinstance(name, str):
        c.trace.note_unresolved(
            "reference", f"import {show(name)}", "the module is computed at run time", c.start, c.end
        )
        return Unknown("computed module")
    package = c.arg(1)
    if name.startswith(".") and isinstance(package, str):
        name = package + name
    return c.trace.module(name, c.start, c.end)


def _dunder_import(c: _Call) -> object:
    module = _import_module(c)
    fromlist = c.arg(3)
    if isinstance(module, Name) and "." in module.module and (fromlist is MISSING or fromlist in (None, ())):
        return c.trace.module(module.module.partition(".")[0], c.start, c.end)
    return module


def _resolve_name(c: _Call) -> object:
    """``pkgutil.resolve_name("a.b:c.d")`` and its like."""
    name = c.arg(0)
    if not isinstance(name, str):
        return NOT_PURE
    module, _, path = name.partition(":")
    if not path:
        module, _, path = name.rpartition(".")
    return c.trace.name(module, path, c.start, c.end)


def _partial(c: _Call) -> object:
    return Partial(c.arg(0), c.args[1:], c.instance)


def _attrgetter(c: _Call) -> object:
    return Getter("attribute", c.args, (), c.instance)


def _itemgetter(c: _Call) -> object:
    return Getter("item", c.args, (), c.instance)


def _methodcaller(c: _Call) -> object:
    return Getter("method", c.args[:1], c.args[1:], c.instance)


def _getitem(c: _Call) -> object:
    return take(c.trace, c.arg(0), c.arg(1), c.start, c.end)


def _vars(c: _Call) -> object:
    owner = c.arg(0)
    return walk(c.trace, owner, "__dict__", c.start, c.end) if isinstance(owner, Name) else NOT_PURE


def _apply(c: _Call) -> object:
    args = _sequence(c.arg(1))
    return call(c.trace, c.arg(0), tuple(args or ()), c.start, c.end, c.depth + 1)


def _call_first(c: _Call) -> object:
    return call(c.trace, c.arg(0), c.args[1:], c.start, c.end, c.depth + 1)


def _reduce(c: _Call) -> object:
    items = _sequence(c.arg(1))
    if items is None:
        return _each(c)
    todo = list(items[:64])
    value = c.arg(2) if len(c.args) > 2 else (todo.pop(0) if todo else MISSING)
    for item in todo:
        value = call(c.trace, c.arg(0), (value, item), c.start, c.end, c.depth + 1)
    return value


def _each(c: _Call) -> object:
    """``map``, ``filter`` and their like: the first argument is called with items of the others."""
    columns = [_sequence(column) for column in c.args[1:]]
    if c.args and columns and all(column is not None for column in columns):
        rows = list(zip(*[column for column in columns if column is not None], strict=False))[:16]
        for row in rows:
            call(c.trace, c.args[0], tuple(row), c.start, c.end, c.depth + 1)
        if rows:
            return c.instance
    if c.args:
        call(c.trace, c.args[0], (Unknown("item"),), c.start, c.end, c.depth + 1)
    return c.instance


def _starmap(c: _Call) -> object:
    for row in (_sequence(c.arg(1)) or [])[:16]:
        call(c.trace, c.arg(0), tuple(_sequence(row) or ()), c.start, c.end, c.depth + 1)
    return c.instance


def _reconstructor(c: _Call) -> object:
    """``copyreg._reconstructor(cls, base, state)``: a base other than object is initialized too."""
    cls, base = c.arg(0), c.arg(1)
    if not isinstance(cls, Name):
        return c.trace.construct(cls, (), c.start, c.end)
    made = c.trace.record(cls, CONSTRUCT, (), c.start, c.end)
    if not (isinstance(base, Name) and base.dotted == "builtins.object"):
        call(c.trace, base, (c.arg(2),), c.start, c.end, c.depth + 1)
    return made


def _newobj(c: _Call) -> object:
    return c.trace.construct(c.arg(0), c.args[1:], c.start, c.end)


def _newobj_ex(c: _Call) -> object:
    return c.trace.construct(c.arg(0), tuple(_sequence(c.arg(1)) or ()), c.start, c.end)


def _wrap(c: _Call) -> object:
    return Wrapped(c.arg(0), c.instance) if c.args else NOT_PURE


# Text and bytes ------------------------------------------------------------------------------------


def _sequence(value: object) -> list[object] | None:
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, Items) and value.shape != "dict" and value.count == len(value.kept):
        return value.kept
    if isinstance(value, str):
        return list(value[:256])
    return None


def _bounded(value: object) -> object:
    if isinstance(value, str | bytes) and len(value) > LONGEST_VALUE:
        return Unknown("a long computed value")
    return value


def _join(c: _Call) -> object:
    separator, items = c.arg(0), _sequence(c.arg(1))
    if isinstance(separator, str) and items is not None:
        texts = [item for item in items if isinstance(item, str)]
        if len(texts) == len(items) and sum(map(len, texts)) + len(separator) * len(texts) <= LONGEST_VALUE:
            return separator.join(texts)
    if isinstance(separator, bytes) and items is not None:
        parts = [item for item in items if isinstance(item, bytes)]
        if len(parts) == len(items) and sum(map(len, parts)) + len(separator) * len(parts) <= LONGEST_VALUE:
            return separator.join(parts)
    return Unknown("joined text")


def _add(c: _Call) -> object:
    a, b = c.arg(0), c.arg(1)
    if isinstance(a, str) and isinstance(b, str):
        return _bounded(a + b)
    if isinstance(a, bytes) and isinstance(b, bytes):
        return _bounded(a + b)
    if isinstance(a, tuple) and isinstance(b, tuple):
        return a + b if len(a) + len(b) < 4096 else Unknown("a long tuple")
    return Unknown("a sum")


def _text_method(c: _Call) -> object:
    """Methods of ``str`` that give a text no longer than what goes in."""
    text, method = c.arg(0), c.instance.of.qualname.rpartition(".")[2]
    if not isinstance(text, str) or len(text) > LONGEST_VALUE:
        return NOT_PURE
    rest = [arg for arg in c.args[1:] if isinstance(arg, str)]
    if method in ("lower", "upper", "swapcase", "title", "capitalize", "casefold") and not rest:
        return _TEXT[method](text)
    if method in ("strip", "lstrip", "rstrip") and len(rest) <= 1:
        return {"strip": text.strip, "lstrip": text.lstrip, "rstrip": text.rstrip}[method](*rest)
    if method == "replace" and len(rest) >= 2:
        grown = text.count(rest[0]) * max(0, len(rest[1]) - len(rest[0])) + len(text)
        return text.replace(rest[0], rest[1]) if grown <= LONGEST_VALUE else Unknown("a long text")
    if method in ("removeprefix", "removesuffix") and len(rest) == 1:
        return text.removeprefix(rest[0]) if method == "removeprefix" else text.removesuffix(rest[0])
    return Unknown("changed text")


_TEXT: Final[dict[str, Callable[[str], str]]] = {
    "lower": str.lower,
    "upper": str.upper,
    "swapcase": str.swapcase,
    "title": str.title,
    "capitalize": str.capitalize,
    "casefold": str.casefold,
}


def _encode(c: _Call) -> object:
    text, encoding = c.arg(0), c.arg(1)
    name = encoding if isinstance(encoding, str) else "utf-8"
    if isinstance(text, Blob) and text.text and name.lower().replace("_", "-") in _LATIN:
        return Blob(text.start, text.size, False, True)
    if not isinstance(text, str):
        return NOT_PURE
    return _transcode(text, name, True)


def _decode(c: _Call) -> object:
    content, encoding = c.arg(0), c.arg(1)
    if not isinstance(content, bytes | str):
        return NOT_PURE
    name = encoding if isinstance(encoding, str) else "utf-8"
    return _transcode(content, name, False)


_LATIN: Final = frozenset(("latin1", "latin-1", "iso-8859-1", "iso8859-1"))
_PLAIN_ENCODINGS: Final = frozenset(
    (
        "latin1",
        "latin-1",
        "iso-8859-1",
        "iso8859-1",
        "utf-8",
        "utf8",
        "ascii",
        "us-ascii",
        "utf-16",
        "utf-16-le",
        "utf-16-be",
        "utf-32",
        "utf-32-le",
        "utf-32-be",
        "cp1252",
        "cp437",
        "utf-7",
        "raw-unicode-escape",
        "unicode-escape",
    )
)


def _transcode(value: str | bytes, encoding: str, encode: bool) -> object:
    name = encoding.lower().replace("_", "-")
    try:
        if name in _PLAIN_ENCODINGS:
            if encode and isinstance(value, str):
                return value.encode(name)
            if not encode and isinstance(value, bytes):
                return value.decode(name)
            return Unknown("transcoded text")
        if name in ("rot13", "rot-13") and isinstance(value, str):
            return value.translate(_ROT13)
        content = value.encode("latin-1") if isinstance(value, str) else value
        if name in ("hex", "hex-codec"):
            return binascii.hexlify(content) if encode else binascii.unhexlify(content)
        if name in ("base64", "base64-codec", "base-64"):
            return base64.encodebytes(content) if encode else base64.decodebytes(content)
        if name in ("zip", "zlib", "zlib-codec") and not encode:
            return _inflate(content, zlib.MAX_WBITS)
    except (ValueError, LookupError, binascii.Error):
        pass
    return Unknown("transcoded content")


_ROT13: Final = str.maketrans(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
    "NOPQRSTUVWXYZABCDEFGHIJKLMnopqrstuvwxyzabcdefghijklm",
)


def _inflate(content: bytes, wbits: int) -> object:
    decoder = zlib.decompressobj(wbits)
    try:
        return decoder.decompress(content, LONGEST_VALUE)
    except zlib.error:
        return Unknown("decompressed content")


def _decompress(c: _Call) -> object:
    content, module = c.arg(0), c.instance.of.module
    if not isinstance(content, bytes):
        return NOT_PURE
    if module in ("zlib", "gzip"):
        return _inflate(content, zlib.MAX_WBITS if module == "zlib" else zlib.MAX_WBITS | 16)
    try:
        if module == "bz2":
            import bz2

            return bz2.BZ2Decompressor().decompress(content, LONGEST_VALUE)
        import lzma

        return lzma.LZMADecompressor(memlimit=256 << 20).decompress(content, LONGEST_VALUE)
    except (OSError, ValueError, lzma_error()):
        return Unknown("decompressed content")


def lzma_error() -> type[Exception]:
    """The error class of a module that is only imported where it is needed."""
    import lzma

    return lzma.LZMAError


def _base64(c: _Call) -> object:
    content = c.arg(0)
    if isinstance(content, str):
        content = content.encode("latin-1", "replace")
    if not isinstance(content, bytes):
        return NOT_PURE
    decode = _BASES.get(c.instance.of.qualname)
    if decode is None:
        return NOT_PURE
    try:
        return decode(content)
    except (ValueError, binascii.Error):
        return Unknown("decoded content")


_BASES: Final[dict[str, Callable[[bytes], bytes]]] = {
    "b64decode": base64.b64decode,
    "standard_b64decode": base64.standard_b64decode,
    "urlsafe_b64decode": base64.urlsafe_b64decode,
    "b32decode": base64.b32decode,
    "b16decode": base64.b16decode,
    "b85decode": base64.b85decode,
    "a85decode": base64.a85decode,
    "decodebytes": base64.decodebytes,
    "decodestring": base64.decodebytes,
    "unhexlify": binascii.unhexlify,
    "a2b_hex": binascii.unhexlify,
    "a2b_base64": binascii.a2b_base64,
    "bytes.fromhex": lambda content: bytes.fromhex(content.decode("latin-1")),
    "bytearray.fromhex": lambda content: bytes.fromhex(content.decode("latin-1")),
}


def _bytes(c: _Call) -> object:
    value = c.arg(0)
    if isinstance(value, bytes | Blob):
        return value
    if isinstance(value, str):
        return _encode(c)
    items = _sequence(value)
    if items is not None and len(items) <= LONGEST_VALUE:
        numbers = [item for item in items if isinstance(item, int) and 0 <= item < 256]
        if len(numbers) == len(items):
            return bytes(numbers)
    return NOT_PURE


def _str(c: _Call) -> object:
    value = c.arg(0)
    if isinstance(value, str):
        return value
    return _decode(c) if isinstance(value, bytes) and len(c.args) > 1 else NOT_PURE


def _chr(c: _Call) -> object:
    value = c.arg(0)
    return chr(value) if isinstance(value, int) and 0 <= value < 0x110000 else NOT_PURE


def _reversed(c: _Call) -> object:
    items = _sequence(c.arg(0))
    if items is None:
        return NOT_PURE
    turned = Items("list")
    turned.extend(items[::-1])
    return turned


_Follow = Callable[[_Call], object]

_PURE: Final[dict[str, _Follow]] = {
    "builtins.getattr": _getattr,
    "operator.attrgetter": _attrgetter,
    "operator.itemgetter": _itemgetter,
    "operator.methodcaller": _methodcaller,
    "operator.getitem": _getitem,
    "operator.__getitem__": _getitem,
    "_operator.attrgetter": _attrgetter,
    "_operator.itemgetter": _itemgetter,
    "_operator.methodcaller": _methodcaller,
    "_operator.getitem": _getitem,
    "operator.call": _call_first,
    "_operator.call": _call_first,
    "functools.partial": _partial,
    "_functools.partial": _partial,
    "functools.partial.__new__": _partial,
    "functools.reduce": _reduce,
    "_functools.reduce": _reduce,
    "builtins.apply": _apply,
    "builtins.map": _each,
    "builtins.filter": _each,
    "itertools.starmap": _starmap,
    "itertools.accumulate": _each,
    "importlib.import_module": _import_module,
    "importlib.__import__": _dunder_import,
    "importlib._bootstrap._gcd_import": _import_module,
    "builtins.__import__": _dunder_import,
    "pkgutil.resolve_name": _resolve_name,
    "pydoc.locate": _resolve_name,
    "builtins.vars": _vars,
    "inspect.getattr_static": _getattr,
    "copyreg._reconstructor": _reconstructor,
    "copyreg.__newobj__": _newobj,
    "copyreg.__newobj_ex__": _newobj_ex,
    "io.BytesIO": _wrap,
    "_io.BytesIO": _wrap,
    "io.StringIO": _wrap,
    "_io.StringIO": _wrap,
    "operator.add": _add,
    "operator.concat": _add,
    "_operator.add": _add,
    "_operator.concat": _add,
    "_codecs.encode": _encode,
    "_codecs.decode": _decode,
    "codecs.encode": _encode,
    "codecs.decode": _decode,
    "_codecs.latin_1_encode": _encode,
    "zlib.decompress": _decompress,
    "gzip.decompress": _decompress,
    "bz2.decompress": _decompress,
    "lzma.decompress": _decompress,
    "base64.b64decode": _base64,
    "base64.standard_b64decode": _base64,
    "base64.urlsafe_b64decode": _base64,
    "base64.b32decode": _base64,
    "base64.b16decode": _base64,
    "base64.b85decode": _base64,
    "base64.a85decode": _base64,
    "base64.decodebytes": _base64,
    "base64.decodestring": _base64,
    "binascii.unhexlify": _base64,
    "binascii.a2b_hex": _base64,
    "binascii.a2b_base64": _base64,
    "builtins.bytes": _bytes,
    "builtins.str": _str,
    "builtins.chr": _chr,
    "builtins.reversed": _reversed,
    "sys.modules.get": _getitem,
}

_PURE_METHODS: Final[dict[str, _Follow]] = {
    "str.join": _join,
    "bytes.join": _join,
    "str.encode": _encode,
    "bytes.decode": _decode,
    "str.__add__": _add,
    "bytes.__add__": _add,
    "str.lower": _text_method,
    "str.upper": _text_method,
    "str.swapcase": _text_method,
    "str.title": _text_method,
    "str.capitalize": _text_method,
    "str.casefold": _text_method,
    "str.strip": _text_method,
    "str.lstrip": _text_method,
    "str.rstrip": _text_method,
    "str.replace": _text_method,
    "str.removeprefix": _text_method,
    "str.removesuffix": _text_method,
    "bytes.fromhex": _base64,
    "bytearray.fromhex": _base64,
    "dict.get": _getitem,
    "dict.__getitem__": _getitem,
    "list.__getitem__": _getitem,
    "tuple.__getitem__": _getitem,
    "object.__getattribute__": _getattr,
    "type.__getattribute__": _getattr,
    "str.__getitem__": _getitem,
}


def _by_suffix(callee: Name) -> _Follow | None:
    """Methods of namespaces: ``sys.modules.get("os")``, ``os.__dict__.__getitem__("system")``."""
    parent, _, method = callee.qualname.rpartition(".")
    if method in ("get", "__getitem__", "pop", "setdefault") and (
        parent == "modules" or parent.endswith("__dict__")
    ):
        return lambda c: take(
            c.trace, c.trace.name(callee.module, parent, c.start, c.end), c.arg(0), c.start, c.end
        )
    if method in ("__getattribute__", "__getattr__") and parent:
        return lambda c: walk(
            c.trace, c.trace.name(callee.module, parent, c.start, c.end), c.arg(0), c.start, c.end
        )
    if callee.module and callee.qualname == "__getattribute__":
        return lambda c: walk(
            c.trace, c.trace.module(callee.module, c.start, c.end), c.arg(0), c.start, c.end
        )
    return None
