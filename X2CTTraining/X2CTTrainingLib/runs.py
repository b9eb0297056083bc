"""Trainings in processes of their own: started, found again by whoever looks into their folder, stopped, resumed.

`python -m X2CTTrainingLib.runs FOLDER` is the process; `run_folder` says how it and who looks on know of each other.
"""

import contextlib
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from X2CTLib.errors import InputError, X2CTError
from X2CTLib.worker import library_environment
from X2CTTrainingLib.known_runs import known_runs, remember
from X2CTTrainingLib.run_folder import (
    FAILED,
    FINISHED,
    MODEL,
    RUN,
    STATUS,
    STOPPED,
    Inputs,
    begin_anew,
    is_run,
    read_status,
    record_run,
)

STARTING, RUNNING = "starting", "running"
OUTPUT = "output.txt"
"""What the process prints."""

_STARTS_WITHIN_S = 60.0
_HEARD_WITHIN_S = 600.0  # of a process on another computer; a step may take minutes


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
        """Of its folder."""
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
    if is_run(folder):
        raise InputError(f"There is a run {folder.name} already. Resume it, or give the new one another name.")


def begin_run(folder: Path, experiment: dict, inputs: Inputs) -> None:
    """Write down what a run shall do, and where it is; to do it is left to the caller.

    Args:
        folder: Of the run; made if missing.
        experiment: See `run_folder.record_run`.
        inputs: What it is made from.

    Raises:
        InputError: A process works on it.
    """
    if is_run(folder):
        _check_idle(folder)
    record_run(folder, experiment, inputs)
    remember(folder)


def start_run(folder: Path, experiment: dict, inputs: Inputs, python: str = sys.executable) -> Run:
    """Begin a training in a process that outlives this one.

    Args:
        folder: Of the run; made if missing.
        experiment: See `run_folder.record_run`.
        inputs: What it is made from.
        python: The interpreter.

    Raises:
        InputError: The folder holds a run.
    """
    check_new(folder)
    begin_run(folder, experiment, inputs)
    return _launch(folder, python)


def resume_run(folder: Path, python: str = sys.executable) -> Run:
    """Go on with a training that was stopped, or has failed.

    Raises:
        InputError: There is no such run, or a process works on it.
    """
    _check_idle(folder)
    begin_anew(folder)
    return _launch(folder, python)


def stop_run(folder: Path) -> None:
    """Ask a training to stop; it ends its step and saves. On Windows it ends at once, with its last checkpoint.

    Raises:
        InputError: It runs on another computer.
    """
    status = read_status(folder)
    if _elsewhere(status):
        raise InputError(f"The run {folder.name} was started on {status['host']}. Stop it there.")
    if process := _process(status):
        process.terminate()


def find_run(folder: Path) -> Run:
    """How a run stands.

    Raises:
        InputError: There is no run in the folder.
    """
    working = _works(folder)
    status = read_status(folder)  # after the process was looked for: if it has just ended, it has said how
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


def find_runs(root: Path) -> dict[str, Run]:
    """All runs in a folder, and those that this user has begun elsewhere, the last launched first.

    Returns:
        The runs by names that are theirs alone: that in `root`, or the whole path. `root / name` is the folder.
    """
    folders = {folder.resolve(): folder for folder in (*known_runs(), *(file.parent for file in root.glob(f"*/{RUN}")))}
    runs = []
    for folder in folders.values():
        with contextlib.suppress(InputError, OSError):  # somebody is deleting it
            runs.append(((folder / RUN).stat().st_mtime, find_run(folder)))
    runs.sort(key=lambda entry: entry[0], reverse=True)
    return {run.name if run.folder.parent == root else str(run.folder): run for _, run in runs}


_launched: dict[Path, subprocess.Popen] = {}
"""Processes that this one has started; asked now and then, they leave no zombie."""


def _launch(folder: Path, python: str) -> Run:
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


def _check_idle(folder: Path) -> None:
    if find_run(folder).active:
        raise InputError(f"The run {folder.name} is running already.")


def _starting(folder: Path) -> bool:
    """Whether a process that has not written anything yet may still do so."""
    if folder in _launched:
        return _launched[folder].poll() is None
    return time.time() - (folder / RUN).stat().st_mtime < _STARTS_WITHIN_S


def _works(folder: Path) -> bool:
    """Whether the process that has written a run's status is still at it."""
    status = read_status(folder)
    if _elsewhere(status):
        return time.time() - (folder / STATUS).stat().st_mtime < _HEARD_WITHIN_S
    return _process(status) is not None


def _elsewhere(status: dict) -> bool:
    """Whether a status comes from another computer, as of a cluster, whose processes cannot be seen from here."""
    return status.get("host", socket.gethostname()) != socket.gethostname()


def _process(status: dict) -> psutil.Process | None:
    """The process that has written a status, if it lives; another that has got its number is none."""
    if not status:
        return None
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(status["pid"])
        if process.create_time() == status["started"] and process.status() != psutil.STATUS_ZOMBIE:
            return process
    return None


def main(folder: Path) -> None:
    """Train, and say how that goes and ends."""
    from X2CTTrainingLib.command import stopped_by_signals, train_run

    with contextlib.suppress(X2CTError), stopped_by_signals() as cancel:
        train_run(folder, cancel=cancel)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
