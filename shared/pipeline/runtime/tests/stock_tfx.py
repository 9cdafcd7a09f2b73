"""Runs a golden pair of modules in stock TFX; scripts/stocktfx gives it the environment.

    python stock_tfx.py GOLDEN_CASE WORK_FOLDER

Nothing of this project's pipeline takes part but the training library that the
trainer module imports. Fails unless the exported model answers all signatures.
"""

import csv
import json
import os
import sys
import time
from pathlib import Path

# Before TensorFlow: TFX itself does not ask for Keras 2, which TFRS needs.
os.environ["TF_USE_LEGACY_KERAS"] = "1"

import numpy as np

from training_support import synthetic, vector_dim

ROWS = 3000


def pipeline(case: Path, work: Path):
    """The components a newcomer to TFX would write down."""
    from tfx import v1 as tfx

    examples = tfx.components.CsvExampleGen(input_base=str(work / "csv"))
    statistics = tfx.components.StatisticsGen(examples=examples.outputs["examples"])
    schema = tfx.components.SchemaGen(
        statistics=statistics.outputs["statistics"], infer_feature_shape=True
    )
    transform = tfx.components.Transform(
        examples=examples.outputs["examples"],
        schema=schema.outputs["schema"],
        module_file=str(case / "transform_module.py"),
    )
    trainer = tfx.components.Trainer(
        module_file=str(case / "trainer_module.py"),
        examples=transform.outputs["transformed_examples"],
        transform_graph=transform.outputs["transform_graph"],
        schema=schema.outputs["schema"],
        train_args=tfx.proto.TrainArgs(num_steps=1),
        eval_args=tfx.proto.EvalArgs(num_steps=1),
        custom_config={"epochs": 2, "batch_size": 128, "learning_rate": 0.01, "seed": 1},
    )
    return tfx.dsl.Pipeline(
        pipeline_name="golden",
        pipeline_root=str(work / "pipeline"),
        metadata_connection_config=tfx.orchestration.metadata.sqlite_metadata_connection_config(
            str(work / "metadata.sqlite")
        ),
        components=[examples, statistics, schema, transform, trainer],
    )


def check(case: Path, work: Path) -> str:
    """Calls every signature of the exported model on raw rows. Returns what it found."""
    import tensorflow as tf

    definition = json.loads((case / "input.json").read_text())
    (exported,) = (work / "pipeline" / "Trainer" / "model").glob("*/Format-Serving")
    schema = json.loads((exported / "serving_schema.json").read_text())
    loaded = tf.saved_model.load(str(exported))
    rows = synthetic(definition["columns"], 50, 9)
    dtypes = {"STRING": tf.string, "INT64": tf.int64, "FLOAT64": tf.float32}
    answers = {}
    for name, described in schema["signatures"].items():
        feeds = {
            i["name"]: tf.constant(rows[i["column"]].to_pylist(), dtypes[i["type"]])
            for i in described["inputs"]
        }
        answers[name] = {k: v.numpy() for k, v in loaded.signatures[name](**feeds).items()}
        assert sorted(answers[name]) == sorted(o["name"] for o in described["outputs"]), name
    dim = vector_dim(definition["model"])
    for name in ("embed_query", "embed_candidate"):
        vectors = answers[name]["embedding"]
        assert vectors.shape == (50, dim) and np.isfinite(vectors).all(), name
    served = answers["serving_default"]
    k = min(definition["model"]["top_k"], schema["products"])
    assert served["product_ids"].shape == served["scores"].shape == (50, k)
    assert (np.diff(served["scores"], axis=1) <= 1e-5).all(), "not best first"
    known = {str(v).encode() for v in rows[definition_product(definition)].to_pylist()}
    assert {
        str(v).encode() if not isinstance(v, bytes) else v for v in served["product_ids"][:, 0]
    } & known
    return f"{schema['products']} products, top {k}, {dim} dimensions"


def definition_product(definition) -> str:
    features = definition["features"]["candidate"]["features"]
    return next(f["column"] for f in features if f.get("primary_id"))


def main(case: Path, work: Path) -> None:
    """Makes the data, runs the pipeline, checks the model."""
    definition = json.loads((case / "input.json").read_text())
    (work / "csv").mkdir()
    rows = synthetic(definition["columns"], ROWS, 1).to_pydict()
    # Not by pyarrow, which quotes the header; CsvExampleGen would keep the quotes.
    with open(work / "csv" / "rows.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(rows)
        writer.writerows(zip(*rows.values(), strict=True))
    started = time.monotonic()
    from tfx import v1 as tfx

    imported = time.monotonic()
    tfx.orchestration.LocalDagRunner().run(pipeline(case, work))
    ran = time.monotonic()
    found = check(case, work)
    print(
        f"stock TFX {tfx.__version__}, Python {sys.version.split()[0]}, case {case.name}: {found}; "
        f"import {imported - started:.0f} s, pipeline {ran - imported:.0f} s"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve())
