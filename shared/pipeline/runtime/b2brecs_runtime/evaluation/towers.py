"""The trained model as a scorer: query vectors times candidate vectors."""

from typing import Any

import numpy as np
import pyarrow as pa

from b2brecs_runtime import ensure_tensorflow
from b2brecs_runtime.evaluation.ranking import Diverged, Scorer

BATCH_ROWS = 4096

# Matrix kernels treat the last few columns apart and may round them otherwise;
# whole blocks keep equal vectors at exactly equal scores.
_BLOCK = 64


class Model:
    """The exported towers. Raises KeyError when a signature is missing."""

    def __init__(self, folder: str) -> None:
        self.loaded = _load(folder)
        for name in ("embed_query", "embed_candidate"):
            if name not in self.loaded.signatures:
                raise KeyError(
                    f"the model has no signature {name!r}; it has {list(self.loaded.signatures)}"
                )

    def queries(self, table: pa.Table) -> np.ndarray:
        """Vectors of customers, float32 [rows, d], from their raw feature columns."""
        return _embed(self.loaded.signatures["embed_query"], table)

    def candidates(self, table: pa.Table) -> np.ndarray:
        """Vectors of products, float32 [rows, d], from their raw feature columns."""
        return _embed(self.loaded.signatures["embed_candidate"], table)


def _load(folder: str) -> Any:
    tf = ensure_tensorflow()
    try:
        return tf.saved_model.load(folder)
    except (FileNotFoundError, tf.errors.NotFoundError) as error:
        if "Scann" not in str(error):
            raise
        # The index inside the model uses operations that scann registers.
        import scann  # noqa: F401

        return tf.saved_model.load(folder)


def _embed(signature: Any, table: pa.Table) -> np.ndarray:
    tf = ensure_tensorflow()
    from b2brecs_runtime.training import raw

    specs = signature.structured_input_signature[1]
    # The model calls a column otherwise where its name is not allowed there.
    table = table.rename_columns([raw.input_name(name) for name in table.column_names])
    absent = [name for name in specs if name not in table.column_names]
    if absent:
        raise KeyError(f"column not found: {', '.join(absent)}; the table has {table.column_names}")
    parts: list[np.ndarray] = []
    for start in range(0, table.num_rows, BATCH_ROWS):
        batch = table.slice(start, BATCH_ROWS)
        feeds = {
            name: tf.constant(_values(batch[name], spec), spec.dtype)
            for name, spec in specs.items()
        }
        (vectors,) = signature(**feeds).values()
        parts.append(np.asarray(vectors, np.float32))
    whole = np.concatenate(parts) if parts else np.zeros((0, 1), np.float32)
    if not np.isfinite(whole).all():
        raise Diverged("training diverged: the model's vectors are not finite numbers")
    return whole


def _values(column: pa.ChunkedArray, spec: Any) -> np.ndarray:
    """The column in the signature's type and rank, [rows] or [rows, 1]."""
    if spec.dtype.name == "string":
        values = column.cast(pa.string()).to_numpy().astype(object)
    else:
        values = column.to_numpy().astype(spec.dtype.as_numpy_dtype)
    return values if spec.shape.rank == 1 else values.reshape(-1, 1)


def scorer(queries: np.ndarray, candidates: np.ndarray) -> Scorer:
    """Dot products of the customers' vectors with all candidates'."""
    items = len(candidates)
    padded = np.zeros((-(-items // _BLOCK) * _BLOCK, candidates.shape[1]), np.float32)
    padded[:items] = candidates
    transposed = np.ascontiguousarray(padded.T)
    return lambda customers: (queries[customers] @ transposed)[:, :items]
