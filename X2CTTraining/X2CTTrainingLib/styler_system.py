"""The styler: CycleGAN between radiographs and DRRs (Zhu et al., ICCV 2017; paper, section 5.1).

Two generators and two discriminators, one of each for either direction, and both views in each. A sample is a
radiograph and a DRR of one view; PA and lateral take turns. A view without radiographs takes part with its DRRs alone,
which must come back from a round trip and stay as they are: there is nothing to judge the other half by.
"""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import torch
import torch.nn.functional as F
from jaxtyping import Float
from lightning_fabric import Fabric
from msgspec import Meta
from torch import Tensor, nn

from X2CTLib.errors import InputError
from X2CTLib.geometry import View
from X2CTLib.networks.style import StyleGenerator
from X2CTLib.styler import Styler, save_styler
from X2CTTrainingLib.augmentation import Augmentation
from X2CTTrainingLib.averaging import moving_average
from X2CTTrainingLib.drr_datasets import gather_drrs
from X2CTTrainingLib.experiment import Count, Experiment, Moment, NotNegative, Positive, Settings
from X2CTTrainingLib.image_discriminator import ImageDiscriminator, ImagePool
from X2CTTrainingLib.losses import least_squares_loss
from X2CTTrainingLib.previews import Review
from X2CTTrainingLib.samples import seeded, shares
from X2CTTrainingLib.splits import Split
from X2CTTrainingLib.style_images import StyleImage, held_out, of_view
from X2CTTrainingLib.style_report import Rows, style_sheet, write_style_report
from X2CTTrainingLib.style_scores import ViewScores, restyle, score_view
from X2CTTrainingLib.systems import Preparation
from X2CTTrainingLib.trainer import check_finite, descend

Width = Annotated[float, Meta(gt=0, le=4)]


class Network(Settings):
    """Widths relative to Zhu et al.

    Attributes:
        width: Of the generators.
        critic_width: Of the discriminators.
    """

    width: Width = 1.0
    critic_width: Width = 1.0


class Losses(Settings):
    """Weights of the losses, the adversarial one having 1.

    Attributes:
        cycle: Of the way there and back.
        identity: Of what is in the style already.
    """

    cycle: NotNegative = 10.0
    identity: NotNegative = 5.0


class Critics(Settings):
    """How the discriminators keep ahead; a step of theirs costs a tenth of one of the generators.

    Attributes:
        steps: For each of the generators.
        haste: Their learning rate, relative to the generators'.
    """

    steps: Count = 1
    haste: Positive = 1.0


class StylerExperiment(Experiment, frozen=True):
    """An experiment with the styler.

    Attributes:
        augmentation: Of the bodies and the geometry of the DRRs; their contrast is not varied, being the style.
        patient_drrs: DRR pairs of each CT.
        phantom_drrs: DRR pairs of each phantom.
    """

    network: Network = Network()
    losses: Losses = Losses()
    critics: Critics = Critics()
    augmentation: Augmentation = Augmentation(strength=1.0)
    patient_drrs: Count = 24
    phantom_drrs: Count = 4


@dataclass(frozen=True)
class _Pair:
    """A sample; what either image does not show is blank in both."""

    drr: Float[Tensor, "1 1 h w"]
    radiograph: Float[Tensor, "1 1 h w"] | None


