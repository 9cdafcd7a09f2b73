"""The statistics document: TFDV's FeatureStats as the plain JSON the page draws."""

import math
from typing import Any

from b2brecs_runtime.config import Column

TOP_VALUES = 10


def _rounded(value: float, digits: int) -> float | None:
    """The value at a fixed precision; NaN and infinities have no JSON and become None."""
    return round(float(value), digits) if math.isfinite(value) else None


def _percent(part: float, whole: float) -> float:
    return round(100.0 * part / whole, 2) if whole else 0.0


def document(stats: Any, name: str, columns: list[Column]) -> dict[str, Any]:
    """One split's document from a DatasetFeatureStatisticsList.

    Features come in the order of `columns`; a column that no example has is
    listed with all values missing. Values have 4 decimals, shares are percent
    with 2, `count` is examples minus missing.
    """
    dataset = stats.datasets[0]
    examples = int(dataset.num_examples)
    by_name = {_name(feature): feature for feature in dataset.features}
    numeric: list[dict[str, Any]] = []
    categorical: list[dict[str, Any]] = []
    missing_shares: list[float] = []
    for column in columns:
        feature = by_name.get(column.name)
        missing = examples if feature is None else _missing(feature, examples)
        missing_shares.append(_percent(missing, examples))
        entry: dict[str, Any] = {
            "name": column.name,
            "feature_type": {"STRING": "STRING", "INT64": "INT", "FLOAT64": "FLOAT"}[column.type],
        }
        base = {
            "count": examples - missing,
            "missing": missing,
            "missing_pct": missing_shares[-1],
        }
        if column.type == "STRING":
            entry["stats_type"] = "categorical"
            entry["categorical_stats"] = {**base, **_categorical(feature, base["count"])}
            categorical.append(entry)
        else:
            entry["stats_type"] = "numeric"
            entry["numeric_stats"] = {**base, **_numeric(feature, base["count"])}
            numeric.append(entry)
    return {
        "available": True,
        "dataset_name": name,
        "num_examples": examples,
        "num_features": len(columns),
        "num_numeric_features": len(numeric),
        "num_categorical_features": len(categorical),
        "avg_missing_pct": round(sum(missing_shares) / len(missing_shares), 2) if columns else 0.0,
        "numeric_features": numeric,
        "categorical_features": categorical,
    }


def _name(feature: Any) -> str:
    return feature.name or ".".join(feature.path.step)


def _common(feature: Any) -> Any:
    kind = feature.WhichOneof("stats")
    return getattr(feature, kind).common_stats if kind else None


def _missing(feature: Any, examples: int) -> int:
    common = _common(feature)
    return examples if common is None else int(common.num_missing)


def _numeric(feature: Any, count: int) -> dict[str, Any]:
    if feature is None or feature.WhichOneof("stats") != "num_stats" or count == 0:
        empty = dict.fromkeys(("mean", "std_dev", "min_val", "median", "max_val"))
        return {**empty, "zeros": 0, "zeros_pct": 0.0, "histogram": []}
    stats = feature.num_stats
    # The first histogram is the equal-width one; the second holds quantiles.
    buckets = stats.histograms[0].buckets if stats.histograms else []
    return {
        "mean": _rounded(stats.mean, 4),
        "std_dev": _rounded(stats.std_dev, 4),
        "zeros": int(stats.num_zeros),
        "zeros_pct": _percent(stats.num_zeros, count),
        "min_val": _rounded(stats.min, 4),
        "median": _rounded(stats.median, 4),
        "max_val": _rounded(stats.max, 4),
        "histogram": [
            {
                "low": _rounded(b.low_value, 4),
                "high": _rounded(b.high_value, 4),
                "count": round(b.sample_count),
            }
            for b in buckets
        ],
    }


def _categorical(feature: Any, count: int) -> dict[str, Any]:
    if feature is None or feature.WhichOneof("stats") != "string_stats" or count == 0:
        return {"unique": 0, "top_values": [], "avg_length": None}
    stats = feature.string_stats
    pairs = [(v.value, v.frequency) for v in stats.top_values]
    if not pairs:
        pairs = [(b.label, b.sample_count) for b in stats.rank_histogram.buckets]
    return {
        "unique": int(stats.unique),
        "top_values": [
            {
                "value": value,
                "frequency": round(frequency),
                "frequency_pct": _percent(frequency, count),
            }
            for value, frequency in pairs[:TOP_VALUES]
        ],
        "avg_length": _rounded(stats.avg_length, 4),
    }
