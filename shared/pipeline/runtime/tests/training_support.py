"""A run folder with synthetic data, and the components up to the trainer run on it."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

GOLDEN = Path(__file__).resolve().parents[3] / "codegen" / "testdata" / "golden"

DAY = 86_400


def has_prior(model: dict[str, Any]) -> bool:
    """Whether a generated model starts from the best-seller list."""
    return model["log_q"] and not model["normalize"]


def vector_dim(model: dict[str, Any]) -> int:
    """The width of the vectors a generated model serves, from its definition."""
    return model["output_dim"] + has_prior(model)


def pipeline_type(kind: str) -> str:
    """The type in which the examples carry a warehouse column."""
    if kind in ("INT64", "BOOL", "DATE", "DATETIME", "TIMESTAMP"):
        return "INT64"
    return "FLOAT64" if kind in ("FLOAT64", "NUMERIC", "BIGNUMERIC") else "STRING"


def synthetic(columns: list[dict[str, str]], rows: int, seed: int) -> pa.Table:
    """Believable values for any column, by type."""
    random = np.random.default_rng(seed)
    customer = random.zipf(1.5, rows) % 50
    # What a customer buys depends on who they are: a model can learn something.
    product = (customer * 7 + random.integers(0, 3, rows)) % 30
    made = {}
    for number, column in enumerate(columns):
        name, kind = column["name"], column["type"]
        if kind in ("DATE", "DATETIME", "TIMESTAMP"):
            seconds = 1_700_000_000 + random.integers(0, 500, rows) * DAY
            made[name] = seconds + (random.integers(0, DAY, rows) if kind != "DATE" else 0)
        elif kind == "BOOL":
            made[name] = random.integers(0, 2, rows)
        elif kind == "INT64":
            made[name] = 1 + product
        elif kind == "STRING":
            values = (customer, product)[number] if number < 2 else random.zipf(1.5, rows) % 9
            made[name] = [f"{name} {v}" if v else "__MISSING__" for v in values]
        else:
            made[name] = random.lognormal(2, 1, rows) - 3
    return pa.table(made)


def write(root: Path, table: str, rows: pa.Table) -> None:
    folder = root / "data" / table
    os.makedirs(folder, exist_ok=True)
    pq.write_table(rows, folder / "part-00000.parquet")


def first_rows(table: pa.Table, key: str) -> pa.Table:
    """One row per value of a column."""
    _, first = np.unique(np.array(table[key].to_pylist(), dtype=object), return_index=True)
    return table.take(pa.array(np.sort(first)))


class Folder:
    """A run folder, and the components run in it one by one."""

    def __init__(self, root: Path, definition: dict[str, Any], splits: dict[str, pa.Table]) -> None:
        """definition: an input of code generation, with its columns."""
        self.root = root
        self.metadata: dict[str, Any] = {}
        towers = definition["features"]
        ids = {
            side: next(f["column"] for f in towers[side]["features"] if f.get("primary_id"))
            for side in ("query", "candidate")
        }
        columns = {side: [f["column"] for f in towers[side]["features"]] for side in ids}
        # The dataset hands ids on as text, whatever type the source has.
        for name in ids.values():
            splits = {
                split: rows.set_column(
                    rows.column_names.index(name), name, rows[name].cast(pa.string())
                )
                for split, rows in splits.items()
            }
        for split, rows in splits.items():
            write(root, split, rows)
        write(
            root,
            "catalogue",
            first_rows(splits["train"], ids["candidate"]).select(columns["candidate"]),
        )
        everyone = pa.concat_tables(splits.values())
        write(root, "customers", first_rows(everyone, ids["query"]).select(columns["query"]))
        self.config = {
            "customer": ids["query"],
            "product": ids["candidate"],
            "time": "",
            "value": "",
            "columns": [
                {
                    "name": c["name"],
                    "type": "STRING" if c["name"] in ids.values() else pipeline_type(c["type"]),
                }
                for c in definition["columns"]
            ],
            "query_features": columns["query"],
            "candidate_features": columns["candidate"],
            "cutoffs": [5, 10, 50, 100],
            "exclude_seen": False,
            "seed": 1,
            "split": {"strategy": "random", "seed": 1},
            "top_k": 100,
        }

    def component(
        self, name: str, inputs: list[str], outputs: list[str], **parameters: Any
    ) -> None:
        """Runs one component as the pipeline driver does, in this process."""
        from b2brecs_runtime import components, executor

        artifact = {
            "examples": ("examples", "system.Dataset"),
            "statistics": ("statistics", "system.Artifact"),
            "schema": ("schema", "system.Artifact"),
            "transform_graph": ("transform", "system.Artifact"),
            "transformed_examples": ("transform", "system.Dataset"),
            "model": ("trainer", "system.Model"),
            "model_run": ("trainer", "system.Artifact"),
            "evaluation": ("evaluator", "system.Metrics"),
            "recommendations": ("evaluator", "system.Dataset"),
        }

        def group(names: list[str], known: dict[str, Any]) -> dict[str, Any]:
            return {
                n: {
                    "artifacts": [
                        {
                            "name": n,
                            "type": {"schemaTitle": artifact[n][1]},
                            "uri": str(self.root / "tasks" / artifact[n][0] / n),
                            "metadata": known.get(n, {}),
                        }
                    ]
                }
                for n in names
            }

        task = executor.parse(
            {
                "inputs": {
                    "parameterValues": {
                        "root": str(self.root),
                        "config": json.dumps(self.config),
                        **parameters,
                    },
                    "artifacts": group(inputs, self.metadata),
                },
                "outputs": {
                    "artifacts": group(outputs, {}),
                    "outputFile": str(self.root / "tasks" / name / "executor_output.json"),
                },
            }
        )
        components.find(name)(task, lambda progress: None)
        for n in outputs:
            self.metadata[n] = task.outputs[n].metadata

    def prepare(self, transform_module: Path) -> None:
        """Everything before the trainer."""
        self.component("examples", [], ["examples"])
        self.component("statistics", ["examples"], ["statistics"])
        self.component("schema", ["statistics"], ["schema"])
        self.component(
            "transform",
            ["examples", "schema"],
            ["transform_graph", "transformed_examples"],
            module=str(transform_module),
        )

    def train(self, trainer_module: Path, **parameters: Any) -> dict[str, Any]:
        """The trainer. Returns training_metrics.json."""
        settings = {"epochs": 1, "batch_size": 64, "learning_rate": 0.01, "seed": 7} | parameters
        self.component(
            "trainer",
            ["transformed_examples", "transform_graph", "schema"],
            ["model", "model_run"],
            module=str(trainer_module),
            **settings,
        )
        return json.loads((self.root / "training_metrics.json").read_text())

    def evaluate(self) -> None:
        """The evaluator, which writes evaluation.json."""
        self.component(
            "evaluator",
            ["model", "examples", "transform_graph"],
            ["evaluation", "recommendations"],
        )

    @property
    def model(self) -> Path:
        return self.root / "tasks" / "trainer" / "model"
