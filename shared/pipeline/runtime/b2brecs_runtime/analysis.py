"""TFT's analysis in this process, without a Beam pipeline.

tensorflow_transform compiles a preprocessing_fn into a graph of analysis
operations, which its own implementation turns into a Beam pipeline. On one
machine the pipeline's fixed cost (about 12 s, whatever the rows) is larger than
the work. This module walks the same graph and runs the same combiners and the
same SavedModel writer directly, on batches in memory.

It covers what generated modules use: combiner analyzers (moments, quantiles,
minimum, maximum, ...) and vocabularies by frequency. Anything else raises
Unsupported before data is read, and the caller uses Beam. A test compares both.
"""

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow_transform import (
    analyzer_nodes,
    analyzers,
    graph_context,
    graph_tools,
    impl_helper,
    nodes,
)
from tensorflow_transform.beam import analysis_graph_builder, analyzer_impls, beam_nodes
from tensorflow_transform.beam import common as beam_common
from tensorflow_transform.beam import impl as beam_impl

Batches = Callable[[], Iterable[Mapping[str, Any]]]
_Ordering = analyzers._VocabOrderingType


class Unsupported(Exception):
    """The preprocessing_fn uses an analysis that only Beam runs."""


def analyze(
    preprocessing_fn: Callable[..., Any],
    specs: Mapping[str, tf.TypeSpec],
    batches: Batches,
    scratch: str,
) -> str:
    """Analyses the data and returns the folder of the finished transform function.

    `batches` gives the data anew at every call, as tensors by feature name that
    fit `specs`. `scratch` is an existing folder for the result and everything
    temporary. Raises Unsupported before any data is read.
    """
    graph, inputs, outputs = impl_helper.trace_preprocessing_function(
        preprocessing_fn, specs, False, scratch
    )
    if not isinstance(outputs, dict) or not outputs:
        raise ValueError("preprocessing_fn must return a dict with at least one output")
    fingerprint = graph_tools.get_analyzers_fingerprint(graph, inputs)
    future, _, side_effects = analysis_graph_builder.build(graph, inputs, outputs)
    if side_effects:
        raise Unsupported("an analysis with side effects")
    nodes.Traverser(_Check()).visit_value_node(future)
    run = _Run(preprocessing_fn, specs, batches, scratch, fingerprint)
    return nodes.Traverser(run).visit_value_node(future)[0]


class _Check(nodes.Visitor):
    """Refuses graphs with an operation that _Run does not know."""

    def visit(self, operation_def: Any, input_values: tuple[Any, ...]) -> Any:
        method = _OPERATIONS.get(type(operation_def))
        if method is None:
            raise Unsupported(type(operation_def).__name__)
        ordering = getattr(operation_def, "vocab_ordering_type", None)
        if ordering not in (None, _Ordering.FREQUENCY, _Ordering.WEIGHTED_FREQUENCY):
            raise Unsupported(f"a vocabulary ordered by {ordering.name}")
        if getattr(operation_def, "key_fn", None) is not None:
            raise Unsupported("a vocabulary with coverage by key")
        if getattr(operation_def, "file_format", "text") != "text":
            raise Unsupported("a vocabulary file that is not text")
        return (None,) * operation_def.num_outputs

    def validate_value(self, value: Any) -> None:
        """Every value is allowed."""


