"""A small hand-written preprocessing_fn in the shape of the generated ones."""

import math

import tensorflow as tf
import tensorflow_transform as tft


def _vocabulary(x, name):
    return tft.compute_and_apply_vocabulary(x, num_oov_buckets=1, vocab_filename=name)


def preprocessing_fn(inputs):
    flat = {name: tf.reshape(x, [-1]) for name, x in inputs.items()}
    seconds = tf.cast(flat["sold_at"], tf.float32)
    angle = seconds * (2 * math.pi / (365.25 * 86400))
    log_price = tf.math.log1p(tf.maximum(flat["price"], 0.0))
    return {
        "f00": _vocabulary(flat["customer_id"], "f00_vocab"),
        "f01": _vocabulary(flat["product_id"], "f01_vocab"),
        "f02": _vocabulary(flat["region"], "f02_vocab"),
        "f03": _vocabulary(flat["category"], "f03_vocab"),
        "f04_norm": tft.scale_to_z_score(log_price, name="f04"),
        "f04_bucket": tft.bucketize(flat["price"], num_buckets=20, name="f04_bucket"),
        "f05_yearly_sin": tf.sin(angle),
        "f05_yearly_cos": tf.cos(angle),
        "qx00": tf.strings.to_hash_bucket_fast(
            tf.strings.join([flat["region"], flat["category"]], separator="\x1f"), 500
        ),
    }
