"""TFRecord files of tf.Examples: writing, naming and reading them as Arrow."""

import os
from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa

from b2brecs_runtime import ensure_tensorflow, storage

# Rows of one file; a reader parallelises over files.
ROWS_PER_FILE = 1_000_000


def split_folder(artifact: str, split: str) -> str:
    """The folder of one split, named as TFX names it."""
    return storage.join(artifact, f"Split-{split}")


def files(artifact: str, split: str) -> list[str]:
    """The record files of one split, in order; empty when the split has none."""
    return storage.glob(storage.join(split_folder(artifact, split), "*-[0-9]*"))


def write(folder: str, batches: Iterable[pa.RecordBatch], name: str, schema: Any = None) -> int:
    """Encodes batches as tf.Examples into `folder` and returns the number of rows.

    Columns of a batch are lists (one per row). Nothing is compressed: on local
    disks reading compressed records costs more than it saves. `schema`
    (tensorflow_metadata) is needed only for ragged columns.
    """
    tf = ensure_tensorflow()
    from tfx_bsl.coders.example_coder import RecordBatchToExamplesEncoder

    os.makedirs(folder, exist_ok=True)
    encoder = RecordBatchToExamplesEncoder(schema)
    rows, shard, writer = 0, 0, None
    try:
        for batch in batches:
            if writer is None or rows >= (shard * ROWS_PER_FILE):
                if writer is not None:
                    writer.close()
                writer = tf.io.TFRecordWriter(os.path.join(folder, f"{name}-{shard:05d}"))
                shard += 1
            for record in encoder.encode(batch):
                writer.write(record)
            rows += batch.num_rows
        if writer is None:
            # An empty split is a file without records, so that readers find something.
            writer = tf.io.TFRecordWriter(os.path.join(folder, f"{name}-00000"))
    finally:
        if writer is not None:
            writer.close()
    return rows


def read(
    artifact: str, split: str, batch_rows: int, schema: Any = None
) -> Iterator[pa.RecordBatch]:
    """The split's tf.Examples as batches of at most `batch_rows` rows.

    With a schema every feature of it is a column of every batch.
    """
    tf = ensure_tensorflow()
    from tfx_bsl.coders.example_coder import ExamplesToRecordBatchDecoder

    found = files(artifact, split)
    if not found:
        return
    serialized = None if schema is None else schema.SerializeToString()
    decoder = ExamplesToRecordBatchDecoder(serialized)
    for records in tf.data.TFRecordDataset(found).batch(batch_rows).as_numpy_iterator():
        yield decoder.DecodeBatch(records.tolist())
