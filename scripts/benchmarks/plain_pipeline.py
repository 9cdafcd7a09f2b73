"""The work of one experiment as a person would write it in one script: the yardstick.

    python plain_pipeline.py RUN_FOLDER --module transform_module.py --query f00,f02 \
        --candidate f01,f03 [--buckets c0=1000,c1=50] [--epochs 2] [--batch 4096]

RUN_FOLDER holds config.json and data/{train,eval,test}/*.parquet, as the run folder of
an experiment does; --buckets gives the size of the keys that have no vocabulary. TFDV from data frames, TFT through Beam in memory, a TFRS two-tower
as in its tutorial (in-batch softmax, Adagrad 0.1), a SavedModel with a
brute-force index, then full-catalogue recall and NDCG beside popularity and
item-kNN, and top-100 lists. It uses the libraries' documented interfaces and
nothing of this repository. Prints the seconds of every step as JSON at the end.
"""

# ruff: noqa: D101, D102, D103

import os
import time

START = time.time()
os.environ["TF_USE_LEGACY_KERAS"] = "1"  # TFRS 0.7 needs Keras 2
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import argparse  # noqa: E402
import glob  # noqa: E402
import importlib  # noqa: E402
import json  # noqa: E402
import sys  # noqa: E402
import tempfile  # noqa: E402

import apache_beam as beam  # noqa: E402
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
import pyarrow as pa  # noqa: E402
import scipy.sparse as sp  # noqa: E402
import tensorflow as tf  # noqa: E402
import tensorflow_data_validation as tfdv  # noqa: E402
import tensorflow_recommenders as tfrs  # noqa: E402
import tensorflow_transform as tft  # noqa: E402
import tensorflow_transform.beam as tft_beam  # noqa: E402
from tensorflow_metadata.proto.v0 import schema_pb2  # noqa: E402
from tfx_bsl.public import tfxio  # noqa: E402

SECONDS: dict[str, float] = {}


def lap(name: str) -> None:
    global START
    SECONDS[name] = round(time.time() - START, 2)
    print(f"{name}: {SECONDS[name]} s", flush=True)
    START = time.time()


def statistics(frames: dict[str, pd.DataFrame]):
    train = tfdv.generate_statistics_from_dataframe(frames["train"])
    schema = tfdv.infer_schema(train)
    for split in ("eval", "test"):
        found = tfdv.validate_statistics(
            tfdv.generate_statistics_from_dataframe(frames[split]), schema
        )
        for feature, anomaly in found.anomaly_info.items():
            print(f"{split}: {feature}: {anomaly.description}")


def transform(frames: dict[str, pd.DataFrame], config: dict, preprocessing_fn, folder: str) -> None:
    """Arrow record batches in and out, the format TFT's guide recommends for speed."""
    types = {"STRING": pa.binary(), "INT64": pa.int64(), "FLOAT64": pa.float32()}
    arrow = pa.schema([(c["name"], pa.list_(types[c["type"]])) for c in config["columns"]])
    one = schema_pb2.FixedShape(dim=[schema_pb2.FixedShape.Dim(size=1)])
    dense = schema_pb2.TensorRepresentation.DenseTensor
    adapter = tfxio.TensorAdapterConfig(
        arrow_schema=arrow,
        tensor_representations={
            name: schema_pb2.TensorRepresentation(dense_tensor=dense(column_name=name, shape=one))
            for name in arrow.names
        },
    )

    def batches(frame: pd.DataFrame, size: int = 10_000) -> list[pa.RecordBatch]:
        return [
            pa.RecordBatch.from_arrays(
                [
                    pa.array([[v] for v in frame[f.name].iloc[i : i + size]], type=f.type)
                    for f in arrow
                ],
                schema=arrow,
            )
            for i in range(0, len(frame), size)
        ]

    with beam.Pipeline() as pipeline, tft_beam.Context(temp_dir=tempfile.mkdtemp()):
        raw = {
            split: pipeline | f"Create {split}" >> beam.Create(batches(frame))
            for split, frame in frames.items()
        }
        train, transform_fn = (raw["train"], adapter) | tft_beam.AnalyzeAndTransformDataset(
            preprocessing_fn, output_record_batches=True
        )
        done = {"train": train}
        for split in ("eval", "test"):
            done[split] = (
                (raw[split], adapter),
                transform_fn,
            ) | f"Transform {split}" >> tft_beam.TransformDataset(output_record_batches=True)
        for split, data in done.items():
            _ = (
                data
                | f"Encode {split}" >> tft_beam.EncodeTransformedDataset()
                | f"Write {split}" >> beam.io.WriteToTFRecord(os.path.join(folder, split))
            )
        _ = transform_fn | tft_beam.WriteTransformFn(folder)


