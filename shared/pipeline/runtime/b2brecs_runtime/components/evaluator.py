"""evaluator: ranks the whole catalogue for the test customers, beside two baselines."""

import time
from typing import Any

import numpy as np
import pyarrow as pa

from b2brecs_runtime import data, ensure_tensorflow, storage
from b2brecs_runtime.components import Report
from b2brecs_runtime.config import Config
from b2brecs_runtime.evaluation import baselines, protocol, ranking, recommendations, towers
from b2brecs_runtime.evaluation.history import Index, pairs, tie_order
from b2brecs_runtime.executor import Task


class Clock:
    """Seconds of each part of the work."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.last = time.monotonic()

    def lap(self, name: str) -> None:
        """Ends a part."""
        now = time.monotonic()
        self.seconds[name] = round(now - self.last, 3)
        self.last = now


def run(task: Task, report: Report) -> None:
    """Writes the run's evaluation.json and recommendations/part-*.parquet."""
    ensure_tensorflow()
    config, clock = task.config, Clock()
    runs = _Purchases(task.root, config)
    clock.lap("read")
    model = towers.Model(storage.path(task.input("model").uri))
    queries, candidates = model.queries(runs.customer_table), model.candidates(runs.catalogue)
    clock.lap("embed")
    relevant, counts = runs.relevant(config.exclude_seen)
    score = towers.scorer(queries, candidates)
    results: dict[str, Any] = {
        "protocol": protocol.document(config, counts, protocol.split_text(config, runs.test))
    }
    scorers = {
        "model": score,
        "popularity": baselines.popularity_scorer(runs.train_pairs),
        "item_knn": baselines.item_knn_scorer(runs.train_pairs),
    }
    for done, (name, scorer) in enumerate(scorers.items(), start=1):
        results[name] = ranking.evaluate(scorer, relevant, config.cutoffs)
        clock.lap(name)
        print(f"{name}: " + ", ".join(f"{k} {v:.4f}" for k, v in results[name].items()))
        report({"evaluated": done, "of": len(scorers)})
    lists = task.in_run("recommendations")
    with storage.publish(lists) as folder:
        rows = recommendations.write(
            folder,
            score,
            baselines.popularity(runs.train_pairs),
            runs.customers.ids,
            runs.products.ids,
            runs.all_pairs,
            config.top_k,
        )
    clock.lap("recommendations")
    print(f"{rows:,} recommendations for {len(runs.customers):,} customers")
    results["timings"] = clock.seconds
    storage.write_json(task.in_run("evaluation.json"), results)
    evaluation, output = task.output("evaluation"), task.output("recommendations")
    evaluation.uri, output.uri = task.in_run("evaluation.json"), lists
    evaluation.metadata.update({k.replace("@", "_at_"): v for k, v in results["model"].items()})
    evaluation.metadata.update(fact=f"{counts['customers']:,} customers")
    output.metadata.update(rows=rows, customers=len(runs.customers))


class _Purchases:
    """The run's tables, with candidates in tie order."""

    def __init__(self, root: str, config: Config) -> None:
        columns = [config.customer, config.product]
        self.config = config
        train, evaluation = (data.read(root, s, columns) for s in ("train", "eval"))
        with_time = [*columns, config.time] if config.time else columns
        self.test = data.read(root, "test", with_time)
        self.customer_table = data.read(root, "customers")
        catalogue = data.read(root, "catalogue")
        self.customers = Index.of(self.customer_table[config.customer])
        bought = Index.of(catalogue[config.product]).find(train[config.product])
        if (bought < 0).any():
            raise KeyError("a product of the training rows is missing in data/catalogue")
        # Only products of training are candidates, whatever else the table lists.
        catalogue = catalogue.take(pa.array(np.unique(bought)))
        ids = catalogue[config.product].to_pandas().to_numpy()
        self.catalogue = catalogue.take(pa.array(tie_order(ids, config.seed)))
        self.products = Index.of(self.catalogue[config.product])
        self.train_pairs = self._pairs(train)
        self.all_pairs = (
            self.train_pairs + self._pairs(evaluation) + self._pairs(self.test)
        ).sign()

    def _positions(self, table: pa.Table) -> tuple[np.ndarray, np.ndarray]:
        customers = self.customers.find(table[self.config.customer])
        if (customers < 0).any():
            raise KeyError("a customer of the rows is missing in data/customers")
        return customers, self.products.find(table[self.config.product])

    def _pairs(self, table: pa.Table) -> Any:
        return pairs(*self._positions(table), (len(self.customers), len(self.products)))

    def relevant(self, exclude_seen: bool) -> tuple[ranking.Relevant, dict[str, int]]:
        """What the test asks for, and the counts of the protocol."""
        who, what = self._positions(self.test)
        known = self._pairs(self.test)
        # Distinct unseen products per customer: they can not be hit but were wanted.
        strange = self.test.filter(pa.array(what < 0))
        others = Index.of(strange[self.config.product].unique())
        unseen_pairs = pairs(
            who[what < 0],
            others.find(strange[self.config.product]),
            (len(self.customers), max(len(others), 1)),
        )
        unseen = np.diff(unseen_pairs.indptr)
        removed = None
        tested = np.unique(who)
        if exclude_seen:
            known = (known - known.multiply(self.train_pairs)).tocsr()
            known.eliminate_zeros()
            removed = self.train_pairs
        wanted = tested[(np.diff(known.indptr) + unseen)[tested] > 0]
        cold = np.diff(self.train_pairs.indptr)[wanted] == 0
        counts = {
            "customers": len(wanted),
            "cold_customers": int(cold.sum()),
            "only_repeats": len(tested) - len(wanted),
            "items": len(self.products),
            "rows": self.test.num_rows,
            "unseen_item_rows": int((what < 0).sum()),
        }
        relevant = ranking.Relevant(
            customers=wanted,
            known=known[wanted],
            unseen=unseen[wanted],
            removed=None if removed is None else removed[wanted],
        )
        return relevant, counts
