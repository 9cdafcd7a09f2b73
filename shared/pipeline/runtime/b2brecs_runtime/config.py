"""The configuration document every component receives as its parameter "config"."""

import json
from dataclasses import dataclass, field
from typing import Any

SPLITS = ("train", "eval", "test")

# What the data uses for a text value that is not there.
MISSING = "__MISSING__"


class InvalidConfig(ValueError):
    """The config parameter or the executor input cannot be used; submit a corrected one."""


@dataclass(frozen=True)
class Column:
    """A column of the data, with the type it has in the pipeline."""

    name: str
    type: str  # STRING, INT64 or FLOAT64


@dataclass(frozen=True)
class Config:
    """What the components need to know about the data and the evaluation.

    `time` and `value` are None when the dataset has no such column. `split`
    holds the split and its bounds as the submitter wrote them; it is only
    described in the protocol.
    """

    customer: str
    product: str
    columns: tuple[Column, ...]
    query_features: tuple[str, ...]
    candidate_features: tuple[str, ...]
    time: str | None = None
    value: str | None = None
    cutoffs: tuple[int, ...] = (5, 10, 50, 100)
    exclude_seen: bool = False
    seed: int = 0
    top_k: int = 100
    split: dict[str, Any] = field(default_factory=dict)
    beam: tuple[str, ...] = ()

    def type_of(self, column: str) -> str:
        """STRING, INT64 or FLOAT64. Raises InvalidConfig for an unknown column."""
        for known in self.columns:
            if known.name == column:
                return known.type
        raise InvalidConfig(
            f"column {column!r} not found; config has {[c.name for c in self.columns]}"
        )


def parse(text: str) -> Config:
    """Reads the document; unknown keys are left alone, so older components run newer configs.

    Raises InvalidConfig with every problem found.
    """
    try:
        raw = json.loads(text)
    except ValueError as error:
        raise InvalidConfig(f"the parameter config is not JSON: {error}") from error
    if not isinstance(raw, dict):
        raise InvalidConfig("the parameter config is not a JSON object")
    problems: list[str] = []
    for key in ("customer", "product"):
        if not isinstance(raw.get(key), str) or not raw[key]:
            problems.append(f"{key} must name a column")
    columns: list[Column] = []
    for index, entry in enumerate(raw.get("columns") or []):
        if not isinstance(entry, dict) or entry.get("type") not in ("STRING", "INT64", "FLOAT64"):
            problems.append(f"columns[{index}] needs a name and a type STRING, INT64 or FLOAT64")
        else:
            columns.append(Column(str(entry["name"]), entry["type"]))
    if not columns:
        problems.append("columns is empty")
    known = {c.name for c in columns}
    cutoffs = tuple(int(k) for k in raw.get("cutoffs") or Config.cutoffs)
    if any(k < 1 for k in cutoffs):
        problems.append("cutoffs must be at least 1")
    query = tuple(raw.get("query_features") or ())
    candidate = tuple(raw.get("candidate_features") or ())
    named = [raw.get("customer"), raw.get("product"), *query, *candidate]
    named += [raw[k] for k in ("time", "value") if raw.get(k)]
    for name in dict.fromkeys(named):
        if known and name and name not in known:
            problems.append(f"column {name!r} not found; config has {sorted(known)}")
    if problems:
        raise InvalidConfig("config: " + "; ".join(problems))
    return Config(
        customer=raw["customer"],
        product=raw["product"],
        columns=tuple(columns),
        query_features=query,
        candidate_features=candidate,
        time=raw.get("time") or None,
        value=raw.get("value") or None,
        cutoffs=tuple(sorted(set(cutoffs))),
        exclude_seen=bool(raw.get("exclude_seen", False)),
        seed=int(raw.get("seed") or 0),
        top_k=int(raw.get("top_k") or 100),
        split=raw.get("split") or {},
        beam=tuple(raw.get("beam") or ()),
    )
