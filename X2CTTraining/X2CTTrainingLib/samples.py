"""Which cases the samples of a training show, and how a process gets its share of them."""

from collections.abc import Iterator, Sequence

import torch
from lightning_fabric import Fabric

from X2CTTrainingLib.datasets import Case
from X2CTTrainingLib.experiment import Data, Moment, Optimiser


class Deck:
    """The training cases in an order that is shuffled anew in every epoch.

    Args:
        cases: To be shown once an epoch each; patients `data.patient_repeats` times.
        data: Of the experiment.
        seed: Of the order.
    """

    def __init__(self, cases: Sequence[Case], data: Data, seed: int) -> None:
        self._cases = [case for case in cases for _ in range(data.patient_repeats if case.real else 1)]
        self._seed = seed

    def __len__(self) -> int:
        return len(self._cases)

    def __getitem__(self, sample: int) -> Case:
        """The case of a sample, counted over the whole training."""
        epoch, place = divmod(sample, len(self))
        order = torch.randperm(len(self), generator=seeded(self._seed, -1 - epoch))
        return self._cases[order[place]]


def seeded(seed: int, sample: int) -> torch.Generator:
    """The randomness of one sample of a training."""
    return torch.Generator().manual_seed(seed * 1_000_000_007 + sample)


def shares(fabric: Fabric, moment: Moment, optimiser: Optimiser) -> Iterator[range]:
    """This process's samples of a step, so many at a time as are worked on at once."""
    own = len(moment.samples) // fabric.world_size
    mine = moment.samples[fabric.global_rank * own : (fabric.global_rank + 1) * own]
    for first in range(0, own, optimiser.at_once):
        yield mine[first : first + optimiser.at_once]
