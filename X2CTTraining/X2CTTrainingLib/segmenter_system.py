"""The training of the organ segmenter: phantoms, CTs, and both as the shipped model reconstructs them."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Num, UInt8
from lightning_fabric import Fabric
from torch import Tensor

from X2CTLib.geometry import HU_RANGE
from X2CTLib.networks.segmenter import CLASSES, Segmenter
from X2CTLib.organs import VOXELS, OrganModel, find_organs, save_segmenter
from X2CTLib.weights import load_model
from X2CTTrainingLib.augmentation import Augmentation
from X2CTTrainingLib.averaging import moving_average
from X2CTTrainingLib.datasets import Case
from X2CTTrainingLib.experiment import Count, Experiment, Moment
from X2CTTrainingLib.organ_augmentation import OrganSample, vary
from X2CTTrainingLib.organ_labels import SOFT, UNKNOWN, blood, organ_labels
from X2CTTrainingLib.previews import Review
from X2CTTrainingLib.samples import Deck, seeded, shares
from X2CTTrainingLib.simulation import reconstruct_case
from X2CTTrainingLib.splits import Split
from X2CTTrainingLib.systems import Preparation
from X2CTTrainingLib.trainer import check_finite, descend

_SOFT = [CLASSES.index(name) for name in ("elsewhere", "heart", "liver")]
_MIN_SHARE = 20.0  # voxels of an organ without which its overlap says nothing
_REVIEWED = 4


class SegmenterExperiment(Experiment, frozen=True):
    """An experiment with the organ segmenter.

    Attributes:
        width: Of the network.
        augmentation: How much bodies vary; only what moves the body counts.
    """

    width: Count = 16
    augmentation: Augmentation = Augmentation(strength=1.0)


class SegmenterSystem:
    """The network, and its moving average, which is what gets exported.

    Args:
        experiment: What to train.
        split: On whom.
        fabric: Where.
        samples: The training cases at 5 mm, by their key; each in all its forms.
    """

    losses = ("cross-entropy", "overlap", "volume")
    scores = ("validation Dice",)

    def __init__(
        self, experiment: SegmenterExperiment, split: Split, fabric: Fabric, samples: dict[str, list[OrganSample]]
    ) -> None:
        self.experiment, self.split, self.fabric, self.samples = experiment, split, fabric, samples
        self.deck = Deck(split.train, experiment.data, experiment.run.seed)
        self.epoch_samples = len(self.deck)
        network = Segmenter(experiment.width).to(memory_format=torch.channels_last_3d)
        self.averaged = moving_average(network, experiment.run.average).to(fabric.device)
        optimiser = torch.optim.AdamW(network.parameters(), betas=experiment.optimiser.betas, weight_decay=1e-4)
        self.network, self.optimiser = fabric.setup(network, optimiser)

    def parts(self) -> dict:
        """All that a checkpoint holds."""
        return {"network": self.network, "averaged": self.averaged, "optimiser": self.optimiser}

    def train_step(self, moment: Moment) -> dict[str, float]:
        """A step on this process's share of the samples."""
        totals = dict.fromkeys(self.losses, 0.0)
        micro = list(shares(self.fabric, moment, self.experiment.optimiser))
        for number, samples in enumerate(micro):
            batch = [self._sample(sample) for sample in samples]
            hu, truth = (torch.stack([getattr(s, name) for s in batch]) for name in ("hu", "shares"))
            with self.fabric.no_backward_sync(self.network, enabled=number < len(micro) - 1):
                logits = self.network(hu.to(self.fabric.device)).float()
                terms = segmentation_losses(logits, truth.to(self.fabric.device))
                self.fabric.backward(sum(terms.values()) / len(micro))
            totals = {name: totals[name] + term.detach() / len(micro) for name, term in terms.items()}
        values = check_finite(totals)
        descend(self.optimiser, self.network.parameters(), moment.learning_rate)
        self.averaged.update_parameters(self.network)
        return values

    def _sample(self, number: int) -> OrganSample:
        """A varied case."""
        rng = seeded(self.experiment.run.seed, number)
        forms = self.samples[self.deck[number].key]
        form = forms[int(torch.randint(len(forms), (), generator=rng))]
        sample = OrganSample(form.hu.float(), form.shares.float(), form.blood.float())
        return vary(sample, self.experiment.augmentation, rng)

    def review(self, moment: Moment) -> Review:
        """The mean Dice of the organs of validation cases."""
        cases = self.split.validation[:_REVIEWED]
        if not cases:
            return Review({})
        model = self.model(moment.step + 1)
        dice = [value for case in cases for _, value in organ_dice(find_organs(case.hu, model), organ_labels(case))]
        return Review({self.scores[0]: float(np.mean(dice))})

    def export(self, folder: Path, steps: int) -> None:
        """Write model.safetensors and its card, with the Dice of the cases that were held out."""
        model = self.model(steps)
        model.card["scores"] = score(model, self.split.test)
        save_segmenter(folder / "model.safetensors", model)

    def model(self, steps: int) -> OrganModel:
        """The moving average as a model, with a card that says what it saw."""
        card = {
            "name": self.experiment.name,
            "architecture": {"kind": "segmenter", "width": self.experiment.width},
            "data": {
                "ct": [case.name for case in self.split.train if case.real],
                "phantoms": sum(not case.real for case in self.split.train),
                "labels": "phantoms: known; CTs: lungs and bones by thresholds, heart and liver outlined by hand on "
                "every sixth slice; each of them also as the shipped model reconstructs it",
            },
            "training": {"steps": steps, "experiment": self.experiment.to_dict()},
            "scores": {},
            "limits": "Research use only. Adults. The heart is without the great vessels; the liver is partial: the "
            "cube cuts it. Fluid and consolidated lung are not lung.",
            "licence": "Apache-2.0",
        }
        network = Segmenter(self.experiment.width)
        network.load_state_dict(self.averaged.module.state_dict())
        return OrganModel(network.eval(), card)


