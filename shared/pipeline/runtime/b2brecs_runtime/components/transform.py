"""transform: runs the generated preprocessing_fn over the examples."""

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pyarrow as pa

from b2brecs_runtime import ensure_tensorflow, modules, records, storage
from b2brecs_runtime.components import Report
from b2brecs_runtime.config import SPLITS
from b2brecs_runtime.executor import Task

# Rows in memory at a time. Analyses cost per batch, the graph costs per call.
BATCH_ROWS = 16_384

# Above this the analysis goes through Beam where the config names a runner, which
# can spread over machines. Below it a cluster would take longer to start than
# one process takes to finish (about 100,000 rows a second and core).
IN_PROCESS_ROWS = 20_000_000


def run(task: Task, report: Report) -> None:
    """Writes transform_graph (readable by tft.TFTransformOutput) and the transformed splits.

    Only the training split is analysed: vocabularies and scales that had seen
    the evaluation rows would hide what the model does with new values.
    """
    ensure_tensorflow()
    from b2brecs_runtime import analysis

    examples = task.input("examples")
    preprocessing_fn = modules.Function(task.text("module"), "preprocessing_fn").loaded()
    schema = _schema(task.input("schema").uri)
    graph, transformed = task.output("transform_graph"), task.output("transformed_examples")
    counts = {s: int((examples.metadata.get("rows") or {}).get(s, 0)) for s in SPLITS}
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="b2brecs-transform-") as scratch:
        source = _Source(examples.uri, schema)
        if task.config.beam and counts["train"] > IN_PROCESS_ROWS:
            function = _analyze_with_beam(preprocessing_fn, task, schema, scratch)
        else:
            try:
                function = analysis.analyze(
                    preprocessing_fn, source.specs(), source.of("train"), scratch
                )
            except analysis.Unsupported as reason:
                print(f"analysing with Beam, because the module uses {reason}")
                function = _analyze_with_beam(preprocessing_fn, task, schema, scratch)
        analysed = time.monotonic()
        print(f"analysed {counts['train']:,} rows in {analysed - started:.1f} s")
        with storage.publish(graph.uri) as folder:
            _write_graph(function, schema, folder)
            with storage.publish(transformed.uri) as target:
                rows = _apply(folder, source, target, report)
    print(f"transformed {sum(rows.values()):,} rows in {time.monotonic() - analysed:.1f} s")
    transformed.metadata.update(rows=rows, split_names=list(SPLITS))
    graph.metadata.update(fact=f"{sum(rows.values()):,} rows")


class _Source:
    """The raw examples as tensors that fit the preprocessing_fn."""

    def __init__(self, artifact: str, schema: Any) -> None:
        from tfx_bsl.tfxio import tf_example_record
        from tfx_bsl.tfxio.tensor_adapter import TensorAdapter

        self.artifact = artifact
        self.schema = schema
        # TFXIO decides the tensors' shapes, as it does in stock TFX.
        tfxio = tf_example_record.TFExampleBeamRecord(physical_format="inmem", schema=schema)
        self.adapter = TensorAdapter(tfxio.TensorAdapterConfig())

    def specs(self) -> dict[str, Any]:
        return self.adapter.OriginalTypeSpecs()

    def batches(self, split: str) -> Iterator[dict[str, Any]]:
        for batch in records.read(self.artifact, split, BATCH_ROWS, self.schema):
            yield self.adapter.ToBatchTensors(batch)

    def of(self, split: str) -> Callable[[], Iterable[dict[str, Any]]]:
        return lambda: self.batches(split)


def _schema(artifact: str) -> Any:
    from google.protobuf import text_format
    from tensorflow_metadata.proto.v0 import schema_pb2

    text = storage.read_bytes(storage.join(artifact, "schema.pbtxt")).decode()
    return text_format.Parse(text, schema_pb2.Schema())


def _write_graph(function: str, schema: Any, folder: str) -> None:
    """Lays out the transform graph as tft.TFTransformOutput expects it."""
    import tensorflow_transform as tft
    from tensorflow_transform.tf_metadata import dataset_metadata, metadata_io

    output = tft.TFTransformOutput
    target = os.path.join(folder, output.TRANSFORM_FN_DIR)
    shutil.copytree(function, target)
    # The writer leaves the transformed metadata inside the SavedModel's folder.
    inner = os.path.join(target, ".tft_metadata")
    shutil.move(inner, os.path.join(folder, output.TRANSFORMED_METADATA_DIR))
    metadata_io.write_metadata(
        dataset_metadata.DatasetMetadata(schema),
        os.path.join(folder, output.RAW_METADATA_DIR),
    )


def _apply(graph: str, source: _Source, target: str, report: Report) -> dict[str, int]:
    """Applies the saved transform function to every split in this process."""
    import tensorflow_transform as tft
    from tensorflow_transform import impl_helper
    from tensorflow_transform.saved import saved_transform_io_v2

    output = tft.TFTransformOutput(graph)
    loader = saved_transform_io_v2.SavedModelLoader(output.transform_savedmodel_dir)
    loader.finalize(source.specs().keys(), loader.structured_outputs.keys())
    schema = output.transformed_metadata.schema
    converter = impl_helper.make_tensor_to_arrow_converter(schema)
    rows: dict[str, int] = {}

    def batches(split: str) -> Iterator[pa.RecordBatch]:
        done = sum(rows.values())
        for batch in source.batches(split):
            converted = converter.convert(loader.apply_transform_model(batch))
            done += converted.num_rows
            report({"rows": done})
            yield converted

    for split in SPLITS:
        rows[split] = records.write(
            records.split_folder(target, split), batches(split), "transformed_examples", schema
        )
    return rows


def _analyze_with_beam(
    preprocessing_fn: Callable[..., Any], task: Task, schema: Any, scratch: str
) -> str:
    """TFT's own analysis, with the config's runner; returns the transform function's folder."""
    import apache_beam as beam
    import tensorflow_transform.beam as tft_beam
    from apache_beam.options.pipeline_options import PipelineOptions
    from tfx_bsl.tfxio import tf_example_record

    arguments = task.config.beam
    remote = storage.local(task.root) is None
    base = task.in_run("tasks", "transform", "temporary") if remote else scratch
    source = tf_example_record.TFExampleRecord(
        file_pattern=records.files(task.input("examples").uri, "train"), schema=schema
    )
    with (
        tft_beam.Context(temp_dir=storage.join(base, "beam"), use_deep_copy_optimization=True),
        beam.Pipeline(options=PipelineOptions(list(arguments))) as pipeline,
    ):
        rows = pipeline | "Read" >> source.BeamSource(batch_size=BATCH_ROWS)
        function = (rows, source.TensorAdapterConfig()) | tft_beam.AnalyzeDataset(preprocessing_fn)
        _ = function | tft_beam.WriteTransformFn(storage.join(base, "graph"))
    found = storage.join(scratch, "function")
    graph = storage.join(base, "graph")
    _copy(storage.join(graph, "transform_fn"), found)
    _copy(storage.join(graph, "transformed_metadata"), storage.join(found, ".tft_metadata"))
    return found


def _copy(source: str, target: str) -> None:
    tf = ensure_tensorflow()
    for folder, _, names in tf.io.gfile.walk(source):
        there = storage.join(target, os.path.relpath(folder, source))
        tf.io.gfile.makedirs(there)
        for name in names:
            tf.io.gfile.copy(storage.join(folder, name), storage.join(there, name), overwrite=True)
