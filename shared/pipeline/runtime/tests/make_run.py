"""Makes a run folder's data with a hidden structure.

Customers belong to one of twelve tastes, products to one of twelve groups, and
popularity follows Zipf's law: there is something to learn that a best-seller
list does not know. Splits follow time: 80 % train, 15 % eval, 5 % test.
"""

import json
import os

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

GROUPS = 12
COLUMNS = [
    ("customer_id", "STRING"),
    ("product_id", "STRING"),
    ("sold_at", "INT64"),
    ("price", "FLOAT64"),
    ("region", "STRING"),
    ("category", "STRING"),
]


def config(**changes: object) -> dict:
    """The config document that fits the data."""
    document = {
        "customer": "customer_id",
        "product": "product_id",
        "time": "sold_at",
        "value": "price",
        "columns": [{"name": n, "type": t} for n, t in COLUMNS],
        "query_features": ["customer_id", "region"],
        "candidate_features": ["product_id", "category", "price"],
        "cutoffs": [5, 10, 50, 100],
        "exclude_seen": False,
        "seed": 7,
        "split": {"strategy": "temporal"},
        "top_k": 100,
    }
    return {**document, **changes}


def table(rows: int, customers: int, products: int, seed: int) -> pa.Table:
    """All rows, ordered by time."""
    rng = np.random.default_rng(seed)
    taste = rng.integers(0, GROUPS, customers)
    group = rng.integers(0, GROUPS, products)
    popularity = 1.0 / np.arange(1, products + 1) ** 0.8
    rng.shuffle(popularity)
    activity = rng.gamma(0.7, 1.0, customers) + 0.02
    who = rng.choice(customers, rows, p=activity / activity.sum())
    what = np.empty(rows, np.int64)
    for g in range(GROUPS):
        weights = popularity * np.where(group == g, 12.0, 1.0)
        mine = taste[who] == g
        what[mine] = rng.choice(products, int(mine.sum()), p=weights / weights.sum())
    start = 1_700_000_000
    when = np.sort(rng.integers(start, start + 300 * 86400, rows))
    base = np.round(np.exp(rng.normal(3.0, 1.0, products)), 2)
    regions = np.array([f"R{i % 9}" for i in range(customers)])
    return pa.table(
        {
            "customer_id": np.char.add("C", np.char.zfill(who.astype(str), 6)),
            "product_id": np.char.add("P", np.char.zfill(what.astype(str), 6)),
            "sold_at": when,
            "price": base[what] * np.round(rng.uniform(0.8, 1.2, rows), 2),
            "region": regions[who],
            "category": np.char.add("G", group[what].astype(str)),
        }
    )


def _latest(rows: pa.Table, key: str, columns: list[str]) -> pa.Table:
    frame = rows.to_pandas().drop_duplicates(key, keep="last")
    return pa.Table.from_pandas(frame[columns].sort_values(key), preserve_index=False)


def write(
    folder: str, rows: int = 100_000, customers: int = 5_000, products: int = 2_000, seed: int = 7
) -> dict:
    """Writes data/ below `folder` and returns the config."""
    everything = table(rows, customers, products, seed)
    cuts = [0, int(rows * 0.8), int(rows * 0.95), rows]
    parts = {
        name: everything.slice(cuts[i], cuts[i + 1] - cuts[i])
        for i, name in enumerate(("train", "eval", "test"))
    }
    document = config()
    parts["catalogue"] = _latest(parts["train"], "product_id", document["candidate_features"])
    parts["customers"] = _latest(everything, "customer_id", document["query_features"])
    for name, part in parts.items():
        os.makedirs(os.path.join(folder, "data", name), exist_ok=True)
        pq.write_table(part, os.path.join(folder, "data", name, "part-00000.parquet"))
    with open(os.path.join(folder, "config.json"), "w") as handle:
        json.dump(document, handle)
    return document
