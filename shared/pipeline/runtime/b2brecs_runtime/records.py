"""TFRecord files of tf.Examples: writing, naming and reading them as Arrow."""

import os
from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa

from b2brecs_runtime import ensure_tensorflow, storage

# Rows of one file; a reader parallelises over files.
ROWS_PER_FILE = 1_000_000

# What a warm worker keeps decoded of the records it wrote itself. Decoding costs
# about 8 µs a row, three times in a pipeline.
KEEP_BYTES = 256 << 20

_Stamp = tuple[tuple[int, int, int], ...]
_kept: dict[_Stamp, list[pa.RecordBatch]] = {}


def split_folder(artifact: str, split: str) -> str:
    """The folder of one split, named as TFX names it."""
    return storage.join(artifact, f"Split-{split}")


def pattern(artifact: str, split: str) -> str:
    """A glob of the record files of one split."""
    return storage.join(split_folder(artifact, split), "*-[0-9]*")


def files(artifact: str, split: str) -> list[str]:
    """The record files of one split, in order; empty when the split has none."""
    return storage.glob(pattern(artifact, split))


def write(
    folder: str,
    batches: Iterable[pa.RecordBatch],
    name: str,
    schema: Any = None,
    keep: bool = False,
) -> int:
    """Encodes batches as tf.Examples into a local `folder` and returns the number of rows.

    Columns of a batch are lists (one per row). Nothing is compressed: on local
    disks reading compressed records costs more than it saves. `schema`
    (tensorflow_metadata) is needed only for ragged columns. With `keep`, a read
    of the same files in this process may skip decoding.
    """
    tf = ensure_tensorflow()
    from tfx_bsl.coders.example_coder import RecordBatchToExamplesEncoder

    os.makedirs(folder, exist_ok=True)
    encoder = RecordBatchToExamplesEncoder(schema)
    rows, written, writer = 0, [], None
    memory: list[pa.RecordBatch] = []
    try:
        for batch in batches:
            if writer is None or rows >= len(written) * ROWS_PER_FILE:
                if writer is not None:
                    writer.close()
                written.append(os.path.join(folder, f"{name}-{len(written):05d}"))
                writer = tf.io.TFRecordWriter(written[-1])
            for record in encoder.encode(batch):
                writer.write(record)
            rows += batch.num_rows
            if keep:
                memory.append(batch)
                keep = sum(b.nbytes for b in memory) < KEEP_BYTES
        if writer is None:
            # An empty split is a file without records, so that readers find something.
            written.append(os.path.join(folder, f"{name}-00000"))
            writer = tf.io.TFRecordWriter(written[-1])
    finally:
        if writer is not None:
            writer.close()
    if keep and memory:
        _remember(_stamp(written), memory)
    return rows


def _stamp(names: list[str]) -> _Stamp:
    """What tells files apart: a renamed folder keeps it, a rewritten file does not."""
    stats = [os.stat(name) for name in names]
    return tuple((s.st_ino, s.st_size, s.st_mtime_ns) for s in stats)


def _remember(stamp: _Stamp, batches: list[pa.RecordBatch]) -> None:
    _kept[stamp] = batches
    while sum(b.nbytes for kept in _kept.values() for b in kept) > KEEP_BYTES:
        _kept.pop(next(iter(_kept)))


def read(
    artifact: str, split: str, batch_rows: int, schema: Any = None
) -> Iterator[pa.RecordBatch]:
    """The split's tf.Examples as batches of at most `batch_rows` rows.

    With a schema its features are the columns of every batch, in its order.
    """
    found = files(artifact, split)
    if not found:
        return
    kept = None if storage.local(artifact) is None else _kept.get(_stamp(found))
    if kept is not None:
        names = kept[0].schema.names if schema is None else [f.name for f in schema.feature]
        if set(names) == set(kept[0].schema.names):
            yield from _recut(kept, batch_rows, names)
            return
    tf = ensure_tensorflow()
    from tfx_bsl.coders.example_coder import ExamplesToRecordBatchDecoder

    decoder = ExamplesToRecordBatchDecoder(None if schema is None else schema.SerializeToString())
    for records in tf.data.TFRecordDataset(found).batch(batch_rows).as_numpy_iterator():
        yield decoder.DecodeBatch(records.tolist())


def _recut(
    batches: list[pa.RecordBatch], batch_rows: int, names: list[str]
) -> Iterator[pa.RecordBatch]:
    """The rows in batches of `batch_rows`, cut as a reader of the files would."""
    whole = pa.Table.from_batches(batches).select(names).combine_chunks()
    for start in range(0, whole.num_rows, batch_rows):
        yield whole.slice(start, batch_rows).combine_chunks().to_batches()[0]
