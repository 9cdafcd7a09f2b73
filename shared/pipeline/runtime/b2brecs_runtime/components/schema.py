"""schema: the schema of the training split, with the config's types, and anomalies."""

from typing import Any

from b2brecs_runtime import data, ensure_tensorflow, records, schema_document, storage
from b2brecs_runtime.components import Report
from b2brecs_runtime.config import Column
from b2brecs_runtime.executor import Task


def run(task: Task, report: Report) -> None:
    """Writes schema.pbtxt and the run's schema.json.

    TFDV infers presence, shapes and domains from the training statistics; the
    types are the dataset's own, because an all-missing column has none and a
    column of whole floats looks like integers.
    """
    ensure_tensorflow()
    import tensorflow_data_validation as tfdv

    statistics, artifact = task.input("statistics"), task.output("schema")
    columns = data.example_columns(task.config)
    train = _load(statistics.uri, "train")
    schema = tfdv.infer_schema(train, infer_feature_shape=True)
    settle(schema, columns)
    anomalies: list[dict[str, Any]] = []
    for split in ("train", "eval", "test"):
        stats = _load(statistics.uri, split)
        if stats is not None:
            found = tfdv.validate_statistics(stats, schema)
            anomalies += schema_document.anomalies(found, split)
    with storage.publish(artifact.uri) as folder:
        storage.write_bytes(storage.join(folder, "schema.pbtxt"), _text(schema))
    document = schema_document.document(schema, columns)
    document["anomalies"] = anomalies
    storage.write_json(task.in_run("schema.json"), document)
    for anomaly in anomalies:
        print(f"{anomaly['split']}: {anomaly['feature']}: {anomaly['description']}")
    artifact.metadata.update(
        anomalies=len(anomalies),
        num_features=len(columns),
        fact="no anomalies" if not anomalies else f"{len(anomalies)} anomalies",
    )


def _load(artifact: str, split: str) -> Any:
    from tensorflow_metadata.proto.v0 import statistics_pb2

    name = storage.join(records.split_folder(artifact, split), "FeatureStats.pb")
    if not storage.exists(name):
        return None
    stats = statistics_pb2.DatasetFeatureStatisticsList()
    stats.ParseFromString(storage.read_bytes(name))
    return stats


def _text(schema: Any) -> bytes:
    from google.protobuf import text_format

    return text_format.MessageToString(schema).encode()


def settle(schema: Any, columns: list[Column]) -> None:
    """Gives the schema exactly the config's columns, in their order and types."""
    from tensorflow_metadata.proto.v0 import schema_pb2

    types = {
        "STRING": schema_pb2.BYTES,
        "INT64": schema_pb2.INT,
        "FLOAT64": schema_pb2.FLOAT,
    }
    inferred = {feature.name: feature for feature in schema.feature}
    settled = []
    for column in columns:
        feature = schema_pb2.Feature(name=column.name, type=types[column.type])
        known = inferred.get(column.name)
        if known is not None and known.type == feature.type:
            feature = schema_pb2.Feature()
            feature.CopyFrom(known)
        else:
            # No value in training: optional, any number of values.
            feature.value_count.max = 1
            feature.presence.min_fraction = 0.0
        settled.append(feature)
    del schema.feature[:]
    schema.feature.extend(settled)
    # TFDV lists the domains in the order of a hash map, another one in every process.
    schema.string_domain.sort(key=lambda domain: domain.name)
