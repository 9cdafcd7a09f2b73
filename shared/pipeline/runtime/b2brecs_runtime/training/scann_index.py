"""An approximate nearest-neighbour index for large catalogues."""

import math
from typing import Any

import numpy as np
import tensorflow as tf

from b2brecs_runtime.training.products import Catalogue
from b2brecs_runtime.training.run import Run

# Below this exact search is faster, and the index has too few points to train on.
MIN_PRODUCTS = 1_000

# An index that finds less than this share of the exact top list is not used.
MIN_RECALL = 0.95

# Customers whose exact lists the index is checked against.
PROBES = 200


def scann_index(run: Run, model: Any, catalogue: Catalogue, k: int) -> Any | None:
    """A TFRS ScaNN layer over the catalogue, vectors [rows, dim] -> (scores, places), both [rows, k].

    Asymmetric hashing with exact reordering of 4k proposals. None, with a
    printed reason, when ScaNN is not installed, the catalogue is small, fit left
    no probes, or the index finds too little: exact search then serves.
    """
    if len(catalogue) < MIN_PRODUCTS:
        print(f"exact search: {len(catalogue):,} products need no approximate index")
        return None
    if run.probes is None:
        print("exact search: there are no customers to check an approximate index with")
        return None
    try:
        import scann  # noqa: F401
        import tensorflow_recommenders as tfrs

        leaves = max(1, round(math.sqrt(len(catalogue))))
        index = tfrs.layers.factorized_top_k.ScaNN(
            k=k,
            num_leaves=leaves,
            num_leaves_to_search=max(1, leaves // 2),
            num_reordering_candidates=min(4 * k, len(catalogue)),
            distance_measure="dot_product",
        )
    except ImportError as error:
        print(f"exact search: ScaNN is not available ({error})")
        return None
    vectors = catalogue.embed(model.candidate_tower)
    index.index(vectors, tf.range(len(catalogue)))
    found = _recall(index, model.query_tower(run.probes, training=False), vectors, k)
    if found < MIN_RECALL:
        print(f"exact search: the index finds {found:.3f} of the exact top {k}")
        return None
    print(f"ScaNN index: {leaves} leaves, finds {found:.3f} of the exact top {k}")
    return index


def _recall(index: Any, queries: tf.Tensor, vectors: tf.Tensor, k: int) -> float:
    """Share of the queries' exact top k that the index finds."""
    exact = tf.math.top_k(tf.matmul(queries, vectors, transpose_b=True), k=k).indices.numpy()
    _, places = index(queries)
    shared = [len(np.intersect1d(a, b)) for a, b in zip(exact, places.numpy(), strict=True)]
    return float(np.mean(shared)) / k
