"""Every golden pair of generated modules, run with real TFT and TFRS on synthetic rows.

One process for all of them: importing TensorFlow costs more than a case.
"""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from training_support import GOLDEN, Folder, has_prior, synthetic, vector_dim

CASES = sorted(p.parent.name for p in GOLDEN.glob("*/input.json"))


@pytest.fixture(scope="module")
def trained(request, tmp_path_factory):
    """A case's folder after one epoch, its definition and its metrics."""
    case = GOLDEN / request.param
    definition = json.loads((case / "input.json").read_text())
    splits = {
        split: synthetic(definition["columns"], rows, seed)
        for seed, (split, rows) in enumerate({"train": 800, "eval": 150, "test": 150}.items())
    }
    folder = Folder(tmp_path_factory.mktemp(request.param), definition, splits)
    folder.prepare(case / "transform_module.py")
    return folder, definition, folder.train(case / "trainer_module.py", epochs=2)


@pytest.mark.parametrize("trained", CASES, indirect=True)
def test_trains_and_serves(trained):
    import tensorflow as tf

    folder, definition, metrics = trained
    assert metrics["epochs"] == [0, 1]
    for name in ("loss", "val_loss", "val_recall@10"):
        assert len(metrics["loss"][name]) == 2, name
        assert all(np.isfinite(metrics["loss"][name])), name
    assert metrics["loss"]["loss"][1] < metrics["loss"]["loss"][0]
    assert all(n > 0 for tower in metrics["gradient_stats"].values() for n in tower["norm"])

    model = tf.saved_model.load(str(folder.model))
    signatures = model.signatures
    features, dim = definition["features"], vector_dim(definition["model"])
    vectors = {}
    for tower, table in (("query", "customers"), ("candidate", "catalogue")):
        rows = pq.read_table(folder.root / "data" / table / "part-00000.parquet")
        columns = [f["column"] for f in features[tower]["features"]]
        feeds = feed(signatures[f"embed_{tower}"], rows, columns)
        vectors[tower] = signatures[f"embed_{tower}"](**feeds)["embedding"].numpy()
        assert vectors[tower].shape == (rows.num_rows, dim)
        assert np.isfinite(vectors[tower]).all()
        if tower == "query":
            answer = signatures["serving_default"](**feeds)
    products = vectors["candidate"].shape[0]
    k = min(definition["model"]["top_k"], products)
    assert answer["product_ids"].shape == answer["scores"].shape == (len(vectors["query"]), k)
    # What is served is what the towers say: the best k dot products, best first.
    exact = -np.sort(-(vectors["query"] @ vectors["candidate"].T), axis=1)[:, :k]
    np.testing.assert_allclose(answer["scores"].numpy(), exact, rtol=1e-3, atol=1e-4)

    if has_prior(definition["model"]):
        assert (vectors["query"][:, -1] == 1).all()
        rows = pq.read_table(folder.root / "data" / "catalogue" / "part-00000.parquet")
        want = [share(folder)[p] for p in rows[folder.config["product"]].to_pylist()]
        prior = definition["model"]["temperature"] * np.log(want)
        np.testing.assert_allclose(vectors["candidate"][:, -1], prior, rtol=1e-5)

    document = json.loads((folder.model / "serving_schema.json").read_text())
    assert document["products"] == products
    names = [i["column"] for i in document["signatures"]["embed_query"]["inputs"]]
    assert names == [f["column"] for f in features["query"]["features"]]


def share(folder):
    """Every product's share of the training rows."""
    rows = pq.read_table(folder.root / "data" / "train" / "part-00000.parquet")
    counts = rows[folder.config["product"]].to_pandas().value_counts()
    return dict(counts / rows.num_rows)


def test_untrained_model_is_the_best_seller_list(tmp_path):
    """But for the small numbers learning begins with; the rare ones share an id with many rows."""
    case = GOLDEN / "ids_only"
    definition = json.loads((case / "input.json").read_text())
    train = synthetic(definition["columns"], 800, 0)
    once = pa.array([f"once {i}" for i in range(60)])
    rare = train.slice(0, 60).set_column(1, "product_id", once)
    splits = {
        "train": pa.concat_tables([train, rare]),
        "eval": synthetic(definition["columns"], 150, 1),
        "test": synthetic(definition["columns"], 150, 2),
    }
    folder = Folder(tmp_path, definition, splits)
    folder.prepare(case / "transform_module.py")
    metrics = folder.train(case / "trainer_module.py", learning_rate=1e-12)
    assert metrics["best_epoch"] == 0 and len(metrics["epochs"]) == 1
    assert "none better" in folder.metadata["model"]["fact"]
    folder.evaluate()

    shares = share(folder)
    lists = pq.read_table(folder.root / "recommendations").to_pandas()
    for name, listed in lists[lists["customer"] != ""].groupby("customer"):
        got = np.array([shares[p] for p in listed["product"]])
        np.testing.assert_allclose(listed["score"], 0.5 * np.log(got), atol=0.05, err_msg=name)
        best = np.sort(list(shares.values()))[::-1][: len(listed)]
        np.testing.assert_allclose(got, best, rtol=0.1, err_msg=name)


def feed(signature, table, columns):
    """A table's columns as the signature's inputs."""
    import tensorflow as tf

    from b2brecs_runtime.training.raw import input_name

    specs = signature.structured_input_signature[1]
    assert sorted(specs) == sorted(input_name(c) for c in columns)
    return {
        input_name(c): tf.constant(table[c].to_pylist(), specs[input_name(c)].dtype)
        for c in columns
    }