class Tower(tf.keras.Model):
    def __init__(self, keys: list[str], sizes: dict[str, int]) -> None:
        super().__init__()
        self.keys = keys
        self.tables = {k: tf.keras.layers.Embedding(sizes[k], 32) for k in keys if k in sizes}
        self.out = tf.keras.Sequential(
            [tf.keras.layers.Dense(64, "relu"), tf.keras.layers.Dense(32)]
        )

    def call(self, features):
        parts = []
        for k in self.keys:
            x = tf.reshape(features[k], [-1])
            parts.append(self.tables[k](x) if k in self.tables else tf.reshape(x, [-1, 1]))
        return self.out(tf.concat(parts, axis=1))


class TwoTower(tfrs.Model):
    def __init__(self, query: Tower, candidate: Tower) -> None:
        super().__init__()
        self.query, self.candidate = query, candidate
        self.task = tfrs.tasks.Retrieval()

    def compute_loss(self, features, training=False):
        return self.task(
            self.query(features), self.candidate(features), compute_metrics=not training
        )


def dataset(folder: str, split: str, spec: dict, batch: int) -> tf.data.Dataset:
    return (
        tf.data.TFRecordDataset(sorted(glob.glob(os.path.join(folder, f"{split}-*"))))
        .batch(batch)
        .map(lambda x: tf.io.parse_example(x, spec))
    )


