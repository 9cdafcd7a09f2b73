"""A warm process that runs components one after the other.

    python -m b2brecs_runtime.worker

Standard input, one JSON object a line:
  {"id", "component", "executor_input"}   queue a component
  {"cancel": id}                          stop it, queued or running
Standard output, one JSON object a line:
  {"id", "event": "started" | "log" | "progress" | "done" | "failed",
   "line"?, "progress"?, "error"?: {"type", "message", "traceback"}}
Standard error: anything libraries print on their own, and before "done" or "failed"
a line "b2brecs-worker: end of <id>", after which nothing of that request comes.

TensorFlow is imported in the background from the start. Components run on the
main thread. The process ends when standard input closes or its parent is gone,
whatever it is doing: components can be repeated.
"""

import contextlib
import ctypes
import importlib
import io
import json
import os
import queue
import signal
import sys
import threading
import time
import traceback
from typing import Any

from b2brecs_runtime import components, ensure_tensorflow, executor

# After this a cancelled component that does not give way ends the process.
CANCEL_GRACE_SECONDS = 10.0


class Cancelled(BaseException):
    """Raised in the main thread to stop a component; no `except Exception` swallows it."""


class Lines(io.TextIOBase):
    """A text stream that hands on whole lines, of the thread that writes or any other."""

    def __init__(self, emit: Any) -> None:
        super().__init__()
        self.emit, self.rest, self.lock = emit, "", threading.Lock()

    def writable(self) -> bool:
        """Always."""
        return True

    def write(self, text: str) -> int:
        """Takes text in any portions."""
        with self.lock:
            # A carriage return is a progress bar redrawing its line.
            *lines, self.rest = (self.rest + text.replace("\r", "\n")).split("\n")
        for line in lines:
            if line.strip():
                self.emit(line)
        return len(text)

    def finish(self) -> None:
        """Hands on a last line that has no end."""
        with self.lock:
            line, self.rest = self.rest, ""
        if line.strip():
            self.emit(line)


class Worker:
    """State shared by the reader thread and the main thread."""

    def __init__(self, source: Any, sink: Any) -> None:
        self.source, self.sink = source, sink
        self.write_lock = threading.Lock()
        self.tasks: queue.Queue[dict[str, Any]] = queue.Queue()
        self.lock = threading.Lock()
        self.running: str | None = None
        self.cancelled: set[str] = set()
        # True only while a component's own code runs: the one place a cancel may land.
        self.interruptible = False
        self.preloading = threading.Thread(target=_preload, daemon=True)

    def send(self, identity: str, event: str, **fields: Any) -> None:
        """Writes one event; safe from any thread."""
        line = json.dumps({"id": identity, "event": event, **fields}, default=str)
        with self.write_lock:
            self.sink.write(line + "\n")
            self.sink.flush()

    def read(self) -> None:
        """The reader thread: queues requests; the end of input ends the process."""
        for line in self.source:
            if not line.strip():
                continue
            try:
                message = json.loads(line)
                if "cancel" in message:
                    self.cancel(str(message["cancel"]))
                else:
                    self.tasks.put(
                        {
                            "id": str(message["id"]),
                            "component": message["component"],
                            "executor_input": message["executor_input"],
                        }
                    )
            except (ValueError, KeyError, TypeError) as error:
                print(f"worker: a request cannot be read: {error!r}", file=sys.__stderr__)
        os._exit(0)

    def cancel(self, identity: str) -> None:
        """Stops a request: a queued one when its turn comes, a running one now."""
        with self.lock:
            self.cancelled.add(identity)
            if self.running != identity:
                return
        os.kill(os.getpid(), signal.SIGUSR1)
        threading.Thread(target=self.force, args=(identity,), daemon=True).start()

    def force(self, identity: str) -> None:
        """The last resort: code that never comes back to Python cannot be interrupted."""
        time.sleep(CANCEL_GRACE_SECONDS)
        with self.lock:
            still = self.running == identity
        if still:
            self.send(identity, "failed", error=_error(Cancelled("cancelled; the worker ended")))
            os._exit(1)

    def interrupt(self, *_: Any) -> None:
        """The signal handler, on the main thread."""
        if self.interruptible and self.running in self.cancelled:
            self.interruptible = False
            raise Cancelled("cancelled")

    def serve(self) -> None:
        """The main thread's loop. Does not return."""
        while True:
            self.one(self.tasks.get())

    def one(self, message: dict[str, Any]) -> None:
        """Runs one request and says how it ended, exactly once."""
        identity = message["id"]
        with self.lock:
            self.running = identity
        self.send(identity, "started")
        self.preloading.join()
        stream = Lines(lambda line: self.send(identity, "log", line=line))
        before = sys.stdout, sys.stderr
        sys.stdout = sys.stderr = stream
        error: BaseException | None = None
        try:
            self.interruptible = True
            if identity in self.cancelled:
                raise Cancelled("cancelled")
            task = executor.parse(message["executor_input"])
            task.begin()
            component = components.find(message["component"])
            component(task, lambda progress: self.send(identity, "progress", progress=progress))
            self.interruptible = False
            task.finish()
        except BaseException as raised:
            error = raised
        finally:
            self.interruptible = False
            sys.stdout, sys.stderr = before
            stream.finish()
            with self.lock:
                self.running = None
                self.cancelled.discard(identity)
        # One write, with a line's end before it: a library may have left one open.
        os.write(2, f"\nb2brecs-worker: end of {identity}\n".encode())
        if error is None:
            self.send(identity, "done")
        else:
            self.send(identity, "failed", error=_error(error))


def _error(error: BaseException) -> dict[str, str]:
    """What a classifier needs: the type, the message and where it came from."""
    trace = "" if isinstance(error, Cancelled) else "".join(traceback.format_exception(error))
    return {
        "type": type(error).__name__,
        "message": str(error) or type(error).__name__,
        "traceback": trace,
    }


def _preload() -> None:
    """Imports what components need, so that the first one starts at once.

    Failures are left to the component that needs the module: it fails with the
    same error and its own context. What libraries say while they are imported
    (of optional parts that are not installed) is nobody's concern.
    """
    with contextlib.suppress(Exception), contextlib.redirect_stderr(io.StringIO()):
        ensure_tensorflow()
        for name in ("data_validation", "recommenders", "transform.beam"):
            importlib.import_module(f"tensorflow_{name}")
        for name in components.names:
            components.find(name)


def _watch_parent(parent: int) -> None:
    """Ends the process when its parent is gone, even if somebody else holds the pipe open.

    Not prctl's parent-death signal alone: Linux sends that when the *thread* that
    started the process ends, and Go's threads come and go.
    """
    while os.getppid() == parent:
        time.sleep(1.0)
    os._exit(0)


def main() -> None:
    """Runs until standard input closes. Does not return."""
    parent = os.getppid()
    # The protocol keeps the original standard output to itself; prints of C
    # libraries go where standard error goes.
    protocol = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    if sys.platform == "linux":
        # Shown by ps and top instead of "python".
        ctypes.CDLL(None).prctl(15, b"b2brecs-worker", 0, 0, 0)
    worker = Worker(sys.stdin, protocol)
    signal.signal(signal.SIGUSR1, worker.interrupt)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_watch_parent, args=(parent,), daemon=True).start()
    threading.Thread(target=worker.read, daemon=True).start()
    worker.preloading.start()
    worker.serve()


if __name__ == "__main__":
    main()
