"""trainer: runs the generated trainer module as TFX's Trainer would."""

import gc
import os
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from b2brecs_runtime import ensure_tensorflow, modules, records, storage
from b2brecs_runtime.components import Report
from b2brecs_runtime.executor import Task


@dataclass
class DataAccessor:
    """Gives a trainer its data, with the signature of tfx.components.DataAccessor."""

    def tf_dataset_factory(self, file_pattern: Any, options: Any, schema: Any = None) -> Any:
        """A tf.data.Dataset of feature dicts (or pairs with a label) from record files.

        `options` is tfx_bsl's TensorFlowDatasetOptions. Its num_epochs defaults
        to None, which repeats for ever.
        """
        from tfx_bsl.tfxio import tf_example_record

        patterns = [file_pattern] if isinstance(file_pattern, str) else list(file_pattern)
        source = tf_example_record.TFExampleRecord(file_pattern=patterns, schema=schema)
        return source.TensorFlowDataset(options)

    def record_batch_factory(self, file_pattern: Any, options: Any, schema: Any = None) -> Any:
        """Arrow record batches from record files."""
        from tfx_bsl.tfxio import tf_example_record

        patterns = [file_pattern] if isinstance(file_pattern, str) else list(file_pattern)
        source = tf_example_record.TFExampleRecord(file_pattern=patterns, schema=schema)
        return source.RecordBatches(options)

    data_view_decode_fn: Any = None


@dataclass
class FnArgs:
    """What run_fn receives: the attributes of tfx.components.FnArgs.

    `custom_config` adds epochs, batch_size, learning_rate, seed, output_dir (the
    run folder) and catalogue (pattern of the product table's Parquet files).
    """

    train_files: list[str]
    eval_files: list[str]
    schema_path: str
    transform_graph_path: str
    serving_model_dir: str
    model_run_dir: str
    working_dir: str
    custom_config: dict[str, Any]
    data_accessor: DataAccessor = field(default_factory=DataAccessor)
    train_steps: int | None = None
    eval_steps: int | None = None
    eval_model_dir: str | None = None
    base_model: str | None = None
    hyperparameters: dict[str, Any] | None = None

    @property
    def transform_output(self) -> str:
        """The transform graph under its older name."""
        return self.transform_graph_path

    @property
    def schema_file(self) -> str:
        """The schema under its older name."""
        return self.schema_path


class ProgressWatch:
    """Hands on what a trainer writes to progress.json, once per change.

    Generated modules also run in stock TFX, which has no channel for progress
    but files; so the file is the contract and this is its reader.
    """

    def __init__(self, path: str, report: Report, seconds: float = 0.25) -> None:
        self.path, self.report, self.seconds = path, report, seconds
        self.stop = threading.Event()
        self.seen: int | None = self.stamp()
        self.thread = threading.Thread(target=self.loop, name="progress", daemon=True)

    def stamp(self) -> int | None:
        """What changes when the file is replaced; None while there is none."""
        try:
            return os.stat(self.path).st_mtime_ns
        except OSError:
            return None

    def look(self) -> None:
        """Reports the file if it changed."""
        stamp = self.stamp()
        if stamp is not None and stamp != self.seen:
            self.seen = stamp
            try:
                self.report(storage.read_json(self.path))
            except ValueError:
                # Replaced while it was read; the next look sees the new one.
                self.seen = None

    def loop(self) -> None:
        """The thread."""
        while not self.stop.wait(self.seconds):
            self.look()

    def __enter__(self) -> "ProgressWatch":
        self.thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop.set()
        self.thread.join()
        self.look()


def run(task: Task, report: Report) -> None:
    """Calls run_fn, which writes the model, training_metrics.json and progress.json."""
    tf = ensure_tensorflow()
    module = modules.load(task.text("module"))
    examples = task.input("transformed_examples").uri
    model, model_run = task.output("model"), task.output("model_run")
    seed = task.integer("seed")
    tf.keras.backend.clear_session()
    tf.keras.utils.set_random_seed(seed)
    started = time.monotonic()
    with storage.publish(model.uri) as folder, storage.publish(model_run.uri) as logs:
        arguments = FnArgs(
            train_files=records.files(examples, "train"),
            eval_files=records.files(examples, "eval"),
            schema_path=storage.join(task.input("schema").uri, "schema.pbtxt"),
            transform_graph_path=storage.path(task.input("transform_graph").uri),
            serving_model_dir=folder,
            model_run_dir=logs,
            working_dir=logs,
            custom_config={
                "epochs": task.integer("epochs"),
                "batch_size": task.integer("batch_size"),
                "learning_rate": task.number("learning_rate"),
                "seed": seed,
                "output_dir": task.root,
                "catalogue": task.in_run("data", "catalogue", "*.parquet"),
            },
        )
        progress = storage.local(task.in_run("progress.json"))
        if progress is None:
            module.run_fn(arguments)
        else:
            with ProgressWatch(progress, report):
                module.run_fn(arguments)
        if not os.path.exists(os.path.join(folder, "saved_model.pb")):
            raise RuntimeError("run_fn wrote no SavedModel to fn_args.serving_model_dir")
    seconds = time.monotonic() - started
    print(f"trained in {seconds:.1f} s")
    model.metadata.update(fact=_fact(task))
    tf.keras.backend.clear_session()
    gc.collect()


def _fact(task: Task) -> str:
    """One fact for the page, from the metrics the trainer wrote."""
    where = task.in_run("training_metrics.json")
    if not storage.exists(where):
        return "trained"
    metrics = storage.read_json(where)
    epochs, best = len(metrics.get("epochs") or []), metrics.get("best_epoch")
    if best == 0:
        return f"{epochs} epochs, none better than no training"
    return f"{epochs} epochs" if best is None else f"{epochs} epochs, best {best}"
