"""What users wait for: a first `./run reconstruct` of the sample pair, and the next one in a program that is there."""

import subprocess
import sys
import tempfile
from pathlib import Path

from Benchmarks.racing import Contender, Settings, race
from Benchmarks.results import Result, seconds
from X2CTLib.pipeline import reconstruct_files
from X2CTLib.request import Request
from X2CTLib.sample import sample_case

_COLD, _WARM = 10.0, 2.0


def measure(settings: Settings) -> list[Result]:
    """Seconds of both."""
    outcomes = race({"cold": Contender(prepare_cold), "warm": Contender(prepare_warm)}, settings)
    return [
        seconds("cold start", "the command, everything included", outcomes["cold"], _COLD),
        seconds("cold start", "warm, up to volume, organs and measurements", outcomes["warm"], _WARM),
    ]


def prepare_cold():
    """The command in a process of its own."""

    def run() -> None:
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "X2CTLib.cli", "reconstruct", "--output", str(Path(folder) / "out")]
            subprocess.run(command, check=True, capture_output=True)

    return run


def prepare_warm():
    """The same up to what the app shows, with models that are loaded."""
    request = Request(files={view.name: path for view, path in sample_case().items()})

    def run() -> None:
        reconstruct_files(request).examine()

    return run
