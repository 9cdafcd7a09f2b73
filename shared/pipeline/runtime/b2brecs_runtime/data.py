"""The Parquet data of a run as Arrow, and its way into tf.Examples."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from b2brecs_runtime import storage
from b2brecs_runtime.config import Column, Config

# tf.Example knows three kinds of values. FLOAT64 becomes float32 there.
_ARROW = {"STRING": pa.large_binary(), "INT64": pa.int64(), "FLOAT64": pa.float32()}

# Rows held in memory at a time while writing examples.
BATCH_ROWS = 65_536


class NoData(ValueError):
    """A table of the run has no rows; widen the filters or the sample."""


def parts(root: str, table: str) -> list[str]:
    """The Parquet files of one table, in order. Raises NoData when there are none."""
    found = storage.glob(storage.join(root, "data", table, "*.parquet"))
    if not found:
        raise NoData(f"no data: {storage.join(root, 'data', table)} has no Parquet files")
    return found


def read(root: str, table: str, columns: list[str] | None = None) -> pa.Table:
    """A whole table. Raises NoData without files; zero rows are allowed.

    Columns that the files lack raise KeyError with the column's name.
    """
    tables = []
    for name in parts(root, table):
        with storage.fetched(name) as file:
            reader = pq.ParquetFile(file)
            _require(reader.schema_arrow, columns, name)
            tables.append(reader.read(columns=columns))
    return pa.concat_tables(tables, promote=True)


def batches(root: str, table: str, columns: list[str]) -> Iterator[pa.RecordBatch]:
    """The rows of a table, at most BATCH_ROWS at a time."""
    for name in parts(root, table):
        with storage.fetched(name) as file:
            reader = pq.ParquetFile(file)
            _require(reader.schema_arrow, columns, name)
            yield from reader.iter_batches(batch_size=BATCH_ROWS, columns=columns)


def _require(schema: pa.Schema, columns: list[str] | None, name: str) -> None:
    absent = [c for c in columns or [] if schema.get_field_index(c) < 0]
    if absent:
        raise KeyError(f"column not found in {name}: {', '.join(absent)}; it has {schema.names}")


def example_columns(config: Config) -> list[Column]:
    """The columns written to tf.Examples, in the config's order."""
    return list(config.columns)


def as_lists(batch: pa.RecordBatch, columns: list[Column]) -> pa.RecordBatch:
    """A batch in the shape of decoded tf.Examples: one list per row and column.

    A NULL becomes an absent feature. Types are the pipeline's, whatever the
    file's: a boolean or an int32 in the file arrives as INT64.
    """
    arrays = []
    for column in columns:
        values = batch.column(batch.schema.get_field_index(column.name))
        if isinstance(values, pa.DictionaryArray):
            values = values.dictionary_decode()
        target = _ARROW[column.type]
        if column.type == "STRING" and not pa.types.is_string(values.type):
            values = values if pa.types.is_binary(values.type) else values.cast(pa.string())
        values = values.cast(target, safe=column.type != "FLOAT64")
        arrays.append(_one_per_row(values))
    return pa.RecordBatch.from_arrays(arrays, names=[c.name for c in columns])


def _one_per_row(values: pa.Array) -> pa.Array:
    """Wraps each value in a list; NULL rows become NULL lists."""
    rows = len(values)
    if values.null_count == 0:
        offsets = pa.array(np.arange(rows + 1, dtype=np.int64))
        return pa.LargeListArray.from_arrays(offsets, values)
    present = pc.cast(pc.is_valid(values), pa.int64())
    ends = pc.cumulative_sum(present)
    offsets = pa.concat_arrays([pa.array([0], pa.int64()), ends])
    lists = pa.LargeListArray.from_arrays(offsets, values.drop_null())
    return pc.if_else(pc.is_valid(values), lists, pa.scalar(None, lists.type))
