"""statistics: TFDV statistics of every split, and the document the page shows."""

from typing import Any

import pyarrow as pa

from b2brecs_runtime import data, ensure_tensorflow, records, statistics_document, storage
from b2brecs_runtime.components import Report
from b2brecs_runtime.config import SPLITS
from b2brecs_runtime.executor import Task

# Splits above this are summarised by Beam, whose memory is bounded; below it
# one in-process pass is many times faster.
IN_PROCESS_ROWS = 5_000_000


def run(task: Task, report: Report) -> None:
    """Writes Split-*/FeatureStats.pb and the run's statistics.json."""
    ensure_tensorflow()
    examples, artifact = task.input("examples"), task.output("statistics")
    columns = data.example_columns(task.config)
    rows = {s: int((examples.metadata.get("rows") or {}).get(s, -1)) for s in SPLITS}
    documents: dict[str, Any] = {}
    with storage.publish(artifact.uri) as folder:
        for split in SPLITS:
            if rows[split] > IN_PROCESS_ROWS:
                stats = _with_beam(records.pattern(examples.uri, split), task.config.beam)
            else:
                stats = _in_process(examples.uri, split)
            if stats is None:
                continue
            target = storage.join(records.split_folder(folder, split), "FeatureStats.pb")
            storage.write_bytes(target, stats.SerializeToString())
            documents[split] = statistics_document.document(stats, split, columns)
            print(f"{split}: {documents[split]['num_examples']:,} examples")
    storage.write_json(task.in_run("statistics.json"), {**documents["train"], "splits": documents})
    artifact.metadata.update(
        split_names=list(documents),
        num_features=documents["train"]["num_features"],
        fact=f"{documents['train']['num_features']} features",
    )


def _in_process(artifact: str, split: str) -> Any:
    """Statistics of one split in this process; None when it has no rows."""
    from tensorflow_data_validation.statistics import stats_impl
    from tensorflow_data_validation.statistics.stats_options import StatsOptions
    from tfx_bsl.arrow import table_util

    parts = list(records.read(artifact, split, data.BATCH_ROWS))
    if not parts or not sum(p.num_rows for p in parts):
        return None
    batch: pa.RecordBatch = parts[0] if len(parts) == 1 else table_util.MergeRecordBatches(parts)
    return stats_impl.generate_statistics_in_memory(batch, StatsOptions())


def _with_beam(pattern: str, arguments: tuple[str, ...]) -> Any:
    """Statistics of one split by a Beam pipeline, with the config's runner."""
    import tempfile

    import tensorflow_data_validation as tfdv
    from apache_beam.options.pipeline_options import PipelineOptions

    with tempfile.TemporaryDirectory(prefix="b2brecs-") as scratch:
        # TFDV says bytes and means text.
        output: Any = storage.join(scratch, "FeatureStats.pb")
        return tfdv.generate_statistics_from_tfrecord(
            data_location=pattern,
            output_path=output,
            pipeline_options=PipelineOptions(list(arguments)),
        )
