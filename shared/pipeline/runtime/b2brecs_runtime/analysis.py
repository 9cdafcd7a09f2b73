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
    plan = _Plan()
    nodes.Traverser(plan).visit_value_node(future)
    run = _Run(preprocessing_fn, specs, batches, scratch, fingerprint, plan.folds)
    return nodes.Traverser(run).visit_value_node(future)[0]


class _Fold:
    """What an accumulating operation does with the batches, one after the other."""

    def __init__(self, operation: Any, keys: tuple[str, ...]) -> None:
        self.operation, self.keys = operation, keys

    def start(self) -> Any:
        """An empty state."""
        kind = type(self.operation)
        if kind is analyzer_nodes.VocabularyAccumulate:
            return Counter()
        if kind is analyzer_nodes.PackedCombineAccumulate:
            return [packed.combiner.create_accumulator() for packed in self.operation.combiners]
        return self.operation.combiner.create_accumulator()

    def add(self, state: Any, batch: Mapping[str, np.ndarray]) -> Any:
        """The state after one more batch."""
        kind = type(self.operation)
        if kind is analyzer_nodes.PackedCombineAccumulate:
            return [
                packed.combiner.add_input(one, tuple(batch[key] for key in packed.keys))
                for packed, one in zip(self.operation.combiners, state, strict=True)
            ]
        values = tuple(batch[key] for key in self.keys)
        if kind is not analyzer_nodes.VocabularyAccumulate:
            return self.operation.combiner.add_input(state, values)
        if self.operation.vocab_ordering_type == _Ordering.WEIGHTED_FREQUENCY:
            tokens, weights = values
            for token, weight in zip(tokens.tolist(), weights.tolist(), strict=True):
                state[token] += weight
        else:
            (tokens,) = values
            state.update(tokens.tolist())
        return state

    def finish(self, state: Any) -> list[Any]:
        """The operation's output elements."""
        kind = type(self.operation)
        if kind is analyzer_nodes.VocabularyAccumulate:
            return list(state.items())
        if kind is analyzer_nodes.PackedCombineAccumulate:
            return [
                {
                    packed.label: packed.combiner.compact(one)
                    for packed, one in zip(self.operation.combiners, state, strict=True)
                }
            ]
        return [self.operation.combiner.compact(state)]


_FOLDED = (
    analyzer_nodes.VocabularyAccumulate,
    analyzer_nodes.PackedCombineAccumulate,
    analyzer_nodes.CacheableCombineAccumulate,
)


class _Plan(nodes.Visitor):
    """Finds what is folded over each pass, and refuses what _Run does not know.

    `folds` lists the folds by the label of the ApplySavedModel they read from.
    A value is that label with the keys extracted from it, or None.
    """

    def __init__(self) -> None:
        self.folds: dict[str, list[_Fold]] = {}

    def visit(self, operation_def: Any, input_values: tuple[Any, ...]) -> Any:
        kind = type(operation_def)
        if kind not in _OPERATIONS:
            raise Unsupported(kind.__name__)
        ordering = getattr(operation_def, "vocab_ordering_type", None)
        if ordering not in (None, _Ordering.FREQUENCY, _Ordering.WEIGHTED_FREQUENCY):
            raise Unsupported(f"a vocabulary ordered by {ordering.name}")
        if getattr(operation_def, "key_fn", None) is not None:
            raise Unsupported("a vocabulary with coverage by key")
        if getattr(operation_def, "file_format", "text") != "text":
            raise Unsupported("a vocabulary file that is not text")
        if kind is beam_nodes.ApplySavedModel:
            self.folds[operation_def.label] = []
            return ((operation_def.label, ()),)
        source = next((value for value in input_values if value is not None), None)
        if kind is beam_nodes.ExtractFromDict and source is not None:
            return ((source[0], operation_def.keys),)
        if kind in _FOLDED and source is not None:
            self.folds[source[0]].append(_Fold(operation_def, source[1]))
        elif source is not None or kind in _FOLDED:
            raise Unsupported(f"{kind.__name__} of the data itself")
        return (None,) * operation_def.num_outputs

    def validate_value(self, value: Any) -> None:
        """Every value is allowed."""


class _Run(nodes.Visitor):
    """Evaluates the graph. A value is a list of elements, as a PCollection would be.

    Only the data is not: a pass over it feeds all its folds batch by batch and
    yields their outputs by label, so memory does not grow with the rows.
    """

    def __init__(
        self,
        preprocessing_fn: Callable[..., Any],
        specs: Mapping[str, tf.TypeSpec],
        batches: Batches,
        scratch: str,
        fingerprint: Any,
        folds: dict[str, list[_Fold]],
    ) -> None:
        self.preprocessing_fn = preprocessing_fn
        self.specs = specs
        self.batches = batches
        self.scratch = scratch
        self.fingerprint = fingerprint
        self.folds = folds

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

    def apply(self, operation: Any, functions: list[Any], sources: list[Any]) -> dict[str, Any]:
        """One pass over the data."""
        ((concrete, _owner),), (batches,) = functions, sources
        folds = self.folds[operation.label]
        states = [fold.start() for fold in folds]
        for batch in batches() if folds else ():
            values = {name: np.asarray(v) for name, v in concrete(dict(batch)).items()}
            for i, fold in enumerate(folds):
                states[i] = fold.add(states[i], values)
        return {
            fold.operation.label: fold.finish(state)
            for fold, state in zip(folds, states, strict=True)
        }

    def extract(self, operation: Any, elements: Any) -> Any:
        if isinstance(elements, dict):
            return elements  # the folds took their keys already
        if isinstance(operation.keys, tuple):
            return [tuple(element[key] for key in operation.keys) for element in elements]
        return [element[operation.keys] for element in elements]

    def folded(self, operation: Any, outputs: dict[str, Any]) -> list[Any]:
        return outputs[operation.label]

    def flatten(self, operation: Any, *inputs: list[Any]) -> list[Any]:
        return [element for one in inputs for element in one]

    def flatten_lists(self, operation: Any, elements: list[Any]) -> list[Any]:
        return [item for element in elements for item in element]

    def add_key(self, operation: Any, elements: list[Any]) -> list[Any]:
        return [(operation.key, element) for element in elements]

    def merge(self, operation: Any, accumulators: list[Any]) -> list[Any]:
        return [_merged(operation.combiner, accumulators)]

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
    analyzer_nodes.CacheableCombineAccumulate: _Run.folded,
    analyzer_nodes.CacheableCombineMerge: _Run.merge,
    analyzer_nodes.PackedCombineAccumulate: _Run.folded,
    analyzer_nodes.PackedCombineMerge: _Run.merge_packed,
    analyzer_nodes.ExtractCombineMergeOutputs: _Run.outputs,
    analyzer_nodes.ExtractPackedCombineMergeOutputs: _Run.outputs,
    analyzer_nodes.VocabularyAccumulate: _Run.folded,
    analyzer_nodes.VocabularyMerge: _Run.merge_tokens,
    analyzer_nodes.VocabularyPrune: _Run.prune_tokens,
    analyzer_nodes.VocabularyCount: _Run.vocabulary_size,
    analyzer_nodes.VocabularyOrderAndWrite: _Run.write_vocabulary,
}