class StylerSystem:
    """Both directions of the change of style; the moving average of the one to DRRs is what gets exported.

    Args:
        experiment: What to train.
        split: Whose DRRs to learn from, and whose to score with.
        fabric: Where.
        preparation: The radiographs, of which those of some patients are held out.

    Raises:
        InputError: There are no radiographs to train with.
    """

    losses = ("adversarial", "cycle", "identity", "discriminator")
    scores = tuple(f"{view.name} distance to DRRs" for view in View)

    def __init__(self, experiment: StylerExperiment, split: Split, fabric: Fabric, preparation: Preparation) -> None:
        self.experiment, self.fabric = experiment, fabric
        self.radiographs, self.tested = _apart(preparation.radiographs)
        if not self.radiographs:
            raise InputError("There are no radiographs to train a styler with. Give a folder of them: --radiographs.")
        counts = experiment.augmentation, experiment.patient_drrs, experiment.phantom_drrs
        self.drrs = gather_drrs(split.train, *counts, preparation)
        self.tested_drrs = gather_drrs(split.test, *counts, preparation)
        self.patients = {case.name for case in split.train if case.real} or {case.name for case in split.train}
        self.epoch_samples = len(View) * max(len(of_view(self.radiographs, view)) for view in View)
        width, critic_width = experiment.network.width, experiment.network.critic_width
        self.generators = nn.ModuleDict({name: StyleGenerator(width) for name in ("to_drr", "to_radiograph")})
        self.critics = nn.ModuleDict({name: ImageDiscriminator(critic_width) for name in ("drr", "radiograph")})
        self.averaged = moving_average(self.generators["to_drr"], experiment.run.average)
        for network in (self.generators, self.critics, self.averaged):
            network.to(fabric.device)
        betas = experiment.optimiser.betas
        self.optimiser = torch.optim.Adam(self.generators.parameters(), betas=betas)
        self.critic_optimiser = torch.optim.Adam(self.critics.parameters(), betas=betas)
        self.pools = {name: ImagePool() for name in self.critics}

    def parts(self) -> dict:
        """All that a checkpoint holds."""
        names = ("generators", "averaged", "critics", "optimiser", "critic_optimiser")
        return {name: getattr(self, name) for name in names} | {f"{name} pool": p for name, p in self.pools.items()}

    def train_step(self, moment: Moment) -> dict[str, float]:
        """A step of the generators, and then those of the discriminators on what the generators had made."""
        numbers = [number for share in shares(self.fabric, moment, self.experiment.optimiser) for number in share]
        rngs = {number: seeded(self.experiment.run.seed, number) for number in numbers}
        losses, made = dict.fromkeys(self.losses, torch.zeros(())), {}
        self.critics.requires_grad_(False)
        for number, rng in rngs.items():
            terms, made[number] = self._translate(self._draw(number, rng))
            (sum(terms.values()) / len(numbers)).backward()
            losses |= {name: losses[name] + term.detach().cpu() / len(numbers) for name, term in terms.items()}
        self._descend(self.optimiser, self.generators, moment.learning_rate)
        self.critics.requires_grad_(True)
        for _ in range(self.experiment.critics.steps):
            for number, rng in rngs.items():
                if made[number]:
                    loss = self._judge(self._draw(number, rng), made[number], rng) / len(numbers)
                    loss.backward()
                    losses["discriminator"] = losses["discriminator"] + loss.detach().cpu()
            self._descend(self.critic_optimiser, self.critics, self.experiment.critics.haste * moment.learning_rate)
        losses["discriminator"] = losses["discriminator"] / self.experiment.critics.steps
        for number, images in made.items():
            for name, image in images.items():
                self.pools[name].put(image, rngs[number])
        self.averaged.update_parameters(self.generators["to_drr"])
        return check_finite(losses)

    def _draw(self, number: int, rng: torch.Generator) -> _Pair:
        """A DRR and, if there are any, a radiograph of the view whose turn it is."""
        view = list(View)[number % len(View)]
        drr, radiograph = (_any(of_view(images, view), rng) for images in (self.drrs, self.radiographs))
        shown = drr.shown & radiograph.shown if radiograph else drr.shown

        def blanked(image: StyleImage) -> Float[Tensor, "1 1 h w"]:
            return torch.from_numpy(image.pixels * shown)[None, None].to(self.fabric.device)

        return _Pair(blanked(drr), blanked(radiograph) if radiograph else None)

    def _translate(self, pair: _Pair) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """The generators' losses, and what they made by the name of who is to judge it."""
        to_drr, to_radiograph = self.generators["to_drr"], self.generators["to_radiograph"]
        weights = self.experiment.losses
        with self.fabric.autocast():
            realistic = to_radiograph(pair.drr)
            cycle = F.l1_loss(to_drr(realistic), pair.drr)
            identity = F.l1_loss(to_drr(pair.drr), pair.drr)
            if pair.radiograph is None:
                return {"cycle": weights.cycle * cycle, "identity": weights.identity * identity}, {}
            styled = to_drr(pair.radiograph)
            cycle = cycle + F.l1_loss(to_radiograph(styled), pair.radiograph)
            identity = identity + F.l1_loss(to_radiograph(pair.radiograph), pair.radiograph)
            made = {"drr": styled, "radiograph": realistic}
            scores = [self.critics[name](image).float() for name, image in made.items()]
        adversarial = sum(least_squares_loss(score, 1.0) for score in scores)
        terms = {"adversarial": adversarial, "cycle": weights.cycle * cycle, "identity": weights.identity * identity}
        return terms, {name: image.detach() for name, image in made.items()}

    def _judge(self, pair: _Pair, made: dict[str, Tensor], rng: torch.Generator) -> Float[Tensor, ""]:
        """The loss of both discriminators on a true image and a made one each."""
        total = torch.zeros((), device=self.fabric.device)
        for name, true in (("drr", pair.drr), ("radiograph", pair.radiograph)):
            with self.fabric.autocast():
                both = self.critics[name](torch.cat([true, self.pools[name].mixed(made[name], rng)])).float()
            one, zero = both.chunk(2)
            total = total + (least_squares_loss(one, 1.0) + least_squares_loss(zero, 0.0)) / 2
        return total

    def _descend(self, optimiser: torch.optim.Optimizer, networks: nn.Module, learning_rate: float) -> None:
        """A step along the mean gradient of all processes, which began with the same weights."""
        if self.fabric.world_size > 1:
            for parameter in networks.parameters():
                gradient = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
                parameter.grad = self.fabric.all_reduce(gradient)
        descend(optimiser, networks.parameters(), learning_rate)

    def review(self, moment: Moment) -> Review:
        """The distance of styled held-out radiographs from held-out DRRs, and a sheet of them."""
        rows, scores = self._examine(self.styler(moment.step + 1))
        values = {f"{score.view.name} distance to DRRs": score.styled for score in scores}
        return Review(values, style_sheet(rows) if rows else None)

    def export(self, folder: Path, steps: int) -> None:
        """Write model.safetensors and its card, with the scores on it, and styler.html, which shows the held-out."""
        styler = self.styler(steps)
        rows, scores = self._examine(styler)
        styler.card["scores"] = {score.view.name: score.to_dict() for score in scores}
        save_styler(folder / "model.safetensors", styler)
        write_style_report(folder / "styler.html", styler.card, scores, rows)

    def styler(self, steps: int) -> Styler:
        """The moving average as a styler, with a card that says what it saw."""
        card = {
            "name": self.experiment.name,
            "architecture": {"paper": "CycleGAN, ICCV 2017", "width": self.experiment.network.width},
            "data": {
                "radiographs": sorted(image.name for image in self.radiographs),
                "DRRs of": sorted({image.patient for image in self.drrs}),
                "held-out radiographs": sorted(image.name for image in self.tested),
                "held-out DRRs of": sorted({image.patient for image in self.tested_drrs}),
            },
            "training": {"steps": steps, "experiment": self.experiment.to_dict()},
            "scores": {},
            "limits": "Research use only. Adult chests; it may smooth away fine findings. Compare with the original.",
            "licence": "Apache-2.0",
        }
        return Styler(deepcopy(self.averaged.module).cpu().eval(), card)

    def _examine(self, styler: Styler) -> tuple[dict[View, Rows], list[ViewScores]]:
        """Held-out radiographs before and after, and DRRs beside them, and how they score; by view that has any."""
        rows, scores = {}, []
        for view in View:
            before, drrs = of_view(self.tested, view), of_view(self.tested_drrs, view)
            if before and drrs:
                after = restyle(styler, before)
                rows[view] = Rows(before, after, drrs)
                trained = [drr for drr in of_view(self.drrs, view) if drr.patient in self.patients]
                scores.append(score_view(before, after, drrs, trained))
        return rows, scores


EXPERIMENT = StylerExperiment
build = StylerSystem


def _apart(images: Sequence[StyleImage]) -> tuple[list[StyleImage], list[StyleImage]]:
    """Those to train with, and the held-out."""
    return [image for image in images if not held_out(image.patient)], [i for i in images if held_out(i.patient)]


def _any(images: Sequence[StyleImage], rng: torch.Generator) -> StyleImage | None:
    """One of them; none if there are none."""
    return images[int(torch.randint(len(images), (), generator=rng))] if images else None
