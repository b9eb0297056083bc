"""The organ segmenter's training: varied cases stay true, unknown voxels count for nothing, and a run gives a model."""

import functools

import pytest
import torch

from X2CTLib.networks.segmenter import CLASSES
from X2CTLib.organs import load_segmenter
from X2CTLib.phantom import make_phantom
from X2CTTrainingLib.augmentation import Augmentation
from X2CTTrainingLib.datasets import Case
from X2CTTrainingLib.experiment import Stage
from X2CTTrainingLib.organ_augmentation import OrganSample, vary
from X2CTTrainingLib.organ_labels import SOFT
from X2CTTrainingLib.samples import seeded
from X2CTTrainingLib.segmenter_system import SegmenterExperiment, build, prepare, segmentation_losses
from X2CTTrainingLib.splits import Split
from X2CTTrainingLib.systems import Preparation
from X2CTTrainingLib.trainer import Trainer, make_fabric


@functools.cache
def a_case():
    phantom = make_phantom(3)
    return Case("phantom-3", "phantom-3", "phantom-3", phantom.hu, real=False, labels=phantom.labels)


def a_sample():
    (sample,) = prepare(a_case(), [a_case().hu])
    return OrganSample(sample.hu.float(), sample.shares.float(), sample.blood.float())


@pytest.mark.parametrize("number", range(4))
def test_a_varied_case_is_still_a_chest(number):
    varied = vary(a_sample(), Augmentation(strength=1), seeded(0, number))
    assert varied.hu.shape == (64, 64, 64)
    assert varied.shares.sum(dim=0).numpy() == pytest.approx(1, abs=1e-4)
    columns = {name: varied.shares[value].sum(dim=(0, 1)) for value, name in enumerate(CLASSES)}
    middle = {name: float((mass * torch.arange(64)).sum() / mass.sum()) for name, mass in columns.items()}
    assert middle["right lung"] < middle["bones"] < middle["left lung"]
    assert middle["right lung"] < middle["heart"] < middle["left lung"]
    lungs = varied.shares[1:3].sum(dim=0) > 0.99
    assert varied.hu[lungs].median() < varied.hu[varied.shares[CLASSES.index("heart")] > 0.99].median() - 200


def test_the_same_number_is_the_same_sample():
    one, other = (vary(a_sample(), Augmentation(strength=1), seeded(0, 7)) for _ in range(2))
    assert torch.equal(one.hu, other.hu) and torch.equal(one.shares, other.shares)


def test_only_what_is_known_counts():
    truth = torch.zeros(1, len(CLASSES) + 1, 4, 4, 8)
    truth[:, CLASSES.index("heart"), ..., :4] = 1  # of the other half nothing is known
    right = torch.full((1, len(CLASSES), 4, 4, 8), -20.0)
    right[:, CLASSES.index("heart"), ..., :4] = 20
    assert sum(segmentation_losses(right, truth).values()) < 0.01
    wrong_where_unknown = right.clone()
    wrong_where_unknown[:, CLASSES.index("liver"), ..., 4:] = 20
    assert sum(segmentation_losses(wrong_where_unknown, truth).values()) < 0.01
    assert sum(segmentation_losses(-right, truth).values()) > 1


def test_a_volume_that_is_too_large_costs_what_it_is_too_large_by():
    truth = torch.zeros(1, len(CLASSES) + 1, 4, 4, 8)
    heart = CLASSES.index("heart")
    truth[:, heart, ..., :4], truth[:, 0, ..., 4:] = 1, 1
    logits = torch.full((1, len(CLASSES), 4, 4, 8), -20.0)
    logits[:, heart, ..., :5], logits[:, 0, ..., 5:] = 20, 20
    assert segmentation_losses(logits, truth)["volume"].item() == pytest.approx(0.25)


def test_soft_tissue_may_be_anything_soft():
    truth = torch.zeros(1, len(CLASSES) + 1, 4, 4, 4)
    truth[:, SOFT] = 1
    for name, wrong in {"elsewhere": False, "heart": False, "liver": False, "left lung": True, "bones": True}.items():
        logits = torch.full((1, len(CLASSES), 4, 4, 4), -20.0)
        logits[:, CLASSES.index(name)] = 20
        assert (segmentation_losses(logits, truth)["cross-entropy"] > 1) == wrong, name


def test_a_run_gives_a_model_that_says_what_it_is_worth(tmp_path):
    split = Split([a_case()], [], [a_case()])
    fabric = make_fabric(an_experiment(2), "cpu")
    system = build(an_experiment(2), split, fabric, Preparation([], tmp_path))
    Trainer(system, tmp_path / "whole", fabric).run()
    model = load_segmenter(tmp_path / "whole" / "model.safetensors")
    assert set(model.card["scores"]["held-out phantoms"]) >= {"Dice heart", "Dice liver", "Dice bones"}
    assert model.card["data"]["phantoms"] == 1


def an_experiment(steps) -> SegmenterExperiment:
    return SegmenterExperiment(system="segmenter", name="tiny", width=8, stages=(Stage(steps=steps),))