class _Run(nodes.Visitor):
    """Evaluates the graph. Every value is a list of elements, as a PCollection would be."""

    def __init__(
        self,
        preprocessing_fn: Callable[..., Any],
        specs: Mapping[str, tf.TypeSpec],
        batches: Batches,
        scratch: str,
        fingerprint: Any,
    ) -> None:
        self.preprocessing_fn = preprocessing_fn
        self.specs = specs
        self.batches = batches
        self.scratch = scratch
        self.fingerprint = fingerprint

    def visit(self, operation_def: Any, input_values: tuple[Any, ...]) -> Any:
        outputs = _OPERATIONS[type(operation_def)](self, operation_def, *input_values)
        return outputs if isinstance(outputs, tuple) else (outputs,)

    def validate_value(self, value: Any) -> None:
        """Every value is allowed."""

    def input(self, operation: Any) -> list[Any]:
        return [self.batches]

    def binding(self, operation: Any, values: list[Any]) -> list[Any]:
        (value,) = values
        return [
            beam_impl._TensorBinding(
                value, operation.tensor_name, operation.dtype_enum, operation.is_asset_filepath
            )
        ]

    def function(self, operation: Any, *bindings: list[Any]) -> list[Any]:
        """The preprocessing_fn with the analyses known so far bound as constants.

        The last one is written as a SavedModel by TFT's own writer. Those in
        between only feed analyzers and are only traced.
        """
        known = beam_impl._get_tensor_replacement_map(None, *(b for one in bindings for b in one))
        if operation.label == "CreateSavedModel":
            folder = beam_common.get_unique_temp_path(self.scratch)
            impl_helper.trace_and_write_v2_saved_model(
                folder,
                self.preprocessing_fn,
                self.specs,
                self.scratch,
                self.fingerprint,
                known,
                {},
                None,
            )
            return [folder]
        owner = tf.Module()
        context = graph_context.TFGraphContext(
            module_to_export=owner, temp_dir=self.scratch, evaluated_replacements=known
        )
        wanted = {name: tensor.name for name, tensor in operation.output_signature.items()}
        traced = impl_helper.get_traced_transform_fn(
            self.preprocessing_fn, self.specs, context, wanted
        )
        # The owner keeps the lookup tables alive that the function captures.
        return [(traced.get_concrete_function(), owner)]

    def apply(self, operation: Any, functions: list[Any], sources: list[Any]) -> list[Any]:
        ((concrete, _owner),), (batches,) = functions, sources
        return [
            {name: np.asarray(value) for name, value in concrete(dict(batch)).items()}
            for batch in batches()
        ]

    def extract(self, operation: Any, elements: list[Any]) -> list[Any]:
        keys = operation.keys
        if isinstance(keys, tuple):
            return [tuple(element[key] for key in keys) for element in elements]
        return [element[keys] for element in elements]

    def flatten(self, operation: Any, *inputs: list[Any]) -> list[Any]:
        return [element for one in inputs for element in one]

    def flatten_lists(self, operation: Any, elements: list[Any]) -> list[Any]:
        return [item for element in elements for item in element]

    def add_key(self, operation: Any, elements: list[Any]) -> list[Any]:
        return [(operation.key, element) for element in elements]

    def accumulate(self, operation: Any, batches: list[Any]) -> list[Any]:
        return [_accumulated(operation.combiner, batches)]

    def merge(self, operation: Any, accumulators: list[Any]) -> list[Any]:
        return [_merged(operation.combiner, accumulators)]

    def accumulate_packed(self, operation: Any, batches: list[Any]) -> list[Any]:
        return [
            {
                packed.label: _accumulated(
                    packed.combiner, [tuple(b[key] for key in packed.keys) for b in batches]
                )
                for packed in operation.combiners
            }
        ]

    def merge_packed(self, operation: Any, keyed: list[Any]) -> list[Any]:
        return [
            {
                packed.label: _merged(
                    packed.combiner, [value for key, value in keyed if key == packed.keys[0]]
                )
                for packed in operation.combiners
            }
        ]

    def outputs(self, operation: Any, results: list[Any]) -> tuple[Any, ...]:
        (values,) = results
        if len(values) != operation.num_outputs:
            raise ValueError(
                f"{operation.label}: {len(values)} values, not {operation.num_outputs}"
            )
        return tuple([value] for value in values)

    def count_tokens(self, operation: Any, batches: list[Any]) -> list[Any]:
        counts: Counter[Any] = Counter()
        for batch in batches:
            if operation.vocab_ordering_type == _Ordering.WEIGHTED_FREQUENCY:
                tokens, weights = batch
                for token, weight in zip(tokens.tolist(), weights.tolist(), strict=True):
                    counts[token] += weight
            else:
                (tokens,) = batch
                counts.update(tokens.tolist())
        return list(counts.items())

    def merge_tokens(self, operation: Any, pairs: list[Any]) -> list[Any]:
        counts: Counter[Any] = Counter()
        for token, count in pairs:
            counts[token] += count
        return [(count, token) for token, count in counts.items()]

    def prune_tokens(self, operation: Any, pairs: list[Any]) -> list[Any]:
        threshold, top = operation.frequency_threshold, operation.top_k
        kept = [pair for pair in pairs if not threshold or pair[0] >= threshold]
        if operation.input_dtype != tf.string.name:
            kept = [(n, tf.compat.as_bytes(tf.compat.as_str_any(token))) for n, token in kept]
        if top is None:
            return kept
        # Largest first, as Beam's Top gives them: by count, then by token.
        best = sorted(kept, reverse=True)[:top]
        return analyzer_impls.maybe_add_empty_vocabulary_dummy(best, operation.input_dtype)

    def vocabulary_size(self, operation: Any, pairs: list[Any]) -> list[Any]:
        # An empty vocabulary is written with one dummy entry.
        return [np.int64(max(len(pairs), 1))]

    def write_vocabulary(self, operation: Any, pairs: list[Any]) -> list[Any]:
        ordered = list(pairs)
        if operation.fingerprint_shuffle:
            ordered.sort(key=lambda pair: hashlib.sha1(pair[1]).digest())
        elif not operation.input_is_sorted:
            ordered.sort(reverse=True)
        ordered = analyzer_impls.maybe_add_empty_vocabulary_dummy(ordered, operation.input_dtype)
        name = os.path.join(self.scratch, operation.vocab_filename)
        os.makedirs(os.path.dirname(name), exist_ok=True)
        with open(name, "wb") as handle:
            for count, token in ordered:
                if operation.store_frequency:
                    handle.write(analyzer_impls._count_and_token_to_bytes(count, token) + b"\n")
                else:
                    handle.write(tf.compat.as_bytes(token) + b"\n")
        return [np.array(name)]


