"""The KFP v2 executor contract: executor input in, executor output out.

Sources: the ExecutorInput and ExecutorOutput messages of kfp.pipeline_spec
(pipeline_spec.proto). On Vertex AI the launcher substitutes {{$}} by the
executor input's JSON and reads the output file it names.
"""

import json
import os
from dataclasses import dataclass, field
from typing import Any

from b2brecs_runtime import config as configs
from b2brecs_runtime import storage


@dataclass
class Artifact:
    """An input or output artifact: a folder or file at `uri`, with metadata."""

    name: str
    uri: str
    metadata: dict[str, Any] = field(default_factory=dict)
    type: dict[str, Any] = field(default_factory=dict)


@dataclass
class Task:
    """One component's work: inputs, outputs, and where to leave the result."""

    parameters: dict[str, Any]
    inputs: dict[str, Artifact]
    outputs: dict[str, Artifact]
    output_file: str
    output_parameter_files: dict[str, str]
    output_parameters: dict[str, Any] = field(default_factory=dict)

    @property
    def root(self) -> str:
        """The run folder's URI."""
        return storage.path(self.text("root"))

    @property
    def config(self) -> configs.Config:
        """The parsed parameter "config"."""
        return configs.parse(self.text("config"))

    def text(self, name: str) -> str:
        """A string parameter. Raises InvalidConfig when absent."""
        value = self.parameters.get(name)
        if not isinstance(value, str) or not value:
            raise configs.InvalidConfig(f"parameter {name!r} is missing")
        return value

    def integer(self, name: str) -> int:
        """An integer parameter; protobuf's JSON writes integers as doubles or strings."""
        return int(self.number(name))

    def number(self, name: str) -> float:
        """A numeric parameter. Raises InvalidConfig when absent or not a number."""
        try:
            return float(self.parameters[name])
        except (KeyError, TypeError, ValueError):
            raise configs.InvalidConfig(
                f"parameter {name!r} must be a number, got {self.parameters.get(name)!r}"
            ) from None

    def input(self, name: str) -> Artifact:
        """An input artifact. Raises InvalidConfig when absent."""
        if name not in self.inputs:
            raise configs.InvalidConfig(f"input artifact {name!r} is missing")
        return self.inputs[name]

    def output(self, name: str) -> Artifact:
        """An output artifact, whose folder the component fills."""
        if name not in self.outputs:
            raise configs.InvalidConfig(f"output artifact {name!r} is missing")
        return self.outputs[name]

    def in_run(self, *parts: str) -> str:
        """A path inside the run folder."""
        return storage.join(self.root, *parts)

    def document(self) -> dict[str, Any]:
        """The executor output."""
        return {
            "parameterValues": self.output_parameters,
            "artifacts": {
                name: {
                    "artifacts": [
                        {
                            "name": artifact.name,
                            "type": artifact.type,
                            "uri": artifact.uri,
                            "metadata": artifact.metadata,
                        }
                    ]
                }
                for name, artifact in self.outputs.items()
            },
        }

    def finish(self) -> None:
        """Writes the executor output, which makes the component's work count."""
        for name, value in self.output_parameters.items():
            where = self.output_parameter_files.get(name)
            if where:
                text = value if isinstance(value, str) else json.dumps(value)
                storage.write_bytes(where, text.encode())
        storage.write_json(self.output_file, self.document())

    def begin(self) -> None:
        """Forgets an earlier attempt's result, so that a crash now is not read as a success."""
        where = storage.local(self.output_file)
        if where is not None and os.path.exists(where):
            os.unlink(where)


def _artifacts(section: dict[str, Any]) -> dict[str, Artifact]:
    found = {}
    for name, group in (section.get("artifacts") or {}).items():
        entries = group.get("artifacts") or []
        if len(entries) != 1:
            raise configs.InvalidConfig(f"artifact {name!r}: expected one, got {len(entries)}")
        entry = entries[0]
        found[name] = Artifact(
            name=entry.get("name", name),
            uri=entry["uri"],
            metadata=dict(entry.get("metadata") or {}),
            type=dict(entry.get("type") or {}),
        )
    return found


def parse(source: str | dict[str, Any]) -> Task:
    """Reads an executor input, as text or parsed. Raises InvalidConfig."""
    try:
        document = json.loads(source) if isinstance(source, str) else source
        inputs, outputs = document.get("inputs") or {}, document["outputs"]
        return Task(
            parameters=dict(inputs.get("parameterValues") or {}),
            inputs=_artifacts(inputs),
            outputs=_artifacts(outputs),
            output_file=outputs["outputFile"],
            output_parameter_files={
                name: entry["outputFile"]
                for name, entry in (outputs.get("parameters") or {}).items()
            },
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        if isinstance(error, configs.InvalidConfig):
            raise
        raise configs.InvalidConfig(f"the executor input cannot be read: {error!r}") from error
