"""python -m b2brecs_runtime.worker: requests and events as JSON lines."""

import contextlib
import json
import sys
import traceback

from b2brecs_runtime import components


def main():
    out = sys.stdout

    def send(**event):
        print(json.dumps(event), file=out, flush=True)

    for line in sys.stdin:
        request = json.loads(line)
        if "component" not in request:
            continue
        name = request["id"]
        send(id=name, event="started")
        try:
            with contextlib.redirect_stdout(sys.stderr):
                components.run(
                    request["component"],
                    request["executor_input"],
                    lambda values: send(id=name, event="progress", progress=values),
                )
            send(id=name, event="log", line=f"{request['component']} is done")
            print(f"\nb2brecs-worker: end of {name}", file=sys.stderr, flush=True)
            send(id=name, event="done")
        except Exception as error:
            print(f"\nb2brecs-worker: end of {name}", file=sys.stderr, flush=True)
            send(
                id=name,
                event="failed",
                error={
                    "type": type(error).__name__,
                    "message": str(error),
                    "traceback": traceback.format_exc(),
                },
            )


if __name__ == "__main__":
    main()
