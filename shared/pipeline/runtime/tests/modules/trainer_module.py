"""A small hand-written trainer in the shape of the generated ones: no library of ours."""

import json
import os

import tensorflow as tf
import tensorflow_recommenders as tfrs
import tensorflow_transform as tft
from tfx_bsl.public import tfxio

QUERY = {"customer_id": tf.string, "region": tf.string}
CANDIDATE = {"product_id": tf.string, "category": tf.string, "price": tf.float32}
NEUTRAL = {"sold_at": tf.int64, "price": tf.float32}


class Tower(tf.keras.Model):
    def __init__(self, sizes, dim):
        super().__init__()
        self.tables = {k: tf.keras.layers.Embedding(n, dim) for k, n in sizes.items()}
        self.out = tf.keras.layers.Dense(dim)

    def call(self, features):
        parts = [self.tables[k](tf.reshape(features[k], [-1])) for k in self.tables]
        return self.out(tf.concat(parts, axis=1))


class TwoTower(tfrs.Model):
    def __init__(self, output):
        super().__init__()
        size = {
            k: output.vocabulary_size_by_name(f"{k}_vocab") + 1
            for k in ("f00", "f01", "f02", "f03")
        }
        self.query = Tower({k: size[k] for k in ("f00", "f02")}, 16)
        self.candidate = Tower({k: size[k] for k in ("f01", "f03")}, 16)
        self.task = tfrs.tasks.Retrieval()

    def compute_loss(self, features, training=False):
        return self.task(self.query(features), self.candidate(features))


def _signature(output, tower, columns):
    layer = output.transform_features_layer()
    spec = output.raw_feature_spec()

    def embed(**raw):
        rows = tf.shape(next(iter(raw.values())))[0]
        full = {}
        for name, feature in spec.items():
            if name in raw:
                full[name] = tf.reshape(raw[name], [-1, 1])
            else:
                full[name] = (
                    tf.zeros([rows, 1], feature.dtype)
                    if feature.dtype != tf.string
                    else tf.fill([rows, 1], "")
                )
        return {"vector": tower(layer(full))}

    holder = tf.function(embed)
    return layer, holder.get_concrete_function(
        **{k: tf.TensorSpec([None], t, name=k) for k, t in columns.items()}
    )


def run_fn(fn_args):
    output = tft.TFTransformOutput(fn_args.transform_graph_path)
    custom = fn_args.custom_config

    def data(files, shuffle):
        options = tfxio.TensorFlowDatasetOptions(
            batch_size=custom["batch_size"],
            num_epochs=1,
            shuffle=shuffle,
            shuffle_seed=custom["seed"],
            drop_final_batch=shuffle,
        )
        return fn_args.data_accessor.tf_dataset_factory(
            files, options, output.transformed_metadata.schema
        )

    model = TwoTower(output)
    model.compile(optimizer=tf.keras.optimizers.Adam(custom["learning_rate"]))
    epochs, losses = custom["epochs"], []
    for epoch in range(epochs):
        history = model.fit(data(fn_args.train_files, True), epochs=1, verbose=0)
        losses.append(float(history.history["loss"][-1]))
        document = {"epoch": epoch + 1, "epochs": epochs, "loss": losses[-1]}
        name = os.path.join(custom["output_dir"], "progress.json")
        with tf.io.gfile.GFile(name + f".{epoch}", "w") as handle:
            json.dump(document, handle)
        tf.io.gfile.rename(name + f".{epoch}", name, overwrite=True)
        print(f"epoch {epoch + 1}: loss {losses[-1]:.4f}")
    holder = tf.Module()
    holder.towers = [model.query, model.candidate]
    layer_q, query = _signature(output, model.query, QUERY)
    layer_c, candidate = _signature(output, model.candidate, CANDIDATE)
    holder.layers = [layer_q, layer_c]
    tf.saved_model.save(
        holder,
        fn_args.serving_model_dir,
        signatures={"embed_query": query, "embed_candidate": candidate},
    )