def metrics(scores: np.ndarray, relevant: list[np.ndarray], cutoffs: list[int]) -> dict:
    best = np.argsort(-scores, axis=1, kind="stable")[:, : max(cutoffs)]
    out = {f"{m}@{k}": [] for k in cutoffs for m in ("recall", "ndcg")}
    discount = 1 / np.log2(np.arange(2, max(cutoffs) + 2))
    for row, wanted in zip(best, relevant, strict=True):
        hits = np.isin(row, wanted[wanted >= 0])
        for k in cutoffs:
            size = min(k, len(wanted))
            out[f"recall@{k}"].append(hits[:k].sum() / size)
            out[f"ndcg@{k}"].append((hits[:k] * discount[:k]).sum() / discount[:size].sum())
    return {name: float(np.mean(values)) for name, values in out.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--module", required=True)
    parser.add_argument("--query", required=True)
    parser.add_argument("--candidate", required=True)
    parser.add_argument("--buckets", default="")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--batch", type=int, default=4096)
    a = parser.parse_args()
    lap("imports")

    with open(os.path.join(a.folder, "config.json")) as handle:
        config = json.load(handle)
    customer, product = config["customer"], config["product"]
    frames = {
        s: pd.concat(map(pd.read_parquet, sorted(glob.glob(f"{a.folder}/data/{s}/*.parquet"))))
        for s in ("train", "eval", "test")
    }
    lap("read")
    statistics(frames)
    lap("statistics")

    sys.path.insert(0, os.path.dirname(os.path.abspath(a.module)))
    module = importlib.import_module(os.path.splitext(os.path.basename(a.module))[0])
    work = tempfile.mkdtemp()
    transform(frames, config, module.preprocessing_fn, work)
    lap("transform")

    output = tft.TFTransformOutput(work)
    spec = output.transformed_feature_spec()
    train = dataset(work, "train", spec, a.batch)
    query_keys, candidate_keys = a.query.split(","), a.candidate.split(",")
    buckets = dict(pair.split("=") for pair in a.buckets.split(",") if pair)
    sizes = {
        k: int(buckets[k])
        if k in buckets
        else output.vocabulary_size_by_name(f"{k}_vocab") + 1
        for k in query_keys + candidate_keys
        if spec[k].dtype == tf.int64
    }
    model = TwoTower(Tower(query_keys, sizes), Tower(candidate_keys, sizes))
    model.compile(optimizer=tf.keras.optimizers.Adagrad(0.1))
    cached = train.unbatch().shuffle(100_000).batch(a.batch).cache()
    model.fit(
        cached,
        epochs=a.epochs,
        validation_data=dataset(work, "eval", spec, a.batch),
        verbose=2,
    )
    lap("train")

    # One row per product, and per customer, gives the towers' inputs for the index.
    def first_rows(split_names: list[str], ids: np.ndarray, keys: list[str]) -> tuple:
        found, at = np.unique(ids, return_index=True)
        columns = {k: [] for k in keys}
        for split in split_names:
            for batch in dataset(work, split, spec, 4096):
                for k in keys:
                    columns[k].append(batch[k].numpy().reshape(-1))
        return found, {k: np.concatenate(v)[at] for k, v in columns.items()}

    products, product_rows = first_rows(
        ["train"], frames["train"][product].to_numpy(), candidate_keys
    )
    everyone = np.concatenate([frames[s][customer].to_numpy() for s in frames])
    customers, customer_rows = first_rows(list(frames), everyone, query_keys)
    vectors = model.candidate({k: tf.constant(v) for k, v in product_rows.items()})
    queries = model.query({k: tf.constant(v) for k, v in customer_rows.items()}).numpy()
    index = tfrs.layers.factorized_top_k.BruteForce(model.query, k=100)
    index.index(vectors, tf.constant(products))
    index({k: tf.constant(v[:2]) for k, v in customer_rows.items()})
    tf.saved_model.save(index, os.path.join(work, "model"))
    lap("save")

    product_of = {p: i for i, p in enumerate(products)}
    customer_of = {c: i for i, c in enumerate(customers)}
    tested = {
        c: np.array([product_of.get(p, -1 - n) for n, p in enumerate(rows.unique())])
        for c, rows in frames["test"].groupby(customer)[product]
    }
    users = np.array([customer_of[c] for c in tested])
    relevant = list(tested.values())
    rows = frames["train"][customer].map(customer_of).to_numpy()
    columns = frames["train"][product].map(product_of).to_numpy()
    bought = sp.csr_matrix(
        (np.ones(len(rows)), (rows, columns)), (len(customers), len(products))
    ).sign()
    popularity = np.asarray(bought.sum(axis=0)).ravel()
    unit = bought @ sp.diags(1 / np.sqrt(np.maximum(popularity, 1)))
    similar = (unit.T @ unit).toarray()
    np.fill_diagonal(similar, 0)
    cut = -np.sort(-similar, axis=1)[:, min(100, len(products) - 1)]
    similar[similar < cut[:, None]] = 0
    scores = {
        "model": queries[users] @ vectors.numpy().T,
        "popularity": np.tile(popularity, (len(users), 1)),
        "item_knn": bought[users] @ similar,
    }
    result = {name: metrics(s, relevant, config["cutoffs"]) for name, s in scores.items()}
    lap("evaluate")

    everything = queries @ vectors.numpy().T
    best = np.argsort(-everything, axis=1)[:, :100]
    lists = pd.DataFrame(
        {
            "customer": np.repeat(customers, best.shape[1]),
            "rank": np.tile(np.arange(1, best.shape[1] + 1), len(customers)),
            "product": products[best.ravel()],
            "score": np.take_along_axis(everything, best, axis=1).ravel(),
        }
    )
    lists.to_parquet(os.path.join(work, "recommendations.parquet"))
    lap("recommendations")
    print(json.dumps({"seconds": SECONDS, "total": round(sum(SECONDS.values()), 2), **result}))


if __name__ == "__main__":
    main()
