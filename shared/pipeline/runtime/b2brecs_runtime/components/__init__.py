"""The pipeline's components: plain functions from an executor task to its artifacts.

`names` is the order of the pipeline. Modules are imported when first used, so
a worker that only reads examples does not pay for Beam.
"""

import importlib
from collections.abc import Callable
from typing import Any

from b2brecs_runtime.config import InvalidConfig
from b2brecs_runtime.executor import Task

Report = Callable[[dict[str, Any]], None]
Component = Callable[[Task, Report], None]

names = ("examples", "statistics", "schema", "transform", "trainer", "evaluator")


def find(name: str) -> Component:
    """The component's function. Raises InvalidConfig for an unknown name."""
    if name not in names:
        raise InvalidConfig(f"unknown component {name!r}; there are {', '.join(names)}")
    return importlib.import_module(f"b2brecs_runtime.components.{name}").run
