"""What the components write, read back with the libraries their readers use."""

import json
import os

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from b2brecs_runtime import data, executor, modules, records
from b2brecs_runtime.components import schema as schema_component
from b2brecs_runtime.components import transform
from b2brecs_runtime.config import Column
from pipeline_support import MODULES, RUNTIME


def frame(run, split):
    return pd.read_parquet(os.path.join(run.root, "data", split))


def test_examples_hold_the_rows_in_order(finished, tf):
    expected = frame(finished, "eval")
    spec = {
        "customer_id": tf.io.FixedLenFeature([], tf.string),
        "sold_at": tf.io.FixedLenFeature([], tf.int64),
        "price": tf.io.FixedLenFeature([], tf.float32),
    }
    files = records.files(finished.uri("examples"), "eval")
    raw = list(tf.data.TFRecordDataset(files).as_numpy_iterator())
    got = tf.io.parse_example(raw, spec)
    assert [v.decode() for v in got["customer_id"].numpy()] == expected["customer_id"].tolist()
    assert got["sold_at"].numpy().tolist() == expected["sold_at"].tolist()
    assert np.array_equal(got["price"].numpy(), expected["price"].to_numpy(np.float32))


def test_kept_records_are_those_in_the_files(finished):
    artifact = finished.uri("examples")
    schema = transform._schema(finished.uri("schema"))
    kept = list(records.read(artifact, "train", 1000, schema))
    remembered = dict(records._kept)
    assert remembered
    try:
        records._kept.clear()
        decoded = list(records.read(artifact, "train", 1000, schema))
    finally:
        records._kept.update(remembered)
    assert len(kept) == len(decoded) == 4
    for mine, theirs in zip(kept, decoded, strict=True):
        assert mine.equals(theirs)


@pytest.mark.parametrize(
    ("column", "values", "expected"),
    [
        (Column("a", "INT64"), pa.array([True, None, False]), [[1], None, [0]]),
        (Column("a", "INT64"), pa.array([1, 2], pa.int32()), [[1], [2]]),
        (Column("a", "FLOAT64"), pa.array([0.5, None]), [[0.5], None]),
        (Column("a", "STRING"), pa.array(["x", "ü"]).dictionary_encode(), [[b"x"], ["ü".encode()]]),
        (Column("a", "STRING"), pa.array([7, None]), [[b"7"], None]),
        (Column("a", "STRING"), pa.array([], pa.string()), []),
    ],
)
def test_values_take_the_pipelines_types(column, values, expected):
    batch = pa.RecordBatch.from_arrays([values], names=["a"])
    assert data.as_lists(batch, [column]).column(0).to_pylist() == expected


def test_missing_column_is_named(fresh):
    fresh.config["columns"].append({"name": "ghost", "type": "STRING"})
    with pytest.raises(KeyError, match=r"column not found.*ghost"):
        fresh.do("examples")


def test_no_training_rows_is_no_data(fresh):
    file = os.path.join(fresh.root, "data", "train", "part-00000.parquet")
    pq.write_table(pq.read_table(file).slice(0, 0), file)
    with pytest.raises(data.NoData, match="no rows"):
        fresh.do("examples")
    assert not os.path.exists(fresh.uri("examples"))


def test_statistics_equal_pandas(finished):
    document, rows = finished.document("statistics.json"), frame(finished, "train")
    assert document["num_examples"] == len(rows)
    assert (document["num_numeric_features"], document["num_categorical_features"]) == (2, 4)
    assert [f["name"] for f in document["categorical_features"]] == [
        "customer_id",
        "product_id",
        "region",
        "category",
    ]
    price = document["numeric_features"][1]["numeric_stats"]
    assert price["mean"] == pytest.approx(rows["price"].mean(), rel=1e-4)
    assert price["std_dev"] == pytest.approx(rows["price"].std(ddof=0), rel=1e-4)
    assert price["max_val"] == pytest.approx(rows["price"].max(), rel=1e-6)
    assert price["missing_pct"] == 0.0
    assert sum(b["count"] for b in price["histogram"]) == pytest.approx(len(rows), rel=0.01)
    region = document["categorical_features"][2]["categorical_stats"]
    counts = rows["region"].value_counts()
    assert region["unique"] == len(counts)
    assert region["top_values"][0] == {
        "value": counts.index[0],
        "frequency": int(counts.iloc[0]),
        "frequency_pct": round(100 * counts.iloc[0] / len(rows), 2),
    }
    assert set(document["splits"]) == {"train", "eval", "test"}
    assert json.loads(json.dumps(document, allow_nan=False)) == document


