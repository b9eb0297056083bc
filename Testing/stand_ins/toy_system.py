"""The smallest system that can be trained: one weight that shall become 2."""

from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric

from X2CTTrainingLib.experiment import Experiment, Run, Stage
from X2CTTrainingLib.previews import Review
from X2CTTrainingLib.samples import seeded, shares
from X2CTTrainingLib.trainer import Trainer, check_finite, descend


class ToySystem:
    """Implements `trainer.System`.

    Args:
        fabric: Where.
        steps: How many.
        spoilt: The sample whose loss is not a number.
        greedy: The sample that wants more memory than there is.
    """

    losses = ("distance",)
    scores = ("weight",)
    epoch_samples = 10

    def __init__(self, fabric: Fabric, steps: int, spoilt: int | None = None, greedy: int | None = None) -> None:
        self.experiment = Experiment(
            system="toy",
            name="toy",
            stages=(Stage(steps=steps, learning_rate=(0.01, 0.01)),),
            run=Run(checkpoint_every=3, preview_every=7),
        )
        self.fabric, self.spoilt, self.greedy = fabric, spoilt, greedy
        torch.manual_seed(0)
        network = torch.nn.Linear(1, 1, bias=False)
        self.network, self.optimiser = fabric.setup(network, torch.optim.Adam(network.parameters()))

    def parts(self) -> dict:
        return {"network": self.network, "optimiser": self.optimiser}

    def train_step(self, moment) -> dict[str, float]:
        for samples in shares(self.fabric, moment, self.experiment.optimiser):
            if self.greedy in samples:
                torch.empty(1 << 60)
            x = torch.stack([torch.rand(1, generator=seeded(0, number)) for number in samples])
            loss = (self.network(x) - 2 * x).square().mean()
            self.fabric.backward(loss * (float("nan") if self.spoilt in samples else 1))
        losses = check_finite({"distance": loss})
        descend(self.optimiser, self.network.parameters(), moment.learning_rate)
        return losses

    def review(self, moment) -> Review:
        volumes = {"true": np.full((2, 2, 2), 2, np.int16), "made": np.full((2, 2, 2), moment.step, np.int16)}
        return Review({"weight": self.weight}, np.zeros((4, 6), np.uint8), volumes)

    @property
    def weight(self) -> float:
        return self.network.weight.item()

    def export(self, folder: Path, steps: int) -> None:
        (folder / "weight.safetensors").write_text(str(self.weight), encoding="utf-8")


def train_toy(folder: Path, steps: int) -> None:
    """Train, or go on training, in a process of its own."""
    Trainer(ToySystem(Fabric(accelerator="cpu", devices=1), steps), folder, Fabric(accelerator="cpu", devices=1)).run()
