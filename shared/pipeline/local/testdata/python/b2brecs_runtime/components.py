"""One function runs every component: see the package's docstring."""

import json
import os
import tempfile
import time


def run(component, document, progress):
    """Runs a component on an executor input; progress is called with numbers."""
    parameters = document["inputs"]["parameterValues"]
    behave = json.loads(parameters["config"]).get("behave") or {}
    behave = behave.get(component, {})
    os.close(tempfile.mkstemp(prefix=component)[0])  # left behind, as TensorFlow does
    with open(os.path.join(parameters["root"], "ran.txt"), "a") as f:
        f.write(component + "\n")
    print(f"{component} works")
    for name, group in document["inputs"].get("artifacts", {}).items():
        for artifact in group["artifacts"]:
            with open(os.path.join(artifact["uri"], "content.json")) as f:
                print(f"{component} reads {name} made by {json.load(f)['by']}")
    for epoch in range(1, behave.get("epochs", 0) + 1):
        values = {"epoch": epoch, "epochs": behave["epochs"], "loss": 1 / epoch, "note": "text"}
        temporary = os.path.join(parameters["root"], "progress.tmp")
        with open(temporary, "w") as f:
            json.dump(values, f)
        os.replace(temporary, os.path.join(parameters["root"], "progress.json"))
        progress(values)
        time.sleep(0.05)
    while "hold" in behave and not os.path.exists(behave["hold"]):
        time.sleep(0.01)
    time.sleep(behave.get("sleep", 0))
    if "exit" in behave:
        os._exit(behave["exit"])
    if "raise" in behave:
        raise ValueError(behave["raise"])
    if behave.get("silent"):
        return
    for name, group in document["outputs"].get("artifacts", {}).items():
        for artifact in group["artifacts"]:
            os.makedirs(artifact["uri"])
            with open(os.path.join(artifact["uri"], "content.json"), "w") as f:
                json.dump({"by": component, "name": name}, f)
    outputs = {"artifacts": document["outputs"].get("artifacts", {})}
    temporary = document["outputs"]["outputFile"] + ".tmp"
    with open(temporary, "w") as f:
        json.dump(outputs, f)
    os.replace(temporary, document["outputs"]["outputFile"])
