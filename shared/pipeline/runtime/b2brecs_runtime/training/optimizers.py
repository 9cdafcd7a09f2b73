"""The optimizers a model configuration can name."""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

# AdamW's decoupled decay per step, times the learning rate (Loshchilov & Hutter 2019).
WEIGHT_DECAY = 0.004


def make(config: Mapping[str, Any]) -> Any:
    """A Keras optimizer; clip_norm above 0 bounds the global gradient norm."""
    kinds = {
        "adam": tf.keras.optimizers.Adam,
        "adagrad": tf.keras.optimizers.Adagrad,
        "sgd": tf.keras.optimizers.SGD,
        "rmsprop": tf.keras.optimizers.RMSprop,
        "ftrl": tf.keras.optimizers.Ftrl,
        "adamw": lambda **k: tf.keras.optimizers.AdamW(weight_decay=WEIGHT_DECAY, **k),
    }
    if config["optimizer"] not in kinds:
        raise ValueError(f"unknown optimizer {config['optimizer']!r}; there are {sorted(kinds)}")
    clip = config["clip_norm"] or None
    return kinds[config["optimizer"]](learning_rate=config["learning_rate"], global_clipnorm=clip)
