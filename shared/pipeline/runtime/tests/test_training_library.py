"""The training library: data, selection, fitting, journal, candidates."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import training_stub as stub
from b2brecs_runtime import ensure_tensorflow, training
from b2brecs_runtime.training import examples, fitting, optimizers, products, selection
from b2brecs_runtime.training import run as runs
from b2brecs_runtime.training.raw import input_name
from b2brecs_runtime.training.scann_index import scann_index

tf = ensure_tensorflow()


def gathered(data):
    return [{k: v.numpy().tolist() for k, v in batch.items()} for batch in data]


@pytest.mark.parametrize(
    ("rows", "size", "drop", "want"),
    [
        (10, 4, False, [4, 4, 2]),
        (10, 4, True, [4, 4]),
        (8, 4, False, [4, 4]),
        (3, 4, True, [3]),  # a split smaller than a batch is kept
        (0, 4, False, []),
    ],
)
def test_batches(rows, size, drop, want):
    data = stub.examples(rows, 1)
    batches = gathered(data.batches(size, None, drop))
    assert [len(b["q"]) for b in batches] == want
    assert data.steps(size, drop) == len(want)
    flat = [v for b in batches for v in b["p"]]
    assert flat == data.arrays["p"][: len(flat)].tolist()


def test_shuffling_is_seeded_and_keeps_rows_together():
    data = stub.examples(50, 1)
    first, again, other = (gathered(data.batches(16, seed)) for seed in (5, 5, 6))
    assert first == again != other
    pairs = {(q, p) for b in first for q, p in zip(b["q"], b["p"], strict=True)}
    assert pairs <= set(zip(*(data.arrays[k].tolist() for k in ("q", "p")), strict=True))
    assert sorted(v for b in first for v in b["q"]) == sorted(data.arrays["q"].tolist())


def streamed(monkeypatch, rows, held):
    """The examples as `datasets` reads them, with so many bytes allowed in memory."""
    from tensorflow_metadata.proto.v0 import schema_pb2

    class Transform:
        class transformed_metadata:
            schema = schema_pb2.Schema(
                feature=[schema_pb2.Feature(name=n) for n in ("q", "p", "unused")]
            )

    made = stub.run()
    made.transform, made.train_files, made.eval_files = Transform, ["train"], []
    made.data_accessor = stub.Accessor(stub.purchases(rows, 3))
    monkeypatch.setattr(examples, "IN_MEMORY_BYTES", held)
    return made, training.datasets(made)


def test_data_beyond_memory_is_streamed(monkeypatch):
    made, (small, none) = streamed(monkeypatch, 1000, 1 << 20)
    _, (large, _) = streamed(monkeypatch, 1000, 100)
    assert small.arrays is not None and large.arrays is None
    assert small.rows == large.rows == 1000 and none.rows == 0
    assert set(small.arrays) == {"q", "p"}  # nothing else is parsed
    for drop, steps in ((True, 15), (False, 16)):
        batches = gathered(large.batches(64, 1, drop))
        assert len(batches) == large.steps(64, drop) == steps
    assert sorted(v for b in batches for v in b["p"]) == sorted(small.arrays["p"].tolist())
    shares = [
        training.product_share(made, data, stub.catalogue()).numpy() for data in (small, large)
    ]
    np.testing.assert_array_equal(*shares)
    model = stub.Model()
    metrics = training.fit(made, model, large, none, stub.catalogue())
    assert metrics["loss"]["loss"][-1] < metrics["loss"]["loss"][0]


def test_product_share():
    """Four products share an out-of-vocabulary id and its 4 of 20 rows; p1 has no rows."""
    made, found = stub.run(), stub.catalogue()
    found.features["p"] = np.append(found.features["p"], [stub.PRODUCTS] * 4)
    rows = np.array([0] * 12 + [3] * 4 + [stub.PRODUCTS] * 4, np.int32)
    got = training.product_share(made, training.Examples(20, {"p": rows}), found).numpy()
    assert got.shape == (stub.PRODUCTS + 1,)
    np.testing.assert_allclose(got[[0, 3, stub.PRODUCTS, 1]], [0.6, 0.2, 0.05, 0.05])
    # Nothing is listed under the id in stock TFX: it counts as one product.
    got = training.product_share(made, training.Examples(20, {"p": rows}), stub.catalogue())
    assert got.numpy()[stub.PRODUCTS] == pytest.approx(0.2)


def test_product_share_cancels_with_the_correction():
    """Also where TFRS clips: what the correction takes from a prior leaves nothing."""
    from tensorflow_recommenders.layers.loss import SamplingProbablityCorrection

    rows = np.array([0] * 9 + [3], np.int32)
    share = training.product_share(
        stub.run(), training.Examples(10_000_000, {"p": rows}), stub.catalogue()
    )
    assert float(tf.reduce_min(share)) == pytest.approx(products.MIN_SHARE)
    left = SamplingProbablityCorrection()(tf.math.log(share), share)
    np.testing.assert_allclose(left, np.zeros_like(left), atol=1e-5)


def test_in_batch_softmax_is_the_dense_cross_entropy():
    random = np.random.default_rng(1)
    scores = tf.constant(random.normal(0, 3, [12, 12]), tf.float32)
    weights = tf.constant(random.random(12), tf.float32)
    dense = tf.keras.losses.CategoricalCrossentropy(from_logits=True, reduction="none")
    want = dense(tf.eye(12), scores).numpy()
    got = training.in_batch_softmax(tf.eye(12), scores)
    assert float(got) == pytest.approx(want.mean(), rel=1e-5)
    got = training.in_batch_softmax(tf.eye(12), scores, weights)
    assert float(got) == pytest.approx(np.average(want, weights=weights), rel=1e-5)


def test_no_rows_is_said(monkeypatch):
    with pytest.raises(training.NoData, match="needs at least 2 rows"):
        streamed(monkeypatch, 1, 1 << 20)


def brute_force(model, data, products, k):
    """Recall@k by the definition, one customer at a time."""
    vectors = model.candidate_tower({"p": tf.range(products)}).numpy()
    rows = list(zip(data.arrays["q"].tolist(), data.arrays["p"].tolist(), strict=True))
    groups = {}
    for number, (customer, product) in enumerate(rows):
        stranger = customer >= stub.CUSTOMERS
        groups.setdefault(("row", number) if stranger else customer, (customer, set()))[1].add(
            product
        )
    recalls = []
    for customer, bought in groups.values():
        query = model.query_tower({"q": tf.constant([customer])}).numpy()[0]
        best = np.argsort(-(vectors @ query))[:k]
        recalls.append(len(bought & set(best.tolist())) / min(k, len(bought)))
    return float(np.mean(recalls))


@pytest.mark.parametrize("k", [1, 3, 10])
def test_selection_is_exact(k, monkeypatch):
    monkeypatch.setattr(selection, "CHUNK", 7)
    model = stub.Model()
    data = stub.examples(200, 9)
    data.arrays["q"][::17] = stub.CUSTOMERS  # strangers
    data.arrays["p"][::13] = stub.PRODUCTS  # a product outside the catalogue
    got = selection.Selection(stub.run(), data, stub.catalogue(), k).measure(model)
    assert got == pytest.approx(brute_force(model, data, stub.PRODUCTS, k), abs=1e-6)
    assert 0 < got < 1


def test_selection_samples_customers(monkeypatch):
    monkeypatch.setattr(selection, "MAX_CUSTOMERS", 10)
    model = stub.Model()
    sampled = selection.Selection(stub.run(), stub.examples(200, 9), stub.catalogue())
    assert sampled.customers == 10
    assert 0 < sampled.measure(model) <= 1


def test_same_seed_same_metrics():
    first, again, other = (stub.fitted(seed=s, dropout=0.3)[2]["loss"]["loss"] for s in (3, 3, 4))
    assert first == again
    assert first != other


def test_dropout_is_active_in_training_only():
    model = stub.Model(dropout=0.5)
    batch = {k: tf.constant(v) for k, v in stub.purchases(64, 1).items()}
    still = {float(model.compute_loss(batch, training=False)) for _ in range(3)}
    moving = {float(model.compute_loss(batch, training=True)) for _ in range(3)}
    assert len(still) == 1 and len(moving) == 3
    # fit has to ask for it: with a dropout of nearly all, next to nothing is learnt.
    _, _, hard = stub.fitted(dropout=0.95)
    assert hard["loss"]["loss"][-1] > hard["loss"]["val_loss"][-1] + 0.1


def test_reported_loss_is_the_mean_of_the_epoch():
    """With a learning rate of almost 0 every batch has the loss of the first weights."""
    made, model, metrics = stub.fitted(learning_rate=1e-12, epochs=1, rows=200)
    data = stub.examples(200, 1)
    order = data.batches(64, fitting._seed(made, 0), True)
    want = np.mean([float(model.compute_loss(b, training=False)) for b in order])
    assert metrics["loss"]["loss"][0] == pytest.approx(want, rel=1e-5)


def test_best_epoch_is_restored(monkeypatch):
    values = iter([0.1, 0.2, 0.5, 0.3, 0.4, 0.1, 0.9])  # the first before training
    kept = []

    def measure(self, model):
        kept.append([w.copy() for w in model.get_weights()])
        return next(values)

    monkeypatch.setattr(selection.Selection, "measure", measure)
    _, model, metrics = stub.fitted(epochs=6, patience=3)
    assert metrics["loss"]["val_recall@10"] == [0.2, 0.5, 0.3, 0.4, 0.1]
    assert metrics["best_epoch"] == 2
    assert metrics["final_metrics"]["best_val_recall@10"] == 0.5
    assert metrics["final_metrics"]["untrained_val_recall@10"] == 0.1
    for have, want in zip(model.get_weights(), kept[2], strict=True):
        np.testing.assert_array_equal(have, want)
    assert any((a != b).any() for a, b in zip(kept[2], kept[5], strict=True))


def test_without_a_better_epoch_the_model_stays_untrained(monkeypatch):
    """Patience is not measured against it: learning may begin with a step back."""
    values = iter([0.5, 0.2, 0.4, 0.5, 0.3])
    kept = []

    def measure(self, model):
        kept.append([w.copy() for w in model.get_weights()])
        return next(values)

    monkeypatch.setattr(selection.Selection, "measure", measure)
    _, model, metrics = stub.fitted(epochs=4, patience=1)
    assert metrics["best_epoch"] == 0
    assert metrics["loss"]["val_recall@10"] == [0.2, 0.4, 0.5, 0.3]
    final = metrics["final_metrics"]
    assert final["best_val_recall@10"] == final["untrained_val_recall@10"] == 0.5
    for have, want in zip(model.get_weights(), kept[0], strict=True):
        np.testing.assert_array_equal(have, want)
    assert any((a != b).any() for a, b in zip(kept[0], kept[1], strict=True))


def test_no_hits_yet_is_no_reason_to_stop(monkeypatch):
    values = iter([0.0, 0.0, 0.0, 0.0, 0.1, 0.05])
    monkeypatch.setattr(selection.Selection, "measure", lambda self, model: next(values))
    _, _, metrics = stub.fitted(epochs=5, patience=1)
    assert metrics["best_epoch"] == 4 and len(metrics["epochs"]) == 5


def test_evaluation_of_unknown_products_selects_nothing():
    made, model, data = stub.run(epochs=3, patience=1), stub.Model(), stub.examples(120, 2)
    data.arrays["p"][:] = stub.PRODUCTS
    metrics = training.fit(made, model, stub.examples(600, 1), data, stub.catalogue())
    assert metrics["best_epoch"] == 3 and "val_recall@10" not in metrics["loss"]


def test_divergence_is_said():
    with pytest.raises(fitting.Diverged, match="diverged"):
        stub.fitted(optimizer="sgd", learning_rate=1e30, epochs=3)


def test_collapse_stops_training(monkeypatch):
    class Silent(stub.Model):
        def compute_loss(self, features, training=False):
            return super().compute_loss(features, training) * 0.0

    monkeypatch.setattr(stub, "Model", Silent)
    _, _, metrics = stub.fitted(epochs=9)
    assert len(metrics["epochs"]) == 3
    assert metrics["params"]["collapsed_towers"] == ["query", "candidate"]


def test_files_after_every_epoch(tmp_path, monkeypatch):
    made, model = stub.run(epochs=3), stub.Model()
    made.output_dir = str(tmp_path)
    seen = []
    save = training.fitting.Journal.progress

    def progress(self, epochs, series):
        save(self, epochs, series)
        seen.append(json.loads((tmp_path / "progress.json").read_text()))
        assert len(json.loads((tmp_path / "training_metrics.json").read_text())["epochs"]) == len(
            seen
        )

    monkeypatch.setattr(training.fitting.Journal, "progress", progress)
    training.fit(made, model, stub.examples(600, 1), stub.examples(120, 2), stub.catalogue())
    assert [(p["epoch"], p["epochs"]) for p in seen] == [(1, 3), (2, 3), (3, 3)]
    assert {"loss", "val_loss", "val_recall@10", "examples_per_second"} <= set(seen[0])
    metrics = json.loads((tmp_path / "training_metrics.json").read_text())
    assert metrics["available"] is True and metrics["gradient"] == metrics["weight_norms"]
    assert set(metrics["timings"]) >= {"build", "train", "evaluate"}
    assert metrics["params"]["train_rows"] == 600 and metrics["params"]["steps_per_epoch"] == 9
    for tower in ("query", "candidate"):
        stats = metrics["weight_stats"][tower]
        assert all(len(stats[name]) == 3 for name in ("mean", "std", "min", "max"))
        assert len(stats["histogram"]["bin_edges"]) == 26
        weights = sum(int(np.prod(w.shape)) for w in getattr(model, f"{tower}_tower").weights)
        assert [sum(c) for c in stats["histogram"]["counts"]] == [weights] * 3


def test_without_evaluation_the_last_epoch_counts():
    made, model = stub.run(epochs=3, patience=1), stub.Model()
    metrics = training.fit(
        made, model, stub.examples(600, 1), stub.examples(0, 2), stub.catalogue()
    )
    assert metrics["best_epoch"] == 3 and "val_loss" not in metrics["loss"]


@pytest.mark.parametrize("name", ["adam", "adagrad", "sgd", "rmsprop", "adamw", "ftrl"])
def test_optimizers_descend(name):
    """On a parabola whose gradient is far above the clip."""
    config = {"optimizer": name, "clip_norm": 1.0, "learning_rate": 0.1}
    optimizer, x = optimizers.make(config), tf.Variable([50.0, -50.0])
    before = x.numpy().copy()
    for _ in range(5):
        optimizer.apply_gradients([(1000.0 * x, x)])
    moved = np.abs(before - x.numpy())
    assert (np.abs(x.numpy()) < np.abs(before)).all()
    assert (moved < 50).all()  # one step along an unclipped gradient is 5000


def test_ftrl_keeps_the_initial_weights():
    """Without penalties it is Adagrad, step by step."""
    config = {"clip_norm": 0.0, "learning_rate": 0.1}
    steps = []
    for optimizer in (
        optimizers.make(config | {"optimizer": "ftrl"}),
        tf.keras.optimizers.Adagrad(0.1, initial_accumulator_value=0.1, epsilon=0.0),
    ):
        x = tf.Variable([1.0, -2.0])
        for _ in range(3):
            optimizer.apply_gradients([(x * x, x)])
            steps.append(x.numpy())
    np.testing.assert_allclose(steps[:3], steps[3:], rtol=1e-5)


def test_unknown_optimizer():
    with pytest.raises(ValueError, match="unknown optimizer"):
        optimizers.make({"optimizer": "lion", "clip_norm": 0, "learning_rate": 1})


def test_settings_of_the_run_replace_the_configuration(monkeypatch):
    monkeypatch.setattr(runs.tft, "TFTransformOutput", lambda path: path)

    class Arguments:
        train_files = eval_files = ()
        transform_output = "graph"
        data_accessor = None
        serving_model_dir = "model"
        custom_config = None

    Arguments.custom_config = {"epochs": 7, "batch_size": 0, "learning_rate": 0.5, "seed": 3}
    config = {"epochs": 1, "batch_size": 32, "learning_rate": 0.1, "patience": 2}
    made = training.start(Arguments, config)
    assert made.config == config | {"epochs": 7, "learning_rate": 0.5}
    assert made.seed == 3 and made.transform == "graph"
    Arguments.custom_config = {"batch_size": 1}
    with pytest.raises(ValueError, match="batch_size at least 2"):
        training.start(Arguments, config)


def test_signature_names():
    names = ["customer_id", "class", "_kind", "self", "Self", "x_"]
    assert [input_name(n) for n in names] == [
        "customer_id",
        "column_class",
        "column__kind",
        "column_self",
        "Self",
        "x_",
    ]


def test_catalogue_from_examples_stands_in():
    """In stock TFX there is no product table: known products of training, first row each."""
    made = stub.run()
    made.config["candidate"].update(id_column="no", columns={"no": "INT64"}, inputs=["p", "price"])

    class Transform:
        def vocabulary_by_name(self, name):
            assert name == "p_vocab"
            return [str(100 + i).encode() for i in range(stub.PRODUCTS)]

    made.transform = Transform()
    products = np.array([3, 1, 3, stub.PRODUCTS, 1, 7], np.int32)
    prices = np.array([0.3, 0.1, 9.0, 9.0, 9.0, 0.7], np.float32)
    found = training.catalogue(made, training.Examples(6, {"p": products, "price": prices}))
    by_id = dict(zip(found.ids.tolist(), found.features["price"].tolist(), strict=True))
    assert by_id == {103: pytest.approx(0.3), 101: pytest.approx(0.1), 107: pytest.approx(0.7)}
    assert [100 + i for i in found.features["p"]] == found.ids.tolist()


def test_catalogue_from_files(tmp_path):
    class Graph:
        def __call__(self, columns, keys):
            known = tf.strings.to_number(tf.strings.substr(columns["no"], 1, 3), tf.int64)
            return {"p": known, "price": columns["price"] * 2}

    made = stub.run()
    made.config["candidate"].update(
        id_column="no", columns={"no": "STRING", "price": "FLOAT64"}, inputs=["p", "price"]
    )
    made.__dict__["graph"] = Graph()
    for part, rows in enumerate([[("p3", 1.5), ("p1", 2.5)], [("p3", 9.0), ("p2", None)]]):
        table = pa.table({"no": [r[0] for r in rows], "price": [r[1] for r in rows]})
        pq.write_table(table, tmp_path / f"part-{part}.parquet")
    made.catalogue_files = str(tmp_path / "*.parquet")
    found = training.catalogue(made, stub.examples(10, 1))
    assert found.ids.tolist() == [b"p3", b"p1", b"p2"]
    assert found.features["p"].tolist() == [3, 1, 2]
    assert found.features["price"].tolist() == [3.0, 5.0, 0.0]


@pytest.mark.parametrize("index", ["brute_force", "scann"])
def test_exported_model_answers(index, tmp_path, monkeypatch):
    """With the prior; also with an approximate index inside. Both survive saving and loading."""
    pytest.importorskip("scann")
    monkeypatch.setattr(stub, "PRODUCTS", 2000)
    tf.keras.utils.set_random_seed(1)
    share = np.random.default_rng(3).permutation(1 / np.arange(1, 2002)).astype(np.float32)
    made, model = stub.run(index=index, top_k=20), stub.Model(share=tf.constant(share))
    made.probes = {"q": tf.range(stub.CUSTOMERS)}
    # Catalogues have families: products near one another.
    table = model.candidate_tower.table
    model.query_tower({"q": tf.constant([0])})
    model.candidate_tower({"p": tf.constant([0])})
    families = np.random.default_rng(1).normal(0, 1, [50, 8])
    noise = np.random.default_rng(2).normal(0, 0.4, [2001, 8])
    table.set_weights([np.repeat(families, 41, axis=0)[:2001] + noise])
    made.config["query"].update(columns={"who": "INT64"})
    made.config["candidate"].update(columns={"no": "STRING"}, id_column="no")
    made.config.update(
        feature_config="f",
        feature_config_version=1,
        model_config="m",
        model_config_version=2,
        program="p",
    )
    made.serving_model_dir = str(tmp_path)

    class Graph(tf.Module):
        def __call__(self, columns, keys):
            if "who" in columns:
                return {"q": tf.cast(columns["who"], tf.int32)}
            digits = tf.strings.substr(columns["no"], 1, 9)
            return {"p": tf.strings.to_number(digits, tf.int32)}

    made.__dict__["graph"] = Graph()
    products = stub.catalogue()
    training.export(made, model, products)

    loaded = tf.saved_model.load(str(tmp_path)).signatures
    who = tf.range(stub.CUSTOMERS, dtype=tf.int64)
    served = loaded["serving_default"](who=who)
    query = loaded["embed_query"](who=who)["embedding"].numpy()
    vectors = loaded["embed_candidate"](no=tf.constant(products.ids))["embedding"].numpy()
    np.testing.assert_allclose(query, model.query_tower({"q": who}).numpy(), atol=1e-6)
    assert query.shape == (stub.CUSTOMERS, 9) and vectors.shape == (2000, 9)
    place = {name: i for i, name in enumerate(products.ids)}
    listed = np.vectorize(place.get)(served["product_ids"].numpy())
    learned = query[:, :-1] @ vectors[:, :-1].T
    np.testing.assert_allclose(
        served["scores"].numpy(),
        np.take_along_axis(learned + np.log(share[:2000]), listed, axis=1),
        rtol=1e-4,
        atol=1e-4,
    )
    exact = np.argsort(-(query @ vectors.T), axis=1)[:, :20]
    ids = served["product_ids"].numpy()
    shared = np.mean(
        [len(np.intersect1d(products.ids[a], b)) / 20 for a, b in zip(exact, ids, strict=True)]
    )
    assert ids.shape == served["scores"].shape == (stub.CUSTOMERS, 20)
    assert shared >= (0.9 if index == "scann" else 0.999)
    schema = json.loads((tmp_path / "serving_schema.json").read_text())
    assert schema["index"] == index and schema["products"] == 2000
    assert schema["signatures"]["serving_default"]["inputs"][0]["column"] == "who"


def test_small_catalogues_are_searched_exactly(capsys):
    assert scann_index(stub.run(), None, stub.catalogue(), 5) is None
    assert "exact search" in capsys.readouterr().out


def test_an_index_is_checked_with_customers(capsys, monkeypatch):
    made, _, _ = stub.fitted(epochs=1, index="scann")
    assert made.probes["q"].shape == made.probes["p"].shape == (200,)
    monkeypatch.setattr(stub, "PRODUCTS", 2000)
    assert scann_index(stub.run(), None, stub.catalogue(), 5) is None
    assert "no customers" in capsys.readouterr().out
