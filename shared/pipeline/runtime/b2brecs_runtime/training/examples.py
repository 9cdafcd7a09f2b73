"""Transformed examples: reading only what the model needs, batching, shuffling."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from b2brecs_runtime.training.run import NoData, Run

# Examples up to this size are held in memory and shuffled perfectly; larger
# sets are read anew in every epoch, through a shuffle buffer.
IN_MEMORY_BYTES = 2 << 30

# Rows decoded at a time, and rows of the shuffle buffer of a streamed set.
READ_ROWS = 16_384
SHUFFLE_ROWS = 200_000


def keys(config: Mapping[str, Any]) -> list[str]:
    """The transformed features the model reads, ids included."""
    query, candidate = config["query"], config["candidate"]
    wanted = [query["id"], *query["inputs"], candidate["id"], *candidate["inputs"]]
    return list(dict.fromkeys(wanted))


class Examples:
    """The rows of one split. Every feature is one number per row, shaped [rows].

    `arrays` holds all rows, or is None for a set too large for memory.
    """

    def __init__(self, rows: int, arrays: dict[str, np.ndarray] | None, stream: Any = None) -> None:
        self.rows = rows
        self.arrays = arrays
        self._stream = stream
        self._columns: dict[str, tf.Tensor] | None = None

    def chunks(self, batch_size: int = READ_ROWS) -> Iterator[dict[str, np.ndarray]]:
        """All rows in file order, as NumPy arrays."""
        if self.arrays is None:
            for batch in self._stream(batch_size, None):
                yield {key: compact(value.numpy()) for key, value in batch.items()}
            return
        for first in range(0, self.rows, batch_size):
            yield {key: value[first : first + batch_size] for key, value in self.arrays.items()}

    def batches(
        self, batch_size: int, seed: int | None = None, drop_remainder: bool = False
    ) -> tf.data.Dataset:
        """Batches of {key: [batch_size]}, shuffled when a seed is given.

        With in-batch negatives a short last batch has an easier task than the
        others: drop it in training. A split smaller than one batch is never dropped.
        """
        size = min(batch_size, self.rows) or batch_size
        if self.arrays is None:
            data = self._stream(size, seed)
            return data.filter(lambda b: _length(b) == size) if drop_remainder else data
        order = np.arange(self.rows, dtype=np.int64)
        if seed is not None:
            np.random.default_rng(seed).shuffle(order)
        if self._columns is None:
            self._columns = {key: tf.constant(value) for key, value in self.arrays.items()}
        columns = self._columns

        @tf.autograph.experimental.do_not_convert
        def pick(rows: tf.Tensor) -> dict[str, tf.Tensor]:
            return {key: tf.gather(value, rows) for key, value in columns.items()}

        whole = self.rows // size * size
        data = tf.data.Dataset.from_tensor_slices(order[:whole].reshape([-1, size]))
        if whole < self.rows and not drop_remainder:
            data = data.concatenate(tf.data.Dataset.from_tensors(order[whole:]))
        return data.map(pick).prefetch(2)

    def steps(self, batch_size: int, drop_remainder: bool = False) -> int:
        """How many batches `batches` gives; at least 1 where there are rows."""
        size = min(batch_size, self.rows) or 1
        return self.rows // size if drop_remainder else -(-self.rows // size)


def _length(batch: Mapping[str, tf.Tensor]) -> tf.Tensor:
    return tf.shape(next(iter(batch.values())))[0]


def compact(values: np.ndarray) -> np.ndarray:
    """Any shape as [rows] in 32 bits: ids are row numbers of tables, the rest is float32 anyway."""
    values = np.reshape(values, [-1])
    return values.astype(np.int32 if values.dtype.kind in "iu" else np.float32, copy=False)


@tf.autograph.experimental.do_not_convert
def _flat(batch: Mapping[str, Any]) -> dict[str, tf.Tensor]:
    """One number per row. Stock TFX gives [rows, 1], or sparse where a schema has no shape."""
    flat = {}
    for key, value in batch.items():
        if isinstance(value, tf.SparseTensor):
            value = tf.sparse.to_dense(value)
        flat[key] = tf.reshape(value, [-1])
    return flat


def datasets(run: Run) -> tuple[Examples, Examples]:
    """The training and evaluation examples, with the model's features only.

    Raises NoData when there are fewer than two training rows. An evaluation set
    without rows is allowed: every epoch then counts as the best so far.
    """
    with run.timed("read"):
        train, evaluation = _read(run, run.train_files), _read(run, run.eval_files)
    if train.rows < 2:
        raise NoData(f"no data: training needs at least 2 rows and has {train.rows}")
    return train, evaluation


def _read(run: Run, files: list[str]) -> Examples:
    wanted = keys(run.config)
    stream = _stream(run, files, wanted)
    if not files:
        return Examples(0, {key: np.zeros([0], np.int32) for key in wanted})
    parts: list[dict[str, np.ndarray]] = []
    rows = held = 0
    fits = True
    for batch in stream(READ_ROWS, None):
        part = {key: compact(value.numpy()) for key, value in batch.items()}
        rows += len(part[wanted[0]])
        held += sum(value.nbytes for value in part.values())
        fits = fits and held <= IN_MEMORY_BYTES
        if fits:
            parts.append(part)
        else:
            parts.clear()
    if not fits:
        return Examples(rows, None, stream)
    if not parts:
        return Examples(0, {key: np.zeros([0], np.int32) for key in wanted})
    return Examples(rows, {key: np.concatenate([p[key] for p in parts]) for key in wanted})


def _stream(run: Run, files: list[str], wanted: list[str]) -> Any:
    """A function (batch_size, seed) -> dataset of {key: [rows]} over the files."""
    from tensorflow_metadata.proto.v0 import schema_pb2
    from tfx_bsl.public.tfxio import TensorFlowDatasetOptions

    # A schema with the wanted features only: the others are not even parsed.
    full = run.transform.transformed_metadata.schema
    schema = schema_pb2.Schema()
    schema.CopyFrom(full)
    del schema.feature[:]
    schema.feature.extend(f for f in full.feature if f.name in wanted)
    absent = set(wanted) - {f.name for f in schema.feature}
    if absent:
        raise KeyError(f"the transform module does not make {sorted(absent)}")

    def open_files(batch_size: int, seed: int | None) -> tf.data.Dataset:
        options = TensorFlowDatasetOptions(
            batch_size=batch_size,
            drop_final_batch=False,
            num_epochs=1,  # the default repeats for ever
            shuffle=seed is not None,
            shuffle_buffer_size=SHUFFLE_ROWS,
            shuffle_seed=seed,
        )
        return run.data_accessor.tf_dataset_factory(files, options, schema).map(_flat)

    return open_files
