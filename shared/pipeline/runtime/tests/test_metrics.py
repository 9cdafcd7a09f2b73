"""The metric code against independent, deliberately slow implementations."""

import math
import random

import numpy as np
import pytest
from scipy import sparse

from b2brecs_runtime.evaluation import baselines, history, ranking


def brute_force(scores, wanted, removed, cutoffs):
    """Recall and NDCG by their definitions, one customer and one item at a time."""
    sums = {f"{m}@{k}": 0.0 for m in ("recall", "ndcg") for k in cutoffs}
    shown = set()
    for user, relevant in enumerate(wanted):
        order = [i for i in range(len(scores[user])) if i not in removed[user]]
        order.sort(key=lambda i: (-scores[user][i], i))
        shown |= set(order[:10])
        for k in cutoffs:
            hits = [rank for rank, item in enumerate(order[:k], start=1) if item in relevant]
            best = min(k, len(relevant))
            ideal = sum(1 / math.log2(rank + 1) for rank in range(1, best + 1))
            sums[f"recall@{k}"] += len(hits) / best
            sums[f"ndcg@{k}"] += sum(1 / math.log2(rank + 1) for rank in hits) / ideal
    means = {name: total / len(wanted) for name, total in sums.items()}
    return means | {"coverage@10": len(shown) / len(scores[0])}


def matrix(sets, items):
    dense = np.zeros((len(sets), items), np.float32)
    for row, members in enumerate(sets):
        dense[row, [m for m in members if m < items]] = 1
    return sparse.csr_matrix(dense)


