import os
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch

from X2CTLib.errors import Cancelled
from X2CTLib.geometry import View
from X2CTLib.progress import CancelToken
from X2CTLib.weights import load_model
from X2CTTrainingLib.command import train
from X2CTTrainingLib.datasets import Case
from X2CTTrainingLib.experiment import Data, Stage
from X2CTTrainingLib.reconstruction_system import (
    Network,
    ReconstructionExperiment,
    ReconstructionSystem,
    scaled_hu,
)
from X2CTTrainingLib.run_folder import CHECKPOINT, Inputs
from X2CTTrainingLib.run_log import read_log
from X2CTTrainingLib.runs import find_runs
from X2CTTrainingLib.samples import Deck
from X2CTTrainingLib.simulation import reconstruct_case
from X2CTTrainingLib.splits import Split
from X2CTTrainingLib.systems import read_experiment
from X2CTTrainingLib.trainer import Trainer, make_fabric

TINY = """
system = "reconstruction"
name = "X2CT-GAN+B"
geometry = "clinical"
[network]
width = 0.1
[augmentation]
strength = 1
[optimiser]
batch = 2
[run]
checkpoint_every = 1
[[stages]]
steps = 2
voxels = 64
losses = ["reconstruction"]
[[stages]]
steps = 2
voxels = 64
learning_rate = [2e-4, 0]
"""
"""Two stages, the second with all losses; what is learned is of no interest."""


@pytest.fixture
def tiny(tmp_path) -> str:
    path = tmp_path / "tiny.toml"
    path.write_text(TINY, encoding="utf-8")
    return str(path)


@pytest.fixture
def a_split():
    hu = np.full((128, 128, 128), -1024, np.int16)
    hu[10:118, 30:98, 20:108] = 40
    return Split([Case("box", "box", "box", hu)], [], [])


def an_experiment(**changes) -> ReconstructionExperiment:
    stages = changes.pop("stages", (Stage(steps=1, voxels=64),))
    network = Network(width=0.1, **changes.pop("network", {}))
    return ReconstructionExperiment(
        system="reconstruction", name="tiny", network=network, stages=stages, geometry="clinical", **changes
    )


def states(folder: Path) -> dict[str, torch.Tensor]:
    """All weights of a run."""
    state = torch.load(folder / CHECKPOINT, weights_only=True)
    parts = ("generator", "averaged", "discriminator")
    return {f"{part}.{key}": value for part in parts for key, value in state[part].items()}


def test_a_resumed_gan_is_the_uninterrupted_one(tiny, tmp_path):
    experiment, inputs = read_experiment(tiny), Inputs(["phantoms:2"], tmp_path / "cache")
    train(experiment, inputs, tmp_path / "whole")
    token = CancelToken()

    def stop(_, message: str) -> None:
        if message.startswith("step 3"):
            token.cancel()

    with pytest.raises(Cancelled):
        train(experiment, inputs, tmp_path / "parts", stop, token)
    assert len(read_log(tmp_path / "parts")) == 3
    train(experiment, inputs, tmp_path / "parts")
    whole, parts = states(tmp_path / "whole"), states(tmp_path / "parts")
    assert all(torch.equal(whole[key], parts[key]) for key in whole)
    logs = [[{**row, "seconds": 0} for row in read_log(tmp_path / name)] for name in ("whole", "parts")]
    assert logs[0] == logs[1]
    assert "adversarial" not in logs[0][1] and logs[0][2]["discriminator"] > 0


def test_two_processes_learn_what_one_does(tiny, tmp_path, monkeypatch):
    """Under torchrun, with half of the batch each. The sums are made in another order, hence the tolerance."""
    monkeypatch.setenv("HOME", str(tmp_path))
    cache = tmp_path / "cache"
    train(read_experiment(tiny), Inputs(["phantoms:2"], cache, "cpu"), tmp_path / "one")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command += ["-m", "X2CTLib.cli", "train", tiny, "--data", "phantoms:2", "--device", "cpu"]
    subprocess.run(
        [*command, "--output", str(tmp_path / "two"), "--cache", str(cache)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": str(torch.get_num_threads())},
        check=True,
        timeout=600,
    )
    one, two = states(tmp_path / "one"), states(tmp_path / "two")
    assert max((one[key] - two[key]).abs().max() for key in one) < 1e-4
    assert load_model(tmp_path / "two" / "model.safetensors").card["name"] == "X2CT-GAN+B"
    assert [run.state for run in find_runs(tmp_path / "elsewhere").values()] == ["finished"], "one process tells"


@pytest.mark.parametrize(
    ("network", "views"),
    [
        ({"views": ("PA",)}, ["PA"]),
        ({"connections": ("A",)}, ["PA", "LATERAL"]),
        ({"kind": "2dcnn", "views": ("PA",)}, ["PA"]),
    ],
)
def test_every_network_trains_and_is_exported(network, views, a_split, tmp_path):
    experiment = an_experiment(network=network, stages=(Stage(steps=1, voxels=64), Stage(steps=1, voxels=128)))
    fabric = make_fabric(experiment, "cpu")
    Trainer(ReconstructionSystem(experiment, a_split, fabric), tmp_path, fabric).run()
    model = load_model(tmp_path / "model.safetensors")
    assert [view.name for view in model.generator.views] == views
    assert set(model.templates) == {View[name] for name in views}
    assert reconstruct_case(model, a_split.train[0]).shape == (128, 128, 128)


def test_training_lowers_the_loss(a_split, tmp_path):
    experiment = an_experiment(stages=(Stage(steps=12, voxels=64, learning_rate=(2e-3, 2e-3)),))
    fabric = make_fabric(experiment, "cpu")
    Trainer(ReconstructionSystem(experiment, a_split, fabric), tmp_path, fabric).run()
    losses = [row["reconstruction"] for row in read_log(tmp_path)]
    assert np.mean(losses[-3:]) < 0.7 * np.mean(losses[:2])


def test_accumulated_gradients_are_those_of_the_whole_batch(a_split, tmp_path):
    """Without dropout, whose masks are drawn for all samples that are worked on at once."""
    weights = []
    for at_once in (1, 2):
        experiment = an_experiment(network={"dropout": 0.0})
        experiment = msgspec.structs.replace(
            experiment,
            optimiser=msgspec.structs.replace(experiment.optimiser, batch=2, at_once=at_once),
            run=msgspec.structs.replace(experiment.run, precision="32-true"),
        )
        fabric = make_fabric(experiment, "cpu")
        Trainer(ReconstructionSystem(experiment, a_split, fabric), tmp_path / str(at_once), fabric).run()
        rows = read_log(tmp_path / str(at_once))
        weights.append(rows[0]["reconstruction"])
    assert weights[0] == pytest.approx(weights[1], rel=1e-4)


def test_an_epoch_shows_every_case_as_often_as_it_should():
    hu = np.zeros((2, 2, 2), np.int16)
    cases = [Case(name, name, name, hu, real=name != "phantom") for name in ("a", "b", "phantom")]
    deck = Deck(cases, Data(patient_repeats=2), seed=0)
    epochs = [[deck[epoch * 5 + place].name for place in range(5)] for epoch in range(4)]
    assert all(sorted(epoch) == ["a", "a", "b", "b", "phantom"] for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) > 1


def test_scaling_of_hounsfield_units():
    assert scaled_hu(torch.tensor([-1024.0, 226.0, 1476.0, 3000.0])).tolist() == pytest.approx([0, 0.5, 1, 1])
