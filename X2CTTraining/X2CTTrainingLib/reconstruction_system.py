"""X2CT-CNN, X2CT-GAN and the 2DCNN: a network from radiographs to a volume, and the losses that train it.

The discriminator is there if the adversarial loss is. Both are trained in turn (paper, section 4.3).
"""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from lightning_fabric import Fabric
from msgspec import Meta
from torch import Tensor

from X2CTLib.geometry import HU_RANGE, PROJECTIONS, View
from X2CTLib.metrics import psnr_volume
from X2CTLib.networks.catalogue import build_network
from X2CTLib.weights import Model, save_model
from X2CTTrainingLib.augmentation import Augmentation, sample
from X2CTTrainingLib.averaging import begin_anew, moving_average
from X2CTTrainingLib.discriminator import Discriminator
from X2CTTrainingLib.experiment import Count, Experiment, Moment, NotNegative, Positive, Settings
from X2CTTrainingLib.losses import least_squares_loss, projection_loss, reconstruction_loss
from X2CTTrainingLib.previews import Review, sheet
from X2CTTrainingLib.samples import Deck, seeded, shares
from X2CTTrainingLib.simulation import mean_views, reconstruct_case
from X2CTTrainingLib.splits import Split
from X2CTTrainingLib.systems import Preparation
from X2CTTrainingLib.trainer import check_finite, descend

RECONSTRUCTION_LOSSES = ("reconstruction", "projection", "adversarial")
"""What the generator learns from."""
_REVIEWED = 4
"""Validation cases that are looked at."""


class Network(Settings):
    """The network from radiographs to the volume; see `networks.catalogue`.

    Attributes:
        kind: "x2ct", "lifting" for ours, or "2dcnn" for the baseline of Henzler et al.
        views: What it sees.
        connections: Of an x2ct network: A always, B for skips, C to fuse two views (paper, figure 4).
        width: Channels relative to the paper's.
        dropout: In connection A.
    """

    kind: Literal["x2ct", "lifting", "2dcnn"] = "x2ct"
    views: tuple[Literal["PA", "LATERAL"], ...] = ("PA", "LATERAL")
    connections: tuple[Literal["A", "B", "C"], ...] | None = None
    width: Annotated[float, Meta(gt=0, le=4)] = 1.0
    dropout: Annotated[float, Meta(ge=0, lt=1)] | None = None

    def architecture(self) -> dict:
        """What `build_network` takes."""
        return {key: value for key, value in msgspec.to_builtins(self).items() if value is not None}


class Losses(Settings):
    """Weights of the losses (paper, equation 5); 0 leaves one out.

    Attributes:
        reconstruction: Mean squared error over the voxels.
        projection: Mean absolute error of the three projections.
        adversarial: Of the discriminator.
        conditional: Whether the discriminator sees the radiographs, too.
    """

    reconstruction: NotNegative = 10.0
    projection: NotNegative = 10.0
    adversarial: NotNegative = 0.1
    conditional: bool = True


class Row(Settings):
    """A row of the paper's tables.

    Attributes:
        table: Its number.
        row: Its place in the table, from 1.
        label: How the row begins.
        psnr: Published, in dB: slice-wise, peak 4095.
        ssim: Published, slice-wise.
    """

    table: Literal[1, 2, 3]
    row: Count
    label: str
    psnr: Positive
    ssim: Positive


class ReconstructionExperiment(Experiment, frozen=True):
    """An experiment with a network from radiographs to the volume.

    Attributes:
        geometry: How the radiographs are taken; see `geometry.PROJECTIONS`.
        smoothing_mm: Standard deviation of the Gaussian that the model's volumes are smoothed with.
        rows: What it is in the paper's tables.
    """

    network: Network = Network()
    losses: Losses = Losses()
    augmentation: Augmentation = Augmentation()
    geometry: Literal["paper", "clinical", "parallel"] = "paper"
    smoothing_mm: NotNegative = 0.0
    rows: tuple[Row, ...] = ()

    def __post_init__(self) -> None:
        weighted = [name for name in RECONSTRUCTION_LOSSES if getattr(self.losses, name)]
        for stage in self.stages:
            if unknown := set(stage.losses or ()) - set(RECONSTRUCTION_LOSSES):
                raise ValueError(f"there is no loss {', '.join(sorted(unknown))}")
            if not set(weighted) & set(stage.losses or weighted):
                raise ValueError("a stage has no loss with a weight")