@pytest.mark.parametrize("case", range(40))
def test_evaluate_equals_brute_force(tf, case, monkeypatch):
    rng = random.Random(case)
    users, items = rng.randint(1, 30), rng.randint(1, 60)
    # Small chunks, so that their seams are tested too.
    monkeypatch.setattr(ranking, "CHUNK_SCORES", items * rng.randint(1, 7))
    levels = rng.choice([3, 1000])  # few levels: ties everywhere
    scores = [[rng.randint(0, levels) / 8 for _ in range(items)] for _ in range(users)]
    removed = [set(rng.sample(range(items), rng.randint(0, items // 2))) for _ in range(users)]
    if case % 2:
        removed = [set() for _ in range(users)]
    # Ids beyond the candidates stand for products unseen in training.
    everything = [[i for i in range(items + 5) if i not in removed[u]] for u in range(users)]
    wanted = [set(rng.sample(e, rng.randint(1, min(len(e), 12)))) for e in everything]
    cutoffs = tuple(sorted(rng.sample([1, 2, 5, 10, 50, 100], 3)))
    relevant = ranking.Relevant(
        customers=np.arange(users),
        known=matrix(wanted, items),
        unseen=np.array([sum(i >= items for i in w) for w in wanted]),
        removed=matrix(removed, items) if case % 2 == 0 else None,
    )
    table = np.array(scores, np.float32)
    got = ranking.evaluate(lambda rows: table[rows], relevant, cutoffs)
    expected = brute_force(table.tolist(), wanted, removed, cutoffs)
    assert got == pytest.approx(expected, abs=1e-9)


def test_known_values(tf):
    scores = np.array([[0.9, 0.8, 0.7, 0.6]], np.float32)
    relevant = ranking.Relevant(np.arange(1), matrix([{1, 3}], 4), np.array([1]))
    got = ranking.evaluate(lambda rows: scores[rows], relevant, (2, 5))
    assert got["recall@2"] == 1 / 2  # product 1, of min(2, 3)
    assert got["recall@5"] == pytest.approx(2 / 3)  # the unseen one is a miss
    ideal = 1 + 1 / math.log2(3) + 1 / math.log2(4)
    assert got["ndcg@5"] == pytest.approx((1 / math.log2(3) + 1 / math.log2(5)) / ideal)
    assert got["coverage@10"] == 1.0


def test_nobody_to_evaluate(tf):
    relevant = ranking.Relevant(np.arange(0), sparse.csr_matrix((0, 3)), np.zeros(0, int))
    got = ranking.evaluate(lambda rows: np.zeros((0, 3), np.float32), relevant, (5,))
    assert got == {"recall@5": 0.0, "ndcg@5": 0.0, "coverage@10": 0.0}


def test_scores_that_are_not_numbers(tf):
    relevant = ranking.Relevant(np.arange(1), matrix([{1}], 4), np.array([0]))
    with pytest.raises(ranking.Diverged, match="training diverged"):
        ranking.evaluate(lambda rows: np.full((1, 4), np.nan, np.float32), relevant, (5,))


def test_equals_factorized_top_k(tf):
    """One relevant item per row and no ties: then recall@k is TFRS's top-k accuracy."""
    import tensorflow_recommenders as tfrs

    rng = np.random.default_rng(5)
    queries, items = rng.normal(size=(300, 8)), rng.normal(size=(150, 8))
    queries, items = queries.astype(np.float32), items.astype(np.float32)
    truth = rng.integers(0, 150, 300)
    # With ids: comparing scores alone, the metric trips over the last bit of float32.
    ids = tf.data.Dataset.range(150).map(tf.strings.as_string)
    vectors = tf.data.Dataset.from_tensor_slices(items)
    candidates = tfrs.layers.factorized_top_k.Streaming(k=50).index_from_dataset(
        tf.data.Dataset.zip((ids, vectors)).batch(50)
    )
    metric = tfrs.metrics.FactorizedTopK(candidates=candidates, ks=(5, 10, 50))
    metric.update_state(
        tf.constant(queries),
        tf.constant(items[truth]),
        true_candidate_ids=tf.constant([[str(t)] for t in truth]),
    )
    expected = [float(v) for v in metric.result()]
    relevant = ranking.Relevant(
        np.arange(300), matrix([{int(t)} for t in truth], 150), np.zeros(300, int)
    )
    got = ranking.evaluate(lambda rows: queries[rows] @ items.T, relevant, (5, 10, 50))
    assert [got[f"recall@{k}"] for k in (5, 10, 50)] == pytest.approx(expected)


def test_ties_do_not_follow_the_file():
    ids = np.array([f"P{i}" for i in range(500)], object)
    order = history.tie_order(ids, 7)
    assert sorted(order) == list(range(500))
    shuffled = np.random.default_rng(1).permutation(500)
    # The same products in another order in the file: the same ranking of ties.
    assert list(ids[shuffled][history.tie_order(ids[shuffled], 7)]) == list(ids[order])
    assert list(history.tie_order(ids, 8)) != list(order)
    assert abs(np.corrcoef(order, np.arange(500))[0, 1]) < 0.15


@pytest.mark.parametrize("case", range(8))
def test_item_knn_equals_brute_force(tf, case, monkeypatch):
    rng = np.random.default_rng(case)
    users, items, count = 25, int(rng.integers(2, 30)), int(rng.integers(1, 12))
    monkeypatch.setattr(baselines, "CHUNK_SCORES", items * 4)
    bought = (rng.random((users, items)) < 0.2).astype(np.float64)
    bought[0] = 0  # a cold customer
    similar = np.zeros((items, items))
    for i in range(items):
        others = []
        for j in range(items):
            norm = math.sqrt(bought[:, i].sum() * bought[:, j].sum())
            if i != j and norm:
                others.append((-np.float32(bought[:, i] @ bought[:, j] / norm), j))
        for value, j in sorted(others)[:count]:
            similar[i, j] = -value
    train = sparse.csr_matrix(bought.astype(np.float32))
    got = baselines.neighbours(train, count).toarray()
    # Equal similarities may be cut either way; what is kept must be as large.
    assert np.allclose(np.sort(got, axis=1), np.sort(similar, axis=1), atol=1e-6)
    cosine = bought.T @ bought / np.maximum(np.sqrt(np.outer(bought.sum(0), bought.sum(0))), 1e-12)
    assert np.allclose(got[got > 0], cosine[got > 0], atol=1e-6)
    scorer = baselines.item_knn_scorer(train)
    whole = bought @ baselines.neighbours(train).toarray()
    whole[bought.sum(1) == 0] = bought.sum(0)
    assert np.allclose(scorer(np.arange(users)), whole, atol=1e-5)


def test_pairs_are_distinct_and_known():
    got = history.pairs(np.array([0, 0, 1, -1, 1]), np.array([2, 2, 0, 1, -1]), (2, 3)).toarray()
    assert got.tolist() == [[0, 0, 1], [1, 0, 0]]
