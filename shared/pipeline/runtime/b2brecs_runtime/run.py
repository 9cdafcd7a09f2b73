"""Runs one component: the command of the pipeline's containers.

    python -m b2brecs_runtime.run --component trainer --executor_input '{…}'

Exit codes: 0 done, 1 the component failed, 2 the input cannot be used.
"""

import argparse
import sys
import traceback

from b2brecs_runtime import components, executor
from b2brecs_runtime.config import InvalidConfig


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit code; the executor output is written only on success."""
    parser = argparse.ArgumentParser(prog="b2brecs_runtime.run")
    parser.add_argument("--component", required=True, choices=components.names)
    parser.add_argument("--executor_input", required=True, help="JSON of a KFP ExecutorInput")
    options = parser.parse_args(arguments)
    try:
        task = executor.parse(options.executor_input)
        task.begin()
        components.find(options.component)(task, lambda progress: None)
        task.finish()
    except InvalidConfig as error:
        print(f"InvalidConfig: {error}", file=sys.stderr)
        return 2
    except Exception:
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
