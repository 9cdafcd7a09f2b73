"""Files and folders appear whole or not at all, here and on TensorFlow's file systems."""

import json
import os

import pytest

from b2brecs_runtime import storage

# TensorFlow's in-memory file system stands for an object store: the same code path as gs://.
REMOTE = "ram://bucket/folder"


@pytest.fixture(params=["local", "remote"])
def base(request, tmp_path, tf):
    return str(tmp_path) if request.param == "local" else f"{REMOTE}/{os.path.basename(tmp_path)}"


def test_bytes_and_json(base):
    name = storage.join(base, "a", "b.json")
    storage.write_json(name, {"ä": 1})
    assert storage.read_json(name) == {"ä": 1}
    if storage.local(base):  # TensorFlow's in-memory files append where objects are replaced
        storage.write_bytes(name, b"again")
        assert storage.read_bytes(name) == b"again"
    assert storage.exists(name)
    assert not storage.exists(storage.join(base, "a", "c"))
    assert storage.glob(storage.join(base, "a", "*.json")) == [name]


def test_json_refuses_what_is_not_json(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        storage.write_json(str(tmp_path / "x"), {"loss": float("nan")})
    assert not os.path.exists(tmp_path / "x")


def test_publish_replaces_a_folder(base):
    target = storage.join(base, "artifact")
    for content in ("old", "new"):
        with storage.publish(target) as folder:
            os.makedirs(os.path.join(folder, "inner"))
            for name in {"old": ("a", "inner/b"), "new": ("inner/c",)}[content]:
                with open(os.path.join(folder, name), "w") as handle:
                    handle.write(content)
    assert storage.read_bytes(storage.join(target, "inner", "c")) == b"new"
    assert not storage.exists(storage.join(target, "a"))


def test_publish_keeps_the_old_folder_on_failure(base):
    target = storage.join(base, "artifact")
    with storage.publish(target) as folder, open(os.path.join(folder, "a"), "w") as handle:
        handle.write("old")
    with pytest.raises(RuntimeError), storage.publish(target) as folder:
        with open(os.path.join(folder, "a"), "w") as handle:
            handle.write("half")
        raise RuntimeError
    assert storage.read_bytes(storage.join(target, "a")) == b"old"


def test_publish_removes_what_a_killed_attempt_left(tmp_path):
    os.makedirs(tmp_path / "artifact.new-1234" / "deep")
    os.makedirs(tmp_path / "artifact.old-1234")
    with storage.publish(str(tmp_path / "artifact")):
        pass
    assert os.listdir(tmp_path) == ["artifact"]


def test_file_uris_are_paths(tmp_path):
    uri = (tmp_path / "with space").as_uri()
    storage.write_json(uri, [1])
    assert json.loads((tmp_path / "with space").read_text()) == [1]
    assert storage.path(uri) == str(tmp_path / "with space")


def test_fetched_gives_a_local_file(base):
    name = storage.join(base, "module.py")
    storage.write_bytes(name, b"x = 1")
    with storage.fetched(name) as local, open(local, "rb") as handle:
        assert handle.read() == b"x = 1"