def test_missing_values_are_counted_and_survive_the_pipeline(fresh):
    file = os.path.join(fresh.root, "data", "train", "part-00000.parquet")
    table = pq.read_table(file)
    price = table["price"].to_pylist()
    price[::4] = [None] * len(price[::4])
    never = pa.nulls(len(price), pa.float64())
    table = table.set_column(3, "price", pa.array(price)).append_column("never", never)
    pq.write_table(table, file)
    for split in ("eval", "test"):
        other = file.replace("train", split)
        rows = pq.read_table(other)
        pq.write_table(rows.append_column("never", pa.nulls(len(rows), pa.float64())), other)
    fresh.config["columns"].append({"name": "never", "type": "FLOAT64"})
    fresh.do("examples")
    fresh.do("statistics")
    fresh.do("schema")
    stats = {
        f["name"]: f["numeric_stats"] for f in fresh.document("statistics.json")["numeric_features"]
    }
    assert (stats["price"]["missing"], stats["price"]["missing_pct"]) == (800, 25.0)
    assert (stats["never"]["count"], stats["never"]["missing_pct"]) == (0, 100.0)
    assert stats["never"]["mean"] is None
    features = {f["name"]: f for f in fresh.document("schema.json")["features"]}
    assert features["price"]["presence"] == "optional"
    assert features["never"]["feature_type"] == "FLOAT"
    assert features["never"]["presence"] == "optional"


def test_schema_has_the_datasets_types(finished):
    document = finished.document("schema.json")
    assert [(f["name"], f["feature_type"], f["value_type"]) for f in document["features"]] == [
        ("customer_id", "STRING", "BYTES"),
        ("product_id", "STRING", "BYTES"),
        ("sold_at", "INT", "INT64"),
        ("price", "FLOAT", "FLOAT"),
        ("region", "STRING", "BYTES"),
        ("category", "STRING", "BYTES"),
    ]
    assert {f["presence"] for f in document["features"]} == {"required"}
    assert {f["shape"] for f in document["features"]} == {"scalar"}
    domains = {d["name"]: d for d in document["string_domains"]}
    assert domains["category"]["total_values"] == 12
    assert len(domains["product_id"]["values"]) == 20
    assert document["anomalies"] == []


def test_a_new_value_in_eval_is_an_anomaly(fresh):
    file = os.path.join(fresh.root, "data", "eval", "part-00000.parquet")
    table = pq.read_table(file)
    regions = ["Atlantis", *table["region"].to_pylist()[1:]]
    pq.write_table(table.set_column(4, "region", pa.array(regions)), file)
    for task in ("examples", "statistics", "schema"):
        fresh.do(task)
    (anomaly,) = fresh.document("schema.json")["anomalies"]
    assert (anomaly["split"], anomaly["feature"]) == ("eval", "region")
    assert "Atlantis" in anomaly["description"]


