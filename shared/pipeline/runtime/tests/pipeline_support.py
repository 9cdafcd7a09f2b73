"""Executor inputs of a whole pipeline, as the pipeline drivers make them."""

import json
import os
from pathlib import Path
from typing import Any

RUNTIME = Path(__file__).resolve().parents[1]
MODULES = RUNTIME / "tests" / "modules"

# Task: (inputs, outputs).
GRAPH: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "examples": ((), ("examples",)),
    "statistics": (("examples",), ("statistics",)),
    "schema": (("statistics",), ("schema",)),
    "transform": (("examples", "schema"), ("transform_graph", "transformed_examples")),
    "trainer": (("transformed_examples", "transform_graph", "schema"), ("model", "model_run")),
    "evaluator": (("model", "examples", "transform_graph"), ("evaluation", "recommendations")),
}
_PRODUCER = {name: task for task, (_, outputs) in GRAPH.items() for name in outputs}


class Run:
    """A run folder and what its finished tasks said."""

    def __init__(self, root: str, config: dict[str, Any], modules: Path = MODULES) -> None:
        self.root, self.config, self.modules = str(root), config, modules
        self.epochs, self.batch_size, self.learning_rate = 2, 256, 0.01

    def executor_input(self, task: str) -> dict[str, Any]:
        """The executor input of a task, with the metadata its producers reported."""
        inputs, outputs = GRAPH[task]
        parameters: dict[str, Any] = {"root": self.root, "config": json.dumps(self.config)}
        if task in ("transform", "trainer"):
            parameters["module"] = str(self.modules / f"{task}_module.py")
        if task == "trainer":
            parameters |= {
                # Integers arrive as protobuf's JSON writes them.
                "epochs": float(self.epochs),
                "batch_size": str(self.batch_size),
                "learning_rate": self.learning_rate,
                "seed": 7,
            }
        return {
            "inputs": {
                "parameterValues": parameters,
                "artifacts": {name: self._artifact(name, True) for name in inputs},
            },
            "outputs": {
                "artifacts": {name: self._artifact(name, False) for name in outputs},
                "outputFile": self.output_file(task),
            },
        }

    def output_file(self, task: str) -> str:
        return os.path.join(self.root, "tasks", task, "executor_output.json")

    def output(self, task: str) -> dict[str, Any]:
        return json.loads(Path(self.output_file(task)).read_text())

    def uri(self, name: str) -> str:
        return os.path.join(self.root, "tasks", _PRODUCER[name], name)

    def _artifact(self, name: str, finished: bool) -> dict[str, Any]:
        if finished:
            return {"artifacts": self.output(_PRODUCER[name])["artifacts"][name]["artifacts"]}
        kind = {"schemaTitle": "system.Artifact", "schemaVersion": "0.0.1"}
        return {"artifacts": [{"name": name, "uri": self.uri(name), "type": kind}]}

    def do(self, task: str) -> dict[str, Any]:
        """Runs a task in this process and returns its executor output."""
        from b2brecs_runtime import components, executor

        parsed = executor.parse(json.dumps(self.executor_input(task)))
        parsed.begin()
        components.find(task)(parsed, lambda progress: None)
        parsed.finish()
        return self.output(task)

    def document(self, name: str) -> Any:
        return json.loads((Path(self.root) / name).read_text())
