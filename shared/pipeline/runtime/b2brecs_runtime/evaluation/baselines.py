"""The two models every learned one has to beat."""

import numpy as np
from scipy import sparse

from b2brecs_runtime.evaluation.history import width
from b2brecs_runtime.evaluation.ranking import CHUNK_SCORES, Scorer, top

NEIGHBOURS = 100


def popularity(train: sparse.csr_matrix) -> np.ndarray:
    """The number of distinct training customers of every candidate, float32."""
    return np.asarray(train.sum(axis=0), np.float32).ravel()


def popularity_scorer(train: sparse.csr_matrix) -> Scorer:
    """The same ranking for everyone: best sellers by distinct customers."""
    counts = popularity(train)
    return lambda customers: np.broadcast_to(counts, (len(customers), len(counts)))


def neighbours(train: sparse.csr_matrix, count: int = NEIGHBOURS) -> sparse.csr_matrix:
    """The `count` most similar other items of every item, by cosine.

    Cosine of the items' columns in the 0/1 customer-by-product matrix; row i
    holds item i's neighbours (Deshpande and Karypis 2004, without conditional
    probabilities). Similarities of 0 are no neighbours.
    """
    items = width(train)
    norms = np.sqrt(np.asarray(train.sum(axis=0), np.float64)).ravel()
    scale = np.divide(1.0, norms, out=np.zeros(items), where=norms > 0)
    unit = (train @ sparse.diags(scale)).astype(np.float32).tocsc()
    transposed = unit.T.tocsr()
    step = max(1, CHUNK_SCORES // max(items, 1))
    rows: list[sparse.csr_matrix] = []
    for start in range(0, items, step):
        part = (transposed[start : start + step] @ unit).toarray()
        part[np.arange(len(part)), np.arange(start, start + len(part))] = 0.0
        columns, values = top(part, count)
        found = columns.shape[1]
        pointer = np.arange(0, len(part) * found + 1, found)
        kept = sparse.csr_matrix((values.ravel(), columns.ravel(), pointer), shape=part.shape)
        kept.eliminate_zeros()
        rows.append(kept)
    return sparse.csr_matrix(sparse.vstack(rows))


def item_knn_scorer(train: sparse.csr_matrix) -> Scorer:
    """Items similar to those a customer bought, by summed similarity.

    A customer without training rows gets the popularity ranking.
    """
    similar = neighbours(train)
    counts = popularity(train)
    bought = np.diff(train.indptr)

    def score(customers: np.ndarray) -> np.ndarray:
        scores = (train[customers] @ similar).toarray().astype(np.float32)
        scores[bought[customers] == 0] = counts
        return scores

    return score
