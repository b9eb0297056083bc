"""Trainings in processes of their own: started, found again by whoever looks into their folder, stopped, resumed.

`python -m X2CTTrainingLib.runs FOLDER` is the process. What it shall do is in run.json, which who starts it writes;
where it stands is in status.json, which the process writes.
"""

import contextlib
import json
import os
import subprocess
import sys
import time
import traceback
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
import tomli_w

from X2CTLib.errors import Cancelled, InputError, X2CTError
from X2CTLib.files import replace_file
from X2CTLib.worker import library_environment

RUN, STATUS, OUTPUT, EXPERIMENT = "run.json", "status.json", "output.txt", "experiment.toml"
MODEL = "model.safetensors"
STARTING, RUNNING, STOPPED, FINISHED, FAILED = "starting", "running", "stopped", "finished", "failed"

_TOLD_EVERY_S = 1.0
_STARTS_WITHIN_S = 60.0


@dataclass(frozen=True)
class Run:
    """A training and where it stands now.

    Attributes:
        folder: Of the run.
        state: STARTING, RUNNING, STOPPED, FINISHED or FAILED.
        fraction: Of what it is doing now.
        message: What that is, or what has ended it.
        remaining_s: How long it takes at this speed; None if nobody knows.
    """

    folder: Path
    state: str
    fraction: float = 0.0
    message: str = ""
    remaining_s: float | None = None

    @property
    def name(self) -> str:
        """What lists call it."""
        return self.folder.name

    @property
    def active(self) -> bool:
        """Whether a process works on it."""
        return self.state in (STARTING, RUNNING)

    @property
    def model(self) -> Path | None:
        """The weights that it has come to."""
        return self.folder / MODEL if self.state == FINISHED else None


def check_new(folder: Path) -> None:
    """Raise InputError if the folder holds a run."""
    if (folder / RUN).exists():
        raise InputError(f"There is a run {folder.name} already. Resume it, or give the new one another name.")