def _accumulated(combiner: Any, batches: Iterable[Any]) -> Any:
    accumulator = combiner.create_accumulator()
    for batch in batches:
        accumulator = combiner.add_input(accumulator, batch)
    return combiner.compact(accumulator)


def _merged(combiner: Any, accumulators: list[Any]) -> Any:
    present = [a for a in accumulators if a is not None]
    whole = combiner.merge_accumulators(present) if present else combiner.create_accumulator()
    return combiner.extract_output(combiner.compact(whole))


_OPERATIONS: dict[type, Callable[..., Any]] = {
    beam_nodes.ExtractInputForSavedModel: _Run.input,
    beam_nodes.CreateTensorBinding: _Run.binding,
    beam_nodes.CreateSavedModel: _Run.function,
    beam_nodes.ApplySavedModel: _Run.apply,
    beam_nodes.ExtractFromDict: _Run.extract,
    beam_nodes.Flatten: _Run.flatten,
    analyzer_nodes.FlattenLists: _Run.flatten_lists,
    analyzer_nodes.AddKey: _Run.add_key,
    analyzer_nodes.CacheableCombineAccumulate: _Run.accumulate,
    analyzer_nodes.CacheableCombineMerge: _Run.merge,
    analyzer_nodes.PackedCombineAccumulate: _Run.accumulate_packed,
    analyzer_nodes.PackedCombineMerge: _Run.merge_packed,
    analyzer_nodes.ExtractCombineMergeOutputs: _Run.outputs,
    analyzer_nodes.ExtractPackedCombineMergeOutputs: _Run.outputs,
    analyzer_nodes.VocabularyAccumulate: _Run.count_tokens,
    analyzer_nodes.VocabularyMerge: _Run.merge_tokens,
    analyzer_nodes.VocabularyPrune: _Run.prune_tokens,
    analyzer_nodes.VocabularyCount: _Run.vocabulary_size,
    analyzer_nodes.VocabularyOrderAndWrite: _Run.write_vocabulary,
}
