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
        "ftrl": _Ftrl,
        "adamw": lambda **k: tf.keras.optimizers.AdamW(weight_decay=WEIGHT_DECAY, **k),
    }
    if config["optimizer"] not in kinds:
        raise ValueError(f"unknown optimizer {config['optimizer']!r}; there are {sorted(kinds)}")
    clip = config["clip_norm"] or None
    return kinds[config["optimizer"]](learning_rate=config["learning_rate"], global_clipnorm=clip)


class _Ftrl(tf.keras.optimizers.Ftrl):
    """FTRL that starts from the initial weights.

    Keras's derives the weights from the sum of gradients alone, so its first step
    takes them to almost zero, and two towers at zero have no gradient. The sum that
    stands for the initial weights makes the first steps Adagrad's (McMahan 2011,
    https://proceedings.mlr.press/v15/mcmahan11b.html).
    """

    def build(self, var_list: list[Any]) -> None:
        built = getattr(self, "_built", False)
        super().build(var_list)
        if not built:
            scale = self.initial_accumulator_value**-self.learning_rate_power / self.learning_rate
            for variable, linear in zip(var_list, self._linears, strict=True):
                linear.assign(-scale * variable)
