"""The lists of powerful names: their shape, what they must cover, and what they must leave alone.

Coverage is checked with a matcher of its own, so a fault of the judge's index cannot hide one of the
tables. The denial lists of other scanners are read only where those are installed.
"""

from __future__ import annotations

import importlib
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest

from owaudit.shipped import shipped

_FAMILIES = {
    "attribute_walks": ("OWA1008", "high"),
    "code": ("OWA1006", "critical"),
    "files": ("OWA1010", "high"),
    "imports": ("OWA1007", "critical"),
    "introspection": ("OWA1013", "high"),
    "native": ("OWA1011", "critical"),
    "nested_loading": ("OWA1012", "high"),
    "network": ("OWA1009", "high"),
    "processes": ("OWA1001", "critical"),
}
_TEXTS = {"id", "name", "title", "severity", "family", "on", "explanation", "remediation"}


@dataclass(frozen=True, slots=True)
class _Entry:
    pattern: str
    family: str
    severity: str


@cache
def _tables() -> dict[str, dict[str, Any]]:
    folder = shipped("rules") / "powerful"
    return {path.stem: tomllib.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*.toml")}


@cache
def _entries() -> tuple[_Entry, ...]:
    return tuple(
        _Entry(pattern, stem, table["severity"])
        for stem, table in sorted(_tables().items())
        for row in table["deny"]
        for pattern in row["match"]
    )


@cache
def _by_first() -> dict[str, list[_Entry]]:
    found: dict[str, list[_Entry]] = {}
    for entry in _entries():
        first = entry.pattern.partition(".")[0]
        found.setdefault("*" if first.endswith("*") else first, []).append(entry)
    return found


def _covers(pattern: str, name: str) -> bool:
    if pattern.startswith("**."):
        return pattern.removeprefix("**.") in name.split(".")[1:]
    wanted, found = pattern.split("."), name.split(".")
    children_only = wanted[-1] == "*"
    wanted = wanted[:-1] if children_only else wanted
    if len(found) < len(wanted) + children_only:
        return False
    return all(
        have.startswith(want[:-1]) if want.endswith("*") else have == want
        for want, have in zip(wanted, found, strict=False)
    )


def _covering(name: str) -> list[_Entry]:
    first = name.partition(".")[0]
    candidates = (*_by_first().get(first, ()), *_by_first().get("*", ()))
    return [entry for entry in candidates if _covers(entry.pattern, name)]


def _uncovered(names: Iterable[str]) -> list[str]:
    return sorted(name for name in names if not _covering(name))


def test_every_family_has_its_list() -> None:
    assert {stem: (table["id"], table["severity"]) for stem, table in _tables().items()} == _FAMILIES


@pytest.mark.parametrize("stem", sorted(_FAMILIES))
def test_shape(stem: str) -> None:
    table = _tables()[stem]
    assert table.keys() == _TEXTS | {"references", "deny"}
    assert all(table[key].strip() for key in _TEXTS)
    assert table["on"] == "pickle.name"
    assert table["references"]
    for row in table["deny"]:
        assert row.keys() == {"match", "why", "source"}
        assert row["match"]
        assert row["match"] == sorted(set(row["match"]))
        assert row["why"].strip()
        assert row["source"].strip()


def test_patterns_are_legal() -> None:
    def legal(pattern: str) -> bool:
        pattern = pattern.removeprefix("**.")
        return all(part and part.isprintable() and "*" not in part[:-1] for part in pattern.split("."))

    assert [entry for entry in _entries() if not legal(entry.pattern)] == []


def test_no_entry_says_what_a_wider_one_says() -> None:
    """Inside a wider entry there is only room for a more severe one."""
    idle = []
    for entry in _entries():
        name = entry.pattern.removesuffix("*").removesuffix(".") or "*"
        name = f"{name}.child" if entry.pattern.endswith(".*") else entry.pattern
        for other in _covering(name):
            wider = other.pattern != entry.pattern or other.family != entry.family
            if wider and (other.severity, entry.severity) != ("high", "critical"):
                idle.append((entry.pattern, entry.family, other.pattern, other.family))
    assert idle == []


_FROM_ADVISORIES = """
    _posixsubprocess.fork_exec os.system posix.posix_spawnp nt.system pty.spawn subprocess.Popen
    multiprocessing.util.spawnv_passfds asyncio.unix_events._UnixSubprocessTransport._start
    _aix_support._read_cmd_output _osx_support._read_output _pyrepl.pager.pipe_pager pydoc.pipepager
    uuid._get_command_stdout uuid._ifconfig_getnode torch.utils.collect_env.run pip.main pip._internal.main
    numpy.f2py.crackfortran.myeval numpy.distutils.exec_command.exec_command setuptools.setup
    builtins.eval builtins.exec builtins.compile code.InteractiveInterpreter.runcode codeop.compile_command
    runpy.run_path bdb.Bdb.run pdb.run cProfile.runctx profile.run trace.Trace.runctx timeit.timeit
    doctest.debug_script idlelib.run.Executive.runcode lib2to3.pgen2.grammar.Grammar.loads
    types.CodeType types.FunctionType marshal.loads cloudpickle.cloudpickle._make_function
    _interpreters.exec _xxsubinterpreters.run_string site.addsitedir atexit.register threading.Timer
    torch.fx.experimental.symbolic_shapes.ShapeEnv.evaluate_guards_expression
    torch.jit.unsupported_tensor_ops.execWrapper torch._dynamo.guards.GuardBuilder.get
    torch._inductor.codecache.compile_file torch.utils.bottleneck.__main__.run_cprofile
    torch.fx.graph_module.reduce_graph_module torch.distributed.rpc.rpc_sync pandas.eval
    builtins.__import__ importlib.import_module pkgutil.resolve_name pydoc.locate zipimport.zipimporter
    imp.load_source logging.config.dictConfig numpy.core._ufunc_reconstruct sys.modules.get
    builtins.getattr builtins.setattr builtins.map functools.partial functools.reduce operator.attrgetter
    operator.itemgetter operator.methodcaller string.Formatter.vformat
    collections.OrderedDict.__init__.__globals__ numpy.testing._private.utils.runstring
    socket.create_connection ssl.get_server_certificate urllib.request.urlopen http.client.HTTPSConnection
    smtplib.SMTP requests.api.get aiohttp.client.ClientSession logging.handlers.HTTPHandler
    builtins.open io.FileIO codecs.open shutil.rmtree pathlib.Path.write_text pathlib.PosixPath.unlink
    tarfile.TarFile.extractall fileinput.input linecache.getline random._urandom difflib.HtmlDiff.make_file
    ctypes.CDLL _ctypes.dlopen cffi.FFI.dlopen torch.ops.load_library numpy.ctypeslib.load_library
    pickle.loads _pickle.Unpickler dill.loads joblib.load numpy.load torch.load shelve.open yaml.unsafe_load
    torch.storage._load_from_bytes torch.utils._config_module.ConfigModule.load_config
    pandas.io.pickle.read_pickle joblib.numpy_pickle_compat.NDArrayWrapper keras.models.load_model
    gc.get_objects inspect.currentframe sys._getframe platform.uname
"""


def test_names_of_advisories_are_covered() -> None:
    assert _uncovered(_FROM_ADVISORIES.split()) == []


_HONEST = """
    argparse.Namespace array.array builtins.bytearray builtins.complex builtins.dict builtins.frozenset
    builtins.iter builtins.object builtins.range builtins.set builtins.slice builtins.zip
    collections.Counter collections.OrderedDict collections.abc.Mapping collections.defaultdict
    collections.deque copyreg._reconstructor datetime.datetime decimal.Decimal difflib.Match
    distutils.version.LooseVersion email.message.Message enum.Enum fractions.Fraction
    functools._CacheInfo http.HTTPStatus inspect.Signature inspect.Parameter inspect._ParameterKind
    io.BytesIO io.StringIO _io.BytesIO ipaddress.IPv4Address itertools.count itertools.chain
    joblib.memory.Memory joblib.numpy_pickle.NumpyArrayWrapper joblib._store_backends.FileSystemStoreBackend
    logging.Logger logging.getLogger lightgbm.basic.Booster numpy.dtype numpy.ndarray
    numpy._core.multiarray._reconstruct numpy.core.multiarray.scalar numpy.random._pickle.__randomstate_ctor
    numpy.ma.core.MaskedArray omegaconf.dictconfig.DictConfig omegaconf.base.ContainerMetadata
    operator.add operator.mul packaging.version.Version pandas.core.frame.DataFrame
    pandas.core.indexes.base._new_Index pandas._libs.internals._unpickle_block pathlib.PosixPath
    pathlib.PurePosixPath pathlib._local.PosixPath pkg_resources.extern.packaging.version.Version
    random.Random re._compile sched.Event scipy.sparse._csr.csr_matrix scipy.signal.windows.hann
    signal.Signals sklearn.ensemble._forest.RandomForestClassifier sklearn.tree._tree.Tree
    sklearn.pipeline.Pipeline statistics.NormalDist string.Template sympy.core.numbers.Integer
    tokenize.TokenInfo torch._utils._rebuild_tensor_v2 torch.device torch.distributed.device_mesh.DeviceMesh
    torch.distributed.checkpoint.metadata.Metadata torch.distributed.tensor.DTensor
    torch.jit._pickle.build_intlist torch.nn.functional.relu torch.nn.modules.linear.Linear
    torch.nn.parameter.Parameter torch.optim.adam.Adam torch.serialization._get_layout
    torch._dynamo.decorators._DimRange torch.utils.data.dataset.TensorDataset
    transformers.training_args.TrainingArguments types.SimpleNamespace types.MappingProxyType
    urllib.parse.ParseResult uuid.UUID uuid.SafeUUID weakref.ref xgboost.core.Booster
    xgboost.sklearn.XGBClassifier xml.etree.ElementTree.Element zoneinfo.ZoneInfo
    code.model.Net test.Model commands.train.Trainer eval.metrics.Accuracy
"""


def test_names_of_honest_files_are_left_alone() -> None:
    assert [(name, _covering(name)) for name in _HONEST.split() if _covering(name)] == []


_MIXED = {
    "_operator": ("_operator.add", "_operator.attrgetter _operator.methodcaller _operator.call"),
    "_thread": ("_thread.RLock", "_thread.start_new_thread _thread.start_joinable_thread _thread.exit"),
    "builtins": ("builtins.dict", "builtins.eval builtins.open builtins.getattr builtins.__import__"),
    "code": ("code.model.Net", "code.interact code.InteractiveConsole code.InteractiveInterpreter"),
    "commands": ("commands.train.Trainer", "commands.getoutput commands.getstatus commands.getstatusoutput"),
    "difflib": ("difflib.Match", "difflib.HtmlDiff.make_file"),
    "distutils": ("distutils.version.LooseVersion", "distutils.spawn.spawn distutils.file_util.write_file"),
    "functools": ("functools._CacheInfo", "functools.partial functools.reduce functools.wraps"),
    "http": ("http.HTTPStatus", "http.client.HTTPConnection http.server.test http.cookiejar.CookieJar"),
    "inspect": ("inspect.Signature", "inspect.stack inspect.currentframe inspect.getsource"),
    "joblib": ("joblib.numpy_pickle.NumpyArrayWrapper", "joblib.load joblib.dump joblib.parallel.Parallel"),
    "logging": ("logging.Logger", "logging.FileHandler logging.config.dictConfig logging.basicConfig"),
    "operator": ("operator.add", "operator.attrgetter operator.methodcaller operator.call operator.setitem"),
    "platform": ("platform.uname_result", "platform.popen platform._syscmd_file platform.uname"),
    "requests": ("requests.structures.CaseInsensitiveDict", "requests.get requests.api.post"),
    "signal": ("signal.Signals", "signal.signal signal.setitimer signal.raise_signal signal.alarm"),
    "site": ("site.Page", "site.addsitedir site.execsitecustomize site.main"),
    "test": ("test.Model", "test.support.script_helper.run_python_until_end test.test_cmd_line.main"),
    "torch._dynamo": ("torch._dynamo.decorators._DimRange", "torch._dynamo.guards.CheckFunctionManager"),
    "torch.jit": ("torch.jit._pickle.build_intlist", "torch.jit.load torch.jit.script torch.jit.trace"),
    "types": ("types.SimpleNamespace", "types.CodeType types.FunctionType types.MethodType types.ModuleType"),
    "urllib": ("urllib.parse.ParseResult", "urllib.request.urlopen urllib.robotparser.RobotFileParser"),
    "uuid": ("uuid.UUID", "uuid._get_command_stdout uuid._ifconfig_getnode uuid.getnode uuid._popen"),
}  # fmt: skip
"""Modules that others deny as a whole although honest files hold plain values of them.

For each: a value that must stay quiet (or a name of a user's own module), and names that must not.
"""

_NOT_MODULES = {"compile", "eval", "exec"}
"""Functions that stand in a list of modules. As modules they can only be a user's own."""


def test_mixed_modules_are_split_by_name() -> None:
    for module, (value, powerful) in _MIXED.items():
        assert not _covering(f"{module}.anything_else"), f"{module} is covered as a whole: drop it here"
        assert not _covering(value), value
        assert _uncovered(powerful.split()) == []


def _texts(value: str | Iterable[str]) -> Iterable[str]:
    return (value,) if isinstance(value, str) else value


def _modelscan() -> Iterator[tuple[str, str]]:
    settings = importlib.import_module("modelscan.settings").DEFAULT_SETTINGS
    for modules in settings["unsafe_globals"].values():
        for module, names in modules.items():
            yield from ((module, name) for name in _texts(names))


def _picklescan() -> Iterator[tuple[str, str]]:
    for module, names in importlib.import_module("picklescan.scanner")._unsafe_globals.items():
        yield from ((module, name) for name in _texts(names))


def _fickling() -> Iterator[tuple[str, str]]:
    yield from ((module, "*") for module in importlib.import_module("fickling.fickle").UNSAFE_IMPORTS)
    rules = importlib.import_module("fickling.analysis").UnsafeImportsML
    yield from ((module, "*") for module in rules.UNSAFE_MODULES)
    for module, names in rules.UNSAFE_IMPORTS.items():
        yield from ((module, name) for name in names)


_PEERS = {
    "modelscan.settings": _modelscan,
    "picklescan.scanner": _picklescan,
    "fickling.analysis": _fickling,
}


@pytest.mark.parametrize("module", sorted(_PEERS))
def test_what_other_scanners_deny_is_covered(module: str) -> None:
    pytest.importorskip(module, reason="needs the other scanner installed")
    missing = []
    for denied, name in sorted(_PEERS[module]()):
        top = "builtins" if denied in {"__builtin__", "__builtins__"} else denied
        if top in _NOT_MODULES and name == "*":
            continue
        if name == "*" and top in _MIXED:
            continue
        if not _covering(f"{top}.{'anything_else' if name == '*' else name}"):
            missing.append((denied, name))
    assert missing == []
