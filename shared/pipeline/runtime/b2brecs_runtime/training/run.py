"""What one call of run_fn works with: configuration, paths, transform output."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import tensorflow as tf
import tensorflow_transform as tft

from b2brecs_runtime.training.raw import TransformGraph


class NoData(ValueError):
    """There are not enough rows to train on; widen the filters or the sample."""


class _VocabularySizes(dict):
    """Rows of a vocabulary by its file name, read when first asked for."""

    def __init__(self, transform: tft.TFTransformOutput) -> None:
        super().__init__()
        self._transform = transform

    def __missing__(self, name: str) -> int:
        size = int(self._transform.vocabulary_size_by_name(name))
        self[name] = size
        return size


@dataclass
class Run:
    """One training run. `config` is the generated CONFIG with the run's own values."""

    config: Mapping[str, Any]
    transform: tft.TFTransformOutput
    vocabulary_size: Mapping[str, int]
    train_files: list[str]
    eval_files: list[str]
    data_accessor: Any
    serving_model_dir: str
    seed: int
    # Folder for progress.json and training_metrics.json; None outside this project's pipeline.
    output_dir: str | None = None
    # Glob of Parquet files with one row per product; None outside this project's pipeline.
    catalogue_files: str | None = None
    timings: dict[str, float] = field(default_factory=dict)
    # Set by fit: what training_metrics.json is written from, and some rows of
    # training as a batch, to try an approximate index with.
    journal: Any = None
    probes: Mapping[str, Any] | None = None

    @cached_property
    def graph(self) -> TransformGraph:
        """The transform graph, loaded when first used."""
        return TransformGraph(self.transform)

    def timed(self, name: str) -> "_Timer":
        """A context whose seconds are added to timings[name]."""
        return _Timer(self.timings, name)


class _Timer:
    def __init__(self, timings: dict[str, float], name: str) -> None:
        self.timings, self.name = timings, name

    def __enter__(self) -> None:
        self.started = time.monotonic()

    def __exit__(self, *_: object) -> None:
        seconds = time.monotonic() - self.started
        self.timings[self.name] = round(self.timings.get(self.name, 0.0) + seconds, 3)


# Values of custom_config that replace the generated ones.
_OVERRIDES = {
    "epochs": int,
    "batch_size": int,
    "learning_rate": float,
    "patience": int,
}


def start(fn_args: Any, config: Mapping[str, Any]) -> Run:
    """Settles a run from TFX's FnArgs and the module's CONFIG.

    fn_args needs train_files, eval_files, data_accessor, serving_model_dir and
    transform_output (or transform_graph_path). Of fn_args.custom_config these
    are read: epochs, batch_size, learning_rate, patience, seed, output_dir,
    catalogue; a zero or absent value keeps CONFIG's.

    Seeds Python, NumPy and TensorFlow. Raises ValueError for values that cannot train.
    """
    custom = dict(getattr(fn_args, "custom_config", None) or {})
    settled = dict(config)
    for name, kind in _OVERRIDES.items():
        if custom.get(name):
            settled[name] = kind(custom[name])
    if settled["epochs"] < 1 or settled["batch_size"] < 2 or not settled["learning_rate"] > 0:
        raise ValueError(
            "epochs must be at least 1, batch_size at least 2 and learning_rate above 0; got "
            f"{settled['epochs']}, {settled['batch_size']} and {settled['learning_rate']}"
        )
    seed = int(custom.get("seed") or 0)
    tf.keras.backend.clear_session()
    tf.keras.utils.set_random_seed(seed % 2**32)
    graph = getattr(fn_args, "transform_output", None) or fn_args.transform_graph_path
    transform = tft.TFTransformOutput(graph)
    return Run(
        config=settled,
        transform=transform,
        vocabulary_size=_VocabularySizes(transform),
        train_files=_files(fn_args.train_files),
        eval_files=_files(fn_args.eval_files),
        data_accessor=fn_args.data_accessor,
        serving_model_dir=fn_args.serving_model_dir,
        seed=seed,
        output_dir=custom.get("output_dir"),
        catalogue_files=custom.get("catalogue"),
    )


def _files(patterns: Any) -> list[str]:
    """TFX gives a list of globs."""
    patterns = [patterns] if isinstance(patterns, str) else list(patterns or [])
    return sorted(name for pattern in patterns for name in tf.io.gfile.glob(pattern))
