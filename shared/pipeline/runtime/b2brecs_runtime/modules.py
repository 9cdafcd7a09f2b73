"""Loading a generated module from its URI."""

import atexit
import importlib.util
import os
import shutil
import sys
import tempfile
import uuid
from types import ModuleType
from typing import Any

from b2brecs_runtime import ensure_tensorflow, storage


def load(uri: str) -> ModuleType:
    """Imports the module at `uri` afresh, under a name of its own.

    A worker runs many experiments, whose modules all have the same file name;
    none may see another's. Raises whatever the module raises on import.
    """
    ensure_tensorflow()
    name = "b2brecs_generated_" + uuid.uuid4().hex
    file = storage.local(uri) or _copy(uri)
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{uri} is not a Python module")
    module = importlib.util.module_from_spec(spec)
    # Keras looks classes up by their module's name while it saves a model.
    sys.modules[name] = module
    # No __pycache__ beside the run's code: the run folder holds what was asked for.
    quiet, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    finally:
        sys.dont_write_bytecode = quiet
    return module


def _copy(uri: str) -> str:
    """A local copy that lives as long as the process: autograph reads the source when it traces."""
    folder = tempfile.mkdtemp(prefix="b2brecs-module-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    file = os.path.join(folder, "module.py")
    with open(file, "wb") as handle:
        handle.write(storage.read_bytes(uri))
    return file


class Function:
    """A function of a generated module that can be sent to other machines.

    Pickling carries the module's URI only; the machine that calls it, which has
    this package, loads the module there. A function itself would be pickled by
    reference to a module that exists in no other process.
    """

    def __init__(self, uri: str, name: str) -> None:
        self.uri, self.name = uri, name
        self._function: Any = None

    def loaded(self) -> "Function":
        """Itself, with the module loaded: do this before a graph is traced."""
        if self._function is None:
            self._function = getattr(load(self.uri), self.name)
        return self

    def __call__(self, *arguments: Any) -> Any:
        """Calls the function."""
        return self.loaded()._function(*arguments)

    def __getstate__(self) -> dict[str, Any]:
        return {"uri": self.uri, "name": self.name, "_function": None}
