"""A small two-tower model and a run without files, for tests of the library itself."""

from typing import Any

import numpy as np

from b2brecs_runtime import ensure_tensorflow, training
from b2brecs_runtime.training.examples import Examples
from b2brecs_runtime.training.products import Catalogue
from b2brecs_runtime.training.run import Run

tf = ensure_tensorflow()

CUSTOMERS, PRODUCTS = 40, 25


class Accessor:
    """Batches of arrays, with the signature that TFX gives trainers."""

    def __init__(self, arrays: dict[str, np.ndarray]) -> None:
        self.arrays = arrays

    def tf_dataset_factory(self, files, options, schema):
        names = [f.name for f in schema.feature]
        data = tf.data.Dataset.from_tensor_slices({n: self.arrays[n][:, None] for n in names})
        if options.shuffle:
            data = data.shuffle(options.shuffle_buffer_size, seed=options.shuffle_seed)
        return data.batch(options.batch_size)


def purchases(rows: int, seed: int) -> dict[str, np.ndarray]:
    """Customers c buy products near 3c: `q` and `p` are the ids."""
    random = np.random.default_rng(seed)
    customer = random.integers(0, CUSTOMERS, rows)
    product = (customer * 3 + random.integers(0, 4, rows)) % PRODUCTS
    return {"q": customer.astype(np.int32), "p": product.astype(np.int32)}


def run(**config: Any) -> Run:
    """A run over ids only; one out-of-vocabulary row in each table."""
    settled = {
        "epochs": 3,
        "batch_size": 64,
        "learning_rate": 0.05,
        "optimizer": "adam",
        "clip_norm": 0.0,
        "patience": 0,
        "top_k": 10,
        "query": {"id": "q", "inputs": ["q"], "oov": 1},
        "candidate": {"id": "p", "inputs": ["p"], "oov": 1},
    } | config
    return Run(
        config=settled,
        transform=None,
        vocabulary_size={"q_vocab": CUSTOMERS, "p_vocab": PRODUCTS},
        train_files=[],
        eval_files=[],
        data_accessor=None,
        serving_model_dir="",
        seed=int(config.get("seed", 1)),
    )


def examples(rows: int, seed: int) -> Examples:
    return Examples(rows, purchases(rows, seed))


def catalogue() -> Catalogue:
    ids = np.array([f"p{i}".encode() for i in range(PRODUCTS)], dtype=object)
    return Catalogue(ids, {"p": np.arange(PRODUCTS, dtype=np.int32)})


class Tower(tf.keras.Model):
    """`last`, by id, stands behind the learned numbers of a vector."""

    def __init__(self, key: str, rows: int, dropout: float = 0.0, last: Any = None) -> None:
        super().__init__(name={"q": "query", "p": "candidate"}[key])
        self.key = key
        self.last = last
        self.table = tf.keras.layers.Embedding(rows, 8, name=f"{self.name}_{key}")
        self.body = tf.keras.Sequential(
            [tf.keras.layers.Dropout(dropout), tf.keras.layers.Dense(8)], name=f"{self.name}_body"
        )

    def call(self, features, training=False):
        vector = self.body(self.table(features[self.key]), training=training)
        if self.last is None:
            return vector
        return tf.concat([vector, tf.gather(self.last, features[self.key])[:, None]], axis=1)


class Model(tf.keras.Model):
    """In-batch softmax, as generated modules have it; with `share` also their prior."""

    def __init__(self, dropout: float = 0.0, share: Any = None) -> None:
        super().__init__()
        ones = prior = None
        if share is not None:
            ones, prior = tf.ones([CUSTOMERS + 1]), tf.math.log(share)
        self.query_tower = Tower("q", CUSTOMERS + 1, dropout, ones)
        self.candidate_tower = Tower("p", PRODUCTS + 1, last=prior)

    def compute_loss(self, features, training=False):
        query = self.query_tower(features, training=training)
        candidate = self.candidate_tower(features, training=training)
        scores = tf.matmul(query, candidate, transpose_b=True)
        labels = tf.range(tf.shape(scores)[0])
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, scores)
        return tf.reduce_mean(losses)


def fitted(seed: int = 1, dropout: float = 0.0, rows: int = 600, **config: Any):
    """A model after training, its run and its metrics."""
    tf.keras.utils.set_random_seed(seed)
    made, model = run(seed=seed, **config), Model(dropout)
    metrics = training.fit(made, model, examples(rows, 1), examples(120, 2), catalogue())
    return made, model, metrics
