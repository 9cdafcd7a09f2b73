"""A whole run on remote storage, as on Vertex AI: nothing may assume a shared disk."""

import json
from pathlib import Path

import pytest

from b2brecs_runtime import components, executor, storage
from pipeline_support import GRAPH, MODULES, Run

# TensorFlow's in-memory file system: reached through the same calls as gs://.
ROOT = "ram://bucket/experiments/p1/e1"


class Remote(Run):
    def output_file(self, task):
        return storage.join(self.root, "tasks", task, "executor_output.json")

    def output(self, task):
        return storage.read_json(self.output_file(task))

    def uri(self, name):
        return storage.join(self.root, "tasks", name)

    def executor_input(self, task):
        document = super().executor_input(task)
        parameters = document["inputs"]["parameterValues"]
        if "module" in parameters:
            parameters["module"] = storage.join(self.root, "code", f"{task}_module.py")
        return document


def test_every_component_on_remote_storage(fresh, finished, tf):
    for file in Path(fresh.root).glob("data/*/*.parquet"):
        storage.write_bytes(
            storage.join(ROOT, str(file.relative_to(fresh.root))), file.read_bytes()
        )
    for file in MODULES.glob("*.py"):
        storage.write_bytes(storage.join(ROOT, "code", file.name), file.read_bytes())
    run = Remote(ROOT, fresh.config)
    for name in GRAPH:
        task = executor.parse(json.dumps(run.executor_input(name)))
        task.begin()
        components.find(name)(task, lambda progress: None)
        task.finish()
    for name in ("statistics.json", "schema.json"):
        assert storage.read_json(storage.join(ROOT, name)) == finished.document(name)
    mine, theirs = (
        storage.read_json(f"{ROOT}/evaluation.json"),
        finished.document("evaluation.json"),
    )
    for key in ("protocol", "popularity", "item_knn"):
        assert mine[key] == theirs[key]
    # Shuffling is seeded; only the order in which protobuf maps hash may differ.
    assert mine["model"] == pytest.approx(theirs["model"], abs=0.05)
    assert storage.glob(f"{ROOT}/recommendations/*.parquet")