def test_transform_graph_is_a_normal_one(finished, tf):
    import tensorflow_transform as tft

    output = tft.TFTransformOutput(finished.uri("transform_graph"))
    train = frame(finished, "train")
    assert output.vocabulary_size_by_name("f00_vocab") == train["customer_id"].nunique()
    counts = train["product_id"].value_counts()
    assert output.vocabulary_by_name("f01_vocab")[0].decode() == counts.index[0]
    assert set(output.raw_feature_spec()) == set(train.columns)
    spec = output.transformed_feature_spec()
    assert spec["f00"].dtype == tf.int64
    files = records.files(finished.uri("transformed_examples"), "train")
    rows = list(tf.data.TFRecordDataset(files).as_numpy_iterator())
    assert len(rows) == len(train)
    stored = tf.io.parse_example(rows, spec)
    # The layer serving uses gives what training saw.
    layer = output.transform_features_layer()
    raw = {n: tf.constant(train[n].to_numpy().reshape(-1, 1)) for n in train.columns}
    raw["price"] = tf.cast(raw["price"], tf.float32)
    served = layer(raw)
    for name in spec:
        assert np.allclose(
            stored[name].numpy().reshape(-1), served[name].numpy().reshape(-1), atol=1e-6
        ), name
    norm = stored["f04_norm"].numpy()
    assert abs(norm.mean()) < 1e-4
    assert abs(norm.std() - 1) < 1e-4


def test_test_rows_are_not_analysed(finished, tf):
    """Eval and test values that training lacks become out-of-vocabulary."""
    import tensorflow_transform as tft

    output = tft.TFTransformOutput(finished.uri("transform_graph"))
    known = {v.decode() for v in output.vocabulary_by_name("f00_vocab")}
    test = frame(finished, "test")
    files = records.files(finished.uri("transformed_examples"), "test")
    rows = list(tf.data.TFRecordDataset(files).as_numpy_iterator())
    ids = tf.io.parse_example(rows, output.transformed_feature_spec())["f00"].numpy().reshape(-1)
    strange = ~test["customer_id"].isin(known).to_numpy()
    assert np.array_equal(ids == len(known), strange)


def test_analysis_equals_beams(fresh, tf):
    """The in-process analysis against TFT's own pipeline: same vocabularies, same constants."""
    import tensorflow_transform as tft

    from b2brecs_runtime import analysis

    for name in ("examples", "statistics", "schema"):
        fresh.do(name)
    task = executor.parse(fresh.executor_input("transform"))
    preprocess = modules.Function(str(MODULES / "transform_module.py"), "preprocessing_fn")
    schema = transform._schema(fresh.uri("schema"))
    source = transform._Source(fresh.uri("examples"), schema)
    folders = {n: os.path.join(fresh.root, n) for n in ("scratch", "mine", "theirs")}
    for folder in folders.values():
        os.makedirs(folder)
    scratch = folders["scratch"]
    inside = analysis.analyze(preprocess.loaded(), source.specs(), source.of("train"), scratch)
    transform._write_graph(inside, schema, folders["mine"])
    outside = transform._analyze_with_beam(preprocess, task, schema, scratch)
    transform._write_graph(outside, schema, folders["theirs"])
    mine, theirs = (tft.TFTransformOutput(folders[n]) for n in ("mine", "theirs"))
    for name in ("f00_vocab", "f01_vocab", "f02_vocab", "f03_vocab"):
        assert mine.vocabulary_by_name(name) == theirs.vocabulary_by_name(name)
    assert mine.transformed_feature_spec() == theirs.transformed_feature_spec()
    assert mine.transformed_metadata.schema == theirs.transformed_metadata.schema
    rows = frame(fresh, "test")
    raw = {n: tf.constant(rows[n].to_numpy().reshape(-1, 1)) for n in rows.columns}
    raw["price"] = tf.cast(raw["price"], tf.float32)
    ours, beams = (o.transform_features_layer()(raw) for o in (mine, theirs))
    for name, value in beams.items():
        assert np.allclose(ours[name], value, atol=1e-5), name


