"""Lists for every customer, as the Parquet files the warehouse loads."""

import os

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from scipy import sparse

from b2brecs_runtime.evaluation.history import contains
from b2brecs_runtime.evaluation.ranking import Scorer, chunks, top

SCHEMA = pa.schema(
    [
        pa.field("customer", pa.string(), nullable=False),
        pa.field("rank", pa.int64(), nullable=False),
        pa.field("product", pa.string(), nullable=False),
        pa.field("score", pa.float64(), nullable=False),
        pa.field("seen", pa.bool_(), nullable=False),
    ]
)

# The list for a customer nobody knows.
POPULAR = ""


def write(
    folder: str,
    scorer: Scorer,
    popular: np.ndarray,
    customers: pd.Index,
    products: pd.Index,
    bought: sparse.csr_matrix,
    depth: int,
) -> int:
    """Writes `depth` products per customer and returns the number of rows.

    `popular` scores the candidates for the list under the empty customer.
    `bought` marks the pairs of all splits. Products are in tie order.
    """
    names = np.asarray(products.astype(str), dtype=object)
    rows = 0
    with pq.ParquetWriter(
        os.path.join(folder, "part-00000.parquet"), SCHEMA, compression="zstd"
    ) as out:
        columns, values = top(popular[None, :], depth)
        rows += _append(out, np.array([POPULAR], object), names, columns, values, None)
        for part in chunks(len(customers), len(products)):
            positions = np.arange(part.start, part.stop)
            columns, values = top(scorer(positions), depth)
            seen = contains(bought[part], columns)
            ids = np.asarray(customers[part].astype(str), dtype=object)
            rows += _append(out, ids, names, columns, values, seen)
    return rows


def _append(
    out: pq.ParquetWriter,
    customers: np.ndarray,
    products: np.ndarray,
    columns: np.ndarray,
    values: np.ndarray,
    seen: np.ndarray | None,
) -> int:
    count, depth = columns.shape
    flags = np.zeros(columns.shape, bool) if seen is None else seen
    # Dictionary codes, so that no string is made per row.
    table = pa.table(
        [
            _strings(np.repeat(np.arange(count), depth), customers),
            pa.array(np.tile(np.arange(1, depth + 1), count)),
            _strings(columns.ravel(), products),
            pa.array(values.ravel().astype(np.float64)),
            pa.array(flags.ravel()),
        ],
        schema=SCHEMA,
    )
    out.write_table(table)
    return count * depth


def _strings(codes: np.ndarray, words: np.ndarray) -> pa.Array:
    return pa.array(words, pa.string()).take(pa.array(codes))
