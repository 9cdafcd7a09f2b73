"""The warm worker as its parent sees it: a real process, spoken to over pipes."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from b2brecs_runtime import records
from pipeline_support import RUNTIME

TRAINER = """
import os, time
def run_fn(fn_args):
    print("begun")
    print("half a line", end="")
    {body}
"""


class Worker:
    def __init__(self):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "b2brecs_runtime.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=RUNTIME,
        )

    def ask(self, **message):
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()

    def start(self, identity, component, document):
        self.ask(id=identity, component=component, executor_input=document)

    def until(self, identity, *events):
        """Events of one request up to the first that is in `events`."""
        seen = []
        for line in self.process.stdout:
            event = json.loads(line)  # nothing but events comes on standard output
            if event["id"] == identity:
                seen.append(event)
                if event["event"] in events:
                    return seen
        raise AssertionError(f"the worker ended with {self.process.wait()} after {seen}")

    def line(self, identity, text):
        """Waits for a log line."""
        for line in self.process.stdout:
            event = json.loads(line)
            if event["id"] == identity and event.get("line") == text:
                return
        raise AssertionError("the worker ended")


@pytest.fixture(scope="module")
def worker():
    one = Worker()
    yield one
    one.process.stdin.close()
    assert one.process.wait(10) == 0


def trainer_input(finished, folder: Path, body: str):
    """The executor input of a trainer whose run_fn does `body`."""
    module = folder / "trainer.py"
    module.write_text(TRAINER.format(body=body))
    document = finished.executor_input("trainer")
    document["inputs"]["parameterValues"]["module"] = str(module)
    document["inputs"]["parameterValues"]["root"] = str(folder)
    for name, group in document["outputs"]["artifacts"].items():
        group["artifacts"][0]["uri"] = str(folder / name)
    document["outputs"]["outputFile"] = str(folder / "executor_output.json")
    return document


def test_runs_a_component(worker, fresh):
    worker.start("r1/examples", "examples", fresh.executor_input("examples"))
    events = worker.until("r1/examples", "done", "failed")
    assert events[0]["event"] == "started"
    assert events[-1]["event"] == "done"
    assert "train: 3,200 rows" in [e.get("line") for e in events]
    assert {"rows": 4000} in [e.get("progress") for e in events]
    assert fresh.output("examples")


def test_queue_keeps_order_and_bad_lines_do_no_harm(worker, fresh):
    worker.process.stdin.write("this is not JSON\n[1]\n{}\n\n")
    worker.start("a", "examples", fresh.executor_input("examples"))
    worker.start("b", "unknown", fresh.executor_input("examples"))
    worker.start("c", "examples", {})
    assert worker.until("a", "done", "failed")[-1]["event"] == "done"
    error = worker.until("b", "done", "failed")[-1]["error"]
    assert (error["type"], "unknown component 'unknown'" in error["message"]) == (
        "InvalidConfig",
        True,
    )
    assert worker.until("c", "done", "failed")[-1]["error"]["type"] == "InvalidConfig"


def test_a_crash_is_told_with_what_a_classifier_needs(worker, finished, tmp_path):
    document = trainer_input(finished, tmp_path, "raise KeyError('price')")
    worker.start("x", "trainer", document)
    events = worker.until("x", "done", "failed")
    assert events[-1]["event"] == "failed"
    error = events[-1]["error"]
    assert error["type"] == "KeyError"
    assert error["message"] == "'price'"
    assert "trainer.py" in error["traceback"]
    assert "run_fn" in error["traceback"]
    assert [e["line"] for e in events if e["event"] == "log"][-1] == "half a line"
    assert not (tmp_path / "executor_output.json").exists()
    assert not (tmp_path / "model").exists()


def test_sys_exit_of_a_module_does_not_end_the_worker(worker, finished, tmp_path):
    worker.start("x", "trainer", trainer_input(finished, tmp_path, "raise SystemExit(3)"))
    assert worker.until("x", "done", "failed")[-1]["error"]["type"] == "SystemExit"


def test_a_module_without_a_model_fails(worker, finished, tmp_path):
    worker.start("x", "trainer", trainer_input(finished, tmp_path, "pass"))
    assert "no SavedModel" in worker.until("x", "done", "failed")[-1]["error"]["message"]


def test_syntax_error_names_the_line(worker, finished, tmp_path):
    worker.start("x", "trainer", trainer_input(finished, tmp_path, "=="))
    error = worker.until("x", "done", "failed")[-1]["error"]
    assert error["type"] == "SyntaxError"
    assert "line 6" in error["message"]


def test_cancel_running_and_queued(worker, fresh, finished, tmp_path):
    body = "[time.sleep(0.01) for _ in range(10_000)]"
    worker.start("long", "trainer", trainer_input(finished, tmp_path, body))
    worker.start("queued", "examples", fresh.executor_input("examples"))
    worker.line("long", "begun")
    worker.ask(cancel="queued")
    worker.ask(cancel="long")
    worker.ask(cancel="unknown")
    began = time.monotonic()
    assert worker.until("long", "done", "failed")[-1]["error"]["type"] == "Cancelled"
    assert worker.until("queued", "done", "failed")[-1]["error"]["type"] == "Cancelled"
    assert time.monotonic() - began < 5
    # The worker is as good as before, and the id can be used again.
    worker.start("queued", "examples", fresh.executor_input("examples"))
    assert worker.until("queued", "done", "failed")[-1]["event"] == "done"


def test_ends_when_standard_input_closes_in_the_middle_of_a_component(finished, tmp_path):
    one = Worker()
    one.start("long", "trainer", trainer_input(finished, tmp_path, "time.sleep(600)"))
    one.line("long", "begun")
    one.process.stdin.close()
    assert one.process.wait(10) == 0


def test_ends_with_its_parent(tmp_path):
    """Even when a third process still holds the pipes open."""
    script = f"""
