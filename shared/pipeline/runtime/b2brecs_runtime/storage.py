"""Files by URI: local paths, file://, and what TensorFlow's file systems reach.

Promises: `write_bytes` and `publish` replace a file or folder as a whole, so a
killed component leaves the old state or the new one. Local paths never import
TensorFlow, so the cheap components stay cheap.
"""

import fnmatch
import json
import os
import posixpath
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any
from urllib.parse import unquote, urlparse

from b2brecs_runtime import ensure_tensorflow


def local(uri: str) -> str | None:
    """The path on this machine that a URI names, or None for remote storage."""
    if uri.startswith("file:"):
        return unquote(urlparse(uri).path)
    return None if "://" in uri else uri


def _gfile() -> Any:
    return ensure_tensorflow().io.gfile


def path(uri: str) -> str:
    """The name TensorFlow, Beam and pyarrow know the URI by."""
    return local(uri) or uri


def join(base: str, *parts: str) -> str:
    """Joins with slashes; works for paths and URIs."""
    return posixpath.join(path(base), *parts)


def exists(uri: str) -> bool:
    """Whether a file or folder is there."""
    where = local(uri)
    return os.path.exists(where) if where is not None else bool(_gfile().exists(uri))


def glob(pattern: str) -> list[str]:
    """Files that match, sorted by name. Wildcards only in the last element."""
    where = local(pattern)
    if where is None:
        return sorted(_gfile().glob(pattern))
    folder, name = os.path.split(where)
    if not os.path.isdir(folder):
        return []
    found = (entry.name for entry in os.scandir(folder) if entry.is_file())
    return [os.path.join(folder, n) for n in sorted(found) if fnmatch.fnmatch(n, name)]


@contextmanager
def open_read(uri: str) -> Iterator[IO[bytes]]:
    """Opens for reading bytes."""
    where = local(uri)
    if where is not None:
        with open(where, "rb") as handle:
            yield handle
    else:
        with _gfile().GFile(uri, "rb") as handle:
            yield handle


def read_bytes(uri: str) -> bytes:
    """The whole file. Raises FileNotFoundError or TensorFlow's NotFoundError."""
    with open_read(uri) as handle:
        return handle.read()


def read_json(uri: str) -> Any:
    """The file parsed as JSON."""
    return json.loads(read_bytes(uri))


def write_bytes(uri: str, data: bytes) -> None:
    """Replaces the file atomically, making its folders.

    An object store replaces an object as a whole by itself; a local file is
    written beside its place, flushed to disk and renamed.
    """
    where = local(uri)
    if where is None:
        with _gfile().GFile(uri, "wb") as handle:
            handle.write(data)
        return
    folder = os.path.dirname(where) or "."
    os.makedirs(folder, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=folder, prefix="." + os.path.basename(where))
    try:
        with os.fdopen(descriptor, "wb") as handle:
            handle.write(data)
            handle.flush()
            os.fsync(handle.fileno())
        # mkstemp makes files private; artifacts are read by other processes.
        os.chmod(temporary, 0o644)
        os.replace(temporary, where)
    except BaseException:
        os.unlink(temporary)
        raise


def write_json(uri: str, document: Any) -> None:
    """Writes JSON atomically. NaN and infinities are refused: they are not JSON."""
    write_bytes(
        uri, json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1).encode() + b"\n"
    )


@contextmanager
def publish(uri: str) -> Iterator[str]:
    """Yields a folder to fill; on success its content replaces `uri`.

    Locally the folder appears by a rename, so it is never seen half full. On an
    object store the files are replaced one by one, then older ones are removed;
    readers rely on the executor output, which is written after that.
    """
    where = local(uri)
    if where is None:
        with tempfile.TemporaryDirectory(prefix="b2brecs-") as scratch:
            yield scratch
            before = set(walk(uri))
            for name in before.difference(_copy_tree(scratch, uri)):
                _gfile().remove(name)
        return
    where = where.rstrip("/")
    os.makedirs(os.path.dirname(where) or ".", exist_ok=True)
    scratch = f"{where}.new-{uuid.uuid4().hex[:8]}"
    _remove_leftovers(where)
    os.makedirs(scratch)
    try:
        yield scratch
        if os.path.isdir(where):
            old = f"{where}.old-{uuid.uuid4().hex[:8]}"
            os.rename(where, old)
            os.rename(scratch, where)
            shutil.rmtree(old, ignore_errors=True)
        else:
            os.rename(scratch, where)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _remove_leftovers(where: str) -> None:
    """Removes what an earlier, killed attempt at the same folder left behind."""
    folder, name = os.path.split(where)
    for entry in os.listdir(folder or "."):
        if entry.startswith((f"{name}.new-", f"{name}.old-")):
            shutil.rmtree(os.path.join(folder, entry), ignore_errors=True)


def walk(uri: str) -> list[str]:
    """All files below a folder of remote storage; none when it is not there."""
    return [join(folder, name) for folder, _, names in _gfile().walk(uri) for name in names]


def _copy_tree(source: str, target: str) -> list[str]:
    """Copies a local folder's files to remote storage and returns their new names."""
    copied = []
    for folder, _, names in os.walk(source):
        relative = os.path.relpath(folder, source)
        for name in names:
            there = join(target, name) if relative == "." else join(target, relative, name)
            _gfile().copy(os.path.join(folder, name), there, overwrite=True)
            copied.append(there)
    return copied


@contextmanager
def fetched(uri: str) -> Iterator[str]:
    """Yields a local path with the file's content, for readers that need one."""
    where = local(uri)
    if where is not None:
        yield where
        return
    with tempfile.TemporaryDirectory(prefix="b2brecs-") as scratch:
        name = os.path.join(scratch, posixpath.basename(uri))
        with open(name, "wb") as handle:
            handle.write(read_bytes(uri))
        yield name
