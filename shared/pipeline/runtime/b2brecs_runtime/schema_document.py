"""The schema document: a tensorflow_metadata schema as the plain JSON the page shows."""

from typing import Any

from b2brecs_runtime.config import Column

DOMAIN_VALUES = 20
_VALUE_TYPES = {"STRING": "BYTES", "INT64": "INT64", "FLOAT64": "FLOAT"}
_FEATURE_TYPES = {"STRING": "STRING", "INT64": "INT", "FLOAT64": "FLOAT"}


def document(schema: Any, columns: list[Column]) -> dict[str, Any]:
    """The document of a schema whose features are `columns`, in their order."""
    types = {c.name: c.type for c in columns}
    features, strings, integers, floats = [], [], [], []
    for domain in schema.string_domain:
        strings.append(_string_domain(domain, domain.name))
    for feature in schema.feature:
        kind = feature.WhichOneof("domain_info")
        constraints: dict[str, Any] = {}
        name = feature.domain if kind == "domain" else ""
        if kind == "string_domain":
            name = feature.string_domain.name or feature.name
            strings.append(_string_domain(feature.string_domain, name))
        elif kind == "int_domain":
            name, domain = feature.int_domain.name or feature.name, feature.int_domain
            constraints = _bounds(domain)
            integers.append(
                {"name": name, **constraints, "is_categorical": bool(domain.is_categorical)}
            )
        elif kind == "float_domain":
            name, domain = feature.float_domain.name or feature.name, feature.float_domain
            constraints = _bounds(domain)
            floats.append({"name": name, **constraints})
        presence = float(feature.presence.min_fraction)
        features.append(
            {
                "name": feature.name,
                "feature_type": _FEATURE_TYPES.get(types.get(feature.name, ""), "UNKNOWN"),
                "value_type": _VALUE_TYPES.get(types.get(feature.name, ""), "UNKNOWN"),
                "presence": _presence(presence),
                "min_fraction": presence,
                "shape": _shape(feature),
                "domain": name,
                "constraints": constraints,
            }
        )
    return {
        "available": True,
        "num_features": len(features),
        "num_int_features": sum(c.type == "INT64" for c in columns),
        "num_float_features": sum(c.type == "FLOAT64" for c in columns),
        "num_string_features": sum(c.type == "STRING" for c in columns),
        "num_required_features": sum(f["presence"] == "required" for f in features),
        "features": features,
        "string_domains": strings,
        "int_domains": integers,
        "float_domains": floats,
    }


def _string_domain(domain: Any, name: str) -> dict[str, Any]:
    return {
        "name": name,
        "values": list(domain.value[:DOMAIN_VALUES]),
        "total_values": len(domain.value),
    }


def _bounds(domain: Any) -> dict[str, Any]:
    return {
        "min": domain.min if domain.HasField("min") else None,
        "max": domain.max if domain.HasField("max") else None,
    }


def _presence(fraction: float) -> str:
    if fraction >= 1:
        return "required"
    return f"optional ({fraction:.0%} expected)" if fraction > 0 else "optional"


def _shape(feature: Any) -> str:
    kind = feature.WhichOneof("shape_type")
    if kind == "shape":
        sizes = [dim.size for dim in feature.shape.dim]
        return "scalar" if sizes in ([], [1]) else f"fixed{sizes}"
    if kind == "value_count" and feature.value_count.max:
        return f"{feature.value_count.min}-{feature.value_count.max} values"
    return "variable"


def anomalies(found: Any, split: str) -> list[dict[str, Any]]:
    """The anomalies TFDV found in one split, as {split, feature, reason, description, severity}."""
    severities = {0: "unknown", 1: "warning", 2: "error"}
    return [
        {
            "split": split,
            "feature": feature,
            "reason": info.short_description,
            "description": info.description,
            "severity": severities.get(info.severity, "unknown"),
        }
        for feature, info in sorted(found.anomaly_info.items())
    ]
