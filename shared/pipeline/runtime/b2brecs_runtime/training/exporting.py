"""The exported model: signatures on raw columns, and the document that describes them."""

import os
from typing import Any

import tensorflow as tf

from b2brecs_runtime import storage
from b2brecs_runtime.training.products import Catalogue
from b2brecs_runtime.training.raw import input_name, signature
from b2brecs_runtime.training.run import Run
from b2brecs_runtime.training.scann_index import scann_index


class Serving(tf.Module):
    """What is saved: the transform graph, both towers' weights, the catalogue.

    The towers' variables are owned as a list, not as Keras models: Keras would
    trace and write every layer by itself, for which nothing here has a use.
    """

    def __init__(self, run: Run, model: Any, catalogue: Catalogue) -> None:
        super().__init__(name="two_tower")
        query, candidate = run.config["query"], run.config["candidate"]
        self.graph = run.graph
        self.weights = list(model.query_tower.variables) + list(model.candidate_tower.variables)
        self.vectors = tf.Variable(catalogue.embed(model.candidate_tower), trainable=False)
        self.ids = tf.Variable(tf.constant(catalogue.ids), trainable=False)
        k = min(run.config["top_k"], len(catalogue))
        # The exact scores again for what an approximate index proposes.
        self.index = (
            scann_index(run, model, catalogue, k) if run.config["index"] == "scann" else None
        )

        def embed_query(columns):
            return model.query_tower(self.graph(columns, query["inputs"]), training=False)

        def embed_candidate(columns):
            return model.candidate_tower(self.graph(columns, candidate["inputs"]), training=False)

        def recommend(columns):
            vectors = embed_query(columns)
            if self.index is not None:
                scores, places = self.index(vectors)
            else:
                scores = tf.matmul(vectors, self.vectors, transpose_b=True)
                scores, places = tf.math.top_k(scores, k=k)
            return {"product_ids": tf.gather(self.ids, places), "scores": scores}

        queries = [signature(query["columns"])]
        self.recommend = tf.function(recommend, input_signature=queries)
        self.embed_query = tf.function(
            lambda columns: {"embedding": embed_query(columns)}, input_signature=queries
        )
        self.embed_candidate = tf.function(
            lambda columns: {"embedding": embed_candidate(columns)},
            input_signature=[signature(candidate["columns"])],
        )


def export(run: Run, model: Any, catalogue: Catalogue) -> None:
    """Writes the SavedModel and serving_schema.json to run.serving_model_dir.

    Signatures, all on raw columns shaped [rows]:
      serving_default: customer columns -> product_ids [rows, k], scores [rows, k],
        best first, k = min(top_k, products);
      embed_query: customer columns -> embedding [rows, dim];
      embed_candidate: product columns -> embedding [rows, dim], what the towers put
        behind the learned numbers included: scores are dot products of the whole.
    """
    with run.timed("export"):
        serving = Serving(run, model, catalogue)
        options = tf.saved_model.SaveOptions(
            namespace_whitelist=["Scann"] if serving.index is not None else None
        )
        tf.saved_model.save(
            serving,
            run.serving_model_dir,
            signatures={
                "serving_default": serving.recommend.get_concrete_function(),
                "embed_query": serving.embed_query.get_concrete_function(),
                "embed_candidate": serving.embed_candidate.get_concrete_function(),
            },
            options=options,
        )
        path = os.path.join(run.serving_model_dir, "serving_schema.json")
        storage.write_json(path, schema(run, catalogue, serving.index is not None))
    if run.journal is not None:
        run.journal.save()  # with the seconds of the export


def schema(run: Run, catalogue: Catalogue, approximate: bool) -> dict[str, Any]:
    """serving_schema.json: how to call the model without reading its code."""
    config = run.config

    def inputs(tower: str) -> list[dict[str, Any]]:
        examples = {"STRING": "text", "INT64": 0, "FLOAT64": 0.0}
        return [
            {
                "name": input_name(name),
                "column": name,
                "type": kind,
                "shape": [None],
                "example": examples[kind],
            }
            for name, kind in config[tower]["columns"].items()
        ]

    k = min(config["top_k"], len(catalogue))
    identifier = config["candidate"]["columns"][config["candidate"]["id_column"]]
    vector = [{"name": "embedding", "type": "FLOAT", "shape": [None, None]}]
    return {
        "version": 1,
        "model": {
            name: config[name]
            for name in (
                "feature_config",
                "feature_config_version",
                "model_config",
                "model_config_version",
                "program",
            )
        },
        "products": len(catalogue),
        "index": "scann" if approximate else "brute_force",
        "notes": {
            "times": "Unix seconds, UTC",
            "missing_text": "__MISSING__ or the empty string",
            "missing_number": 0,
        },
        "signatures": {
            "serving_default": {
                "inputs": inputs("query"),
                "outputs": [
                    {"name": "product_ids", "type": identifier, "shape": [None, k]},
                    {"name": "scores", "type": "FLOAT", "shape": [None, k]},
                ],
            },
            "embed_query": {"inputs": inputs("query"), "outputs": vector},
            "embed_candidate": {"inputs": inputs("candidate"), "outputs": vector},
        },
    }
