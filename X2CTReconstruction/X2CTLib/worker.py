"""A process that keeps the model loaded: JSON lines with requests go in, JSON lines with events come out.

Slow work belongs in a process: Slicer's event loop starves Python threads, and only a process can be stopped in the
middle of a convolution. `python -m X2CTLib.worker` is a server; `Worker` starts it, talks to it and kills it.
This file imports the standard library only, so that the client works before the engine's packages are installed.

What goes in: `{"request": as `request.Request.to_dict` gives it, "output": directory}` for a reconstruction and its
`examination`, `{"preview": the same, "output": directory}` for what `preview.Preview` loads, and for the examination of
any CT `{"measure": {"values": an .npy file of HU, "ijk_to_lps": its matrix}, "output": directory}`.
Events: `{"event": "progress", "fraction": f, "message": m}`, then `{"event": "done", "output": directory}` or
`{"event": "error", "message": m}`.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from X2CTLib.errors import InputError, X2CTError
from X2CTLib.progress import Progress, part
from X2CTLib.request import Request

Emit = Callable[[dict], None]
Answer = Callable[[dict, Emit], None]
"""Does what a request asks, and emits the events."""
Task = Callable[[dict, Progress], None]
"""Does one kind of request, and writes into its "output"."""


class Worker:
    """Client of one worker process, for a front end with an event loop: no call here waits for work to be done.

    Events travel through a file, not a pipe: reading a file never blocks, on any system and without a thread.

    Args:
        python: The interpreter; in Slicer this is PythonSlicer, which starts another process itself.
        server: The module that it runs; it calls `main`.
    """

    def __init__(self, python: str = sys.executable, server: str = "X2CTLib.worker") -> None:
        self._python, self._server = python, server
        self._process: subprocess.Popen | None = None
        self._busy = False

    @property
    def pid(self) -> int | None:
        """The process that waits for requests, or None."""
        return self._process.pid if self._process else None

    @property
    def busy(self) -> bool:
        """Whether the last request has not been answered yet."""
        return self._busy

    def submit(self, request: dict) -> None:
        """Hand over a request; the process is started if there is none.

        Raises:
            RuntimeError: The last request has not been answered yet.
        """
        if self._busy:
            raise RuntimeError("The worker is busy; cancel its request first.")
        if self._process is None or self._process.poll() is not None:
            self.close()
            self._start()
        self._busy = True
        # A process that has just died is noticed, and told, by `poll`.
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(request).encode() + b"\n")

    def poll(self) -> list[dict]:
        """The events since the last call; an end of the process without an answer is an error event."""
        if self._process is None:
            return []
        exit_code = self._process.poll()  # before reading: what it wrote is then there to be read
        *lines, self._rest = (self._rest + self._events.read()).split(b"\n")
        events = [event for line in lines if (event := _parse(line))]
        if any(event["event"] in ("done", "error") for event in events):
            self._busy = False
        if exit_code is not None:
            if self._busy:
                events.append({"event": "error", "message": self._obituary(exit_code)})
            self.close()
        return events

    def cancel(self) -> None:
        """Kill the process and all that it started, at once; the next request starts a new one."""
        if self._process is None:
            return
        if self._process.poll() is None:
            _kill_tree(self._process)
        self._process.stdin.close()
        self._events.close()
        self._folder.cleanup()
        self._process, self._busy = None, False

    close = cancel

    def _start(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="x2ct-worker-", ignore_cleanup_errors=True)
        events, self._log = (Path(self._folder.name) / name for name in ("events.jsonl", "log.txt"))
        with events.open("wb") as stdout, self._log.open("wb") as stderr:
            self._process = subprocess.Popen(
                [self._python, "-m", self._server],
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=stdout,
                stderr=stderr,
                env=library_environment(),
                start_new_session=True,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        self._events, self._rest = events.open("rb"), b""

    def _obituary(self, exit_code: int) -> str:
        last_words = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
        what = f"The process ended unexpectedly (exit code {exit_code}); it may have run out of memory."
        return " ".join([what, *last_words])


def library_environment() -> dict[str, str]:
    """The environment of a process that imports what this one can."""
    library = str(Path(__file__).resolve().parents[1])
    return {**os.environ, "PYTHONPATH": os.pathsep.join([library, *filter(None, sys.path)])}


def _parse(line: bytes) -> dict | None:
    """An event; None for what an interpreter may print before `main` has taken standard output."""
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and "event" in event else None


def _kill_tree(process: subprocess.Popen) -> None:
    if os.name == "nt":
        subprocess.run(["taskkill", "/F", "/T", "/PID", str(process.pid)], capture_output=True, check=False)
    else:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # it leads the session that `_start` gave it
    process.wait()


def _reconstruct(asked: dict, output: Path, progress: Progress) -> None:
    request = Request.from_dict(asked)
    from X2CTLib.examination import write_examination
    from X2CTLib.pipeline import reconstruct_files

    reconstruction = reconstruct_files(request, part(progress, 0.0, _EXAMINING))
    progress(_EXAMINING, "Measuring the organs")
    examined = reconstruction.examine()
    reconstruction.save(output)
    write_examination(output, *examined)


def _preview(asked: dict, output: Path, progress: Progress) -> None:
    request = Request.from_dict(asked)
    from X2CTLib.preview_files import write_preview

    progress(0.5, "Reading the radiographs")
    write_preview(request, output)


def _measure(asked: dict, output: Path, progress: Progress) -> None:
    import numpy as np

    from X2CTLib.anatomy import measure, segment
    from X2CTLib.examination import write_examination
    from X2CTLib.files import whole_folder
    from X2CTLib.geometry import VolumeGeometry

    hu = np.load(asked["values"])
    geometry = VolumeGeometry(hu.shape, np.array(asked["ijk_to_lps"]))
    labels = segment(hu, geometry, part(progress, 0.0, _EXAMINING))
    with whole_folder(output) as scratch:
        write_examination(scratch, labels, measure(hu, labels, geometry))


# The engine is imported by the tasks, so that a bad request is answered at once.
_TASKS: dict[str, Callable[[dict, Path, Progress], None]] = {
    "request": _reconstruct,
    "preview": _preview,
    "measure": _measure,
}
_EXAMINING = 0.9
"""The progress from which on the organs are measured."""


def _answer(request: dict, emit: Emit) -> None:
    """Do the task that the request names."""
    names = _TASKS.keys() & request.keys() if isinstance(request, dict) and "output" in request else ()
    if len(names) != 1:
        raise InputError('The worker takes a JSON object with "request", "preview" or "measure", and "output".')
    progress = telling(emit)
    progress(0.0, "Starting")
    (name,) = names
    _TASKS[name](request[name], Path(request["output"]), progress)
    emit({"event": "done", "output": request["output"]})


def telling(emit: Emit) -> Progress:
    """Progress as events."""
    return lambda fraction, message: emit({"event": "progress", "fraction": fraction, "message": message})


def answering(tasks: Mapping[str, Task]) -> Answer:
    """An answer to requests that name one of these tasks as their "task"."""

    def answer(request: dict, emit: Emit) -> None:
        tasks[request["task"]](request, telling(emit))
        emit({"event": "done", "output": request["output"]})

    return answer


def serve(requests: Iterable[str], emit: Emit, answer: Answer) -> None:
    """Answer requests, one JSON document a line, until there are no more; an error answers one request only."""
    for line in requests:
        try:
            answer(json.loads(line), emit)
        except X2CTError as error:
            emit({"event": "error", "message": str(error)})
        except Exception as error:
            traceback.print_exc()
            emit({"event": "error", "message": f"{type(error).__name__}: {error}"})


def main(answer: Answer = _answer) -> None:
    """Serve standard input; it ends with the front end, whose end of the pipe closes."""
    events = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # libraries print what they like; standard output is for events

    def emit(event: dict) -> None:
        print(json.dumps(event), file=events, flush=True)

    serve(sys.stdin, emit, answer)


if __name__ == "__main__":
    main()
