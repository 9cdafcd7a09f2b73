"""The protocol stamped on every metric: without it a number means nothing."""

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from b2brecs_runtime.config import Config
from b2brecs_runtime.evaluation.baselines import NEIGHBOURS


def split_text(config: Config, test: pa.Table) -> str:
    """The split in words, e.g. "temporal: test 2026-09-12 to 2026-11-23"."""
    strategy = str(config.split.get("strategy") or "given")
    if strategy == "temporal" and config.time and test.num_rows:
        first, last = pc.min_max(test[config.time]).as_py().values()
        return f"temporal: test {_day(first)} to {_day(last)}"
    if strategy == "random":
        return f"random: 80/10/10 by customer and product, seed {config.split.get('seed', 0)}"
    return strategy


def _day(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d")


def document(config: Config, counts: dict[str, int], split: str) -> dict[str, Any]:
    """The protocol. `counts`: customers, cold_customers, only_repeats, items, rows, unseen_item_rows."""
    rules = [
        "relevant: the distinct products a customer bought in the test rows",
        "recall@k = hits in the top k / min(k, relevant)",
        "ndcg@k: gain 1 per hit, ideal over min(k, relevant)",
        "means over customers",
        "ties: a permutation of the products fixed by their ids and the seed",
        "products not seen in training are no candidates and count as misses",
        "cold customers (no training rows) are included: the model sees them through its "
        "out-of-vocabulary entry and side features, item-kNN gives them the popularity ranking",
        "popularity: distinct training customers",
        f"item-kNN: cosine on the 0/1 customer by product matrix of training, {NEIGHBOURS} "
        "neighbours per item, summed over a customer's items, an item is not its own neighbour",
        "coverage@10: share of the candidates in some evaluated customer's top 10",
    ]
    if config.exclude_seen:
        rules.append(
            "what a customer bought in training is neither ranked nor relevant; "
            f"{counts['only_repeats']:,} test customers with nothing else are left out"
        )
    return {
        "split": split,
        "candidates": f"all {counts['items']:,} products of training",
        "seen_items": "removed" if config.exclude_seen else "kept",
        "cutoffs": list(config.cutoffs),
        "customers": counts["customers"],
        "cold_customers": counts["cold_customers"],
        "items": counts["items"],
        "rows": counts["rows"],
        "unseen_item_rows": counts["unseen_item_rows"],
        "seed": config.seed,
        "rules": "; ".join(rules),
    }
