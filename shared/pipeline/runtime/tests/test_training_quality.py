"""The default model is worth training: it beats best sellers and item-kNN on days to come."""

import json

from training_support import GOLDEN, Folder
from wholesale import temporal_split, transactions

CASE = GOLDEN / "wholesale"


def evaluated(root, rows, **parameters):
    """The whole pipeline with the default configuration. Returns evaluation and training metrics."""
    definition = json.loads((CASE / "input.json").read_text())
    folder = Folder(root, definition, temporal_split(rows))
    folder.prepare(CASE / "transform_module.py")
    model = definition["model"]
    defaults = {k: model[k] for k in ("epochs", "batch_size", "learning_rate")}
    metrics = folder.train(CASE / "trainer_module.py", **defaults | parameters)
    folder.evaluate()
    return json.loads((root / "evaluation.json").read_text()), metrics


def test_defaults_beat_the_baselines(tmp_path):
    """100,000 rows, 5,000 customers, 2,000 products, latent taste, temporal split."""
    scores, metrics = evaluated(tmp_path, transactions())
    model, popular, knn = (
        scores[name]["recall@10"] for name in ("model", "popularity", "item_knn")
    )
    print(f"recall@10: model {model:.4f}, popularity {popular:.4f}, item-kNN {knn:.4f}")
    print(f"best epoch {metrics['best_epoch']} of {len(metrics['epochs'])}, {metrics['timings']}")
    assert model >= 1.5 * popular
    assert model >= knn


def test_nothing_to_learn_is_no_worse_than_best_sellers(tmp_path):
    """Without taste the best sellers are the best answer; early stopping has to find that."""
    rows = transactions(rows=12_000, customers=800, products=300, taste=0.0)
    scores, _ = evaluated(tmp_path, rows, batch_size=256)
    assert scores["model"]["recall@10"] >= 0.9 * scores["popularity"]["recall@10"]


def test_a_few_steps_are_no_worse_than_best_sellers(tmp_path):
    """Twelve of them: a model that had to learn popularity would have two thirds of its recall."""
    rows = transactions(rows=8_000, customers=300, products=150)
    scores, metrics = evaluated(tmp_path, rows, epochs=2)
    assert metrics["params"]["steps_per_epoch"] == 6
    assert scores["model"]["recall@10"] >= 0.9 * scores["popularity"]["recall@10"]
