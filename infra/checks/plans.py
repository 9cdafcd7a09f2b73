"""Plans of the modules, made by Terraform against the schema alone."""

import contextlib
import dataclasses
import functools
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import provider
from schema import Package

ROOT = pathlib.Path(__file__).resolve().parents[2]
TERRAFORM = ROOT / "infra/terraform"
# What the modules read besides their own files.
READS = [
    "functions.json",
    "workflows-yaml",
    "docs/playbooks",
    "shared/state/firestore/indexes.json",
]


class Refused(Exception):
    """Terraform does not take it; the text says why."""


@dataclasses.dataclass
class Plan:
    """What would be made: type -> address -> attributes. Unknown ones are absent."""

    resources: dict[str, dict[str, dict]]

    def of(self, kind: str, name: str = "") -> dict[str, dict]:
        """Resources of one type by their key, or by their name where there is one alone."""
        out = {}
        for address, values in self.resources.get("google_" + kind, {}).items():
            m = re.fullmatch(
                r'(?:module\.\w+\.)*google_\w+\.([\w-]+)(?:\["(.*)"\]|\[\d+\])?', address
            )
            if not name or m[1] == name:
                out[m[2] or m[1]] = values
        return out


class Planner:
    """Makes plans. The folder and the provider last as long as the stack."""

    def __init__(self, stack: contextlib.ExitStack, package: pathlib.Path):
        self.folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        self.google, environment = stack.enter_context(
            provider.serving(Package(package), provider.used(TERRAFORM))
        )
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("TF_")},
            **environment,
            "CHECKPOINT_DISABLE": "1",
            "TF_CLI_CONFIG_FILE": "/dev/null",
            "TF_IN_AUTOMATION": "1",
        }
        self.count = 0

    def plan(self, live="example", known=True, functions=None, edit=(), **variables) -> Plan:
        """The plan of an environment with its example's variables.

        functions stand in for the catalogue's; edit are (file, old text, new text).
        Raises Refused for what Terraform refuses.
        """
        self.count += 1
        root = self.folder / str(self.count)
        shutil.copytree(
            TERRAFORM,
            root / "infra/terraform",
            ignore=shutil.ignore_patterns(".terraform*", "*.tfvars"),
        )
        for name in READS:
            target = root / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(ROOT / name)
        if functions is not None:
            (root / "functions.json").unlink()
            catalogue = json.loads((ROOT / "functions.json").read_text()) | {"functions": functions}
            (root / "functions.json").write_text(json.dumps(catalogue))
        for file, old, new in edit:
            path = root / "infra/terraform" / file
            text = path.read_text()
            if text.count(old) != 1:
                raise ValueError(f"{file} has {old!r} {text.count(old)} times")
            path.write_text(text.replace(old, new))
        folder = root / "infra/terraform/live" / live
        (folder / "backend_override.tf").write_text('terraform {\n  backend "local" {}\n}\n')
        shutil.copy(folder / "terraform.tfvars.example", folder / "terraform.tfvars")
        if live != "platform":
            variables = {"function_tag": "f1", "pipeline_tag": "p1"} | variables
        (folder / "more.auto.tfvars.json").write_text(json.dumps(variables))

        self.google.known = known
        for command in (
            ["init", "-input=false"],
            ["validate"],
            ["plan", "-input=false", "-out=plan"],
        ):
            self._run(folder, *command)
        shown = json.loads(self._run(folder, "show", "-json", "plan"))
        resources = {}
        for r in shown["resource_changes"]:
            if r["mode"] == "managed":
                resources.setdefault(r["type"], {})[r["address"]] = r["change"]["after"]
        return Plan(resources)

    def _run(self, folder, *command) -> str:
        r = subprocess.run(
            ["terraform", *command, "-no-color"],
            cwd=folder,
            env=self.environment,
            capture_output=True,
            text=True,
        )
        if r.returncode:
            raise Refused(f"terraform {command[0]}: {r.stderr}")
        return r.stdout


_stack = contextlib.ExitStack()


@functools.cache
def planner() -> Planner:
    """The one planner of this process; the variable B2BRECS_GOOGLE_SCHEMA names the npm package."""
    return Planner(_stack, pathlib.Path(os.environ["B2BRECS_GOOGLE_SCHEMA"]))


def close():
    """Ends the planner; a process that leaves it running does not end."""
    _stack.close()


@functools.cache
def plan(live="example") -> Plan:
    """The plan of an environment as it is."""
    return planner().plan(live)
