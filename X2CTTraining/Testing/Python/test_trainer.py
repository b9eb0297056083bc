import csv
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch

from X2CTLib.errors import Cancelled, InputError
from X2CTLib.progress import CancelToken
from X2CTLib.weights import load_model, save_model
from X2CTTrainingLib.command import export
from X2CTTrainingLib.datasets import Case, load_cases
from X2CTTrainingLib.evaluation import cross_patient_correlation
from X2CTTrainingLib.trainer import Schedule, Trainer, scaled_hu

SHORT = {"width": 0.1, "coarse_steps": 3, "fine_steps": 0, "adversarial_steps": 0, "checkpoint_every": 1}


@pytest.fixture
def cases():
    hu = np.full((128, 128, 128), -1024, np.int16)
    hu[10:118, 30:98, 20:108] = 40
    return [Case("box", hu, real=True)]


def weights(trainer: Trainer) -> torch.Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in trainer.generator.parameters()])


def test_a_resumed_training_is_the_uninterrupted_one(cases, tmp_path):
    whole = Trainer(cases, Schedule(**SHORT), tmp_path / "whole")
    whole.run()
    token = CancelToken()
    with pytest.raises(Cancelled):
        Trainer(cases, Schedule(**SHORT), tmp_path / "parts").run(lambda *_: token.cancel(), token)
    resumed = Trainer(cases, Schedule(**SHORT), tmp_path / "parts")
    assert resumed.step == 1
    resumed.run()
    assert torch.equal(weights(whole), weights(resumed))
    logs = [list(csv.DictReader((tmp_path / name / "log.csv").open())) for name in ("whole", "parts")]
    assert logs[0] == logs[1] and len(logs[0]) == 3


def test_training_lowers_the_loss(cases, tmp_path):
    trainer = Trainer(cases, Schedule(**{**SHORT, "coarse_steps": 12, "learning_rate": 2e-3}), tmp_path)
    trainer.run()
    losses = [float(row["reconstruction"]) for row in csv.DictReader((tmp_path / "log.csv").open())]
    assert np.mean(losses[-3:]) < 0.7 * np.mean(losses[:2])


def test_all_three_stages_run_and_the_model_loads(cases, tmp_path):
    schedule = Schedule(**{**SHORT, "coarse_steps": 1, "fine_steps": 1, "adversarial_steps": 1})
    trainer = Trainer(cases, schedule, tmp_path)
    trainer.run()
    rows = list(csv.DictReader((tmp_path / "log.csv").open()))
    assert [row["stage"] for row in rows] == ["coarse", "fine", "adversarial"]
    assert float(rows[1]["projection"]) > 0 and float(rows[2]["discriminator"]) > 0
    save_model(tmp_path / "model.safetensors", export(trainer, cases))
    model = load_model(tmp_path / "model.safetensors")
    assert model.card["name"] == "X2CT-GAN+B" and model.card["training"]["steps"]["fine"] == 1


def test_a_run_of_another_width_is_not_overwritten(cases, tmp_path):
    Trainer(cases, Schedule(**SHORT), tmp_path).save()
    with pytest.raises(InputError, match="another output folder"):
        Trainer(cases, Schedule(**{**SHORT, "width": 0.2}), tmp_path)


def test_a_damaged_checkpoint_is_said(cases, tmp_path):
    (tmp_path / "checkpoint.pt").write_text("junk")
    with pytest.raises(InputError, match="damaged"):
        Trainer(cases, Schedule(**SHORT), tmp_path)


@pytest.mark.parametrize("wrong", [{"width": -1}, {"width": float("nan")}, {"coarse_steps": -2}, {"coarse_steps": 0}])
def test_impossible_schedules_are_refused(wrong):
    with pytest.raises(InputError):
        Schedule(**{**SHORT, **wrong})


def test_kill_9_leaves_a_checkpoint_that_loads(tmp_path):
    command = [sys.executable, "-m", "X2CTLib.cli", "train", "--phantoms", "1", "--width", "0.1"]
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(
            [*command, "--coarse-steps", "500", "--output", str(tmp_path / "run")],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            stdout=log,
            stderr=log,
        )
        checkpoint = tmp_path / "run" / "checkpoint.pt"
        deadline = time.monotonic() + 300
        while not checkpoint.exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        process.wait()
    state = torch.load(checkpoint, weights_only=True)
    assert state["step"] > 0 and state["step"] % 50 == 0


def test_cubes_are_prepared_once_and_whole(tmp_path):
    first = load_cases([], [7], tmp_path)
    (file,) = tmp_path.iterdir()
    written = file.stat().st_mtime_ns
    assert np.array_equal(load_cases([], [7], tmp_path)[0].hu, first[0].hu)
    assert file.stat().st_mtime_ns == written
    assert not first[0].real


def test_no_data_is_an_error(tmp_path):
    with pytest.raises(InputError, match="nothing to train on"):
        load_cases([], [], tmp_path)


def test_scaling_of_hounsfield_units():
    assert scaled_hu(torch.tensor([-1024.0, 226.0, 1476.0, 3000.0])).tolist() == pytest.approx([0, 0.5, 1, 1])


def test_cross_patient_correlation_tells_a_collapsed_model():
    generator = np.random.default_rng(0)
    same = generator.normal(size=(8, 8, 8))
    assert cross_patient_correlation([same, same, same]) == pytest.approx(1)
    assert abs(cross_patient_correlation([generator.normal(size=(16, 16, 16)) for _ in range(3)])) < 0.05
