"""The evaluator's protocol, on purchases small enough to count by hand."""

import json
import os
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from b2brecs_runtime import config as configs
from b2brecs_runtime.components import evaluator
from b2brecs_runtime.evaluation import baselines, protocol, ranking

CONFIG = {
    "customer": "customer",
    "product": "product",
    "time": "time",
    "columns": [
        {"name": "customer", "type": "STRING"},
        {"name": "product", "type": "STRING"},
        {"name": "time", "type": "INT64"},
    ],
    "query_features": ["customer"],
    "candidate_features": ["product"],
    "seed": 3,
    "split": {"strategy": "temporal"},
}

# a buys in training and test, b only repeats, c is cold, d wants something unseen.
ROWS = {
    "train": [("a", "p1", 0), ("a", "p2", 0), ("b", "p1", 0), ("d", "p3", 0), ("d", "p1", 0)],
    "eval": [("a", "p3", 1)],
    "test": [
        ("a", "p3", 86400),
        ("a", "p3", 86400),
        ("a", "p1", 86400),
        ("b", "p1", 172800),
        ("c", "p2", 172800),
        ("d", "new", 172800),
        ("d", "p2", 172800),
    ],
}


@pytest.fixture
def root(tmp_path):
    def write(name, columns):
        os.makedirs(tmp_path / "data" / name)
        pq.write_table(pa.table(columns), tmp_path / "data" / name / "part-0.parquet")

    for split, rows in ROWS.items():
        customer, product, time = zip(*rows, strict=True)
        write(split, {"customer": customer, "product": product, "time": time})
    write("catalogue", {"product": ["p1", "p2", "p3"]})
    write("customers", {"customer": ["a", "b", "c", "d"]})
    return str(tmp_path)


def purchases(root, **changes):
    return evaluator._Purchases(root, configs.parse(json.dumps({**CONFIG, **changes})))


def test_seen_items_kept(root):
    runs = purchases(root)
    relevant, counts = runs.relevant(False)
    assert counts == {
        "customers": 4,
        "cold_customers": 1,
        "only_repeats": 0,
        "items": 3,
        "rows": 7,
        "unseen_item_rows": 1,
    }
    names = runs.products.ids
    wanted = {
        runs.customers.ids[c]: {names[i] for i in relevant.known[row].indices}
        for row, c in enumerate(relevant.customers)
    }
    assert wanted == {"a": {"p1", "p3"}, "b": {"p1"}, "c": {"p2"}, "d": {"p2"}}
    assert relevant.unseen.tolist() == [0, 0, 0, 1]
    # Popularity ranks p1 (3 customers) first, then p2 and p3 (1 each) by the tie order.
    got = ranking.evaluate(baselines.popularity_scorer(runs.train_pairs), relevant, (1, 5))
    assert got["recall@1"] == (1 + 1 + 0 + 0) / 4
    assert got["recall@5"] == pytest.approx((1 + 1 + 1 + 1 / 2) / 4)


def test_seen_items_removed(root):
    runs = purchases(root)
    relevant, counts = runs.relevant(True)
    # b only repeated itself: there is nothing to find.
    assert [runs.customers.ids[c] for c in relevant.customers] == ["a", "c", "d"]
    assert (counts["customers"], counts["only_repeats"]) == (3, 1)
    assert relevant.removed is not None
    got = ranking.evaluate(baselines.popularity_scorer(runs.train_pairs), relevant, (1,))
    # a: p3 is all that is left, found. c is cold: p1 first, a miss. d: p2 is all that is left.
    assert got["recall@1"] == pytest.approx((1 + 0 + 1) / 3)


def test_protocol_stamps_what_was_done(root):
    runs = purchases(root, exclude_seen=True, cutoffs=[10, 5])
    _, counts = runs.relevant(True)
    got = protocol.document(runs.config, counts, protocol.split_text(runs.config, runs.test))
    rules = got.pop("rules")
    assert got == {
        "split": "temporal: test 1970-01-02 to 1970-01-03",
        "candidates": "all 3 products of training",
        "seen_items": "removed",
        "cutoffs": [5, 10],
        "customers": 3,
        "cold_customers": 1,
        "items": 3,
        "rows": 7,
        "unseen_item_rows": 1,
        "seed": 3,
    }
    for words in ("ties", "min(k, relevant)", "cold customers", "1 test customers with nothing"):
        assert words in rules


def test_candidates_are_the_products_of_training_alone(root):
    file = os.path.join(root, "data", "catalogue", "part-0.parquet")
    pq.write_table(pa.table({"product": ["p1", "p2", "p3", "new"]}), file)
    assert sorted(purchases(root).products.ids) == ["p1", "p2", "p3"]


@pytest.mark.parametrize(
    ("table", "column", "values", "message"),
    [
        ("catalogue", "product", ["p1", "p2"], "missing in data/catalogue"),
        ("catalogue", "product", ["p1", "p2", "p3", "p1"], "more than once"),
        ("customers", "customer", ["a", "b"], "missing in data/customers"),
    ],
)
def test_inconsistent_tables_are_refused(root, table, column, values, message):
    pq.write_table(pa.table({column: values}), os.path.join(root, "data", table, "part-0.parquet"))
    with pytest.raises((KeyError, ValueError), match=message):
        purchases(root)


def test_integer_ids(root):
    """Ids may be integers; lists and matrices do not care."""
    numbers = {"a": 1, "b": 2, "c": 3, "d": 4, "p1": 1, "p2": 2, "p3": 3, "new": 9}
    for name in ("train", "eval", "test", "catalogue", "customers"):
        file = os.path.join(root, "data", name, "part-0.parquet")
        rows = pd.read_parquet(file)
        for column in {"customer", "product"} & set(rows.columns):
            rows[column] = rows[column].map(numbers)
        rows.to_parquet(file)
    relevant, counts = purchases(root).relevant(False)
    assert (counts["customers"], counts["unseen_item_rows"]) == (4, 1)
    assert relevant.unseen.tolist() == [0, 0, 0, 1]


def test_the_whole_document(finished):
    document = finished.document("evaluation.json")
    assert list(document) == ["protocol", "model", "popularity", "item_knn", "timings"]
    names = [f"{m}@{k}" for k in (5, 10, 50, 100) for m in ("recall", "ndcg")] + ["coverage@10"]
    for scorer in ("model", "popularity", "item_knn"):
        assert sorted(document[scorer]) == sorted(names)
        assert all(0 <= value <= 1 for value in document[scorer].values())
    assert document["protocol"]["rows"] == 200


def test_repeating_changes_nothing(finished, tmp_path):
    """The same run evaluated again, with the products in another order in the file."""
    import shutil

    from pipeline_support import Run

    again = Run(str(tmp_path / "run"), finished.config)
    shutil.copytree(finished.root, again.root)
    said = Path(again.output_file("trainer"))
    said.write_text(said.read_text().replace(finished.root, again.root))
    for name in ("catalogue", "train"):
        file = os.path.join(again.root, "data", name, "part-00000.parquet")
        table = pq.read_table(file)
        pq.write_table(table.take(pa.array(range(table.num_rows)[::-1])), file)
    again.do("evaluator")
    mine, theirs = again.document("evaluation.json"), finished.document("evaluation.json")
    for key in ("protocol", "popularity", "item_knn"):
        assert mine[key] == theirs[key]
    assert mine["model"] == pytest.approx(theirs["model"])
