"""The catalogue: every product that can be recommended, and its features."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from b2brecs_runtime import storage
from b2brecs_runtime.training.examples import Examples, compact
from b2brecs_runtime.training.raw import signature
from b2brecs_runtime.training.run import NoData, Run

# Rows transformed or embedded at a time.
CHUNK_ROWS = 8_192

# tfrs.layers.loss.SamplingProbablityCorrection clips lower probabilities to this; a
# prior that went below would not cancel with it.
# https://github.com/tensorflow/recommenders/blob/main/tensorflow_recommenders/layers/loss.py
MIN_SHARE = 1e-6


@dataclass
class Catalogue:
    """One row per product, all arrays aligned.

    ids: what the dataset calls the product, bytes or int64, [products].
    features: transformed inputs of the candidate tower by key, each [products].
    """

    ids: np.ndarray
    features: dict[str, np.ndarray]
    # The tower last embedded with, and its compiled function.
    _embed: tuple[Any, Any] | None = None

    def __len__(self) -> int:
        return len(self.ids)

    def embed(self, tower: Any) -> tf.Tensor:
        """The candidate tower's vectors, [products, dim]."""
        if self._embed is None or self._embed[0] is not tower:
            compiled = tf.function(
                lambda chunk: tower(chunk, training=False), reduce_retracing=True
            )
            self._embed = (tower, compiled)
        embed = self._embed[1]
        parts = []
        for first in range(0, len(self), CHUNK_ROWS):
            chunk = {
                k: tf.constant(v[first : first + CHUNK_ROWS]) for k, v in self.features.items()
            }
            parts.append(embed(chunk))
        return tf.concat(parts, axis=0)


def catalogue(run: Run, train: Examples) -> Catalogue:
    """The products of the run's catalogue files, with their latest attributes.

    Without such files (in stock TFX) the distinct products of the training
    examples stand in, each with the attributes of its first row; products
    outside the vocabulary cannot be told apart there and are left out.
    Raises NoData when there is no product.
    """
    with run.timed("catalogue"):
        files = storage.glob(run.catalogue_files) if run.catalogue_files else []
        found = _from_files(run, files) if files else _from_examples(run, train)
    if not len(found):
        raise NoData("no data: there is no product to recommend")
    return found


def product_share(run: Run, train: Examples, catalogue: Catalogue) -> tf.Tensor:
    """A product's share of the training rows, by product id: [table rows] float32.

    It is what a best-seller list ranks by, and how often a product turns up as an
    in-batch negative: the Q of the log-Q correction (Bengio & Senécal 2008; Yi et
    al. 2019). Products of one out-of-vocabulary id have equal parts of its rows:
    each with all of them would outrank the best sellers. An id without training
    rows counts as one row; no share is below MIN_SHARE.
    """
    candidate = run.config["candidate"]
    table = run.vocabulary_size[candidate["id"] + "_vocab"] + candidate["oov"]
    rows = np.zeros([table], np.int64)
    for chunk in train.chunks():
        rows += np.bincount(chunk[candidate["id"]], minlength=table)
    products = np.bincount(catalogue.features[candidate["id"]], minlength=table)
    share = np.maximum(rows, 1) / np.maximum(products, 1) / train.rows
    return tf.constant(np.maximum(share, MIN_SHARE), tf.float32)


def _from_files(run: Run, files: list[str]) -> Catalogue:
    import pyarrow as pa
    import pyarrow.parquet as pq

    tower = run.config["candidate"]
    columns = list(tower["columns"])
    tables = []
    for name in files:
        with storage.fetched(name) as file:
            tables.append(pq.read_table(file, columns=columns))
    table = pa.concat_tables(tables)
    raw = {name: _column(table.column(name), kind) for name, kind in tower["columns"].items()}
    _, first = np.unique(raw[tower["id_column"]], return_index=True)
    raw = {name: values[np.sort(first)] for name, values in raw.items()}
    wanted = [tower["id"], *tower["inputs"]]
    transform = tf.function(
        lambda chunk: run.graph(chunk, wanted), input_signature=[signature(tower["columns"])]
    )
    parts: list[Mapping[str, tf.Tensor]] = []
    for start in range(0, len(first), CHUNK_ROWS):
        chunk = {name: tf.constant(v[start : start + CHUNK_ROWS]) for name, v in raw.items()}
        parts.append(transform(chunk))
    features = {
        key: compact(np.concatenate([p[key].numpy() for p in parts]))
        for key in dict.fromkeys(wanted)
    }
    return Catalogue(raw[tower["id_column"]], features)


def _column(values: Any, kind: str) -> np.ndarray:
    """An Arrow column as the examples carry it: bytes, int64 or float32."""
    import pyarrow as pa

    values = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    if kind == "STRING":
        texts = values.cast(pa.string()).to_pylist()
        return np.array([(t or "").encode() for t in texts], dtype=object)
    array = values.to_numpy(zero_copy_only=False)
    return np.nan_to_num(array).astype(np.int64 if kind == "INT64" else np.float32)


def _from_examples(run: Run, train: Examples) -> Catalogue:
    tower = run.config["candidate"]
    wanted = list(dict.fromkeys([tower["id"], *tower["inputs"]]))
    known = run.vocabulary_size[tower["id"] + "_vocab"]
    seen = np.zeros([known], bool)
    parts = []
    for chunk in train.chunks():
        product = chunk[tower["id"]]
        _, first = np.unique(product, return_index=True)
        first = first[product[first] < known]
        first = first[~seen[product[first]]]
        seen[product[first]] = True
        parts.append({key: chunk[key][first] for key in wanted})
    features = {key: np.concatenate([p[key] for p in parts]) for key in wanted}
    names = run.transform.vocabulary_by_name(tower["id"] + "_vocab")
    ids = np.array([names[i] for i in features[tower["id"]]], dtype=object)
    if tower["columns"][tower["id_column"]] == "INT64":
        ids = ids.astype(np.int64)
    return Catalogue(ids, features)
