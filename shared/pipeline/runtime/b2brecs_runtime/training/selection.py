"""Recall on the evaluation examples, exact over the catalogue: what selects the best epoch."""

from typing import Any

import numpy as np
import tensorflow as tf

from b2brecs_runtime.training.examples import Examples
from b2brecs_runtime.training.products import Catalogue
from b2brecs_runtime.training.run import Run

# Customers evaluated per epoch; a fixed sample of them above that.
MAX_CUSTOMERS = 20_000

# Customers ranked at a time: bounds the score matrix to 512 x catalogue floats.
CHUNK = 512


class Selection:
    """Recall@k of evaluation customers: |top k ∩ bought| / min(k, |bought|), mean over customers.

    A customer is ranked once, with the features of their first evaluation row.
    Rows of customers outside the vocabulary cannot be told apart and count as a
    customer each. Products outside the vocabulary count as misses.
    """

    def __init__(self, run: Run, evaluation: Examples, catalogue: Catalogue, k: int = 10) -> None:
        query, candidate = run.config["query"], run.config["candidate"]
        self.k = min(k, len(catalogue))
        self.catalogue = catalogue
        known = run.vocabulary_size[query["id"] + "_vocab"]
        known_products = run.vocabulary_size[candidate["id"] + "_vocab"]

        # Table row of a product -> its place in the catalogue; -1 is a miss.
        place = np.full([known_products + candidate["oov"]], -1, np.int64)
        ids = catalogue.features[candidate["id"]]
        inside = ids < known_products
        place[ids[inside]] = np.flatnonzero(inside)

        customers, products = [np.zeros([0], np.int64)], [np.zeros([0], np.int64)]
        for chunk in evaluation.chunks():
            customers.append(chunk[query["id"]].astype(np.int64))
            products.append(place[chunk[candidate["id"]]])
        customer = np.concatenate(customers)
        strangers = customer >= known
        customer[strangers] = known + np.flatnonzero(strangers)
        _, first, group = np.unique(customer, return_index=True, return_inverse=True)
        pairs = np.unique(np.stack([group, np.concatenate(products)], 1), axis=0)
        chosen = np.arange(len(first))
        if len(first) > MAX_CUSTOMERS:
            random = np.random.default_rng(run.seed)
            chosen = np.sort(random.choice(len(first), MAX_CUSTOMERS, replace=False))
            pairs = pairs[np.isin(pairs[:, 0], chosen)]
            pairs[:, 0] = np.searchsorted(chosen, pairs[:, 0])
        self.customers = len(chosen)
        self.features = _rows(evaluation, list(dict.fromkeys(query["inputs"])), first[chosen])
        self.bought = np.bincount(pairs[:, 0], minlength=self.customers)
        # Each (customer, product) as one sorted number, for membership by binary search.
        hits = pairs[pairs[:, 1] >= 0]
        self.pairs = np.sort(hits[:, 0] * len(catalogue) + hits[:, 1])
        self._top: Any = None

    def measure(self, model: Any) -> float:
        """Recall@k of the model as it is now; 0 when there is nobody to ask for."""
        if not self.customers or not len(self.pairs):
            return 0.0
        if self._top is None:
            # One trace for the whole run: the model's variables change, not its graph.
            self._top = tf.function(
                lambda chunk, vectors: (
                    tf.math.top_k(
                        tf.matmul(
                            model.query_tower(chunk, training=False), vectors, transpose_b=True
                        ),
                        k=self.k,
                        sorted=False,
                    ).indices
                ),
                reduce_retracing=True,
            )
        vectors = self.catalogue.embed(model.candidate_tower)
        found = np.zeros([self.customers], np.int64)
        for start in range(0, self.customers, CHUNK):
            stop = min(start + CHUNK, self.customers)
            chunk = {key: tf.constant(v[start:stop]) for key, v in self.features.items()}
            top = self._top(chunk, vectors).numpy().astype(np.int64)
            wanted = np.arange(start, stop)[:, None] * len(self.catalogue) + top
            at = np.minimum(np.searchsorted(self.pairs, wanted), len(self.pairs) - 1)
            found[start:stop] = (self.pairs[at] == wanted).sum(1)
        return float(np.mean(found / np.minimum(self.k, self.bought)))


def _rows(examples: Examples, keys: list[str], rows: np.ndarray) -> dict[str, np.ndarray]:
    """The given rows' features, in the order of `rows`."""
    order = np.argsort(rows)
    wanted, parts, offset = rows[order], [], 0
    for chunk in examples.chunks():
        size = len(chunk[keys[0]])
        inside = wanted[(wanted >= offset) & (wanted < offset + size)] - offset
        parts.append({key: chunk[key][inside] for key in keys})
        offset += size
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    return {key: np.concatenate([p[key] for p in parts])[back] for key in keys if parts}
