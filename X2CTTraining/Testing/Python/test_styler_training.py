import json

import numpy as np
import pytest
import torch
from PIL import Image

from X2CTLib.errors import Cancelled, InputError
from X2CTLib.geometry import View
from X2CTLib.progress import CancelToken
from X2CTLib.styler import load_styler
from X2CTTrainingLib.augmentation import Augmentation
from X2CTTrainingLib.datasets import Case
from X2CTTrainingLib.drr_datasets import gather_drrs
from X2CTTrainingLib.experiment import Optimiser, Run, Stage
from X2CTTrainingLib.image_discriminator import POOL_SIZE, ImageDiscriminator, ImagePool
from X2CTTrainingLib.radiograph_datasets import gather_radiographs, named_view, record_radiographs
from X2CTTrainingLib.splits import Split
from X2CTTrainingLib.style_images import StyleImage, held_out
from X2CTTrainingLib.style_scores import gradient_correlation, style_distance
from X2CTTrainingLib.styler_system import Critics, Network, StylerExperiment, StylerSystem
from X2CTTrainingLib.systems import Preparation, read_experiment
from X2CTTrainingLib.trainer import Trainer, make_fabric

PATIENTS = [f"patient-{number}" for number in range(8)]
KEPT, TESTED = ([p for p in PATIENTS if held_out(p) == side] for side in (False, True))


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def texture(seed: int, size: int = 128) -> np.ndarray:
    """Smooth random bumps in [0, 1]."""
    coarse = torch.rand(1, 1, 12, 12, generator=rng(seed))
    return torch.nn.functional.interpolate(coarse, (size, size), mode="bicubic").clamp(0, 1)[0, 0].numpy()


# The discriminator and its pool


def test_a_score_sees_a_patch_of_70_pixels():
    critic = ImageDiscriminator(0.1).eval()
    image = torch.rand(1, 1, 128, 128, generator=rng(), requires_grad=True)
    scores = critic(image)
    scores[0, 0, 7, 7].backward()
    rows = torch.nonzero(image.grad[0, 0].abs().sum(dim=1))
    assert rows.max() - rows.min() + 1 == 70


def test_a_pool_returns_what_was_put_in():
    pool = ImagePool()
    images = torch.arange(200.0)[:, None, None, None].expand(-1, 1, 2, 2)
    for number in range(100):
        pool.put(images[number : number + 1], rng(number))
    assert len(pool.images) == POOL_SIZE
    mixed = pool.mixed(images[100:], rng())
    new = [bool((image == fresh).all()) for image, fresh in zip(mixed, images[100:], strict=True)]
    assert 30 < sum(new) < 70
    assert all(image[0, 0, 0] < 100 for image, is_new in zip(mixed, new, strict=True) if not is_new)


def test_a_pool_is_part_of_a_checkpoint():
    pool, again = ImagePool(), ImagePool()
    pool.put(torch.rand(3, 1, 4, 4, generator=rng()), rng())
    again.load_state_dict(pool.state_dict())
    images = torch.zeros(6, 1, 4, 4)
    assert torch.equal(pool.mixed(images, rng(1)), again.mixed(images, rng(1)))


# Scores


def test_two_halves_of_a_set_have_one_style_and_a_change_shows():
    images = torch.from_numpy(np.stack([texture(seed) for seed in range(24)]))
    grainy = (images + 0.05 * torch.randn(images.shape, generator=rng())).clamp(0, 1)
    one, other = grainy[:12], grainy[12:]
    floor = style_distance(one, other).mean()
    blurred = [torch.nn.functional.avg_pool2d(one[:, None], 2 * r + 1, 1, r)[:, 0] for r in (1, 2)]
    contrasts = [0.5 + gain * (one - 0.5) for gain in (0.7, 0.4)]
    assert floor < 0.05
    for slightly, strongly in (blurred, contrasts):
        distances = [style_distance(images, other).mean() for images in (slightly, strongly)]
        assert floor < 0.5 * distances[0] < 0.5 * distances[1]


