"""examples: the Parquet splits of a run as TFRecords of tf.Examples."""

from b2brecs_runtime import data, records, storage
from b2brecs_runtime.components import Report
from b2brecs_runtime.config import SPLITS
from b2brecs_runtime.executor import Task


def run(task: Task, report: Report) -> None:
    """Writes Split-train, Split-eval and Split-test.

    The row order is the data's. An empty eval or test split is written as an
    empty file; an empty training split raises NoData.
    """
    config, artifact = task.config, task.output("examples")
    columns = data.example_columns(config)
    names = [c.name for c in columns]
    counts: dict[str, int] = {}
    with storage.publish(artifact.uri) as folder:
        for split in SPLITS:
            batches = (data.as_lists(b, columns) for b in data.batches(task.root, split, names))
            counts[split] = records.write(
                records.split_folder(folder, split), batches, "data_tfrecord", keep=True
            )
            print(f"{split}: {counts[split]:,} rows")
            report({"rows": sum(counts.values())})
            if not counts["train"]:
                raise data.NoData("no data: the training split has no rows")
    artifact.metadata.update(
        rows=counts,
        split_names=list(SPLITS),
        fact=f"{sum(counts.values()):,} rows",
    )