def start_run(
    folder: Path,
    experiment: dict,
    sources: Sequence[str],
    cache: Path,
    device: str = "auto",
    python: str = sys.executable,
) -> Run:
    """Begin a training in a process that outlives this one.

    Args:
        folder: Of the run; made if missing.
        experiment: The tables of an experiment.
        sources: See `datasets.gather`.
        cache: Folder for the prepared cubes.
        device: See `device.choose_device`.
        python: The interpreter.

    Raises:
        InputError: The folder holds a run.
    """
    check_new(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with replace_file(folder / EXPERIMENT) as partial:
        partial.write_bytes(tomli_w.dumps(experiment).encode())
    _write(folder / RUN, {"sources": [str(s) for s in sources], "cache": str(cache), "device": device, "launch": ""})
    return resume_run(folder, python)


def resume_run(folder: Path, python: str = sys.executable) -> Run:
    """Go on with a training that was stopped, or has failed.

    Raises:
        InputError: There is no such run, or a process works on it.
    """
    if find_run(folder).active:
        raise InputError(f"The run {folder.name} is running already.")
    # Of its status, only what this launch writes counts from now on.
    _write(folder / RUN, {**_read(folder / RUN), "launch": uuid.uuid4().hex})
    with (folder / OUTPUT).open("ab") as output:
        process = subprocess.Popen(
            [python, "-m", "X2CTTrainingLib.runs", str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=library_environment(),
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    _launched[folder] = process
    return find_run(folder)


_launched: dict[Path, subprocess.Popen] = {}
"""Processes that this one has started; asked now and then, they leave no zombie."""


def stop_run(folder: Path) -> None:
    """Ask a training to stop; it ends its step and saves. On Windows it ends at once, with its last checkpoint."""
    process = _process(_status(folder))
    if process:
        process.terminate()


def find_run(folder: Path) -> Run:
    """How a run stands.

    Raises:
        InputError: There is no run in the folder.
    """
    if not (folder / RUN).is_file():
        raise InputError(f"{folder} holds no run.")
    working = _process(_status(folder)) is not None
    status = _status(folder)  # after the process was looked for: if it has just ended, it has said how
    told = {key: status[key] for key in ("fraction", "message", "remaining_s") if key in status}
    if outcome := status.get("outcome"):
        return Run(folder, outcome, **told)
    if working:
        return Run(folder, RUNNING, **told)
    if not status and _starting(folder):
        return Run(folder, STARTING)
    if status:
        interrupted = "It was interrupted. Resume goes on from the last checkpoint."
        return Run(folder, STOPPED, status["fraction"], interrupted)
    return Run(folder, FAILED, message=f"Its process did not start; {folder / OUTPUT} says why.")


def find_runs(root: Path) -> list[Run]:
    """All runs in a folder, the newest first."""
    files = sorted(root.glob(f"*/{RUN}"), key=lambda file: (file.parent / EXPERIMENT).stat().st_mtime, reverse=True)
    return [find_run(file.parent) for file in files]


def _starting(folder: Path) -> bool:
    """Whether a process that has not written anything yet may still do so."""
    if folder in _launched:
        return _launched[folder].poll() is None
    launched = bool(_read(folder / RUN)["launch"])
    return launched and time.time() - (folder / RUN).stat().st_mtime < _STARTS_WITHIN_S


def _status(folder: Path) -> dict:
    """What the process of the last launch has written; nothing if it has not come to it."""
    status, run = _read(folder / STATUS), _read(folder / RUN)
    return status if status.get("launch") == run["launch"] else {}


def _process(status: dict) -> psutil.Process | None:
    """The process that has written a status, if it lives; another that has got its number is none."""
    if not status:
        return None
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(status["pid"])
        if process.create_time() == status["started"] and process.status() != psutil.STATUS_ZOMBIE:
            return process
    return None


def _read(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _write(path: Path, values: dict) -> None:
    with replace_file(path) as partial:
        partial.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")


class _Teller:
    """Writes status.json."""

    def __init__(self, folder: Path, launch: str) -> None:
        self.path = folder / STATUS
        self.values = {
            "launch": launch,
            "pid": os.getpid(),
            "started": psutil.Process().create_time(),
            "outcome": None,
            "fraction": 0.0,
            "message": "Starting",
            "remaining_s": None,
        }
        self._told = -_TOLD_EVERY_S
        self._begin = (time.monotonic(), 0.0)
        _write(self.path, self.values)

    def progress(self, fraction: float, message: str) -> None:
        """Tell where things stand, once a second."""
        now = time.monotonic()
        if fraction < self.values["fraction"] or not self.values["fraction"]:
            self._begin = (now, fraction)  # the data are prepared, the training begins
        seconds, advanced = now - self._begin[0], fraction - self._begin[1]
        remaining = seconds * (1 - fraction) / advanced if advanced > 0 else None
        self.values |= {"fraction": fraction, "message": message, "remaining_s": remaining}
        if now - self._told >= _TOLD_EVERY_S:
            self._told = now
            _write(self.path, self.values)

    def end(self, outcome: str, message: str) -> None:
        """Tell how it has ended."""
        self.values |= {"outcome": outcome, "message": message, "remaining_s": None}
        _write(self.path, self.values)


def main(folder: Path) -> None:
    """Train, and say how that goes and ends."""
    run = _read(folder / RUN)
    teller = _Teller(folder, run["launch"])
    try:
        from X2CTTrainingLib.command import stopped_by_signals, train

        with stopped_by_signals() as cancel:
            skipped = train(
                str(folder / EXPERIMENT),
                run["sources"],
                folder,
                device=run["device"],
                cache=Path(run["cache"]),
                progress=teller.progress,
                cancel=cancel,
            )
        teller.end(FINISHED, " ".join(skipped))
    except Cancelled:
        teller.end(STOPPED, "Stopped and saved.")
    except X2CTError as error:
        teller.end(FAILED, str(error))
    except Exception as error:
        traceback.print_exc()
        teller.end(FAILED, f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
