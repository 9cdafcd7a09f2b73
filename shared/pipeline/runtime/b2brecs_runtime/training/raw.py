"""Raw columns through the transform graph, in training and in the exported model."""

import keyword
from collections.abc import Iterable, Mapping
from typing import Any

import tensorflow as tf
import tensorflow_transform as tft

DTYPES = {"STRING": tf.string, "INT64": tf.int64, "FLOAT64": tf.float32}


class TransformGraph(tf.Module):
    """The run's transform graph as a function of some of its columns.

    A tf.Module, because an exported model has to own the graph's lookup tables.
    """

    def __init__(self, transform: tft.TFTransformOutput) -> None:
        super().__init__(name="transform")
        self._spec = transform.raw_feature_spec()
        self._loaded = tf.saved_model.load(transform.transform_savedmodel_dir)

    @tf.autograph.experimental.do_not_convert
    def __call__(
        self, columns: Mapping[str, tf.Tensor], keys: Iterable[str]
    ) -> dict[str, tf.Tensor]:
        """Transformed features by key, each [rows], from raw columns, each [rows].

        The graph wants all columns of the dataset. Those not given are filled
        with blanks; `keys` MUST NOT depend on them, and TensorFlow then leaves
        their part of the graph out.
        """
        rows = tf.shape(next(iter(columns.values())))[0]
        inputs = {}
        for name, feature in self._spec.items():
            values = columns.get(name)
            if values is None:
                blank = "" if feature.dtype == tf.string else 0
                values = tf.fill([rows], tf.constant(blank, feature.dtype))
            inputs[name] = _shaped(_cast(values, feature.dtype), feature)
        out = self._loaded.transform_fn(inputs)
        return {key: tf.reshape(out[key], [-1]) for key in dict.fromkeys(keys)}


def _cast(values: tf.Tensor, dtype: Any) -> tf.Tensor:
    """In the graph's type. Stock TFX reads a column of digits as numbers, whatever it is."""
    if values.dtype == dtype:
        return values
    if values.dtype == tf.string:
        return tf.strings.to_number(values, dtype)
    return tf.strings.as_string(values) if dtype == tf.string else tf.cast(values, dtype)


def _shaped(values: tf.Tensor, feature: Any) -> tf.Tensor | tf.SparseTensor:
    """[rows] values in the shape that the graph was traced with.

    A schema with inferred shapes gives [rows, 1], one without gives sparse
    tensors, a hand-made one may give [rows].
    """
    if isinstance(feature, tf.io.FixedLenFeature):
        return tf.expand_dims(values, 1) if feature.shape else values
    rows = tf.shape(values, out_type=tf.int64)[0]
    indices = tf.stack([tf.range(rows), tf.zeros([rows], tf.int64)], axis=1)
    return tf.SparseTensor(indices, values, tf.stack([rows, tf.constant(1, tf.int64)]))


def input_name(column: str) -> str:
    """What a signature calls a column: its name, where TensorFlow allows it.

    Signature inputs are Python parameters to TensorFlow. A keyword, `self` and
    names that start with _ become column_<name>.
    """
    taken = keyword.iskeyword(column) or column == "self" or column.startswith("_")
    return f"column_{column}" if taken else column


def signature(columns: Mapping[str, str]) -> dict[str, tf.TensorSpec]:
    """Specs of raw columns by name, [None] each, from their pipeline types."""
    return {
        name: tf.TensorSpec([None], DTYPES[kind], name=input_name(name))
        for name, kind in columns.items()
    }