import os, subprocess, sys, time
inner = subprocess.Popen([sys.executable, "-m", "b2brecs_runtime.worker"],
    stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, cwd={str(RUNTIME)!r})
while "b2brecs-worker" not in open(f"/proc/{{inner.pid}}/comm").read():
    time.sleep(0.01)
print(inner.pid, flush=True)
os.set_inheritable(inner.stdin.fileno(), True)
if os.fork() == 0:
    os.close(1)
    os.execvp("sleep", ["sleep", "20"])
"""
    parent = subprocess.run(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, check=True, timeout=30
    )
    pid = int(parent.stdout)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except FileNotFoundError:
            return
        if state == "Z":
            return
        time.sleep(0.1)
    raise AssertionError("the worker outlived its parent")


def contents(artifact: str) -> dict[str, object]:
    """What the files of an artifact say. Protobuf maps have another order in every process."""
    said: dict[str, object] = {}
    for file in sorted(Path(artifact).rglob("*")):
        name = str(file.relative_to(artifact))
        if name.startswith("Split-") and file.is_file():
            folder = file.parent.name.removeprefix("Split-")
            (batch,) = records.read(artifact, folder, 1_000_000)
            said[name] = {
                c: batch.column(batch.schema.get_field_index(c)) for c in batch.schema.names
            }
        elif file.suffix == ".pbtxt" or file.parent.name == "assets":
            said[name] = file.read_bytes()
        elif file.is_file():
            said[name] = None
    return said


# After the analysis ("log"), and while records are written ("progress").
@pytest.mark.parametrize("moment", ["log", "progress"])
def test_killed_in_the_middle_and_repeated_gives_the_same(fresh, finished, moment):
    for task in ("examples", "statistics", "schema"):
        fresh.do(task)
    one = Worker()
    one.start("t", "transform", fresh.executor_input("transform"))
    one.until("t", moment)
    one.process.kill()
    one.process.wait()
    assert not os.path.exists(fresh.output_file("transform"))
    fresh.do("transform")
    for name in ("transform_graph", "transformed_examples"):
        assert contents(fresh.uri(name)) == contents(finished.uri(name))
    leftovers = [
        n for n in os.listdir(os.path.join(fresh.root, "tasks", "transform")) if ".new-" in n
    ]
    assert leftovers == []
