"""progress.json and training_metrics.json: what the pages show of a training run."""

import math
from datetime import datetime, timezone
from typing import Any

import numpy as np

from b2brecs_runtime import storage
from b2brecs_runtime.training.run import Run

BINS = 25

# Weights looked at per tower; an even sample of larger towers.
MAX_WEIGHTS = 1_000_000


class Journal:
    """Collects one value per epoch and series, and writes both files after every epoch."""

    def __init__(self, run: Run, params: dict[str, Any]) -> None:
        self.run = run
        norms: dict[str, list[float]] = {"total": [], "query": [], "candidate": []}
        self.document: dict[str, Any] = {
            "available": True,
            "saved_at": "",
            "epochs": [],
            "loss": {},
            # Norms of the weights; "gradient" is the name older readers know them by.
            "weight_norms": norms,
            "gradient": norms,
            "weight_stats": {tower: _statistics() for tower in ("query", "candidate")},
            "gradient_stats": {tower: {"norm": []} for tower in ("query", "candidate")},
            "final_metrics": {},
            "params": params,
            "best_epoch": None,
            "timings": run.timings,
        }

    def epoch(
        self,
        number: int,
        series: dict[str, float],
        gradients: dict[str, float],
        weights: dict[str, list[np.ndarray]],
    ) -> None:
        """Adds one epoch, counted from 0: scalars, gradient norms and weights by tower."""
        document = self.document
        document["epochs"].append(number)
        for name, value in series.items():
            document["loss"].setdefault(name, []).append(_number(value))
        for tower, value in gradients.items():
            document["gradient_stats"][tower]["norm"].append(_number(value))
        total = 0.0
        for tower, values in weights.items():
            square = float(sum(np.sum(np.square(v, dtype=np.float64)) for v in values))
            total += square
            document["weight_norms"][tower].append(_number(math.sqrt(square)))
            _describe(document["weight_stats"][tower], values)
        document["weight_norms"]["total"].append(_number(math.sqrt(total)))

    def progress(self, epochs: int, series: dict[str, float]) -> None:
        """Writes both files, as they are after the newest epoch."""
        if not self.run.output_dir:
            return
        done = len(self.document["epochs"])
        progress = {"epoch": done, "epochs": epochs}
        progress |= {name: _number(value) for name, value in series.items()}
        storage.write_json(storage.join(self.run.output_dir, "progress.json"), progress)
        self.save()

    def save(self) -> None:
        """Writes training_metrics.json; without an output folder there is nothing to write."""
        if not self.run.output_dir:
            return
        now = datetime.now(timezone.utc)  # noqa: UP017 (stock TFX runs on Python 3.10)
        self.document["saved_at"] = now.strftime("%Y-%m-%dT%H:%M:%SZ")
        path = storage.join(self.run.output_dir, "training_metrics.json")
        storage.write_json(path, self.document)


def _number(value: float) -> float | None:
    """JSON has no NaN: what is not a finite number is null."""
    value = float(value)
    return value if math.isfinite(value) else None


def _statistics() -> dict[str, Any]:
    return {
        "mean": [],
        "std": [],
        "min": [],
        "max": [],
        "histogram": {"bin_edges": [], "counts": []},
    }


def _describe(into: dict[str, Any], values: list[np.ndarray]) -> None:
    """Mean, spread and histogram of a tower's weights; the first epoch sets the bins."""
    flat = np.concatenate([np.ravel(v) for v in values]) if values else np.zeros([1], np.float32)
    flat = flat[:: max(1, len(flat) // MAX_WEIGHTS)]
    flat = flat[np.isfinite(flat)]
    if not len(flat):
        flat = np.zeros([1], np.float32)
    for name, value in (
        ("mean", flat.mean()),
        ("std", flat.std()),
        ("min", flat.min()),
        ("max", flat.max()),
    ):
        into[name].append(_number(value))
    histogram = into["histogram"]
    if not histogram["bin_edges"]:
        # Three times the first spread: weights grow while they learn.
        reach = 3 * float(np.abs(flat).max()) or 1.0
        histogram["bin_edges"] = np.linspace(-reach, reach, BINS + 1).round(6).tolist()
    edges = np.array(histogram["bin_edges"])
    counts, _ = np.histogram(np.clip(flat, edges[0], edges[-1]), edges)
    histogram["counts"].append(counts.tolist())