def test_gradient_correlation_knows_anatomy_from_tone():
    one, other = texture(1), texture(2)
    assert gradient_correlation(one, one) == pytest.approx(1)
    assert gradient_correlation(one, 0.3 + 0.4 * one) == pytest.approx(1)
    assert abs(gradient_correlation(one, other)) < 0.2
    assert 0.2 < gradient_correlation(one, (one + other) / 2) < 0.95


# Radiographs


@pytest.fixture
def templates() -> dict[View, np.ndarray]:
    return {view: texture(seed) for seed, view in enumerate(View)}


@pytest.fixture
def a_folder(templates, tmp_path):
    """A picture like each template, framed in black; one of a frontal name, one that is none."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name, view in (("a_pa", View.PA), ("a_lateral", View.LATERAL), ("b", View.LATERAL), ("c", View.PA)):
        pixels = np.pad(templates[view], ((10, 10), (0, 0)))
        Image.fromarray(np.round(255 * pixels).astype(np.uint8)).resize((280, 324)).save(folder / f"{name}.png")
    (folder / "broken.png").write_bytes(b"no picture")
    return folder


def test_views_are_told_apart_and_files_that_are_none_are_named(a_folder, templates, tmp_path):
    images, skipped = gather_radiographs([a_folder], templates, tmp_path / "cache")
    assert {image.name: image.view for image in images} == {
        "a_pa": View.PA,
        "a_lateral": View.LATERAL,
        "b": View.LATERAL,
        "c": View.PA,
    }
    assert len(skipped) == 1 and "broken.png" in skipped[0]
    assert {image.patient for image in images} == {"a", "b", "c"}
    for image in images:
        assert np.corrcoef(image.pixels.ravel(), templates[image.view].ravel())[0, 1] > 0.8
        assert not image.pixels[~image.shown].any()


def test_radiographs_are_framed_once(a_folder, templates, tmp_path, monkeypatch):
    first, _ = gather_radiographs([a_folder / "b.png"], templates, tmp_path / "cache")
    monkeypatch.setattr("X2CTTrainingLib.radiograph_datasets.find_framing", None)
    again, _ = gather_radiographs([a_folder / "b.png"], templates, tmp_path / "cache")
    assert np.array_equal(first[0].pixels, again[0].pixels) and again[0].view is View.LATERAL


@pytest.mark.parametrize(
    ("file", "view"),
    [
        ("x/p1_lateral.png", View.LATERAL),
        ("x/p1-pa.png", View.PA),
        ("lateral/p1.png", View.LATERAL),
        ("lateral/p1_pa.png", View.PA),
        ("x/unilateral.png", None),
        ("x/p1.png", None),
    ],
)
def test_names_say_the_view(file, view, tmp_path):
    assert named_view(tmp_path / file) is view


def test_no_radiographs_are_an_error(templates, tmp_path):
    with pytest.raises(InputError, match="no usable radiograph"):
        gather_radiographs([tmp_path], templates, tmp_path / "cache")


# DRRs


def test_drrs_vary_and_know_where_the_scan_ends(a_box, tmp_path):
    preparation = Preparation([], tmp_path)
    drrs = gather_drrs([a_box], Augmentation(strength=1.0), 2, 1, preparation)
    assert [drr.view for drr in drrs] == [View.PA, View.LATERAL] * 2
    assert not np.array_equal(drrs[0].pixels, drrs[2].pixels)
    for drr in drrs:
        rows = np.flatnonzero(drr.shown.any(axis=1))
        # The scan leaves out 80 mm below; deformed, its end still lies around there.
        assert 70 < rows[-1] < 118
        assert drr.pixels[drr.shown].mean() > 0.3


# Training


@pytest.fixture
def a_box() -> Case:
    """A body of water whose lowest 80 mm were not scanned."""
    hu = np.full((64, 64, 64), -1024, np.int16)
    hu[16:] = -1000
    hu[16:, 15:49, 10:54] = 40
    return Case("box", "box", "box", hu)


@pytest.fixture
def a_preparation(tmp_path) -> Preparation:
    """Radiographs of both views of each patient."""
    shown = np.ones((128, 128), bool)
    images = [
        StyleImage(f"{patient} {view.name}", patient, view, texture(10 * number + place), shown)
        for number, patient in enumerate(PATIENTS)
        for place, view in enumerate(View)
    ]
    return Preparation(images, tmp_path / "cache")


def trainer(preparation: Preparation, folder, train: list[Case], test: list[Case] = ()) -> Trainer:
    experiment = StylerExperiment(
        system="styler",
        name="tiny",
        stages=(Stage(steps=3, learning_rate=(1e-3, 0.0)),),
        optimiser=Optimiser(batch=2),
        network=Network(width=0.1, critic_width=0.1),
        critics=Critics(steps=2),
        patient_drrs=1,
        run=Run(checkpoint_every=1, preview_every=100),
    )
    fabric = make_fabric(experiment, "cpu")
    return Trainer(StylerSystem(experiment, Split(train, [], list(test)), fabric, preparation), folder, fabric)


def state(done: Trainer) -> torch.Tensor:
    system = done.system
    networks = system.generators, system.critics, system.averaged
    pooled = [image for pool in system.pools.values() for image in pool.images]
    tensors = [tensor for network in networks for tensor in network.state_dict().values()] + pooled
    return torch.cat([tensor.flatten().float() for tensor in tensors])


def test_a_resumed_styler_training_is_the_uninterrupted_one(a_box, a_preparation, tmp_path):
    whole = trainer(a_preparation, tmp_path / "whole", [a_box])
    whole.run()
    token = CancelToken()
    with pytest.raises(Cancelled):
        trainer(a_preparation, tmp_path / "parts", [a_box]).run(lambda *_: token.cancel(), token)
    resumed = trainer(a_preparation, tmp_path / "parts", [a_box])
    assert resumed.step == 1
    resumed.run()
    assert torch.equal(state(whole), state(resumed))


def test_a_training_ends_with_a_styler_its_scores_and_its_report(a_box, a_preparation, tmp_path):
    trainer(a_preparation, tmp_path, [a_box], [a_box]).run()
    styler = load_styler(tmp_path / "model.safetensors")
    assert styler.generator.head.weight.abs().sum() > 0
    assert set(styler.card["scores"]) == {"PA", "LATERAL"}
    assert styler.card["scores"]["PA"]["gradient correlation, mean"] > 0.9
    names = {part: {name.split()[0] for name in styler.card["data"][part]} for part in styler.card["data"]}
    assert names["radiographs"] == set(KEPT) and names["held-out radiographs"] == set(TESTED) and TESTED
    assert "data:image/png" in (tmp_path / "styler.html").read_text("utf-8")


def test_a_view_without_radiographs_learns_from_its_drrs_alone(a_box, a_preparation, tmp_path):
    frontals = [image for image in a_preparation.radiographs if image.view is View.PA]
    done = trainer(Preparation(frontals, a_preparation.cache), tmp_path, [a_box])
    done.run()
    assert done.step == 3 and all(len(pool.images) == 3 for pool in done.system.pools.values())


def test_a_styler_needs_radiographs(a_box, tmp_path):
    with pytest.raises(InputError, match="--radiographs"):
        trainer(Preparation([], tmp_path), tmp_path, [a_box])


def test_a_run_on_other_radiographs_is_not_gone_on_with(a_preparation, tmp_path):
    images = a_preparation.radiographs
    record_radiographs(tmp_path, images)
    record_radiographs(tmp_path, images)
    parts = json.loads((tmp_path / "radiographs.json").read_text(encoding="utf-8"))
    assert len(parts["train"]) == 2 * len(KEPT) and len(parts["test"]) == 2 * len(TESTED)
    with pytest.raises(InputError, match="other data"):
        record_radiographs(tmp_path, images[:3])


def test_the_declared_styler_can_be_read():
    assert isinstance(read_experiment("styler"), StylerExperiment)
