"""What a call of a well-known Python function can do, by its dotted name.

The families are those that matter to somebody who imports a stranger's program. A name that is not
here is not thereby harmless.

Source: Python library reference; documentation of PyTorch, requests, PyYAML, joblib and others.
"""

from __future__ import annotations

from typing import Final

PROCESS: Final = "process"
CODE: Final = "code"
IMPORT: Final = "runtime-import"
NETWORK: Final = "network"
FILE: Final = "file-write"
NATIVE: Final = "native"
UNPICKLE: Final = "unpickling"
FETCHED: Final = "remote-code"

_TABLE: Final = {
    PROCESS: (
        "os.system os.popen os.popen2 os.popen3 os.popen4 os.execl os.execle os.execlp os.execlpe "
        "os.execv os.execve os.execvp os.execvpe os.spawnl os.spawnle os.spawnlp os.spawnlpe os.spawnv "
        "os.spawnve os.spawnvp os.spawnvpe os.posix_spawn os.posix_spawnp os.startfile os.? posix.system "
        "posix.popen posix.execv posix.execve posix.posix_spawn posix.? nt.system nt.? subprocess.* "
        "pty.spawn pty.fork commands.getoutput commands.getstatusoutput popen2.* platform.popen "
        "asyncio.create_subprocess_exec asyncio.create_subprocess_shell asyncio.subprocess.* pexpect.* "
        "invoke.run fabric.* plumbum.* sh.* distutils.spawn.spawn setuptools.distutils.spawn.spawn "
        "pip.main pip._internal.main pip._internal.cli.main.main _posixsubprocess.fork_exec "
        "webbrowser.open os.kill os.killpg"
    ),
    CODE: (
        "builtins.exec builtins.eval builtins.compile builtins.execfile builtins.? runpy.* code.interact "
        "code.InteractiveInterpreter code.InteractiveConsole codeop.* types.FunctionType types.CodeType "
        "pdb.run pdb.runeval bdb.* timeit.timeit timeit.Timer timeit.repeat cProfile.run cProfile.runctx "
        "profile.run trace.Trace doctest.debug_src ctypes.pythonapi.* _xxsubinterpreters.run_string "
        "numexpr.evaluate IPython.embed"
    ),
    IMPORT: (
        "importlib.import_module importlib.__import__ builtins.__import__ importlib.reload "
        "imp.load_source imp.load_module imp.load_dynamic imp.load_compiled "
        "importlib.util.spec_from_file_location importlib.util.spec_from_loader "
        "importlib.machinery.SourceFileLoader importlib.machinery.ExtensionFileLoader "
        "zipimport.zipimporter pkgutil.get_loader site.addsitedir importlib.?"
    ),
    NETWORK: (
        "requests.* urllib.request.* urllib2.* urllib.urlopen urllib.urlretrieve urllib3.* httpx.* "
        "aiohttp.* socket.socket socket.create_connection socket.create_server socket.getaddrinfo "
        "socket.gethostbyname http.client.* httplib.* ftplib.* smtplib.* telnetlib.* poplib.* imaplib.* "
        "nntplib.* paramiko.* websocket.* websockets.* xmlrpc.client.* wget.download pycurl.* "
        "asyncio.open_connection dns.resolver.* torch.hub.load_state_dict_from_url "
        "torch.hub.download_url_to_file socketserver.* http.server.* boto3.*"
    ),
    FILE: (
        "os.remove os.unlink os.rmdir os.removedirs os.rename os.renames os.replace os.chmod os.chown "
        "os.symlink os.link os.truncate shutil.rmtree shutil.move shutil.copy shutil.copy2 "
        "shutil.copyfile shutil.copytree shutil.unpack_archive tarfile.open zipfile.ZipFile os.open "
        "os.mkfifo os.mknod"
    ),
    NATIVE: (
        "ctypes.CDLL ctypes.PyDLL ctypes.WinDLL ctypes.OleDLL ctypes.cdll.* ctypes.windll.* "
        "ctypes.pydll.* ctypes.LibraryLoader ctypes.CFUNCTYPE ctypes.memmove ctypes.string_at _ctypes.* "
        "cffi.FFI torch.ops.load_library torch.classes.load_library torch.utils.cpp_extension.load "
        "torch.utils.cpp_extension.load_inline numpy.ctypeslib.load_library tensorflow.load_op_library "
        "tensorflow.load_library"
    ),
    UNPICKLE: (
        "pickle.load pickle.loads pickle.Unpickler _pickle.loads _pickle.load cPickle.load cPickle.loads "
        "dill.load dill.loads cloudpickle.load cloudpickle.loads joblib.load torch.load torch.jit.load "
        "numpy.load pandas.read_pickle marshal.load marshal.loads shelve.open yaml.load yaml.unsafe_load "
        "yaml.full_load yaml.load_all jsonpickle.decode jsonpickle.loads"
    ),
    FETCHED: "torch.hub.load transformers.dynamic_module_utils.get_class_from_dynamic_module",
}

_EXACT: Final = {
    name: capability
    for capability, names in _TABLE.items()
    for name in names.split()
    if not name.endswith(".*")
}
_PREFIXES: Final = {
    name.removesuffix(".*"): capability
    for capability, names in _TABLE.items()
    for name in names.split()
    if name.endswith(".*")
}
_HARMLESS: Final = {
    "subprocess.PIPE", "subprocess.DEVNULL", "subprocess.CalledProcessError", "subprocess.TimeoutExpired",
    "subprocess.SubprocessError", "subprocess.CompletedProcess", "subprocess.list2cmdline",
    "requests.Session", "requests.exceptions", "requests.adapters", "urllib.request.Request",
    "urllib.request.pathname2url", "urllib.request.url2pathname", "http.client.HTTPException",
    "http.client.responses", "aiohttp.ClientTimeout", "aiohttp.ClientSession",
    "urllib3.disable_warnings", "urllib3.util", "requests.utils",
}  # fmt: skip
_METHODS: Final = {
    "write_text": FILE, "write_bytes": FILE, "exec_module": IMPORT, "load_module": IMPORT,
    "extractall": FILE, "dlopen": NATIVE, "LoadLibrary": NATIVE, "run_cell": CODE, "run_line_magic": PROCESS,
    "getoutput": PROCESS, "check_output": PROCESS, "check_call": PROCESS, "Popen": PROCESS, "popen": PROCESS,
    "__subclasses__": CODE, "__reduce_ex__": CODE,
}  # fmt: skip
"""Methods that are told by their name whatever they are called on."""


def capability_of(name: str) -> str:
    """Return what calling ``name`` can do, or an empty string; names of the folder itself have none."""
    if name.startswith("."):
        return ""
    if name in _EXACT:
        return _EXACT[name]
    if name in _HARMLESS or any(name.startswith(f"{harmless}.") for harmless in _HARMLESS):
        return ""
    parts = name.split(".")
    for length in range(len(parts) - 1, 0, -1):
        capability = _PREFIXES.get(".".join(parts[:length]))
        if capability:
            return capability
    # A module reached through another one: shutil.os.system, torch.os.popen.
    for start in range(1, len(parts) - 1):
        capability = _EXACT.get(".".join(parts[start:]), "")
        if capability in (PROCESS, CODE) and parts[start] in ("os", "subprocess", "posix", "pty", "builtins"):
            return capability
        if parts[start] == "subprocess":
            return PROCESS
    return ""


def capability_of_method(name: str) -> str:
    """Return what a method of this name can do whatever object it belongs to."""
    return _METHODS.get(name, "")