def test_a_pickled_function_loads_its_module_where_it_is_called(tmp_path):
    """What Beam sends to a worker elsewhere is the module's address, not its code."""
    import pickle
    import subprocess
    import sys

    module = tmp_path / "m.py"
    module.write_text(
        "FACTOR = 3\ndef helper(x):\n    return FACTOR * x\ndef f(x):\n    return helper(x)\n"
    )
    function = modules.Function(str(module), "f").loaded()
    (tmp_path / "f.pickle").write_bytes(pickle.dumps(function))
    code = "import pickle, sys; print(pickle.load(open(sys.argv[1], 'rb'))(14))"
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "f.pickle")],
        cwd=RUNTIME,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "42"


def test_an_analysis_only_beam_knows_goes_through_beam(fresh, capsys, tmp_path):
    (tmp_path / "transform_module.py").write_text(
        "import tensorflow as tf\n"
        "import tensorflow_transform as tft\n"
        "def preprocessing_fn(inputs):\n"
        "    key = tf.reshape(inputs['region'], [-1])\n"
        "    x = tf.reshape(inputs['price'], [-1])\n"
        "    return {'x': tft.scale_to_z_score_per_key(x, key, name='x')}\n"
    )
    fresh.modules = tmp_path
    for task in ("examples", "statistics", "schema", "transform"):
        fresh.do(task)
    assert "analysing with Beam" in capsys.readouterr().out
    assert records.files(fresh.uri("transformed_examples"), "test")


def test_recommendations_are_complete(finished):
    table = pq.read_table(os.path.join(finished.root, "recommendations"))
    assert table.schema.names == ["customer", "rank", "product", "score", "seen"]
    assert [str(t) for t in table.schema.types] == ["string", "int64", "string", "double", "bool"]
    rows = table.to_pandas()
    customers, products = frame(finished, "customers"), frame(finished, "catalogue")
    depth = min(100, len(products))
    assert set(rows["customer"]) == {"", *customers["customer_id"]}
    assert (rows.groupby("customer")["rank"].agg(list).map(len) == depth).all()
    one = rows[rows["customer"] == customers["customer_id"][0]]
    assert one["rank"].tolist() == list(range(1, depth + 1))
    assert one["score"].is_monotonic_decreasing
    assert one["product"].is_unique
    bought = pd.concat([frame(finished, s) for s in ("train", "eval", "test")])
    pairs = set(zip(bought["customer_id"], bought["product_id"], strict=True))
    mine = rows[rows["customer"] != ""]
    expected = [p in pairs for p in zip(mine["customer"], mine["product"], strict=True)]
    assert mine["seen"].tolist() == expected
    popular = rows[rows["customer"] == ""]
    best = frame(finished, "train").groupby("product_id")["customer_id"].nunique().max()
    assert popular["score"].iloc[0] == best
    assert not popular["seen"].any()


def test_schema_component_keeps_the_configs_order(tf):
    from tensorflow_metadata.proto.v0 import schema_pb2

    schema = schema_pb2.Schema()
    schema.feature.add(name="b", type=schema_pb2.INT)
    schema.feature.add(name="gone", type=schema_pb2.INT)
    schema_component.settle(schema, [Column("a", "STRING"), Column("b", "FLOAT64")])
    assert [(f.name, f.type) for f in schema.feature] == [
        ("a", schema_pb2.BYTES),
        ("b", schema_pb2.FLOAT),
    ]


def test_statistics_by_beam_are_the_same(finished, tf):
    from b2brecs_runtime import statistics_document
    from b2brecs_runtime.components import statistics
    from b2brecs_runtime.config import parse

    columns = list(parse(json.dumps(finished.config)).columns)
    artifact = finished.uri("examples")
    mine, beams = (
        statistics_document.document(stats, "eval", columns)
        for stats in (
            statistics._in_process(artifact, "eval"),
            statistics._with_beam(records.pattern(artifact, "eval"), ()),
        )
    )
    for document in (mine, beams):
        for feature in document["numeric_features"]:
            # Quantile sketches over other batches: near, not equal.
            feature["numeric_stats"].pop("histogram")
            feature["numeric_stats"]["median"] = round(feature["numeric_stats"]["median"], -3)
    assert mine == beams
