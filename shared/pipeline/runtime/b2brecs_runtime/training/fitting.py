"""Training with selection: epochs in one compiled graph each, the best one restored."""

import time
from typing import Any

import numpy as np
import tensorflow as tf

from b2brecs_runtime.training import optimizers
from b2brecs_runtime.training.examples import Examples
from b2brecs_runtime.training.journal import Journal
from b2brecs_runtime.training.products import Catalogue
from b2brecs_runtime.training.run import Run
from b2brecs_runtime.training.scann_index import PROBES
from b2brecs_runtime.training.selection import Selection

# A tower whose gradient stays below this for PATIENCE_COLLAPSED epochs learns nothing any more.
COLLAPSED_NORM = 1e-7
PATIENCE_COLLAPSED = 3

# Better by less than this is not better: it is a handful of customers.
MIN_DELTA = 1e-4


class Diverged(RuntimeError):
    """The loss is not a finite number any more; lower the learning rate or clip gradients."""


def fit(
    run: Run, model: Any, train: Examples, evaluation: Examples, catalogue: Catalogue
) -> dict[str, Any]:
    """Trains, and leaves `model` with the weights of its best epoch.

    model: has query_tower, candidate_tower and compute_loss(features, training),
    the mean loss of a batch before regularisation. The best epoch is the one with
    the highest evaluation Recall@10; without evaluation rows it is the last. Epoch
    0 is the model before training: where no epoch is better, that one is left, and
    best_epoch is 0. With CONFIG's patience above 0, training ends after so many
    epochs without a better one; the first is compared with none, since learning may
    begin with a step back. Returns training_metrics.json's document. Raises Diverged.
    """
    config = run.config
    optimizer = optimizers.make(config)
    with run.timed("build"):
        selection = Selection(run, evaluation, catalogue)
        _build(model, optimizer, train)
        if config.get("index") == "scann":
            run.probes = next(iter(train.batches(PROBES, run.seed)))
        loop = _Loop(model, optimizer)
    journal = Journal(run, _params(run, train, evaluation, catalogue, selection))
    with run.timed("evaluate"):
        untrained = selection.measure(model) if len(selection.pairs) else None
    start = weights = model.get_weights()
    best, best_epoch = -1.0, 0
    flat = dict.fromkeys(loop.towers, 0)
    for epoch in range(config["epochs"]):
        started = time.monotonic()
        with run.timed("train"):
            data = train.batches(config["batch_size"], _seed(run, epoch), drop_remainder=True)
            series, gradients = loop.train(data, train.steps(config["batch_size"], True))
        seconds = time.monotonic() - started
        if not np.isfinite(series["total_loss"]):
            raise Diverged(
                f"training diverged: the loss of epoch {epoch + 1} is not a finite number "
                f"(learning rate {config['learning_rate']})"
            )
        with run.timed("evaluate"):
            if evaluation.rows >= 2:
                data = evaluation.batches(config["batch_size"])
                series |= loop.evaluate(data, evaluation.steps(config["batch_size"]))
            if len(selection.pairs):
                series["val_recall@10"] = selection.measure(model)
        series["seconds"] = round(seconds, 3)
        series["examples_per_second"] = round(train.rows / max(seconds, 1e-6), 1)
        journal.epoch(epoch, series, gradients, loop.weights())
        measured = series.get("val_recall@10")
        # While nothing is found yet there is nothing to choose by: go on.
        if measured is None or best <= 0 or measured > best + MIN_DELTA:
            best, best_epoch = measured if measured is not None else best, epoch
            weights = model.get_weights()
        journal.document["best_epoch"] = best_epoch + 1
        journal.progress(config["epochs"], series)
        print(_line(epoch, config["epochs"], series), flush=True)
        for tower, norm in gradients.items():
            flat[tower] = flat[tower] + 1 if norm < COLLAPSED_NORM else 0
        collapsed = [tower for tower, n in flat.items() if n >= PATIENCE_COLLAPSED]
        if collapsed:
            journal.document["params"]["gradient_collapse_detected"] = True
            journal.document["params"]["collapsed_towers"] = collapsed
            break
        if measured is not None and 0 < config["patience"] <= epoch - best_epoch:
            break
    if untrained and best <= untrained + MIN_DELTA:
        best, weights = untrained, start
        journal.document["best_epoch"] = 0
    model.set_weights(weights)
    final = {f"final_{name}": values[-1] for name, values in journal.document["loss"].items()}
    if best >= 0:
        final |= {"best_val_recall@10": best, "untrained_val_recall@10": untrained}
    journal.document["final_metrics"] = final
    journal.save()
    run.journal = journal
    return journal.document


def _seed(run: Run, epoch: int) -> int:
    """Another order in every epoch, the same in every run with this seed."""
    return (run.seed * 1_000_003 + epoch) % 2**31


