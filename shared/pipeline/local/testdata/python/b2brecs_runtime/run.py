"""python -m b2brecs_runtime.run --component NAME --executor_input JSON"""

import argparse
import json

from b2brecs_runtime import components


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--component", required=True)
    parser.add_argument("--executor_input", required=True)
    args = parser.parse_args()
    components.run(args.component, json.loads(args.executor_input), lambda values: None)


if __name__ == "__main__":
    main()