class ReconstructionSystem:
    """Generator and discriminator, and the moving average of the generator, which is what gets exported.

    Args:
        experiment: What to train.
        split: On whom.
        fabric: Where.
    """

    losses = (*RECONSTRUCTION_LOSSES, "discriminator")
    scores = ("validation PSNR volume (dB)",)

    def __init__(self, experiment: ReconstructionExperiment, split: Split, fabric: Fabric) -> None:
        self.experiment, self.split, self.fabric = experiment, split, fabric
        self.deck = Deck(split.train, experiment.data, experiment.run.seed)
        self.epoch_samples = len(self.deck)
        network = build_network(experiment.network.architecture())
        self.projections = [PROJECTIONS[experiment.geometry](view).resized(network.pixels) for view in network.views]
        self.averaged = moving_average(network, experiment.run.average).to(fabric.device)
        self.generator, self.optimiser = self._set_up(network)
        self.discriminator = None
        if experiment.losses.adversarial:
            views = network.views if experiment.losses.conditional else ()
            self.discriminator, self.critic_optimiser = self._set_up(Discriminator(experiment.network.width, views))

    def _set_up(self, network: torch.nn.Module) -> tuple[torch.nn.Module, torch.optim.Optimizer]:
        optimiser = torch.optim.Adam(network.parameters(), betas=self.experiment.optimiser.betas)
        return self.fabric.setup(network, optimiser)

    def parts(self) -> dict:
        """All that a checkpoint holds."""
        parts = {"generator": self.generator, "averaged": self.averaged, "optimiser": self.optimiser}
        if self.discriminator:
            parts |= {"discriminator": self.discriminator, "critic_optimiser": self.critic_optimiser}
        return parts

    def train_step(self, moment: Moment) -> dict[str, float]:
        """A step of the generator, and then one of the discriminator on what the generator had made."""
        weights = self._weights(moment)
        micro = list(shares(self.fabric, moment, self.experiment.optimiser))
        totals: dict[str, Tensor] = {}
        seen = []
        for number, samples in enumerate(micro):
            images, truth = self._batch(samples, moment.stage.voxels)
            # The dropout of a sample is its own, whichever process works on it.
            torch.manual_seed(self.experiment.run.seed * 1_000_000_007 + samples[0])
            with self.fabric.no_backward_sync(self.generator, enabled=number < len(micro) - 1):
                output = self.generator(images, coarse=moment.stage.voxels < 128).float()
                terms = self._terms(output, truth, images, weights)
                self.fabric.backward(sum(terms.values()) / len(micro))
            _add(totals, terms, len(micro))
            seen.append((output.detach(), truth, images))
        losses = check_finite(totals)
        descend(self.optimiser, self.generator.parameters(), moment.learning_rate)
        if "adversarial" in weights:
            losses |= self._train_discriminator(seen, moment.learning_rate)
        if moment.begins_stage:
            begin_anew(self.averaged)
        self.averaged.update_parameters(self.generator)
        return losses

    def _weights(self, moment: Moment) -> dict[str, float]:
        """The losses that count now, with their weights."""
        named = {name: getattr(self.experiment.losses, name) for name in RECONSTRUCTION_LOSSES}
        return {name: weight for name, weight in named.items() if weight and name in (moment.stage.losses or named)}

    def _batch(
        self, samples: Sequence[int], voxels: int
    ) -> tuple[Float[Tensor, "b view h w"], Float[Tensor, "b k j i"]]:
        """Radiographs and scaled cubes, made on the training device."""
        pairs = []
        for number in samples:
            hu = torch.from_numpy(np.array(self.deck[number].hu)).to(self.fabric.device)
            rng = seeded(self.experiment.run.seed, number)
            pairs.append(sample(hu, self.projections, self.experiment.augmentation, rng))
        images, bodies = (torch.stack(parts) for parts in zip(*pairs, strict=True))
        truth = scaled_hu(bodies)
        return images, F.avg_pool3d(truth, truth.shape[-1] // voxels)

    def _terms(self, output: Tensor, truth: Tensor, images: Tensor, weights: dict[str, float]) -> dict[str, Tensor]:
        """The generator's losses, weighted."""
        functions = {
            "reconstruction": lambda: reconstruction_loss(output, truth),
            "projection": lambda: projection_loss(output, truth),
            "adversarial": lambda: least_squares_loss(self._judged(output, images), 1.0),
        }
        return {name: weight * functions[name]() for name, weight in weights.items()}

    def _judged(self, volume: Tensor, images: Tensor) -> Tensor:
        """The discriminator's scores, which the generator learns from and the discriminator does not."""
        critic = self.discriminator.module
        critic.requires_grad_(False)
        with self.fabric.autocast():
            scores = critic(volume, images).float()
        critic.requires_grad_(True)
        return scores

    def _train_discriminator(self, seen: Sequence[tuple[Tensor, Tensor, Tensor]], rate: float) -> dict[str, float]:
        totals: dict[str, Tensor] = {}
        for number, (fake, truth, images) in enumerate(seen):
            with self.fabric.no_backward_sync(self.discriminator, enabled=number < len(seen) - 1):
                both = self.discriminator(torch.cat([truth, fake]), torch.cat([images, images])).float()
                real, false = both.chunk(2)
                loss = least_squares_loss(real, 1.0) + least_squares_loss(false, 0.0)
                self.fabric.backward(loss / len(seen))
            _add(totals, {"discriminator": loss}, len(seen))
        losses = check_finite(totals)
        descend(self.critic_optimiser, self.discriminator.parameters(), rate)
        return losses

    def review(self, moment: Moment) -> Review:
        """The PSNR of validation cases, and the first one; nothing where nobody is held out for it."""
        cases = self.split.validation[:_REVIEWED]
        if not cases:
            return Review({})
        model = self.model(moment.step + 1)
        answers = [reconstruct_case(model, case, self.fabric.device) for case in cases]
        psnr = np.mean([psnr_volume(answer, case.hu) for answer, case in zip(answers, cases, strict=True)])
        volumes = {"true": np.asarray(cases[0].hu), "made": np.round(answers[0]).astype(np.int16)}
        return Review({self.scores[0]: float(psnr)}, sheet(cases[0].hu, answers[0]), volumes)

    def export(self, folder: Path, steps: int) -> None:
        """Write model.safetensors and its card."""
        save_model(folder / "model.safetensors", self.model(steps))

    def model(self, steps: int) -> Model:
        """The moving average as a model, with a card that says what it saw."""
        network, train = self.averaged.module, self.split.train
        card = {
            "name": self.experiment.name,
            "architecture": self.experiment.network.architecture(),
            "projections": {p.view.name: p.to_dict() for p in self.projections},
            "data": {
                "ct": [case.name for case in train if case.real],
                "phantoms": sum(not case.real for case in train),
            },
            "training": {"steps": steps, "hu_range": list(HU_RANGE), "experiment": self.experiment.to_dict()},
            "smoothing_mm": self.experiment.smoothing_mm,
            "scores": {},
            "limits": "Research use only. Adults, upright or supine chests; not evaluated for any clinical purpose.",
            "licence": "Apache-2.0",
        }
        return Model(network.eval(), card, self._templates)

    @cached_property
    def _templates(self) -> dict[View, Float[np.ndarray, "r c"]]:
        return mean_views(self.split.train, self.averaged.module.views)


EXPERIMENT = ReconstructionExperiment


def build(
    experiment: ReconstructionExperiment, split: Split, fabric: Fabric, preparation: Preparation
) -> ReconstructionSystem:
    """The system, which needs nothing but CTs."""
    return ReconstructionSystem(experiment, split, fabric)


def scaled_hu(hu: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Hounsfield units to what the networks work on."""
    low, high = HU_RANGE
    return ((hu - low) / (high - low)).clamp(0, 1)


def _add(totals: dict[str, Tensor], terms: dict[str, Tensor], count: int) -> None:
    for name, term in terms.items():
        totals[name] = totals.get(name, 0) + term.detach() / count
