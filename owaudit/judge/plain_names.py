"""Names outside the sources that ``derive`` takes as plain without asking a list.

They are the vocabulary of ordinary ``__init__`` and ``__setstate__`` methods: built-in functions,
container methods, and functions of common libraries that make a value and do nothing else.

Source: Python library reference 3.11; numpy 2.4 and torch 2.13, read by a person.
"""

from __future__ import annotations

_PURE_BUILTINS = """
abs all any ascii bool bytearray bytes callable chr complex dict divmod enumerate float frozenset hash hex
id int isinstance issubclass len list max min object oct ord range repr reversed round set slice sorted
str sum tuple zip
"""
PURE_BUILTINS = frozenset(_PURE_BUILTINS.split())
"""Built-in functions that compute from their arguments; ``key=`` is looked at on its own."""

_PURE = """
collections.Counter collections.OrderedDict collections.defaultdict collections.deque contextlib.suppress
dataclasses.field dataclasses.fields datetime.date datetime.datetime datetime.datetime.now
datetime.datetime.utcnow datetime.timedelta decimal.Decimal enum.auto fractions.Fraction itertools.chain
itertools.count itertools.product itertools.repeat logging.getLogger math.ceil math.exp math.floor
math.isnan math.log math.prod math.sqrt numpy.arange numpy.array numpy.asarray numpy.empty numpy.full
numpy.ones numpy.random.RandomState numpy.random.default_rng numpy.zeros os.path.basename os.path.dirname
os.path.join os.path.splitext pathlib.Path pathlib.PurePath random.Random re.compile threading.Condition
threading.Event threading.Lock threading.RLock threading.local time.monotonic time.perf_counter time.time
torch.empty torch.nn.Module torch.nn.modules.module.Module torch.ones torch.tensor torch.zeros typing.cast
uuid.uuid4 warnings.warn weakref.WeakKeyDictionary weakref.WeakSet weakref.WeakValueDictionary weakref.ref
"""
PURE = frozenset(_PURE.split())
"""Functions of common libraries that make a value and do nothing else."""

_CONTAINER_METHODS = """
add append clear copy count difference discard endswith extend get index insert intersection issubset
items join keys lower lstrip pop popitem remove replace rsplit rstrip setdefault sort split startswith
strip title union update upper values debug info warning error
"""
CONTAINER_METHODS = frozenset(_CONTAINER_METHODS.split())
"""Methods of built-in containers and texts, and the levels of a logger."""

_BASE_METHODS = """
__new__ __init__ __setstate__ __setattr__ __delattr__ __getattribute__ __getattr__
__hash__ __eq__ __setitem__ __repr__ __str__ append extend add update __post_init__ __reduce__
__reduce_ex__ __getstate__
"""
BASE_METHODS = frozenset(_BASE_METHODS.split())
"""Methods of an accepted outside base that ``super()`` may call."""

NAMED_TUPLES = frozenset({"collections.namedtuple", "typing.NamedTuple"})
"""Functions that make a named tuple."""

_PLAIN_BASES = """
builtins.object builtins.dict builtins.list builtins.tuple builtins.set builtins.frozenset builtins.str
builtins.bytes builtins.bytearray builtins.int builtins.float builtins.complex abc.ABC typing.Generic
typing.Protocol typing.NamedTuple typing.TypedDict typing_extensions.Protocol typing_extensions.TypedDict
typing_extensions.NamedTuple typing_extensions.Generic collections.abc.Callable collections.abc.Collection
collections.abc.Container collections.abc.Hashable collections.abc.Iterable collections.abc.Iterator
collections.abc.Mapping collections.abc.MutableMapping collections.abc.MutableSequence
collections.abc.MutableSet collections.abc.Sequence collections.abc.Set collections.abc.Sized
typing.Iterable typing.Iterator typing.Mapping typing.MutableMapping typing.Sequence typing.List
typing.Dict typing.Set typing.Tuple
"""
PLAIN_BASES = frozenset(_PLAIN_BASES.split())
"""Bases that take no part in loading beyond creating an empty object."""

_CALLED_BY_REDUCE = """
builtins.set builtins.frozenset builtins.bytearray builtins.complex collections.OrderedDict
collections.Counter collections.defaultdict collections.deque array.array datetime.date datetime.datetime
datetime.time datetime.timedelta datetime.timezone decimal.Decimal fractions.Fraction pathlib.Path
pathlib.PosixPath pathlib.WindowsPath pathlib.PurePath pathlib.PurePosixPath pathlib.PureWindowsPath
random.Random types.SimpleNamespace functools.partial
"""
CALLED_BY_REDUCE = frozenset(_CALLED_BY_REDUCE.split())
"""Bases whose own ``__reduce__`` makes pickle call the class, so ``__init__`` runs on load."""

_CLASS_DECORATORS = """
dataclasses.dataclass functools.total_ordering typing.final typing_extensions.final
typing.runtime_checkable typing_extensions.runtime_checkable enum.unique abc.update_abstractmethods
"""
CLASS_DECORATORS = frozenset(_CLASS_DECORATORS.split())
"""Class decorators that add methods to the class and give it back."""

_METHOD_DECORATORS = """
staticmethod classmethod property setter getter deleter cached_property abstractmethod override final export
ignore unused no_grad overload set_module
"""
METHOD_DECORATORS = frozenset(_METHOD_DECORATORS.split())
"""Last component of method decorators that leave the body as it is (``torch.jit.export`` …)."""
