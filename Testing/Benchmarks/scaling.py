"""Cost and memory of the generator against resolution and batch, and what a second process brings to a training."""

import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from statistics import median

import torch

from Benchmarks.racing import Contender, Settings, race
from Benchmarks.results import Result, faster
from X2CTLib.device import choose_precision
from X2CTLib.networks.connections import ConnectionA
from X2CTLib.networks.generator import Generator
from X2CTTrainingLib.run_log import read_log

_VOXELS = (64, 128, 256)
_COARSEST = 32  # times smaller than the finest
_GIBIBYTES = 16.0
_EXPERIMENT = "x2ct-gan-biplanar"
_SCALE = """
[network]
width = {width}

[optimiser]
batch = 2

[[stages]]
steps = 4
voxels = 64
"""


def measure(settings: Settings) -> list[Result]:
    """Each size is a race of its own, so that not all of them are in memory at once."""
    results = []
    for voxels in _VOXELS:
        outcome = race({"ours": Contender(prepare, (voxels, 1, settings.scale))}, settings)["ours"]
        name, most = f"{voxels}³", _GIBIBYTES if voxels == 256 else None
        memory = outcome.peak_mib / 1024
        results += [
            Result("scaling", f"{name}, time", outcome.best, "s", voxels=voxels),
            Result("scaling", f"{name}, peak memory", memory, "GiB", target=most, at_least=False, voxels=voxels),
        ]
    outcomes = race({str(batch): Contender(prepare, (128, batch, settings.scale)) for batch in (1, 2)}, settings)
    batch = faster("scaling", "a batch of 2, share of its time that one takes", outcomes["2"], outcomes["1"])
    return [*results, batch, _processes(settings)]


def prepare(voxels: int, batch: int, width: float):
    """The generator for cubes of some voxels: at 64 the coarse half of that for 128, as a training begins."""
    generator = Generator(width=width).eval()
    pixels = max(voxels, generator.pixels)
    for branch in generator.branches.values():
        coarsest = branch.bridge.shape[0]
        branch.bridge = ConnectionA(branch.encoder.channels[-1], coarsest, size=pixels // _COARSEST).eval()
    images = torch.rand(batch, 2, pixels, pixels)
    number_format = choose_precision("auto", torch.device("cpu"))

    def run() -> None:
        with torch.inference_mode(), torch.autocast("cpu", number_format, enabled=number_format != torch.float32):
            generator(images, coarse=voxels < pixels)

    return run


def _processes(settings: Settings) -> Result:
    """How well two processes of one thread share the steps of one: 1 would be twice as fast."""
    contenders = {str(count): Contender(prepare_training, (count, settings.scale)) for count in (1, 2)}
    outcomes = race(contenders, replace(settings, repeats=1))
    one, two = outcomes["1"].answer, outcomes["2"].answer
    how = f"{two:.3g} s a step of two samples at 64³, one process {one:.3g} s"
    return Result("scaling", "efficiency of two processes in training", one / (2 * two), "", how=how)


def prepare_training(processes: int, width: float):
    """A training of four steps on phantoms under torchrun; it returns the seconds of a later step."""
    folder = tempfile.TemporaryDirectory()
    scale = Path(folder.name) / "scale.toml"
    scale.write_text(_SCALE.format(width=width), encoding="utf-8")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    command += ["-m", "X2CTLib.cli", "train", _EXPERIMENT, "--scale", str(scale), "--data", "phantoms:2"]
    command += ["--device", "cpu", "--cache", f"{folder.name}/cache"]

    def run() -> float:
        with tempfile.TemporaryDirectory(dir=folder.name) as output:
            # Runs are listed in the home folder, where this one has no business.
            changes = {"OMP_NUM_THREADS": "1", "HOME": output, "PYTHONPATH": os.pathsep.join(sys.path)}
            subprocess.run([*command, "--output", output], env=os.environ | changes, check=True, capture_output=True)
            return median(row["seconds"] for row in read_log(Path(output))[1:])

    return run
