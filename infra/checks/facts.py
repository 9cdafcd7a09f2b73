"""What the tests of plans compare with: the catalogue and constants of the Go code."""

import json
import re

import plans

ROOT = plans.ROOT
FUNCTIONS = {f["name"]: f for f in json.loads((ROOT / "functions.json").read_text())["functions"]}
EVENTS = {n: f for n, f in FUNCTIONS.items() if f["kind"] == "event"}
PROJECT = "b2brecs-client-prod"  # of live/example/terraform.tfvars.example


def go(path: str, pattern: str) -> str:
    """The one place of a Go file that a pattern finds."""
    found = re.findall(pattern, (ROOT / path).read_text())
    if len(found) != 1:
        raise AssertionError(f"{path}: {pattern} is there {len(found)} times")
    return found[0]
