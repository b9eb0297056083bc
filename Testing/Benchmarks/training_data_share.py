"""How much of a training step is spent on its data: reading, deforming, projecting and developing the samples.

    .venv/bin/python Testing/Benchmarks/training_data_share.py EXPERIMENT [SCALE]

Prints seconds a step and the data's share of them, on the device that a training would take. A share of 5 % means that
the device works on the networks for 95 % of the time.
"""

import platform
import sys
import tempfile
import time
from pathlib import Path

import torch

from X2CTTrainingLib.datasets import gather
from X2CTTrainingLib.experiment import Data, Schedule
from X2CTTrainingLib.reconstruction_system import ReconstructionSystem
from X2CTTrainingLib.splits import split_cases
from X2CTTrainingLib.systems import read_experiment
from X2CTTrainingLib.trainer import make_fabric

STEPS = 10


class Timed(ReconstructionSystem):
    """Counts the seconds that its samples take."""

    data_seconds = 0.0

    def _batch(self, samples, voxels):
        began = now(self.fabric.device)
        batch = super()._batch(samples, voxels)
        self.data_seconds += now(self.fabric.device) - began
        return batch


def now(device: torch.device) -> float:
    """The time, after all that the device was asked to do is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def main(experiment_name: str, scale: str = "paper") -> None:
    experiment = read_experiment(experiment_name, scale)
    fabric = make_fabric(experiment)
    with tempfile.TemporaryDirectory() as cache:
        cases, _ = gather(["phantoms:4"], Path(cache))
        system = Timed(experiment, split_cases(cases, Data(test=0, validation=0)), fabric)
        schedule = Schedule(experiment, system.epoch_samples)
        system.train_step(schedule.at(schedule.steps - STEPS - 1))
        system.data_seconds, began = 0.0, now(fabric.device)
        for step in range(schedule.steps - STEPS, schedule.steps):
            system.train_step(schedule.at(step))
        seconds = now(fabric.device) - began
    name = torch.cuda.get_device_name() if fabric.device.type == "cuda" else f"{platform.processor()} CPU"
    print(f"{experiment.name} at scale {scale} on {name}, {torch.get_num_threads()} threads")
    print(f"{seconds / STEPS:.3f} s a step, {100 * system.data_seconds / seconds:.1f} % of it for the data")


if __name__ == "__main__":
    main(*sys.argv[1:])
