"""A training step of X2CT-GAN, generator, discriminator and all losses, batch 1, beside the plain float32 one."""

import tempfile
import time
from pathlib import Path

import torch
from msgspec.structs import replace

from Benchmarks import plain
from Benchmarks.racing import Contender, Settings, race
from Benchmarks.results import Result, faster
from X2CTTrainingLib.datasets import gather
from X2CTTrainingLib.experiment import Data, Schedule
from X2CTTrainingLib.reconstruction_system import ReconstructionSystem
from X2CTTrainingLib.splits import split_cases
from X2CTTrainingLib.systems import read_experiment
from X2CTTrainingLib.trainer import make_fabric

_EXPERIMENT = "x2ct-gan-biplanar"
_SPEED, _MEMORY, _DATA_PERCENT = 6.0, 0.5, 5.0


class _Timed(ReconstructionSystem):
    """Counts the seconds that its samples take."""

    data_seconds = 0.0

    def _batch(self, samples, voxels):
        began = _now(self.fabric.device)
        batch = super()._batch(samples, voxels)
        self.data_seconds += _now(self.fabric.device) - began
        return batch


class _Plain(_Timed):
    """Its networks run the plain way."""

    def _set_up(self, network):
        return super()._set_up(plain.plain(network))


def measure(settings: Settings) -> list[Result]:
    """Speed, memory, and how much of a step the samples take: reading, deforming, projecting and developing them."""
    contenders = {
        "plain": Contender(prepare, (_Plain, "32-true", settings.scale), plain.ENVIRONMENT),
        "ours": Contender(prepare, (_Timed, "auto", settings.scale)),
    }
    outcomes = race(contenders, settings)
    ours, peer = outcomes["ours"], outcomes["plain"]
    how = f"{ours.peak_mib:.0f} MiB, plain {peer.peak_mib:.0f} MiB"
    share = ours.peak_mib / peer.peak_mib
    return [
        faster("training", "a step, times as fast as the plain way", ours, peer, _SPEED, "plain"),
        Result("training", "share of its peak memory", share, target=_MEMORY, at_least=False, how=how),
        Result("training", "share of the data in a step", ours.answer, "%", target=_DATA_PERCENT, at_least=False),
    ]


def prepare(kind: type[ReconstructionSystem], precision: str, width: float):
    """A training whose next step is measured; the step returns the percentage that its data took."""
    experiment = read_experiment(_EXPERIMENT)
    experiment = replace(
        experiment,
        network=replace(experiment.network, width=width),
        run=replace(experiment.run, precision=precision),
    )
    fabric = make_fabric(experiment)
    with tempfile.TemporaryDirectory() as cache:
        cases, _ = gather(["phantoms:1"], Path(cache))
    system = kind(experiment, split_cases(cases, Data(test=0, validation=0)), fabric)
    moment = Schedule(experiment, system.epoch_samples).at(0)

    def run() -> float:
        system.data_seconds, began = 0.0, _now(fabric.device)
        system.train_step(moment)
        return 100 * system.data_seconds / (_now(fabric.device) - began)

    return run


def _now(device: torch.device) -> float:
    """The time, after all that the device was asked to do is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()
