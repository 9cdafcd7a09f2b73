"""Ranking the whole catalogue for each customer, and the metrics of it.

Definitions, for a customer with relevant set R (distinct products of the test
rows) and a cutoff k:

  recall@k = |top k ∩ R| / min(k, |R|)
  ndcg@k   = Σ over hits 1 / log2(rank + 1), divided by the same sum over the
             ranks 1 .. min(k, |R|)   (binary gains; Järvelin and Kekäläinen 2002)
  coverage@k = share of the candidates that are in some customer's top k

Products that are not candidates count in |R| and can not be hit. Means are over
customers with a non-empty R.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from b2brecs_runtime import ensure_tensorflow
from b2brecs_runtime.evaluation.history import contains, width

# Scores of rows of customers (positions in the customer index): float32 [rows, candidates].
Scorer = Callable[[np.ndarray], np.ndarray]

# Scores in memory at a time: 64 MB.
CHUNK_SCORES = 16_000_000

# Ranks whose items make up the coverage.
COVERAGE_AT = 10


class Diverged(ArithmeticError):
    """The model's scores are not numbers: training diverged."""


@dataclass(frozen=True)
class Relevant:
    """The test purchases to be found.

    `customers`: positions of the evaluated customers, [n].
    `known`: 0/1 [n, candidates], relevant candidates.
    `unseen`: relevant products that are no candidates, [n].
    `removed`: 0/1 [n, candidates], taken out of the ranking; None keeps all.
    """

    customers: np.ndarray
    known: sparse.csr_matrix
    unseen: np.ndarray
    removed: sparse.csr_matrix | None = None


def top(scores: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The k best columns of every row, best first, and their scores.

    Equal scores keep the columns' order: tf.math.top_k documents that the lower
    index comes first.
    """
    tf = ensure_tensorflow()
    values, columns = tf.math.top_k(tf.constant(scores), k=min(k, scores.shape[1]))
    return columns.numpy(), values.numpy()


def chunks(count: int, candidates: int) -> Iterator[slice]:
    """Row ranges whose scores fit in memory."""
    step = max(1, CHUNK_SCORES // max(candidates, 1))
    for start in range(0, count, step):
        yield slice(start, min(start + step, count))


def evaluate(scorer: Scorer, relevant: Relevant, cutoffs: tuple[int, ...]) -> dict[str, float]:
    """The metrics of one scorer, by name ("recall@10"). Raises Diverged for NaN scores.

    Without customers to evaluate every metric is 0.
    """
    candidates = width(relevant.known)
    depth = min(max(*cutoffs, COVERAGE_AT), candidates)
    sums = {f"{name}@{k}": 0.0 for k in cutoffs for name in ("recall", "ndcg")}
    shown = np.zeros(candidates, bool)
    total = len(relevant.customers)
    for rows in chunks(total, candidates):
        scores = scorer(relevant.customers[rows])
        if np.isnan(scores.min()):
            raise Diverged("training diverged: the model's scores are not numbers")
        if relevant.removed is not None:
            scores = np.array(scores)
            scores[relevant.removed[rows].nonzero()] = -np.inf
        ranked, values = top(scores, depth)
        known = relevant.known[rows]
        hits = contains(known, ranked) & (values > -np.inf)
        sizes = np.asarray(known.sum(axis=1)).ravel().astype(np.int64) + relevant.unseen[rows]
        shown[ranked[:, :COVERAGE_AT][values[:, :COVERAGE_AT] > -np.inf]] = True
        for k in cutoffs:
            recall, ndcg = at(hits, sizes, k)
            sums[f"recall@{k}"] += float(recall.sum())
            sums[f"ndcg@{k}"] += float(ndcg.sum())
    metrics = {name: value / total if total else 0.0 for name, value in sums.items()}
    metrics[f"coverage@{COVERAGE_AT}"] = float(shown.mean()) if candidates else 0.0
    return metrics


def at(hits: np.ndarray, sizes: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """recall@k and ndcg@k of every row.

    `hits`: bool [rows, depth], whether the item at each rank is relevant.
    `sizes`: |R| of every row, at least 1.
    """
    depth = min(k, hits.shape[1])
    found = hits[:, :depth]
    ideal_size = np.minimum(k, sizes)
    gains = 1.0 / np.log2(np.arange(2, max(k, 1) + 2))
    recall = found.sum(axis=1) / ideal_size
    ideal = np.concatenate([[0.0], np.cumsum(gains)])[ideal_size]
    return recall, (found @ gains[:depth]) / ideal
