import multiprocessing
import random
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from PIL import Image

from X2CTLib.errors import Cancelled, InputError, TrainingError
from X2CTLib.progress import CancelToken
from X2CTTrainingLib.previews import volumes_file
from X2CTTrainingLib.run_folder import CHECKPOINT
from X2CTTrainingLib.run_log import read_log
from X2CTTrainingLib.trainer import Trainer, make_fabric

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "Testing"))

from stand_ins.toy_system import ToySystem, train_toy


def a_training(folder: Path, steps: int = 20, **faults) -> Trainer:
    fabric = Fabric(accelerator="cpu", devices=1)
    return Trainer(ToySystem(fabric, steps, **faults), folder, fabric)


def test_training_finds_the_weight(tmp_path):
    trainer = a_training(tmp_path, steps=1000)
    trainer.run()
    assert trainer.system.weight == pytest.approx(2, abs=0.01)
    assert float((tmp_path / "weight.safetensors").read_text(encoding="utf-8")) == trainer.system.weight


def test_a_resumed_training_is_the_uninterrupted_one(tmp_path):
    a_training(tmp_path / "whole").run()
    token = CancelToken()

    def stop(fraction: float, message: str) -> None:
        if fraction >= 0.4:
            token.cancel()

    with pytest.raises(Cancelled):
        a_training(tmp_path / "parts").run(stop, token)
    resumed = a_training(tmp_path / "parts")
    assert resumed.step == 8
    told = []
    resumed.run(lambda fraction, message: told.append(message))
    epoch = resumed.schedule.at(8).epoch
    assert told[0].startswith(f"step 9 of 20, epoch {epoch} of {resumed.schedule.epochs}, distance ")
    whole, parts = (tmp_path / name for name in ("whole", "parts"))
    assert (whole / "weight.safetensors").read_text(encoding="utf-8") == (parts / "weight.safetensors").read_text(
        encoding="utf-8"
    )
    logs = [[{**row, "seconds": 0} for row in read_log(folder)] for folder in (whole, parts)]
    assert logs[0] == logs[1] and len(logs[0]) == 20


def test_a_finished_training_is_not_trained_again(tmp_path):
    a_training(tmp_path).run()
    written = [(tmp_path / name).stat().st_mtime_ns for name in (CHECKPOINT, "weight.safetensors")]
    a_training(tmp_path).run()
    assert [(tmp_path / name).stat().st_mtime_ns for name in (CHECKPOINT, "weight.safetensors")] == written


def test_a_training_that_was_killed_before_its_export_exports(tmp_path):
    a_training(tmp_path).run()
    (tmp_path / "weight.safetensors").unlink()
    a_training(tmp_path).run()
    assert (tmp_path / "weight.safetensors").is_file()


def test_kill_9_at_random_moments_loses_no_more_than_since_the_checkpoint(tmp_path):
    """Real kills of real processes; in the end the training is the one that nobody killed."""
    steps = 400
    a_training(tmp_path / "whole", steps).run()
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["stand_ins.toy_system"])
    moments, reached = random.Random(0), 0
    folder = tmp_path / "killed"
    for _ in range(20):
        process = processes.Process(target=train_toy, args=(folder, steps))
        process.start()
        logged = reached
        deadline = time.monotonic() + moments.uniform(0.02, 0.15)
        while process.is_alive() and (time.monotonic() < deadline or logged == reached):
            time.sleep(0.003)
            logged = len(read_log(folder))
        process.kill()
        process.join()
        logged = len(read_log(folder))
        state = torch.load(folder / CHECKPOINT, weights_only=True) if (folder / CHECKPOINT).exists() else {"step": 0}
        assert reached <= state["step"] and logged - state["step"] <= 3
        reached = state["step"]
    train_toy(folder, steps)
    assert (folder / "weight.safetensors").read_text(encoding="utf-8") == (
        tmp_path / "whole" / "weight.safetensors"
    ).read_text(encoding="utf-8")
    assert [row["step"] for row in read_log(folder)] == list(range(steps))


def test_a_loss_that_is_no_number_stops_and_keeps_the_last_good_state(tmp_path):
    with pytest.raises(TrainingError, match=r"step 10 .*not a number.*learning rate"):
        a_training(tmp_path, spoilt=10).run()
    kept = a_training(tmp_path)
    assert kept.step == 9 and abs(kept.system.weight) < 10
    assert len(read_log(tmp_path)) == 10


def test_short_memory_says_what_to_lower(tmp_path):
    with pytest.raises(TrainingError, match=r"Not enough memory for step 4.*at_once"):
        a_training(tmp_path, greedy=4).run()


def test_a_damaged_checkpoint_is_said(tmp_path):
    (tmp_path / CHECKPOINT).write_text("junk", encoding="utf-8")
    with pytest.raises(InputError, match="damaged"):
        a_training(tmp_path)


def test_the_run_of_another_experiment_is_not_overwritten(tmp_path):
    a_training(tmp_path, steps=3).run()
    with pytest.raises(InputError, match="another experiment; different are: stages"):
        a_training(tmp_path, steps=4)


def test_a_log_that_a_kill_cut_off_goes_on(tmp_path):
    a_training(tmp_path, steps=5).run()
    with (tmp_path / "log.csv").open("a", encoding="utf-8") as file:
        file.write("5,0.1")
    assert [row["step"] for row in read_log(tmp_path)] == [0, 1, 2, 3, 4]


def test_scores_and_pictures_are_kept(tmp_path):
    a_training(tmp_path).run()
    rows = read_log(tmp_path)
    assert [row["step"] for row in rows if "weight" in row] == [6, 13, 19]
    pictures = sorted(path.name for path in (tmp_path / "previews").glob("*.png"))
    assert pictures == ["step_000006.png", "step_000013.png", "step_000019.png"]
    assert Image.open(tmp_path / "previews" / pictures[0]).size == (6, 4)
    assert list((tmp_path / "tensorboard").glob("events*"))
    with np.load(volumes_file(tmp_path)) as stored:
        assert stored["step"] == 19 and (stored["made"] == 19).all() and (stored["true"] == 2).all(), "the newest"


def test_processes_that_cannot_share_a_batch_are_refused(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    experiment = ToySystem(Fabric(accelerator="cpu", devices=1), steps=1).experiment
    with pytest.raises(InputError, match="multiple"):
        make_fabric(experiment, "cpu")
