"""Runs the six components of one experiment in a warm worker and prints the seconds.

    python scripts/bench/warm_pipeline.py RUN_FOLDER --modules FOLDER [--epochs 2] [--batch 1024]

RUN_FOLDER holds config.json and data/, as make_run.py writes them; FOLDER holds
transform_module.py and trainer_module.py. The seconds begin with the worker's
start: importing TensorFlow counts.
"""

# ruff: noqa: D103

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

RUNTIME = Path(__file__).resolve().parents[2] / "shared" / "pipeline" / "runtime"
sys.path.insert(0, str(RUNTIME / "tests"))

from pipeline_support import GRAPH, Run  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--modules", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--batch", type=int, default=1024)
    parser.add_argument("--rate", type=float, default=0.005)
    a = parser.parse_args()
    started = time.monotonic()
    worker = subprocess.Popen(
        [sys.executable, "-m", "b2brecs_runtime.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": str(RUNTIME)},
    )
    assert worker.stdin and worker.stdout
    run = Run(a.folder, json.loads(Path(a.folder, "config.json").read_text()), a.modules.resolve())
    run.epochs, run.batch_size, run.learning_rate = a.epochs, a.batch, a.rate
    seconds: dict[str, float] = {}
    for task in GRAPH:
        began = time.monotonic()
        request = {"id": task, "component": task, "executor_input": run.executor_input(task)}
        worker.stdin.write(json.dumps(request) + "\n")
        worker.stdin.flush()
        for line in worker.stdout:
            event = json.loads(line)
            if event["event"] == "log":
                print("   ", event["line"])
            elif event["event"] == "failed":
                sys.exit(event["error"]["traceback"])
            elif event["event"] == "done":
                break
        seconds[task] = round(time.monotonic() - began, 2)
        print(f"{task}: {seconds[task]} s", flush=True)
    total = round(time.monotonic() - started, 2)
    memory = [
        line
        for line in Path(f"/proc/{worker.pid}/status").read_text().splitlines()
        if "VmHWM" in line
    ]
    worker.stdin.close()
    worker.wait()
    result = run.document("evaluation.json")
    print(
        json.dumps(
            {
                "seconds": seconds,
                "total": total,
                "peak": memory[0].split(":")[1].strip(),
                **{k: result[k] for k in ("model", "popularity", "item_knn")},
            }
        )
    )


if __name__ == "__main__":
    main()