EXPERIMENT = SegmenterExperiment


def build(experiment: SegmenterExperiment, split: Split, fabric: Fabric, preparation: Preparation) -> SegmenterSystem:
    """The system, with every training case prepared, as it is and as the shipped model reconstructs it.

    Raises:
        Cancelled: As asked.
    """
    generator, samples = load_model(), {}
    for number, case in enumerate(split.train, start=1):
        if preparation.cancel:
            preparation.cancel.check()
        samples[case.key] = prepare(case, [case.hu, reconstruct_case(generator, case)])
        preparation.progress(number / len(split.train), f"Labelled {case.name}")
    return SegmenterSystem(experiment, split, fabric, samples)


def prepare(case: Case, volumes: Sequence[Num[np.ndarray, "k j i"]]) -> list[OrganSample]:
    """Volumes that show the same body, as the network sees them, with its organs."""
    labels = organ_labels(case)
    known = torch.stack([_pooled(labels == value) for value in range(SOFT + 1)])
    return [OrganSample(_pooled(np.clip(hu, *HU_RANGE)), known, _pooled(blood(case))) for hu in volumes]


def segmentation_losses(
    logits: Float[Tensor, "b c k j i"], truth: Float[Tensor, "b d k j i"]
) -> dict[str, Float[Tensor, ""]]:
    """Cross-entropy, overlap (Dice) and relative error of volumes with shares of classes, where they are known.

    Args:
        logits: Of `CLASSES`.
        truth: Shares of `CLASSES`, then of soft tissue that may be elsewhere, heart or liver.
    """
    known, soft = truth[:, : len(CLASSES)], truth[:, len(CLASSES)]
    logarithms = logits.log_softmax(dim=1)
    chances = logarithms.exp()
    may_be_soft = chances[:, _SOFT].sum(dim=1)
    entropy = -(known * logarithms).sum(dim=1) - soft * may_be_soft.clamp(min=1e-6).log()
    volume = (2, 3, 4)
    believed = chances * known.sum(dim=1, keepdim=True)
    sizes = known.sum(dim=volume)
    missed = 1 - (2 * (believed * known).sum(dim=volume) + 1) / (believed.sum(dim=volume) + sizes + 1)
    excess = (believed.sum(dim=volume) - sizes).abs() / sizes.clamp(min=_MIN_SHARE)
    there = (sizes > _MIN_SHARE)[:, 1:]
    overlap, wrong = ((error[:, 1:] * there).sum() / there.sum().clamp(min=1) for error in (missed, excess))
    return {"cross-entropy": entropy.mean(), "overlap": overlap, "volume": wrong}


def score(model: OrganModel, cases: list[Case]) -> dict[str, dict[str, float]]:
    """The mean Dice of each organ over phantoms and over CTs, where the truth is known."""
    scores = {}
    for kind, real in (("phantoms", False), ("CTs", True)):
        chosen = [case for case in cases if case.real == real]
        pairs = [pair for case in chosen for pair in organ_dice(find_organs(case.hu, model), organ_labels(case))]
        means = {
            f"Dice {organ}": round(float(np.mean([dice for name, dice in pairs if name == organ])), 4)
            for organ in dict.fromkeys(name for name, _ in pairs)
        }
        if chosen:
            scores[f"held-out {kind}"] = {"cases": len(chosen), **means}
    return scores


def organ_dice(found: UInt8[np.ndarray, "k j i"], truth: UInt8[np.ndarray, "k j i"]) -> Iterator[tuple[str, float]]:
    """Name and Dice of each organ that occurs in the truth, where that is known."""
    for value, name in enumerate(CLASSES[1:], start=1):
        known = truth != UNKNOWN
        if name in ("heart", "liver"):
            known &= truth != SOFT
        true, said = (truth == value) & known, (found == value) & known
        if true.any():
            yield name, float(2 * (true & said).sum() / (true.sum() + said.sum()))


def _pooled(volume: Num[np.ndarray, "k j i"] | Bool[np.ndarray, "k j i"]) -> Float[Tensor, "64 64 64"]:
    """Averages over the voxels that the network sees, in half precision to save memory."""
    full = torch.from_numpy(volume.astype(np.float32))[None]
    return F.avg_pool3d(full, full.shape[-1] // VOXELS)[0].half()
