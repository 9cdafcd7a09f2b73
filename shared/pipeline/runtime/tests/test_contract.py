"""The executor contract: what Vertex AI's launcher sends is read, what it expects is written."""

import json
import subprocess
import sys

import pytest
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

from b2brecs_runtime import config, executor, run
from pipeline_support import GRAPH, RUNTIME


def test_messages_are_kfps_own(finished):
    """KFP's protobuf classes refuse unknown fields, so they are an oracle for both directions."""
    for task, (_, outputs) in GRAPH.items():
        json_format.Parse(
            json.dumps(finished.executor_input(task)), pipeline_spec_pb2.ExecutorInput()
        )
        written = json_format.ParseDict(finished.output(task), pipeline_spec_pb2.ExecutorOutput())
        assert set(written.artifacts) == set(outputs)
        for group in written.artifacts.values():
            (artifact,) = group.artifacts
            assert artifact.uri
            assert artifact.type.schema_title  # as it came in


def test_metadata_tells_a_fact_per_task(finished):
    facts = {}
    for task in GRAPH:
        for group in finished.output(task)["artifacts"].values():
            fact = group["artifacts"][0]["metadata"].get("fact")
            if fact:
                facts[task] = fact
    assert facts.keys() == GRAPH.keys()
    assert facts["examples"] == "4,000 rows"
    rows = finished.output("examples")["artifacts"]["examples"]["artifacts"][0]["metadata"]["rows"]
    assert rows == {"train": 3200, "eval": 600, "test": 200}


def test_protobuf_json_round_trip_of_numbers():
    """A Struct turns 2 into 2.0, and 64-bit integers into strings."""
    task = executor.parse(
        {
            "inputs": {"parameterValues": {"a": 2.0, "b": "3", "c": 4, "d": 0.5}},
            "outputs": {"outputFile": "x"},
        }
    )
    assert [task.integer(n) for n in "abc"] == [2, 3, 4]
    assert task.number("d") == 0.5
    for name in ("missing", "e"):
        with pytest.raises(config.InvalidConfig, match=name):
            task.number(name)


@pytest.mark.parametrize(
    "document",
    [
        "{",
        "[]",
        "{}",
        '{"outputs": {}}',
        '{"outputs": {"outputFile": "x", "artifacts": {"a": {"artifacts": []}}}}',
        '{"outputs": {"outputFile": "x", "artifacts": {"a": {"artifacts": [{}]}}}}',
    ],
)
def test_unreadable_input_is_invalid_config(document):
    with pytest.raises(config.InvalidConfig):
        executor.parse(document)


def test_output_parameters_go_to_their_files(tmp_path):
    task = executor.parse(
        {
            "inputs": {},
            "outputs": {
                "outputFile": str(tmp_path / "out.json"),
                "parameters": {n: {"outputFile": str(tmp_path / n)} for n in ("text", "number")},
            },
        }
    )
    task.output_parameters = {"text": "as it is", "number": 7}
    task.finish()
    assert (tmp_path / "text").read_text() == "as it is"
    assert (tmp_path / "number").read_text() == "7"
    assert json.loads((tmp_path / "out.json").read_text())["parameterValues"] == {
        "text": "as it is",
        "number": 7,
    }


def test_a_failed_attempt_leaves_no_output_of_an_earlier_one(fresh):
    fresh.do("examples")
    document = fresh.executor_input("examples")
    document["inputs"]["parameterValues"]["config"] = "{}"
    assert run.main(["--component", "examples", "--executor_input", json.dumps(document)]) == 2
    with pytest.raises(FileNotFoundError):
        fresh.output("examples")


def test_command_line_as_in_a_container(fresh):
    """What the launcher runs, in a process of its own."""

    def command(document):
        arguments = ["--component", "examples", "--executor_input", json.dumps(document)]
        return subprocess.run(
            [sys.executable, "-m", "b2brecs_runtime.run", *arguments],
            cwd=RUNTIME,
            capture_output=True,
            text=True,
            check=False,
        )

    done = command(fresh.executor_input("examples"))
    assert done.returncode == 0, done.stderr
    assert "train: 3,200 rows" in done.stdout
    assert fresh.output("examples")["artifacts"]["examples"]["artifacts"][0]["uri"] == fresh.uri(
        "examples"
    )


def test_a_component_that_raises_exits_1_with_its_trace(fresh, capsys):
    document = fresh.executor_input("examples")
    document["inputs"]["parameterValues"]["root"] = "/nowhere"
    assert run.main(["--component", "examples", "--executor_input", json.dumps(document)]) == 1
    said = capsys.readouterr().err
    assert "Traceback" in said
    assert "no data" in said


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"customer": ""}, "customer must name a column"),
        ({"product": "elsewhere"}, "column 'elsewhere' not found"),
        ({"columns": []}, "columns is empty"),
        ({"columns": [{"name": "a", "type": "DATE"}]}, "columns\\[0\\] needs"),
        ({"query_features": ["nope"]}, "column 'nope' not found"),
        ({"cutoffs": [0]}, "cutoffs must be at least 1"),
    ],
)
def test_config_names_what_is_wrong(change, message):
    import make_run

    with pytest.raises(config.InvalidConfig, match=message):
        config.parse(json.dumps(make_run.config(**change)))


def test_config_reports_all_problems_at_once():
    with pytest.raises(config.InvalidConfig, match=r"customer must.*product must.*columns is"):
        config.parse("{}")