def _build(model: Any, optimizer: Any, train: Examples) -> None:
    """Makes all variables, so that none is made inside a compiled function."""
    chunk = {k: tf.constant(v[:2]) for k, v in next(train.chunks()).items()}
    model.query_tower(chunk, training=False)
    model.candidate_tower(chunk, training=False)
    optimizer.build(model.trainable_variables)


def _params(
    run: Run, train: Examples, evaluation: Examples, catalogue: Catalogue, selection: Selection
) -> dict[str, Any]:
    kept = {
        name: value
        for name, value in run.config.items()
        if isinstance(value, (str, int, float, bool))
    }
    return kept | {
        "model_type": "retrieval",
        "seed": run.seed,
        "train_rows": train.rows,
        "eval_rows": evaluation.rows,
        "eval_customers": selection.customers,
        "products": len(catalogue),
        "steps_per_epoch": train.steps(run.config["batch_size"], True),
        "hardware": "gpu" if tf.config.list_physical_devices("GPU") else "cpu",
        "tensorflow": tf.__version__,
    }


def _line(epoch: int, epochs: int, series: dict[str, float]) -> str:
    shown = [f"epoch {epoch + 1}/{epochs}", f"loss {series['loss']:.4f}"]
    if "val_loss" in series:
        shown.append(f"val_loss {series['val_loss']:.4f}")
    if "val_recall@10" in series:
        shown.append(f"val_recall@10 {series['val_recall@10']:.4f}")
    shown.append(f"{series['examples_per_second']:,.0f} examples/s")
    return "  ".join(shown)


class _Loop:
    """The compiled passes over the examples. Each is traced once per run."""

    def __init__(self, model: Any, optimizer: Any) -> None:
        self.model = model
        self.optimizer = optimizer
        self.towers = {"query": model.query_tower, "candidate": model.candidate_tower}
        self.variables = model.trainable_variables
        ids = {name: {id(v) for v in t.trainable_variables} for name, t in self.towers.items()}
        # Variables by the tower that owns them, as places in `variables`.
        self.owned = {
            name: [i for i, v in enumerate(self.variables) if id(v) in owned]
            for name, owned in ids.items()
        }
        self._train = tf.function(self._train_epoch, reduce_retracing=True)
        self._evaluate = tf.function(self._evaluate_pass, reduce_retracing=True)

    def train(self, data: tf.data.Dataset, steps: int) -> tuple[dict[str, float], dict[str, float]]:
        """One epoch. Returns mean losses, and root mean square gradient norms by tower."""
        sums, norms = self._train(iter(data), tf.constant(steps))
        loss, penalty = (float(v) / steps for v in sums)
        series = {"loss": loss, "regularization_loss": penalty, "total_loss": loss + penalty}
        squares = dict(zip(self.owned, norms.numpy(), strict=True))
        return series, {name: float(np.sqrt(value / steps)) for name, value in squares.items()}

    def evaluate(self, data: tf.data.Dataset, steps: int) -> dict[str, float]:
        """Mean in-batch losses of the evaluation examples."""
        loss, penalty = (float(v) / steps for v in self._evaluate(iter(data), tf.constant(steps)))
        return {
            "val_loss": loss,
            "val_regularization_loss": penalty,
            "val_total_loss": loss + penalty,
        }

    def weights(self) -> dict[str, list[np.ndarray]]:
        """All trainable weights by tower."""
        return {
            name: [self.variables[i].numpy() for i in owned] for name, owned in self.owned.items()
        }

    def _train_epoch(self, data: Any, steps: tf.Tensor) -> Any:
        # A loop over an iterator, not over the dataset: autograph would move the
        # steps into the dataset's own pipeline, which has no accelerator.
        sums = tf.zeros([2])
        norms = tf.zeros([len(self.owned)])
        for _ in tf.range(steps):
            batch = next(data)
            with tf.GradientTape() as tape:
                loss = self.model.compute_loss(batch, training=True)
                penalty = tf.add_n([tf.constant(0.0), *self.model.losses])
                total = loss + penalty
            gradients = tape.gradient(total, self.variables)
            self.optimizer.apply_gradients(zip(gradients, self.variables))  # noqa: B905
            sums += tf.stack([loss, penalty])
            norms += tf.stack(
                [
                    tf.square(tf.linalg.global_norm([gradients[i] for i in owned]))
                    for owned in self.owned.values()
                ]
            )
        return sums, norms

    def _evaluate_pass(self, data: Any, steps: tf.Tensor) -> Any:
        sums = tf.zeros([2])
        for _ in tf.range(steps):
            batch = next(data)
            loss = self.model.compute_loss(batch, training=False)
            penalty = tf.add_n([tf.constant(0.0), *self.model.losses])
            sums += tf.stack([loss, penalty])
        return sums
