"""The folder of a run: what it shall do, and where it stands.

experiment.toml and run.json say the first; who begins a run writes them. status.json says the second; the process that
trains writes it.
"""

import json
import os
import socket
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
import tomli_w

from X2CTLib.errors import Cancelled, InputError, X2CTError
from X2CTLib.files import replace_file
from X2CTLib.progress import Progress

RUN, STATUS, EXPERIMENT = "run.json", "status.json", "experiment.toml"
CHECKPOINT, MODEL = "checkpoint.pt", "model.safetensors"
STOPPED, FINISHED, FAILED = "stopped", "finished", "failed"

_TOLD_EVERY_S = 1.0


@dataclass(frozen=True)
class Inputs:
    """What a training is made from, and where.

    Attributes:
        sources: See `datasets.gather`.
        cache: Folder for the prepared cubes.
        device: See `X2CTLib.device.choose_device`.
        radiographs: Unpaired, for the styler; see `radiograph_datasets.gather_radiographs`.
    """

    sources: Sequence[str]
    cache: Path
    device: str = "auto"
    radiographs: Sequence[str] = ()


def is_run(folder: Path) -> bool:
    """Whether a folder holds a run."""
    return (folder / RUN).is_file()


def record_run(folder: Path, experiment: dict, inputs: Inputs) -> None:
    """Write down what a run shall do, so that it can be done from anywhere.

    Args:
        folder: Of the run; made if missing.
        experiment: Its tables, complete; see `Experiment.to_tables`.
        inputs: What it is made from.
    """
    with replace_file(folder / EXPERIMENT) as partial:
        partial.write_text(tomli_w.dumps(experiment), encoding="utf-8")
    values = {
        "sources": [_absolute(source) for source in inputs.sources],
        "cache": str(inputs.cache.absolute()),
        "device": inputs.device,
        "radiographs": [_absolute(source) for source in inputs.radiographs],
    }
    _write_run(folder, values)


def begin_anew(folder: Path) -> None:
    """Of a run's status, only what is told from now on counts.

    Raises:
        InputError: The folder holds no run.
    """
    _write_run(folder, _recorded(folder))


def recorded_inputs(folder: Path) -> Inputs:
    """What a run is made from.

    Raises:
        InputError: The folder holds no run.
    """
    values = _recorded(folder)
    return Inputs(values["sources"], Path(values["cache"]), values["device"], values.get("radiographs", ()))


def read_status(folder: Path) -> dict:
    """What `tell` has written since the run was begun, or begun anew; empty if nothing.

    Raises:
        InputError: The folder holds no run.
    """
    status, launch = _read(folder / STATUS), _recorded(folder)["launch"]
    return status if status.get("launch") == launch else {}


def tell(folder: Path, work: Callable[[Progress], list[str]]) -> list[str]:
    """Do the work of a run, and tell in its status.json how it goes and how it ends.

    Args:
        folder: Of the run.
        work: Told about its progress; returns what is to be said at its end, in sentences, as this does.

    Raises:
        Exception: Whatever the work raises.
    """
    status = _Status(folder)
    try:
        sentences = work(status.progress)
    except Cancelled:
        status.end(STOPPED, "Stopped and saved.")
        raise
    except X2CTError as error:
        status.end(FAILED, str(error))
        raise
    except Exception as error:
        status.end(FAILED, f"{type(error).__name__}: {error}")
        raise
    status.end(FINISHED, " ".join(sentences))
    return sentences


class _Status:
    """Writes status.json."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / STATUS
        self._values = {
            "launch": _recorded(folder)["launch"],
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "started": psutil.Process().create_time(),
            "outcome": None,
            "fraction": 0.0,
            "message": "Starting",
            "remaining_s": None,
        }
        self._told = -_TOLD_EVERY_S
        self._begin = (time.monotonic(), 0.0)
        _write(self._path, self._values)

    def progress(self, fraction: float, message: str) -> None:
        """Tell where things stand, once a second."""
        now = time.monotonic()
        if fraction < self._values["fraction"] or not self._values["fraction"]:
            self._begin = (now, fraction)  # the data are prepared, the training begins
        seconds, advanced = now - self._begin[0], fraction - self._begin[1]
        remaining = seconds * (1 - fraction) / advanced if advanced > 0 else None
        self._values |= {"fraction": fraction, "message": message, "remaining_s": remaining}
        if now - self._told >= _TOLD_EVERY_S:
            self._told = now
            _write(self._path, self._values)

    def end(self, outcome: str, message: str) -> None:
        """Tell how it has ended."""
        self._values |= {"outcome": outcome, "message": message, "remaining_s": None}
        _write(self._path, self._values)


def _absolute(source: str) -> str:
    """The whole path of a source that is one; phantoms are none."""
    return str(Path(source).absolute()) if Path(source).exists() else str(source)


def _recorded(folder: Path) -> dict:
    values = _read(folder / RUN)
    if not values:
        raise InputError(f"{folder} holds no run.")
    return values


def _write_run(folder: Path, values: dict) -> None:
    _write(folder / RUN, {**values, "launch": uuid.uuid4().hex})


def _read(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _write(path: Path, values: dict) -> None:
    with replace_file(path) as partial:
        partial.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
